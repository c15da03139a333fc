"""Header fields: as they were sent, and what they say."""
