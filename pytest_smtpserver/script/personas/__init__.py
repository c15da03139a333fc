"""Servers of a certain kind, each a set of rules."""
