"""The page about the mail of a run: records go in, one self-contained HTML file comes out."""
