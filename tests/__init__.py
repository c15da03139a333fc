"""Tests: the rooms of the package, wire transcripts, plugin runs, real clients."""
