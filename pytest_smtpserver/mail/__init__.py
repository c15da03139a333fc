"""The records of a server: messages and sessions, how to find and to explain them.

Nothing in this room speaks SMTP or waits for the network; it reads what was recorded.
"""
