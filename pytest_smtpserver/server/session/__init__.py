"""One connection from greeting to close."""
