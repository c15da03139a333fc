"""What a session remembers: its states, settings, events, and what is pending."""
