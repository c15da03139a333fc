"""A pytest plugin with nothing in it, beside which the others are measured.

``-p`` makes pytest look through all that is installed for an entry point of that name,
whatever the plugin; where plugins load by themselves that is done once for all of them.
"""
