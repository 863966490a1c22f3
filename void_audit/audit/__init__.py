"""The checker. Imports no maker, no torch, no writer."""
