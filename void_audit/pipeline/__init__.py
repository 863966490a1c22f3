"""VOID's four stages, one folder each."""
