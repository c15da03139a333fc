"""What each command is answered with, and what the answer does to the session."""
