"""Texts of strangers: bounded, on one line, and without anything that a terminal or a page could act on."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text on one line; what cannot be printed (control, formatting, private, unassigned) becomes a space.

    Escape sequences, bidirectional overrides and line breaks lose their effect; letters of all scripts stay.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def clipped(text: str, most: int) -> str:
    """The text, ended with an ellipsis where it has more than ``most`` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def escaped(text: str, most: int = 200) -> str:
    """The text as evidence in a message: what cannot be printed by its number, at most ``most`` characters."""
    return clipped("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:most]), most)
