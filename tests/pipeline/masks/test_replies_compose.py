"""From a reply on the wire to the mask: by hand, in letters; and whatever the wire's schema takes, in every schema."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from mask_answers import track

from void_audit.errors import ReasoningError
from void_audit.media.memory import ArrayClip
from void_audit.model.clip import ClipInfo
from void_audit.model.geometry import Size
from void_audit.model.reasoning import Consequences, Grid
from void_audit.pipeline.masks.compose import compose
from void_audit.pipeline.masks.schema import builtin, builtin_names
from void_audit.pipeline.reason.vlm.reply import read_reply


def info(width: int, height: int, frames: int) -> ClipInfo:
    return ArrayClip([np.zeros((height, width, 3), np.uint8)] * frames).info


def cells(*pairs: tuple[int, int]) -> list[dict[str, int]]:
    return [{"row": row, "col": col} for row, col in pairs]


def shown(**frames: list[tuple[int, int]]) -> list[dict[str, object]]:
    return [{"frame": int(name[1:]), "grid_regions": cells(*pairs)} for name, pairs in frames.items()]


def path(**points: tuple[int, int]) -> list[dict[str, int]]:
    return [{"frame": int(name[1:]), "grid_row": row, "grid_col": col} for name, (row, col) in points.items()]


def thing(**said: object) -> dict[str, object]:
    return {
        "noun": "cup", "category": "physical", "why": "", "will_move": "trajectory_path" in said,
        "first_appears_frame": 0, "movement_description": "", "currently_moving": False,
        "should_have_stayed": False, "original_position_grid": [], "grid_localizations": [],
        "object_size_grids": {"rows": 0, "cols": 0}, "trajectory_path": [], **said,
    }  # fmt: skip


def shadow(**said: object) -> dict[str, object]:
    return thing(category="visual_artifact", **said)


def hat(**frames: list[tuple[int, int]]) -> dict[str, object]:
    return {"noun": "hat", "why": "", "grid_localizations": shown(**frames)}


def size(rows: int, cols: int) -> dict[str, int]:
    return {"rows": rows, "cols": cols}


def taken(things: list, belongings: list, width: int, height: int, frames: int) -> Consequences:
    """A cell is a pixel; every second frame was sent, as were the first and the last."""
    reply = {
        "affected_objects": things, "integral_belongings": belongings, "scene_description": "", "confidence": 1,
    }  # fmt: skip
    return read_reply(
        json.dumps(reply), info=info(width, height, frames), grid=Grid(rows=height, cols=width),
        sampled=sorted({*range(0, frames, 2), frames - 1}), instruction="Remove it.", said_by="a test",
        most_bytes=100_000,
    )  # fmt: skip


BY_HAND = {
    "held from where it first makes a difference, to the end": (
        [shadow(first_appears_frame=1, grid_localizations=shown(f2=[(0, 1)]))], [],
        ["... ...", ".A. ...", ".A. ...", ".A. ...", ".A. ..."],
    ),
    "held, then elsewhere, then gone": (
        [shadow(grid_localizations=shown(f1=[(0, 0)], f2=[(1, 1)], f4=[]))], [],
        ["... ...", "A.. ...", "... .A.", "... .A.", "... ..."],
    ),
    "moving evenly, between two cells it touches both": (
        [shadow(currently_moving=True, grid_localizations=shown(f1=[(0, 0)], f3=[(0, 1)], f4=[(1, 1)]))], [],
        ["... ...", "A.. ...", "AA. ...", ".A. ...", "... .A."],
    ),
    "a way with an odd size": (
        [thing(trajectory_path=path(f1=(0, 0), f3=(0, 2)), object_size_grids=size(1, 1))], [],
        ["... ...", "A.. ...", ".A. ...", "..A ...", "..A ..."],
    ),
    "an even size reaches half a cell over, and is cut at the edge": (
        [thing(trajectory_path=path(f1=(0, 0), f2=(1, 2)), object_size_grids=size(1, 2))], [],
        ["... ...", "AA. ...", "... .AA", "... .AA", "... .AA"],
    ),
    "a padded size larger than the grid covers it": (
        [thing(trajectory_path=path(f2=(0, 1)), object_size_grids=size(3, 4))], [],
        ["... ...", "... ...", "AAA AAA", "AAA AAA", "AAA AAA"],
    ),
    "where it was, as long as it is affected": (
        [thing(should_have_stayed=True, first_appears_frame=2, original_position_grid=cells((0, 0), (1, 0)),
               grid_localizations=shown(f3=[(1, 2)]))], [],
        ["... ...", "... ...", "A.. A..", "A.. A.A", "A.. A.A"],
    ),
    "a shadow goes with its object on frame 0, what would move has not moved": (
        [shadow(grid_localizations=shown(f0=[(0, 0)])), thing(grid_localizations=shown(f0=[(1, 0)]))], [],
        ["O.. ...", "A.. A..", "A.. A..", "A.. A..", "A.. A.."],
    ),
    "what is worn is removed, moves with its wearer, and is gone when it is": (
        [], [hat(f0=[(0, 0)], f2=[(0, 2)], f4=[])],
        ["R.. ...", ".R. ...", "..R ...", "..R ...", "... ..."],
    ),
    "what is worn where a shadow falls is both": (
        [shadow(grid_localizations=shown(f0=[(0, 0), (0, 1)]))], [hat(f0=[(0, 0)])],
        ["OO. ...", "OA. ...", "OA. ...", "OA. ...", "OA. ..."],
    ),
    "what is worn is not there before the picture on which it was not named": (
        [], [hat(f3=[(1, 1)])],
        ["... ...", "... ...", "... ...", "... .R.", "... .R."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    """Two rows of three cells, five frames, no object in sight."""
    things, belongings, frames = BY_HAND[name]
    told = taken(things, belongings, 3, 2, 5)
    masks = compose(track([np.zeros((2, 3), bool)] * 5), told, Size(3, 2), 0)
    drawn = [" ".join("".join("ROA."[index] for index in row) for row in mask) for mask in masks]
    assert drawn == frames


def test_one_upright_frame_by_hand() -> None:
    there = np.zeros((6, 3), bool)
    there[5, 1] = True
    things = [
        shadow(grid_localizations=shown(f0=[(5, 2), (5, 1)])),
        thing(original_position_grid=cells((0, 0))),
    ]
    told = taken(things, [hat(f0=[(4, 1)])], 3, 6, 1)
    (mask,) = compose(track([there]), told, Size(3, 6), 0)
    assert ["".join("ROA."[index] for index in row) for row in mask] == [
        "...",
        "...",
        "...",
        "...",
        ".R.",
        ".OO",
    ]


FRAMES = 6
NUMBERS = st.integers(0, 149).map(lambda n: {148: -1, 149: 9}.get(n, n % 5))
"""Nearly always inside."""

CELLS = st.lists(st.builds(lambda r, c: {"row": r, "col": c}, NUMBERS, NUMBERS), max_size=4)
PLACES = st.lists(st.builds(lambda f, c: {"frame": f, "grid_regions": c}, NUMBERS, CELLS), max_size=3)
TEXTS = st.text(max_size=12)
NOUNS = TEXTS.map(lambda text: f"x{text}")


@st.composite
def things_(draw: st.DrawFn) -> dict[str, object]:
    points = {draw(NUMBERS): (draw(NUMBERS), draw(NUMBERS)) for _ in range(draw(st.integers(0, 3)))}
    moves = bool(points) or draw(st.booleans())
    return {
        "noun": draw(NOUNS), "why": draw(TEXTS), "will_move": moves,
        "category": draw(st.sampled_from(["physical", "visual_artifact"])),
        "first_appears_frame": draw(NUMBERS), "movement_description": draw(TEXTS),
        "currently_moving": draw(st.booleans()), "should_have_stayed": draw(st.booleans()),
        "original_position_grid": draw(CELLS), "grid_localizations": draw(PLACES),
        "object_size_grids": {"rows": draw(st.integers(1, 6)), "cols": draw(st.integers(1, 6))},
        "trajectory_path": [
            {"frame": frame, "grid_row": row, "grid_col": col} for frame, (row, col) in sorted(points.items())
        ],
    }  # fmt: skip


REPLIES = st.fixed_dictionaries({
    "affected_objects": st.lists(things_(), max_size=3),
    "integral_belongings": st.lists(
        st.fixed_dictionaries({"noun": NOUNS, "why": TEXTS, "grid_localizations": PLACES}), max_size=2
    ),
    "scene_description": TEXTS, "confidence": st.floats(0, 1),
})  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    reply=REPLIES,
    upright=st.booleans(),
    frames=st.sampled_from([5, FRAMES]),
    seed=st.integers(0, 2**32),
)
def test_any_reply_is_refused_or_is_a_mask_of_its_schema(reply, upright, frames, seed) -> None:
    size = Size(11, 17) if upright else Size(17, 11)
    about = info(*size, frames)
    rng = np.random.default_rng(seed)
    there = track([rng.random((size.height, size.width)) < 0.1 for _ in range(frames)])
    try:
        told = read_reply(
            json.dumps(reply), info=about, grid=Grid(rows=6, cols=5), sampled=range(0, frames, 2),
            instruction="Remove it.", said_by="a test", most_bytes=100_000,
        )  # fmt: skip
    except ReasoningError:
        event("refused")
        return
    event("taken")
    for schema in map(builtin, builtin_names()):
        for operation in schema.compose:
            masks = list(compose(there, told, size, 1, schema, operation))
            assert len(masks) == frames
            for mask in masks:
                assert (mask.shape, mask.dtype) == ((size.height, size.width), np.uint8)
                assert set(np.unique(mask)) <= set(_filled(schema, operation))


def _filled(schema, operation) -> set[int]:
    """Classes that an operation may fill, and the background."""
    parts = schema.compose[operation]
    named = {parts.object, parts.consequence, parts.both} - {None}
    return {schema.index(name) for name in named} | {schema.background}
