"""Violations and advice."""
