"""Addresses, parameters, replies: the grammar alone."""
