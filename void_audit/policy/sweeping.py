"""What a text asks for sweepingly: the words that ``all``, ``every`` and the like are said of.

A list of words cannot tell "remove all the people" from "remove all scratches, the people stay". Here it is looked at
where such a word stands: what it is said of follows within a few words, in the same clause. Where that cannot be
seen (a disguised "all", one with nothing after it, "all of them"), it is said of everything, as a reader would fear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

SWEEPING = frozenset({
    "all", "every", "each", "everyone", "everybody", "whole", "entire", "alle", "alles", "allen", "jede",
    "jeden", "jeder", "jedes", "samtliche", "tous", "toutes", "tout", "toute", "chaque", "todos", "todas",
    "todo", "toda", "cada", "tutti", "tutte", "tutto", "tutta", "ogni",
})  # fmt: skip
"""English, German, French, Spanish and Italian, without accents."""
REACH = 5
"""Words that follow, at most; spelled-out letters are not counted."""

_POINTING = frozenset({
    "them", "they", "one", "ones", "ihnen", "eux", "elles", "ellos", "ellas", "loro",
})  # fmt: skip
"""What it is said of was named elsewhere."""
_PLACING = frozenset({
    "on", "over", "behind", "under", "from", "in", "at", "near", "next", "beside", "around", "across", "before",
    "above", "below", "with", "for", "that", "auf", "uber", "hinter", "unter", "neben", "vor", "aus", "mit",
    "sur", "sous", "dans", "derriere", "devant", "pour", "sobre", "bajo", "tras", "para", "su", "sotto",
    "dietro", "davanti", "per",
})  # fmt: skip
"""After something was named, such a word says where that is: what follows is something else."""
_CLAUSE_ENDS = (".", ",", ";", "!", "?")

WordsOf = Callable[[str], Sequence[str]]


def swept_words(texts: Sequence[str], words_of: WordsOf) -> tuple[str, ...]:
    """Distinct words, sorted, that a sweeping word is said of; empty if there is none.

    Args:
        texts: what was asked for.
        words_of: takes the words of a text (``policy.words``).
    """
    everything = {word for text in texts for word in words_of(text)}
    if not everything & SWEEPING:
        return ()
    reaches = [set(words_of(reach)) - SWEEPING for text in texts for reach in _reaches(text, words_of)]
    if not reaches or any(not reach or reach & _POINTING for reach in reaches):
        return tuple(sorted(everything))
    return tuple(sorted(set().union(*reaches)))


def _reaches(text: str, words_of: WordsOf) -> Iterator[str]:
    """Of each sweeping word in sight: itself, and what it is said of."""
    chunks = list(re.finditer(r"\S+", text))
    for place, chunk in enumerate(chunks):
        if SWEEPING.intersection(words_of(chunk.group())):
            after = [chunk, *_said_of(chunks[place:], words_of)]
            yield text[chunk.start() : after[-1].end()]


def _said_of(chunks: Sequence[re.Match[str]], words_of: WordsOf) -> Iterator[re.Match[str]]:
    """Of the chunks after the first those that belong to it."""
    count, before = 0, chunks[0].group()
    for chunk in chunks[1:]:
        placing = _PLACING.intersection(words_of(chunk.group()))
        if count == REACH or _ends_clause(before) or (placing and count):
            return
        yield chunk
        before = chunk.group()
        count += len(before.strip("".join(_CLAUSE_ENDS))) > 1 and not placing


def _ends_clause(chunk: str) -> bool:
    """Not after a single letter: that may be a word spelled out with dots."""
    return len(chunk) > len("p.") and chunk.rstrip("\"')\u201d\u2019").endswith(_CLAUSE_ENDS)
