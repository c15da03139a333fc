"""What arrived: messages as real mailers make them, and as nobody should."""

import pytest

pytest.register_assert_rewrite("tests.mail.letters")
