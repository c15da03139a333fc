"""What clients did that is forbidden, or allowed and unwise."""
