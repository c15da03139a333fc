"""Where in the test something was asked for."""

from __future__ import annotations

import os
import sys

_PACKAGE = __name__.partition(".")[0]


def caller() -> str:
    """File and line of the nearest frame outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE
    ):
        frame = frame.f_back
    path = frame.f_code.co_filename
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # no working directory; another drive, on Windows
        relative = path
    shown = path if relative.startswith("..") else relative
    return f"{shown}:{frame.f_lineno}"
