"""Sockets, event loops, threads, listening and pace."""
