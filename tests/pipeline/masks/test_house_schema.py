"""A house writes a schema from ``docs/mask-schemas.md`` alone, and it does all that the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from clips import moving_square

from void_audit.canon import jcs
from void_audit.canon.mask import mask_identity, mask_statistics, schema_digest
from void_audit.errors import MaskError
from void_audit.media.maskfile import MaskFile, write_masks
from void_audit.media.memory import ArrayClip
from void_audit.media.reader import VideoClip
from void_audit.model.facts import MaskFacts
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes, MaskClass, Translated
from void_audit.model.mask_schema import (
    Change,
    ClassSpec,
    Composition,
    Conditioning,
    MaskSchema,
    Measure,
    Operation,
    Pattern,
)
from void_audit.pipeline.masks.preview import preview
from void_audit.pipeline.masks.schema import builtin_names, find_schema, house_schema, load_schema

DOC = (Path(__file__).parents[3] / "docs/mask-schemas.md").read_text()
SIZE = Size(96, 64)
FRAMES = 5

HOCKEY = """
name: ice-hockey-rerun
description: Boards without last season's sponsors, players left alone.
classes:
  - {name: board-ad, value: 20, meaning: taken out, color: [200, 0, 0], pattern: columns,
     change: content, conditioning: remove, counts_as: removed}
  - {name: ad-in-reflection, value: 60, meaning: the ad where it is mirrored too, color: [250, 120, 0],
     pattern: checks, change: content, conditioning: overlap, counts_as: removed}
  - {name: ice-mirror, value: 120, meaning: the ice mirrors the ad, color: [0, 150, 220], pattern: rows,
     change: consequence, conditioning: affected, counts_as: affected}
  - {name: player, value: 180, meaning: Spieler bleiben unberührt, color: [60, 180, 75], pattern: dots,
     change: nothing, conditioning: keep, counts_as: kept}
  - {name: rink, value: 240, meaning: not touched, color: [255, 255, 255], pattern: none,
     change: nothing, conditioning: keep, counts_as: kept}
compose:
  remove: {object: board-ad, consequence: ice-mirror, both: ad-in-reflection}
