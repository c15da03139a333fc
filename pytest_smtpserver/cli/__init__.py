"""The command line: a server of its own, which prints what it receives."""
