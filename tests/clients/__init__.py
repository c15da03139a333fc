"""Outside clients: what other people's software really sends."""
