"""Criteria, what came close, and what stood in the way."""
