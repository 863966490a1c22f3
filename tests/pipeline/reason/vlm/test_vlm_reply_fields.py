"""Every field of a reply is used where docs/replies.md says, and only there; what it shows is shown by changing it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from vlm_scenes import FRAMES, cells, drawn_track, good_reply, read

from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Size
from void_audit.pipeline.masks.compose import compose
from void_audit.pipeline.masks.findings import findings_picture
from void_audit.pipeline.reason.vlm.schema import WireAffected, WireBelonging, WireReply
from void_audit.workflow.judge import reasoning_facts

DOCUMENT = Path(__file__).parents[4] / "docs" / "replies.md"
CLIP = ArrayClip([np.full((60, 80, 3), 40 + frame, np.uint8) for frame in range(FRAMES)])
TRACK = drawn_track(CLIP, dict.fromkeys(range(FRAMES), (20, 40, 30, 40)))
COLUMNS = ("mask", "picture", "text", "figures", "prompt")


def documented() -> dict[str, set[str]]:
    """Of each field the columns that are marked."""
    rows = re.findall(r"^\| `([a-z_.]+)` \|(.*)\|$", DOCUMENT.read_text(), re.M)
    return {
        field: {name for name, mark in zip(COLUMNS, marks.split("|"), strict=True) if mark.strip() == "x"}
        for field, marks in rows
    }


def fields() -> set[str]:
    """Of the reply's models: those at the top, and those of things and belongings."""
    parts = {"affected_objects": WireAffected, "integral_belongings": WireBelonging}
    whole = WireReply.model_fields.keys() - parts.keys()
    return whole | {f"{name}.{field}" for name, part in parts.items() for field in part.model_fields}


def effects(reply: dict, columns: tuple[str, ...] = COLUMNS) -> dict[str, object]:
    """What comes of a reply, by column."""
    found = read(reply, info=CLIP.info)
    record = SimpleNamespace(consequences=None, engine=SimpleNamespace(name="m", kind="model"))
    studio = SimpleNamespace(blobs=SimpleNamespace(read=lambda ref: found.model_dump_json().encode()))
    facts = reasoning_facts(studio, SimpleNamespace(reasoning=record))
    return {
        "mask": np.stack(list(compose(TRACK, found, Size(80, 60), 0))).tobytes(),
        "picture": findings_picture(CLIP, TRACK, found) if "picture" in columns else b"",
        "text": (found.summary, facts.words),
        "figures": (facts.confidence, facts.affected, facts.moving),
        "prompt": found.scene_description,
    }


def set_(*path: str | int, to: object) -> Callable[[dict], None]:
    def change(reply: dict) -> None:
        *above, last = path
        at = reply
        for key in above:
            at = at[key]
        at[last] = to

    return change


LIME, SHADOW, CUP = ("affected_objects", 0), ("affected_objects", 1), ("affected_objects", 2)
RING = ("integral_belongings", 0)
CHANGES: dict[str, list[Callable[[dict], None]]] = {
    "scene_description": [set_("scene_description", to="A table.")],
    "confidence": [set_("confidence", to=0.25)],
    "integral_belongings.noun": [set_(*RING, "noun", to="watch")],
    "integral_belongings.why": [set_(*RING, "why", to="It is round a wrist.")],
    "integral_belongings.grid_localizations": [
        set_(*RING, "grid_localizations", 0, "frame", to=30),
        set_(*RING, "grid_localizations", 0, "grid_regions", 0, "row", to=3),
        set_(*RING, "grid_localizations", 0, "grid_regions", 0, "col", to=3),
    ],
    "affected_objects.noun": [set_(*LIME, "noun", to="lemon")],
    "affected_objects.category": [set_(*SHADOW, "category", to="physical")],
    "affected_objects.why": [set_(*LIME, "why", to="It lies in the hand.")],
    "affected_objects.will_move": [set_(*CUP, "will_move", to=True)],
    "affected_objects.first_appears_frame": [set_(*CUP, "first_appears_frame", to=15)],
    "affected_objects.movement_description": [set_(*LIME, "movement_description", to="It rolls.")],
    "affected_objects.currently_moving": [set_(*SHADOW, "currently_moving", to=False)],
    "affected_objects.should_have_stayed": [set_(*CUP, "should_have_stayed", to=False)],
    "affected_objects.original_position_grid": [
        set_(*CUP, "original_position_grid", 0, "row", to=1),
        set_(*CUP, "original_position_grid", 0, "col", to=1),
        set_(*CUP, "original_position_grid", to=[]),
    ],
    "affected_objects.grid_localizations": [
        set_(*SHADOW, "grid_localizations", 1, "frame", to=25),
        set_(*SHADOW, "grid_localizations", 1, "grid_regions", 0, "row", to=1),
        set_(*SHADOW, "grid_localizations", 1, "grid_regions", to=cells((1, 1), (1, 2), (2, 1))),
    ],
    "affected_objects.object_size_grids": [
        set_(*LIME, "object_size_grids", "rows", to=4),
        set_(*LIME, "object_size_grids", "cols", to=5),
    ],
    "affected_objects.trajectory_path": [
        set_(*LIME, "trajectory_path", 1, "frame", to=30),
        set_(*LIME, "trajectory_path", 1, "grid_row", to=3),
        set_(*LIME, "trajectory_path", 1, "grid_col", to=1),
    ],
}


def test_the_table_has_every_field_and_each_has_its_use():
    assert set(documented()) == fields() == set(CHANGES)
    assert all(documented().values())


@pytest.fixture(scope="module")
def before() -> dict[str, object]:
    return effects(good_reply())


@pytest.mark.parametrize("field", CHANGES)
def test_a_field_does_what_the_table_says(field: str, before: dict[str, object]):
    """The picture, which takes longest, is drawn for the first change only."""
    for number, change in enumerate(CHANGES[field]):
        reply = copy.deepcopy(good_reply())
        change(reply)
        columns = COLUMNS if number == 0 else tuple(name for name in COLUMNS if name != "picture")
        after = effects(reply, columns)
        changed = {name for name in columns if after[name] != before[name]}
        assert changed == documented()[field] & set(columns)
