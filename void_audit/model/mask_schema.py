"""A mask schema: which classes a mask may hold, what may change in each, and how engines are told.

A schema is data (``void_audit/schemas/*.yaml``, or a house's own file); its class ``i`` is index ``i`` in memory and
``classes[i].value`` in a mask file. Engines know VOID's four classes only (spec/void 1.2), so every class says as
which of them it is given to an engine. The schema is part of the mask's record: a reader needs nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from void_audit.model.base import Value
from void_audit.model.mask import Classes, MaskClass

MAX_CLASSES = 8

ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Byte = Annotated[int, Field(ge=0, le=255)]

Line = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\p{Cc}\u2028-\u202e\u2066-\u2069]+$")]
"""One line for people: no control characters, nothing that turns the direction of writing. A record holds up to
nine of them, and has an end (``canon.statement``)."""

Pattern = Literal["none", "solid", "cross", "stripes", "dots", "rows", "columns", "checks"]
"""How a class is drawn besides its colour, each class its own way: no reader depends on telling colours apart.

``none`` is not drawn at all."""

Change = Literal["content", "consequence", "appearance", "nothing"]
"""What may change: the content is made anew; what the content caused may be made anew; the content stays and only
looks otherwise (blurred, without colour); nothing, the pixels stay the source's own."""

Conditioning = Literal["remove", "overlap", "affected", "keep"]
"""VOID's class as which an engine is given this one."""

Measure = Literal["removed", "affected", "deemphasized", "replaced", "kept"]
"""Under which fact policy counts the class's share: ``mask.removed_percent_max`` and so on."""

Operation = Literal["remove", "de-emphasize", "replace"]
"""What a request may ask for: take away with what it caused; blur or grey; put pictures of another clip there."""

_CONDITIONED = {name: MaskClass[name.upper()] for name in ("remove", "overlap", "affected", "keep")}

_CONDITIONINGS: Mapping[Change, tuple[Conditioning, ...]] = {
    "content": ("remove", "overlap"),
    "consequence": ("affected",),
    "appearance": ("affected",),
    "nothing": ("keep",),
}
_MEASURES: Mapping[Change, tuple[Measure, ...]] = {
    "content": ("removed", "replaced"),
    "consequence": ("affected",),
    "appearance": ("deemphasized",),
    "nothing": ("kept",),
}
_OUTCOMES: Mapping[Operation, Measure] = {
    "remove": "removed",
    "de-emphasize": "deemphasized",
    "replace": "replaced",
}
"""As what the class counts into which an operation puts its object."""


class ClassSpec(Value):
    """One class. ``color`` is RGB. What a class is given to engines as, and counted as, follows from ``change``."""

    name: ClassName
    value: Byte
    meaning: Line
    color: tuple[Byte, Byte, Byte]
    pattern: Pattern
    change: Change
    conditioning: Conditioning
    counts_as: Measure

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.conditioning not in _CONDITIONINGS[self.change]:
            raise ValueError(_goes_with("conditioning", _CONDITIONINGS[self.change], self.change))
        if self.counts_as not in _MEASURES[self.change]:
            raise ValueError(_goes_with("counts_as", _MEASURES[self.change], self.change))
        if self.pattern == "none" and self.change != "nothing":
            raise ValueError(
                "pattern `none` is for classes in which nothing changes: the others must be seen"
            )
        return self


def _goes_with(field: str, allowed: tuple[str, ...], change: Change) -> str:
    return f"change `{change}` goes with {field} {' or '.join(f'`{a}`' for a in allowed)}, and with no other"


