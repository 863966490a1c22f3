"""Bytes that must stay the same for ever: JSON, hashes, Merkle trees, envelopes, notes (spec/ledger 1).

Everything here is pure. What it writes today must be readable, and what it accepts today must be accepted,
in thirty years: a change of format is a new version beside the old one, never an edit of it.
"""
