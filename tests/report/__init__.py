"""Tests of the page about the mail of a run."""