"""
"""Written with nothing but the page at hand: other values, other patterns, another background value than 255."""


def example() -> bytes:
    (text,) = re.findall(r"```yaml\n(name: .*?)```", DOC, re.DOTALL)
    return text.encode()


@pytest.fixture(params=["the page's own", "another"])
def text(request: pytest.FixtureRequest) -> bytes:
    return example() if request.param == "the page's own" else HOCKEY.encode()


class Drawn:
    """A mask in which a band of every class moves over the background."""

    size = SIZE

    def __init__(self, schema: MaskSchema) -> None:
        self._schema = schema

    def __len__(self) -> int:
        return FRAMES

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        for frame in range(FRAMES)[start:stop]:
            picture = np.full((SIZE.height, SIZE.width), self._schema.background, np.uint8)
            for index in range(len(self._schema.classes)):
                if index != self._schema.background:
                    picture[8 * index + frame : 8 * index + frame + 8, 10 : 20 + 10 * index] = index
            yield picture


def test_it_is_found_by_its_name(text: bytes, tmp_path: Path) -> None:
    schema = load_schema(text)
    path = tmp_path / f"{schema.name}.yaml"
    path.write_bytes(text)
    assert len(schema.classes) == 5
    assert house_schema(path) == find_schema(schema.name, tmp_path) == schema
    assert schema.classes[schema.background].value == max(schema.values)


def test_a_mask_is_stored_and_read(text: bytes, tmp_path: Path) -> None:
    schema = load_schema(text)
    mask = Drawn(schema)
    path = write_masks(tmp_path / "m.mkv", SIZE, mask.classes(), "25/1", schema.values)
    stored = next(VideoClip(path).planes()).planes[0]
    assert set(np.unique(stored)) == set(schema.values)
    read = MaskFile(path, schema.values)
    assert mask_identity(read) == mask_identity(mask)
    assert mask_statistics(read, schema) == mask_statistics(mask, schema)
    with pytest.raises(MaskError) as caught:
        list(MaskFile(path).classes())
    assert caught.value.code == "mask-values"


def test_engines_see_four_conditions_and_nothing_kept_is_opened(text: bytes) -> None:
    schema = load_schema(text)
    mask = Drawn(schema)
    for own, given in zip(mask.classes(), Translated(mask, schema.conditions).classes(), strict=True):
        np.testing.assert_array_equal(schema.opens[own], given != MaskClass.KEEP)
        for index, spec in enumerate(schema.classes):
            assert set(given[own == index]) == {MaskClass[spec.conditioning.upper()]}


def test_policy_counts_every_class_once(text: bytes) -> None:
    schema = load_schema(text)
    shares = mask_statistics(Drawn(schema), schema).max_share
    counted = [schema.share(shares, measure) for measure in get_args(Measure)]
    assert sum(counted) == pytest.approx(sum(shares))
    removed = sum(8 * (10 + 10 * i) for i in (0, 1)) / (96 * 64)
    assert schema.share(shares, "removed") == pytest.approx(removed)


def test_people_see_every_class(text: bytes) -> None:
    schema = load_schema(text)
    clip = ArrayClip([moving_square(tuple(SIZE), i) for i in range(FRAMES)])
    png = preview(clip, Drawn(schema), schema)
    sheet = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    for spec in schema.classes:
        if spec.pattern != "none":  # its outline has its own colour
            assert (sheet == spec.color).all(axis=2).sum() > 20


def test_a_verifier_needs_no_file(text: bytes) -> None:
    """What stands in the record is the schema itself; layout and comments of the file do not matter."""
    schema = load_schema(text)
    record = jcs.canonical(schema.model_dump(mode="json"))
    assert MaskSchema.model_validate_json(record) == schema
    assert schema_digest(load_schema(b"# a comment\n" + text)) == schema_digest(schema)
    other = schema.model_copy(update={"description": "another"})
    assert schema_digest(other) != schema_digest(schema)


@pytest.mark.parametrize("value", [Pattern, Change, Conditioning, Measure, Operation])
def test_the_page_names_every_choice(value: object) -> None:
    assert [choice for choice in get_args(value) if f"`{choice}`" not in DOC] == []


@pytest.mark.parametrize("model", [MaskSchema, ClassSpec, Composition])
def test_the_page_names_every_field(model: type[MaskSchema]) -> None:
    assert [name for name in model.model_fields if f"| `{name}` |" not in DOC] == []


def test_the_page_names_every_fact_and_every_schema_that_ships() -> None:
    assert [name for name in MaskFacts.model_fields if f"`mask.{name}`" not in DOC] == []
    for name in builtin_names():
        classes = [c.name for c in find_schema(name).classes]
        assert f"| `{name}` | {', '.join(classes)}" in DOC


def test_the_page_shows_the_quadmasks_composition() -> None:
    parts = find_schema("quadmask").compose["remove"]
    assert (
        f"`remove: {{object: {parts.object}, consequence: {parts.consequence}, both: {parts.both}}}`" in DOC
    )


def test_the_pages_table_of_changes_is_what_is_checked() -> None:
    """Each row's conditionings and measures are accepted for its change, and no other."""
    rows = re.findall(r"^\| `(?!change)(\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", DOC, re.MULTILINE)
    table = {
        change: (re.findall(r"`(\w+)`", given), re.findall(r"`(\w+)`", counted))
        for change, given, counted in rows
    }
    assert set(table) == set(get_args(Change))
    spec = find_schema("quadmask").classes[0].model_dump()
    accepted: dict[str, tuple[set[str], set[str]]] = {c: (set(), set()) for c in table}
    for change in table:
        for given in get_args(Conditioning):
            for counted in get_args(Measure):
                try:
                    ClassSpec(**spec | {"change": change, "conditioning": given, "counts_as": counted})
                except ValueError:
                    continue
                accepted[change][0].add(given)
                accepted[change][1].add(counted)
    assert accepted == {c: (set(given), set(counted)) for c, (given, counted) in table.items()}
