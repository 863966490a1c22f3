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

from void_audit.model.base import Text, Value
from void_audit.model.mask import Classes, MaskClass

MAX_CLASSES = 8

ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Byte = Annotated[int, Field(ge=0, le=255)]
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


class ClassSpec(Value):
    """One class. ``color`` is RGB."""

    name: ClassName
    value: Byte
    meaning: Text
    color: tuple[Byte, Byte, Byte]
    pattern: Pattern
    change: Change
    conditioning: Conditioning
    counts_as: Measure

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.change == "nothing") != (self.conditioning == "keep"):
            raise ValueError(f"class {self.name}: conditioning `keep` goes with change `nothing`, and only with it")
        if (self.change == "nothing") != (self.counts_as == "kept"):
            raise ValueError(f"class {self.name}: counts_as `kept` goes with change `nothing`, and only with it")
        if (self.change == "appearance") != (self.counts_as == "deemphasized"):
            raise ValueError(
                f"class {self.name}: counts_as `deemphasized` goes with change `appearance`, and only with it"
            )
        if self.change == "appearance" and self.conditioning != "affected":
            raise ValueError(f"class {self.name}: change `appearance` is conditioned as `affected`")
        return self


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


class MaskSchema(Value):
    """A set of two to eight classes, ordered by rising value."""

    name: ClassName
    description: Text
    classes: Annotated[tuple[ClassSpec, ...], Field(min_length=2, max_length=MAX_CLASSES)]
    compose: Annotated[Mapping[Operation, Composition], Field(min_length=1)]
    """Operations that this schema is for."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names, values = [c.name for c in self.classes], self.values
        if len(set(names)) < len(names):
            raise ValueError("two classes have one name")
        if list(values) != sorted(set(values)):
            raise ValueError("classes are ordered by value, each value once")
        if not any(c.change == "nothing" for c in self.classes):
            raise ValueError("a schema needs a class in which nothing changes")
        if all(c.change == "nothing" for c in self.classes):
            raise ValueError("a schema needs a class in which something may change")
        for operation, parts in self.compose.items():
            self._check(operation, parts)
        return self

    def _check(self, operation: Operation, parts: Composition) -> None:
        named = [name for name in (parts.object, parts.consequence, parts.both) if name is not None]
        unknown = sorted(set(named) - {c.name for c in self.classes})
        if unknown:
            raise ValueError(f"compose.{operation} names {', '.join(unknown)}, which is no class")
        kept = [name for name in named if self.classes[self.index(name)].change == "nothing"]
        if kept:
            raise ValueError(f"compose.{operation} puts findings into {', '.join(kept)}, where nothing changes")

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
