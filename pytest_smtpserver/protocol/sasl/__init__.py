"""The SASL mechanisms that AUTH runs."""
