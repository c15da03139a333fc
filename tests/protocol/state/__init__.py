"""What a session remembers, and how it moves."""
