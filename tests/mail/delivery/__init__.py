"""Tests of what other servers would make of a message."""
