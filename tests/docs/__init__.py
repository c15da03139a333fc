"""The README and the manual: what they show runs, and they name all that is public."""
