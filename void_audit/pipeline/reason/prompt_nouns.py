"""Whether a text names a thing: the noun itself, its plural or singular, or a plain synonym."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

MAX_CHARS = 65_536

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of scripts that put no space between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""

_BETWEEN = re.compile(r"[,;:/&+()]| [–—-] | and | or | with ")
_LEADING = (
    "a an the this that these those his her its their my our your some any all both each every one two three four five "
    "several many masked removed selected marked"
)
_VAGUE = "object thing item element stuff part area region something anything it one side"
"""Words that name nothing in particular: alone they are looked for nowhere."""

_AFTER = (
    "of in on at near from behind beside under over by next to that who which above below inside outside across along "
    "around through against for left right holding wearing carrying"
)
"""The noun stands before these: "glass of water", "woman in a red dress"."""

_DOING_NOW = (
    "standing sitting lying hanging walking running riding driving flying falling jumping rolling moving floating "
    "playing talking eating crossing swimming dancing leaning"
)
"""So it does before these, where they end the phrase or go on with it: "dog running", not "running shoe"."""

_IRREGULAR: Mapping[str, str] = {
    "men": "man", "women": "woman", "people": "person", "persons": "person", "children": "child", "feet": "foot",
    "teeth": "tooth", "geese": "goose", "mice": "mouse", "oxen": "ox", "dice": "die", "knives": "knife",
    "leaves": "leaf", "shelves": "shelf", "wolves": "wolf", "loaves": "loaf", "scarves": "scarf", "halves": "half",
    "wives": "wife", "lives": "life", "calves": "calf", "thieves": "thief", "glasses": "glass", "buses": "bus",
    "lenses": "lens", "cacti": "cactus", "gases": "gas", "hooves": "hoof", "elves": "elf", "shoes": "shoe",
    "toes": "toe", "canoes": "canoe", "hoes": "hoe", "oboes": "oboe", "horseshoes": "horseshoe",
}  # fmt: skip

_SAME = (
    "person human someone somebody figure",
    "man guy",
    "woman lady",
    "boy lad",
    "child kid",
    "car automobile",
    "bicycle bike",
    "motorcycle motorbike",
    "aeroplane airplane plane aircraft",
    "lorry truck",
    "phone smartphone cellphone telephone",
    "television tv telly",
    "sofa couch",
    "mug cup",
    "dog puppy",
    "cat kitten",
    "rabbit bunny",
    "trousers pants",
    "bin trashcan",
    "signboard sign",
    "policeman policewoman police cop",
    "cyclist bicyclist",
    "doughnut donut",
    "rubbish trash garbage",
    "pavement sidewalk",
)
_PERSON = "person"
_SOMEBODY = (
    "man woman boy child girl policeman pedestrian cyclist rider driver runner player dancer skater skateboarder "
    "surfer swimmer worker waiter actor"
)
_SKIPPED, _NOTHING, _ENDS, _DOING, _PEOPLE = (
    frozenset(words.split()) for words in (_LEADING, _VAGUE, _AFTER, _DOING_NOW, _SOMEBODY)
)
_SYNONYM: Mapping[str, str] = {word: group.split()[0] for group in _SAME for word in group.split()}


def words_of(text: str) -> list[str]:
    """Words in lower case, without possessive endings; hyphens part them. At most 64 KiB of text is looked at."""
    plain = unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold()
    return [re.sub(r"['’]s?$", "", word) for word in _WORD.findall(plain)]


def named(text: str, things: Sequence[str]) -> list[str]:
    """Those of ``things`` that ``text`` names, as they were given, each once.

    A thing of several words counts as named by all of them in a row or by its last noun ("rubber duck": duck; "glass
    of water": glass), and written as one word or as two alike. Vague words ("object") count only together with others.
    """
    words = words_of(text)
    found = [_canonical(word) for word in words]
    present = {*found, *(_canonical(a + b) for a, b in pairwise(words))}
    if present & _PEOPLE:
        present.add(_PERSON)
    unspaced = [word for word in words if not word.isascii() and _UNSPACED.search(word)]

    def is_named(part: list[str]) -> bool:
        if any(_UNSPACED.search(word) for word in part):
            return any("".join(part) in word for word in unspaced)
        return _is_named(part, found, present)

    return list(dict.fromkeys(thing for thing in things if any(map(is_named, _parts(thing)))))


def _parts(thing: str) -> Iterator[list[str]]:
    """The nouns of "a man, his dog and the leash", as lists of words without articles."""
    for part in _BETWEEN.split(f" {thing[:400]} "):
        words = words_of(part)
        while words and words[0] in _SKIPPED:
            words.pop(0)
        if words:
            yield [_canonical(word) for word in words]


def _is_named(part: list[str], found: list[str], present: set[str]) -> bool:
    if len(part) > 1 and any(found[i : i + len(part)] == part for i in range(len(found))):
        return True
    end = next((i for i in range(1, len(part)) if _ends_at(part, i)), len(part))
    head = part[end - 1]
    if head in _NOTHING or head in _ENDS:
        return False
    in_one = 1 < end <= 3 and _canonical("".join(part[:end])) in present  # tshirt
    return in_one or head in present or (head in _PEOPLE and _PERSON in found)


def _ends_at(part: list[str], i: int) -> bool:
    after = part[i + 1] if i + 1 < len(part) else ""
    return part[i] in _ENDS or (part[i] in _DOING and (not after or after in _ENDS or after in _SKIPPED))


def _canonical(word: str) -> str:
    """One form for singular, plural and synonyms; not always a word."""
    word = _SYNONYM.get(word, word)
    word = _IRREGULAR.get(word, word)
    if word.endswith("men"):
        word = word[:-2] + "an"
    elif word.endswith(("ies", "ie")) and len(word) > 4:  # cookie, cookies, berry, berries
        word = word.removesuffix("s").removesuffix("ie") + "y"
    elif word.endswith(("ches", "shes", "sses", "xes", "oes")) and word not in _SYNONYM:
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    return _SYNONYM.get(word, word)
