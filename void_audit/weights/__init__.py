"""Which model files may be used, where they come from, and their digests."""