class Composition(Value):
    """Into which classes an operation's findings go: the object, what it caused, and where both are.

    Where a consequence has no class, it is left out of the mask.
    """

    object: ClassName
    consequence: ClassName | None = None
    both: ClassName | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.consequence is None) != (self.both is None):
            raise ValueError("`consequence` and `both` are given together, or neither")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Every class that it names."""
        return tuple(name for name in (self.object, self.consequence, self.both) if name is not None)


class MaskSchema(Value):
    """A set of two to eight classes, ordered by rising value."""

    name: ClassName
    description: Line
    classes: Annotated[tuple[ClassSpec, ...], Field(min_length=2, max_length=MAX_CLASSES)]
    compose: Annotated[Mapping[Operation, Composition], Field(min_length=1)]
    """Operations that this schema is for."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self._check_differences()
        self._check_changes()
        for operation, parts in self.compose.items():
            self._check_composition(operation, parts)
        return self

    def _check_differences(self) -> None:
        for field in ("name", "color", "pattern"):
            held = [getattr(c, field) for c in self.classes]
            twice = [c.name for c, value in zip(self.classes, held, strict=True) if held.count(value) > 1]
            if twice:
                raise ValueError(f"classes have the same {field}: {', '.join(twice)}")
        if list(self.values) != sorted(set(self.values)):
            raise ValueError("classes are ordered by value, the lowest first, and no value is given twice")

    def _check_changes(self) -> None:
        changes = {c.change for c in self.classes}
        if "nothing" not in changes:
            raise ValueError("a schema needs a class in which nothing changes")
        if changes == {"nothing"}:
            raise ValueError("a schema needs a class in which something may change")
        if self.classes[self.background].pattern != "none":
            raise ValueError(
                f"class {self.classes[self.background].name} is the background, so its pattern is `none`"
            )
        # An engine is given both as `affected`, and supplied pictures for all that it is to make anew.
        if {"consequence", "appearance"} <= changes:
            raise ValueError(
                "a schema has classes of change `consequence` or of change `appearance`, not both"
            )
        counted = {c.counts_as for c in self.classes} - {"kept"}
        if "replaced" in counted and len(counted) > 1:
            others = ", ".join(sorted(counted - {"replaced"}))
            raise ValueError(f"where a class counts as replaced, no other may count as {others}")

    def _check_composition(self, operation: Operation, parts: Composition) -> None:
        unknown = sorted(set(parts.names) - {c.name for c in self.classes})
        if unknown:
            raise ValueError(
                f"compose.{operation} names {', '.join(unknown)}, which is no class of this schema"
            )
        kept = [name for name in parts.names if self.named(name).change == "nothing"]
        if kept:
            raise ValueError(
                f"compose.{operation} puts findings into {', '.join(kept)}, where nothing changes"
            )
        for name in (parts.object, parts.both or parts.object):
            if self.named(name).counts_as != _OUTCOMES[operation]:
                raise ValueError(
                    f"compose.{operation} puts the object into {name}, which does not count as {_OUTCOMES[operation]}"
                )

    def named(self, name: str) -> ClassSpec:
        """The class of that name. Raises KeyError."""
        return self.classes[self.index(name)]

    @property
    def values(self) -> tuple[int, ...]:
        """What is stored for each class, by index."""
        return tuple(c.value for c in self.classes)

    @property
    def background(self) -> int:
        """Index of the class that is everywhere else: the last one in which nothing changes."""
        return max(i for i, c in enumerate(self.classes) if c.change == "nothing")

    def index(self, name: str) -> int:
        """Index of a class. Raises KeyError if there is none of that name."""
        for number, spec in enumerate(self.classes):
            if spec.name == name:
                return number
        raise KeyError(name)

    @property
    def opens(self) -> npt.NDArray[np.bool_]:
        """Look-up table: whether pixels of a class may change."""
        return np.array([c.change != "nothing" for c in self.classes], np.bool_)

    @property
    def conditions(self) -> npt.NDArray[np.uint8]:
        """Look-up table: VOID's class index for each class."""
        return np.array([_CONDITIONED[c.conditioning] for c in self.classes], np.uint8)

    def conditioned(self, classes: Classes) -> Classes:
        """A mask picture as engines are given it, in VOID's classes."""
        return np.asarray(self.conditions[classes], np.uint8)

    def share(self, shares: tuple[float, ...], measure: Measure) -> float:
        """The sum of ``shares`` (by class index) of the classes that count as ``measure``."""
        return sum(share for share, c in zip(shares, self.classes, strict=True) if c.counts_as == measure)
