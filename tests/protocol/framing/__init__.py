"""Where lines, content and headers begin and end."""
