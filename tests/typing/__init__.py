"""What type checkers see of the package: checked by mypy, never executed."""
