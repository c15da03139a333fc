"""``python -m pytest_smtpserver``: a server for work by hand."""

from __future__ import annotations

import sys

from pytest_smtpserver.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
