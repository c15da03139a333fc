"""SMTP itself: bytes in, events and replies out.

No I/O, thread, clock, randomness, logging or pytest in this room, and no import but of
the standard library. The server feeds the engine what came over the wire and sends what
the engine says; tests drive it with bytes alone.
"""
