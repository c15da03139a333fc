"""Finding messages: criteria, waits, and what came close."""
