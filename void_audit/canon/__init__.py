"""Bytes that must stay the same for ever."""
