"""Whether a short text is English, by a naive Bayes classifier over byte n-grams (py3langid; Lui and Baldwin, 2012).

The model lies in the package (4.6 MB) and is loaded when first asked: about half a second and 80 MB. Nothing is
fetched. Three words are little to go by, so an article of the language helps ("Le chien dort."). Measured on scene
descriptions of two to nine words (2026-11-23; the lists are in the tests): of 45 in other languages it told all but
one of two words, of 56 in English it took none for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

FEWEST_WORDS = 3
"""Fewer words of an alphabet with spaces tell nothing."""

ODDS = 12.0
"""How much likelier another language must be than English. Measured: full sentences of other languages 15 and
more; English ones below 5, with one exception."""

LATIN = 0x250
"""Code points from here on are no Latin letters (Unicode 16, blocks)."""

_COMMON = (
    "the of and to with is are on at by from for over under into onto near behind beside between while as its his her "
    "their two three"
)
"""Beside one of these English words an article of another language tells nothing."""

_ARTICLES: Mapping[str, str] = {
    "de": "der das ein eine einen dem den", "es": "el la los las un una", "fr": "le la les un une",
    "it": "il lo la le gli un una", "nl": "een het", "pt": "um uma os",
}  # fmt: skip
"""One of these, and a text that looks a little like the language is taken for it."""

MAX_CHARS = 4096

_ENGLISH = ("en", "pcm")
"""Nigerian Pidgin is what the classifier sees in short plain English."""

_NAMES: Mapping[str, str] = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "es": "Spanish", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip


def other_language(text: str) -> str | None:
    """A name of the language in which ``text`` seems to be, or None where it is English or cannot be told.

    "another language" where it is not English and which one is doubtful.
    """
    text = text[:MAX_CHARS]
    letters = [c for c in text if c.isalpha()]
    foreign = sum(ord(c) >= LATIN for c in letters) > len(letters) / 2
    ranked = _identifier().rank(text)
    odds = ranked[0][1] / max(1e-9, sum(share for code, share in ranked if code in _ENGLISH))
    code, share = ranked[0]
    words = [word.strip(".,;:!?").lower() for word in text.split() if any(map(str.isalpha, word))]
    likely = odds >= ODDS or _has_article(words, code)
    if not foreign and (len(words) < FEWEST_WORDS or not likely):
        return None
    return _NAMES.get(code, "another language") if share >= 0.5 else "another language"


def _has_article(words: list[str], code: str) -> bool:
    common, articles = (frozenset(listed.split()) for listed in (_COMMON, _ARTICLES.get(code, "")))
    return common.isdisjoint(words) and not articles.isdisjoint(words)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - loaded when first asked

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
