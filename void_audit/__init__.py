"""void-audit: AI video edits inside a ledger that anyone can check."""

__version__ = "0.1.0"
