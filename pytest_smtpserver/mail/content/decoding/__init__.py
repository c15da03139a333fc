"""Octets to text: transfer encodings undone, charsets read."""
