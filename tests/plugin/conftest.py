"""What tests of the plugin ask for by name."""

from __future__ import annotations

import pytest

from .inner import SEND


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose tests can send."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(sending=SEND)
    pytester.syspathinsert()
    return pytester
