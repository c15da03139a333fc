"""What other servers would make of a message: whether they trust it, how they send it back."""
