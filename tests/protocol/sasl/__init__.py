"""The mechanisms of AUTH."""
