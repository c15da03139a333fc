"""The answers to commands, by the state and the settings alone: no engine here."""
