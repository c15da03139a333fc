"""Servers of a kind."""
