"""What arrived: messages and sessions, how to find them, and what to say about them.

Nothing in this room speaks SMTP or waits for the network; it reads what was recorded.
"""
