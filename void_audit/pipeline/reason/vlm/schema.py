"""The reply on the wire (spec/void 3): strict models that check it, and the JSON Schema that asks for it.

The two differ on purpose. The models bound every list and string. The schema names only ``type``, ``properties``,
``required``, ``additionalProperties``, ``items`` and ``enum``: the part that Gemini's structured output, strict
chat-completions schemas and the grammars of llama.cpp and vLLM all compile. Bounds would break them: Gemini refuses
schemas whose array limits add up (googleapis/python-genai #2170), llama.cpp's grammars end at 2000 repetitions
(ggml-org/llama.cpp #17381), xgrammar ignored or refused ``minItems`` and ``maxItems`` (mlc-ai/xgrammar #160). They
stand in the question instead, and are checked afterwards.

Gemini refuses schemas that are nested too deeply, at a depth that it does not tell, but counts only what is written
out: the same schema passes with ``$ref`` and fails without (BerriAI/litellm #21014). So objects have names, and
``inlined`` writes them out for the servers whose grammars are safer without references.

Lists stop at the first fault, so that a reply full of them costs no more than a good one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field

MOST_BELONGINGS = 3
MOST_AFFECTED = 5
MOST_PLACES = 500
"""Localizations or trajectory points of one thing: each sampled frame, and many between."""

MOST_CELLS = 8192
"""Cells of one list: a grid of 32 x 256."""

NOUN, WHY, MOVEMENT, SCENE = 60, 200, 300, 600
"""Characters that are asked for."""

SLACK = 2
"""Models do not count characters: up to twice as many are taken."""


class Wire(BaseModel):
    """Part of a reply: no unknown key, no missing key, no conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class WireCell(Wire):
    """One cell, from 0, top left first."""

    row: int
    col: int


class WireLocalization(Wire):
    """Where something is on one frame; no region: it is not there."""

    frame: int
    grid_regions: Annotated[list[WireCell], Field(max_length=MOST_CELLS), FailFast()]


Localizations = Annotated[list[WireLocalization], Field(max_length=MOST_PLACES), FailFast()]
Noun = Annotated[str, Field(max_length=SLACK * NOUN)]
Why = Annotated[str, Field(max_length=SLACK * WHY)]


class WireBelonging(Wire):
    """Something that goes with the object."""

    noun: Noun
    why: Why
    grid_localizations: Localizations


class WireSize(Wire):
    """Cells that something covers; 0 x 0 where it has no trajectory."""

    rows: int
    cols: int


class WirePoint(Wire):
    """Where the middle of something would be on one frame."""

    frame: int
    grid_row: int
    grid_col: int


class WireAffected(Wire):
    """Something that looks or behaves otherwise because of the object."""

    noun: Noun
    category: Literal["physical", "visual_artifact"]
    why: Why
    will_move: bool
    first_appears_frame: int
    movement_description: Annotated[str, Field(max_length=SLACK * MOVEMENT)]
    currently_moving: bool
    should_have_stayed: bool
    original_position_grid: Annotated[list[WireCell], Field(max_length=MOST_CELLS), FailFast()]
    grid_localizations: Localizations
    object_size_grids: WireSize
    trajectory_path: Annotated[list[WirePoint], Field(max_length=MOST_PLACES), FailFast()]


class WireReply(Wire):
    """The whole reply."""

    integral_belongings: Annotated[list[WireBelonging], Field(max_length=MOST_BELONGINGS), FailFast()]
    affected_objects: Annotated[list[WireAffected], Field(max_length=MOST_AFFECTED), FailFast()]
    scene_description: Annotated[str, Field(max_length=SLACK * SCENE)]
    confidence: Annotated[float, Field(ge=0, le=1)]


_KEPT = ("$ref", "type", "properties", "required", "additionalProperties", "items", "enum")


def json_schema() -> dict[str, Any]:
    """JSON Schema of ``WireReply`` without bounds or titles, its objects in ``$defs``; keys as in the models."""
    whole = WireReply.model_json_schema()
    return {**_kept(whole), "$defs": {name: _kept(part) for name, part in whole["$defs"].items()}}


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with every object written out where it is used. It must not refer to itself."""
    return _inlined(schema, schema.get("$defs", {}))


def in_words(schema: Mapping[str, Any]) -> str:
    """The schema as part of a question, for a service that cannot hold a model to it."""
    return f"The JSON Schema of your answer: {json.dumps(inlined(schema), separators=(',', ':'))}\n"


def _kept(node: Mapping[str, Any]) -> dict[str, Any]:
    """The node with the keywords of the subset; beside a reference there is nothing else."""
    out = {key: node[key] for key in _KEPT if key in node}
    if "items" in out:
        out["items"] = _kept(out["items"])
    if "properties" in out:
        out["properties"] = {key: _kept(value) for key, value in out["properties"].items()}
    return out


def _inlined(node: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return _inlined(named[node["$ref"].rsplit("/", 1)[1]], named)
    out = {key: value for key, value in node.items() if key != "$defs"}
    if "items" in out:
        out["items"] = _inlined(out["items"], named)
    if "properties" in out:
        out["properties"] = {key: _inlined(value, named) for key, value in out["properties"].items()}
    return out
