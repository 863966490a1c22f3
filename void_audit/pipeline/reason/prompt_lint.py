"""A second look at the background prompt before it is rendered. Suggestions only: no text is ever rewritten.

The text says what is seen after the edit (spec/void 1.1: "A lime falls on the table."). Whatever it names is what a
diffusion model tends to draw, also where it says that it is not there; and VOID knows no other captions than English
ones of 45 words in the median and 65 at most (spec/void 1.1).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from void_audit.pipeline.reason.prompt_language import other_language
from void_audit.pipeline.reason.prompt_nouns import MAX_CHARS, named, words_of
from void_audit.pipeline.reason.prompt_phrases import (
    COMMAND,
    NEGATION,
    OPENER,
    REMOVAL,
    WITHOUT,
)

LONGEST_CAPTION = 65
"""Words of VOID's longest training caption."""

FEWEST_WORDS = 4
"""Of VOID's own examples the shortest has six."""

MAX_TOKENS = 226
"""What comes after them is cut off by the text encoder (spec/void 1.5)."""

CHARS_PER_TOKEN = 4.0
"""Of English prose in T5's vocabulary, about. A text near the limit may be cut, or not."""

_STRANGE = ("Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk")
"""Unicode categories: control, format, surrogates, private, unassigned; symbols other than of mathematics and money."""

_QUOTED = 40
_LOOKED_AT = 50


class Suggestion(NamedTuple):
    """One remark. ``mild``: a matter of taste. ``proposal``: a whole text to take instead, or nothing.

    What is proposed is the text less a few words, and nothing is to be said against it that is more than taste.
    """

    code: str
    message: str
    proposal: str = ""
    mild: bool = False


def lint_prompt(background: str, *, removed: Sequence[str], instruction: str = "") -> tuple[Suggestion, ...]:
    """What a careful reader would say of ``background``, the most important first; nothing if all is well.

    Args:
        background: the text that becomes ``bg`` in prompt.json. Of more than 64 KiB only the beginning is read.
        removed: what is taken away: the object's noun and those of its belongings.
        instruction: what was asked for, to tell when it was given instead of a description.

    Codes: prompt-characters, prompt-instruction, prompt-removal, prompt-names-removed, prompt-negation,
    prompt-language, prompt-long, prompt-short, prompt-opener.
    """
    said = _remarks(background[:MAX_CHARS], removed, instruction)
    return tuple(s._replace(proposal=_if_better(s.proposal, removed, instruction)) for s in said)


def _if_better(proposal: str, removed: Sequence[str], instruction: str) -> str:
    """The proposal, unless there is more to be said against it than taste."""
    worse = bool(proposal) and any(not s.mild for s in _remarks(proposal, removed, instruction))
    return "" if worse else proposal


def _remarks(text: str, removed: Sequence[str], instruction: str) -> list[Suggestion]:
    language = list(_language(text))
    remarks = (
        _characters(text),
        _instruction(text, instruction),
        _removal(text, removed),
        _naming(text, removed),
        _negation(text, removed),
        language,
        # Words of English are counted.
        [s for s in _length(text) if not language or s.code != "prompt-short"],
        _opener(text),
    )
    return [s for remark in remarks for s in remark]


def _characters(text: str) -> Iterator[Suggestion]:
    """Control and formatting characters, symbols such as emoji: the encoder knows none of them."""
    strange = {c for c in text if unicodedata.category(c) in _STRANGE and c not in "\n\r\t"}
    if strange:
        listed = ", ".join(f"U+{ord(c):04X}" for c in sorted(strange)[:5])
        more = f" and {len(strange) - 5} others" if len(strange) > 5 else ""
        yield Suggestion("prompt-characters", f"The text holds characters that are no words: {listed}{more}.")


def _instruction(text: str, instruction: str) -> Iterator[Suggestion]:
    same = bool(words_of(text)) and words_of(text) == words_of(instruction)
    if same or COMMAND.search(text):
        yield Suggestion(
            "prompt-instruction",
            "The text tells what to do. Describe what is seen once that is done, as if it had always been so.",
        )


def _removal(text: str, removed: Sequence[str]) -> Iterator[Suggestion]:
    words = list(dict.fromkeys(match[0].lower() for match in _some(REMOVAL, text)))
    if words:
        said = ", ".join(f'"{_shown(word)}"' for word in words[:5])
        yield Suggestion(
            "prompt-removal",
            f"The text speaks of the removal ({said}). Describe only what is seen after it.",
            _without(text, removed),
        )


def _without(text: str, removed: Sequence[str]) -> str:
    """The text less a "without the glass" at the end of a clause, if that is all that has to go."""
    shorter = WITHOUT.sub(lambda match: "" if named(match[1], removed) else match[0], text)
    return shorter if shorter != text and len(words_of(shorter)) > 1 and not REMOVAL.search(shorter) else ""


def _naming(text: str, removed: Sequence[str]) -> Iterator[Suggestion]:
    things = named(text, removed)
    if things:
        listed = ", ".join(f'"{_shown(thing)}"' for thing in things[:5])
        yield Suggestion(
            "prompt-names-removed",
            f"The text names what is being removed ({listed}): what is named tends to be drawn again. "
            "Leave it out, unless another one stays in the picture.",
        )


def _negation(text: str, removed: Sequence[str]) -> Iterator[Suggestion]:
    """The first thing that is said not to be there; what was said of the removal is not said again."""
    for found in _some(NEGATION, text):
        if REMOVAL.match(text, found.start()) or named(found[0], removed):
            continue
        yield Suggestion(
            "prompt-negation",
            f'The text says what is not there ("{_shown(found[0])}"): what is named tends to be drawn. Say what is.',
            mild=True,
        )
        return


def _language(text: str) -> Iterator[Suggestion]:
    language = other_language(text)
    if language:
        yield Suggestion(
            "prompt-language",
            f"The text seems to be in {language}. VOID was trained on English captions; write it in English.",
        )


def _length(text: str) -> Iterator[Suggestion]:
    words, tokens = len(words_of(text)), round(len(" ".join(text.split())) / CHARS_PER_TOKEN)
    if words > LONGEST_CAPTION or tokens > MAX_TOKENS:
        cut = (
            f" After {MAX_TOKENS} tokens it is cut off; this may be about {tokens}."
            if tokens > MAX_TOKENS
            else ""
        )
        yield Suggestion(
            "prompt-long",
            f"The text has {words} words; VOID's captions have at most {LONGEST_CAPTION}.{cut} Say less.",
        )
    elif words < FEWEST_WORDS:
        yield Suggestion(
            "prompt-short",
            f"The text has {words} of at least {FEWEST_WORDS} words. Say in a sentence what is seen and what happens.",
        )


def _opener(text: str) -> Iterator[Suggestion]:
    match = OPENER.match(text)
    rest = text[match.end() :] if match else ""
    if match and len(words_of(rest)) > 1:
        yield Suggestion(
            "prompt-opener",
            f'"{_shown(match[0].strip())}" says nothing of the scene; begin with what is seen.',
            rest[:1].upper() + rest[1:],
            mild=True,
        )


def _some(phrase: re.Pattern[str], text: str) -> Iterable[re.Match[str]]:
    """The first few of what may be thousands."""
    return islice(phrase.finditer(text), _LOOKED_AT)


def _shown(text: str) -> str:
    """A part of the text for a message: printable and short."""
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain if len(plain) <= _QUOTED else plain[: _QUOTED - 1] + "…"
