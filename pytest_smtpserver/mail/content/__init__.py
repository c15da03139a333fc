"""A message taken apart: header fields, MIME parts, charsets, text, links."""
