"""What other servers do with a message: check its signatures, or send it back."""
