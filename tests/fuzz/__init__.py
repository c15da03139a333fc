"""Inputs that nobody has thought of: state machines, and coverage-guided targets."""
