"""Whose content a blob holds: what is erased together has one subject, and one key."""

from __future__ import annotations

import re

_SUBJECT = re.compile(r"(?:edit|key|erasure):[A-Za-z0-9]{1,64}")


def edit_subject(edit: str) -> str:
    """Everything personal of one edit: request, prompts, replies, facts, comments."""
    return f"edit:{edit}"


def key_subject(key: str) -> str:
    """The name of whoever holds a key; ``key`` is its key id."""
    return f"key:{key}"


def erasure_subject(number: str) -> str:
    """The reason of one erasure, which is kept; ``number`` is any random text."""
    return f"erasure:{number}"


def is_subject(text: str) -> bool:
    """Whether ``text`` may name a subject: a kind and up to 64 letters and digits, nothing else."""
    return _SUBJECT.fullmatch(text) is not None
