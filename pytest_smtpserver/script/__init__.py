"""What the test asked for: rules, their actions, and which one is due. Performs nothing."""
