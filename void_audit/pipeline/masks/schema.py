"""The quadmask schema as data: what each class is called, stored as, means, and looks like in pictures."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from void_audit.model.base import Name, Text, Value
from void_audit.model.mask import VALUES, MaskClass

Pattern = Literal["none", "solid", "cross", "stripes"]
"""How a class is drawn besides its colour, so that no reader depends on telling colours apart."""


Byte = Annotated[int, Field(ge=0, le=255)]
"""A sample of eight bits."""


class ClassStyle(Value):
    """One class of a schema. ``color`` is RGB."""

    mask_class: MaskClass
    value: Byte
    name: Name
    meaning: Text
    color: tuple[Byte, Byte, Byte]
    pattern: Pattern


class MaskSchema(Value):
    """A set of classes, ordered by index: the class at place ``i`` is class ``i``."""

    name: Name
    classes: tuple[ClassStyle, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if [style.mask_class for style in self.classes] != list(range(len(self.classes))):
            raise ValueError("the classes of a schema must be ordered by their index")
        return self

    def style(self, mask_class: MaskClass) -> ClassStyle:
        """How one class is named and drawn."""
        return self.classes[mask_class]


def _style(
    mask_class: MaskClass, name: str, meaning: str, color: tuple[int, int, int], pattern: Pattern
) -> ClassStyle:
    return ClassStyle(
        mask_class=mask_class,
        value=VALUES[mask_class],
        name=name,
        meaning=meaning,
        color=color,
        pattern=pattern,
    )


QUADMASK = MaskSchema(
    name="quadmask",
    classes=(
        _style(MaskClass.REMOVE, "remove", "the object itself", (230, 57, 70), "solid"),
        _style(MaskClass.OVERLAP, "overlap", "object and consequence in one place", (255, 183, 3), "cross"),
        _style(
            MaskClass.AFFECTED, "affected", "may change because the object is gone", (0, 180, 216), "stripes"
        ),
        _style(MaskClass.KEEP, "keep", "stays the source's own", (255, 255, 255), "none"),
    ),
)
"""VOID's four classes (spec/void 1.2)."""
