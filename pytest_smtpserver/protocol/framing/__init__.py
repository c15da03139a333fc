"""Where a line, the content, a chunk and the PROXY header begin and end."""
