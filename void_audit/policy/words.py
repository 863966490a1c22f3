"""The words of a text as rules read them: also those that were written so that a list of words does not find them.

The way in which words are taken is numbered, and the number is a fact beside the words (``Facts.extractor``): whoever
verifies an old decision takes them as they were taken then. A new way is a new number; the old ones stay.

1. NFKC, lower case, invisible format characters dropped, split at non-letters.
2. Those words, and besides each as it looks to a person: without accents, with letters of other scripts that look
   Latin for Latin ones, digits and signs that stand for letters, spelled-out words (``p o l i c e``, ``po-lice``, a
   word broken over two lines) joined, and the pictures of what rules are about named. What looks like no Latin word
   adds none, so that words of every other script stay as they are.
3. As 2; with it, ``policy.sweeping`` says which words a request is sweeping about.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby, pairwise

EXTRACTOR = 3
"""The way in which words are taken now."""

_LOOK_ALIKES: Mapping[str, str] = {
    "a": "АаΑαᎪɑᴀ", "b": "ВвΒβƅɓЬьᏴᏏʙ", "c": "СсϹϲƈᏟᴄ", "d": "ԀԁɗđðᎠᴅ", "e": "ЕеΕεɛᎬᴇ", "f": "ƒғꜰ",
    "g": "ԌԍɡɠցᏀɢ", "h": "НһнΗɦħհᎻʜ", "i": "ІіΙιıɩɨɪᎥ", "j": "ЈјϳȷյᎫᴊ", "k": "КкΚκƙᏦᴋ", "l": "ӀӏłɫʟᏞ",
    "m": "МмΜᎷɱᴍ", "n": "пΝηոɲŋɴ", "o": "ОоΟοօøɵᴏ", "p": "РрΡρƥþᏢᴘ", "q": "Ԛԛʠզ", "r": "гᎡɾʀ",
    "s": "ЅѕʂᏚꜱ", "t": "ТтΤτŧƭᎢᴛ", "u": "υսʉиᴜμ", "v": "ѵνʋᏙᴠ", "w": "ԜԝѡшωᎳᴡ", "x": "ХхΧχ", "y": "УуҮүΥγƴʏ",
    "z": "ΖʐᏃᴢ", "ae": "Ææ", "oe": "Œœ", "": "\u115f\u1160\u3164\uffa0",
}  # fmt: skip
"""By Latin letter what looks like it in other scripts, and special letters. The last are letters that show nothing."""
_LOOKS: Mapping[int, str] = {
    **{ord(other): latin for latin, others in _LOOK_ALIKES.items() for other in others},
    **{first + n: chr(ord("a") + n) for first in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)},
}
_PICTURES: Mapping[int, str] = {
    **{ord(c): " police " for c in "👮🚓🚔🚨"},
    **{ord(c): " flag " for c in "🏳🏴🚩🎌🏁"},
    **{ord(c): " people " for c in "👥👫👬👭👪🧑👨👩"},
    ord("🔫"): " gun ", ord("🪧"): " placard ", ord("💂"): " soldier ",
}  # fmt: skip
"""What rules are about, as a picture, in a word."""
_DIGITS: Mapping[int, str] = {
    ord(sign): letter
    for letter, signs in {"o": "0", "i": "1!|", "e": "3€", "a": "4@", "s": "5$", "t": "7"}.items()
    for sign in signs
}
_TALL: Mapping[int, str] = {ord(sign): "l" for sign in "1!|"}
"""What may stand for an l as well as for an i."""
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
"""Colours of a terminal and the like, whose last letter is none of the text's."""
_SPELLED = 3
"""So many single letters in a row are a word that was spelled out."""


def words_of(*texts: str, extractor: int = EXTRACTOR) -> tuple[str, ...]:
    """Distinct words, sorted, as the way numbered ``extractor`` takes them (see above).

    Combining marks belong to their letter, so words of every script stay whole; scripts that write without spaces
    give whole phrases.

    Raises:
        ValueError: no way has that number.
    """
    if extractor not in _WAYS:
        raise ValueError(f"no words are taken in way {extractor}: known are {sorted(_WAYS)}")
    found = {word for text in texts for word in _WAYS[extractor](text)}
    return tuple(sorted(found - {""}))


def _plain(text: str) -> Iterator[str]:
    folded = unicodedata.normalize("NFKC", text).lower()
    kept = (c for c in folded if unicodedata.category(c) != "Cf")
    yield from re.split(r"\s+", "".join(c if unicodedata.category(c)[0] in "LM" else " " for c in kept))


def _seen(text: str) -> Iterator[str]:
    yield from _plain(text)
    yield from (word for word in _as_it_looks(text) if word.isascii())


def _as_it_looks(text: str) -> Iterator[str]:
    lines = _latin(text).splitlines()
    for line in lines:
        yield from _spelled(re.findall(r"[^\W\d_]+", line))
        for chunk in line.split():
            yield from _lettered(chunk)
    for before, after in pairwise(lines):  # a word broken over two lines
        ends, begins = re.findall(r"[^\W\d_]+", before)[-1:], re.findall(r"[^\W\d_]+", after)[:1]
        yield "".join(ends + begins)


def _latin(text: str) -> str:
    """Without what is invisible, accents off, and every letter as the Latin one that it looks like."""
    shown = _ESCAPES.sub("", text).translate(_PICTURES)
    bare = unicodedata.normalize("NFKC", shown).translate(_LOOKS)
    marked = unicodedata.normalize("NFKD", bare.casefold()).translate(_LOOKS)
    return "".join(c for c in marked if c in "\n\r\t" or unicodedata.category(c)[0] not in "MC")


def _spelled(words: list[str]) -> Iterator[str]:
    """The words, and runs of single letters joined."""
    yield from words
    for single, run in groupby(words, lambda word: len(word) == 1):
        letters = list(run)
        if single and len(letters) >= _SPELLED:
            yield "".join(letters)


def _lettered(chunk: str) -> Iterator[str]:
    """What stands between two spaces without its punctuation, digits and signs read as the letters they look like."""
    if chunk.isalpha() or not any(c.isalpha() for c in chunk):
        return
    for digits in (_DIGITS, {**_DIGITS, **_TALL}):
        word = "".join(c for c in chunk.strip("!?|").translate(digits) if c.isalnum())
        if word.isalpha():
            yield word


_WAYS: Mapping[int, Callable[[str], Iterator[str]]] = {1: _plain, 2: _seen, 3: _seen}
