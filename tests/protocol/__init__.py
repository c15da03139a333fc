"""Tests of the protocol room: bytes in, events and replies out."""
