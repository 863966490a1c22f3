"""What a person asks for: ``edit.yaml`` and ``prompt.json`` once they have been read and checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from void_audit.model.base import Name, Text, Value
from void_audit.model.mask_schema import ClassName, Operation
from void_audit.model.track import Box, Click, Mark

AssetClass = Literal["news", "documentary", "entertainment", "advertising", "evidence", "archive"]


class RightsWindow(Value):
    """When the material may be used. Both ends are optional; times carry a zone."""

    not_before: AwareDatetime | None = None
    not_after: AwareDatetime | None = None


class EditRequest(Value):
    """An editor's intent. ``background`` is the world after the edit (VOID's ``prompt.json: bg``)."""

    operation: Operation = "remove"
    object: Name
    instruction: Annotated[str, Field(min_length=3, max_length=2000)]
    background: Annotated[str, Field(min_length=3, max_length=2000)]
    requester: Name
    purpose: Annotated[str, Field(min_length=3, max_length=500)]
    asset_class: AssetClass
    distribution: tuple[Name, ...] = ()
    rights: RightsWindow = RightsWindow()
    clicks: Annotated[tuple[Click, ...], Field(max_length=1000)] = ()
    boxes: Annotated[tuple[Box, ...], Field(max_length=200)] = ()
    mask_schema: ClassName = "quadmask"
    """Name of a schema that ships with the package, or of one of the house's own."""
    consent: Text = ""
    """Of the people shown: who, to what, until when."""
    note: Text = ""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Everything that was put on frames."""
        return (*self.clicks, *self.boxes)
