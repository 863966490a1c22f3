"""A reply is read as it says, or refused with place and reason."""

import json

import pytest
from vlm_scenes import FRAMES, GRID, REQUEST, cells, good_reply, read

from void_audit.errors import ReasoningError
from void_audit.model.geometry import FrameRange
from void_audit.model.grid import cells_of
from void_audit.model.reasoning import Cell, CellSize, GridLocalization, TrajectoryPoint
from void_audit.pipeline.masks.grid import FindingCells


def place(frame, *pairs):
    return GridLocalization(frame=frame, cells=tuple(Cell(row=r, col=c) for r, c in pairs))


def lime(**changes):
    reply = good_reply()
    reply["affected_objects"][0].update(changes)
    return reply


def refused(reply, code, *words, **about):
    with pytest.raises(ReasoningError) as error:
        read(reply, **about)
    assert error.value.code == code
    assert error.value.hint
    assert len(error.value.message) < 500
    assert str(error.value).isprintable()
    for word in words:
        assert word in error.value.message
    return error.value


def test_everything_that_is_said_is_there():
    read_ = read(good_reply())
    fruit, shadow, cup = read_.affected
    assert (fruit.noun, fruit.category, fruit.why) == ("lime", "physical", "The hand holds it up.")
    assert (fruit.will_move, fruit.currently_moving, fruit.should_have_stayed) == (True, False, False)
    assert fruit.movement == "It falls on the table and comes to rest."
    assert fruit.trajectory == (
        TrajectoryPoint(frame=4, row=2, col=5),
        TrajectoryPoint(frame=12, row=7, col=5),
    )
    assert fruit.size == CellSize(rows=2, cols=3)
    assert shadow.category == "visual_artifact"
    assert shadow.localizations == (place(0, (6, 1)), place(20, (6, 4), (7, 4)), place(30))
    assert shadow.size is None
    assert cup.should_have_stayed
    assert cup.original_position == (Cell(row=5, col=8), Cell(row=5, col=9))
    (ring,) = read_.belongings
    assert (ring.noun, ring.why) == ("ring", "It is on a finger.")
    assert ring.localizations == (place(1, (1, 5)), place(10, (1, 5)))
    assert read_.scene_description == "A lime falls on the table beside a cup."
    assert read_.confidence == 0.75
    assert {thing.confidence for thing in read_.affected} == {0.75}
    assert (read_.grid, read_.instruction) == (GRID, REQUEST.instruction)


def test_moving_things_move_between_samples_and_others_hold():
    fruit, shadow, cup = read(good_reply()).affected
    assert (fruit.between, shadow.between, cup.between) == ("hold", "linear", "linear")


def test_a_belonging_goes_where_its_object_goes():
    """From hand: a hat on the samples 10 and 20, two cells to the right of where it was; not on sample 0."""
    reply = good_reply()
    reply["integral_belongings"][0]["grid_localizations"] = [
        *shown(0), *shown(10, (3, 1)), *shown(20, (3, 3)), *shown(39),
    ]  # fmt: skip
    hat = FindingCells(read(reply).belongings[0], GRID)
    seen = {
        frame: [(c.row, c.col) for c in cells_of(hat.at(frame))]
        for frame in (0, 9, 10, 12, 15, 18, 20, 38, 39)
    }
    assert seen == {
        0: [], 9: [], 10: [(3, 1)], 12: [(3, 1), (3, 2)], 15: [(3, 2)], 18: [(3, 2), (3, 3)], 20: [(3, 3)],
        38: [(3, 3)], 39: [],
    }  # fmt: skip


@pytest.mark.parametrize(("named", "since"), [(0, 0), (7, 1), (10, 1), (11, 11), (39, 31)])
def test_a_belonging_holds_back_to_after_the_sample_before(named, since):
    reply = good_reply()
    reply["integral_belongings"][0]["grid_localizations"] = shown(named, (0, 0))
    hat = FindingCells(read(reply).belongings[0], GRID)
    assert [hat.at(frame).any() for frame in range(FRAMES)] == [frame >= since for frame in range(FRAMES)]


def test_affected_from_its_first_frame_to_the_end():
    assert [thing.frames for thing in read(good_reply()).affected] == [
        FrameRange(start=start, stop=FRAMES) for start in (4, 0, 20)
    ]
    later = lime(first_appears_frame=33)
    assert read(later).affected[0].frames.start == 4
    later["affected_objects"][0]["trajectory_path"] = []
    assert read(later).affected[0].frames.start == 10


@pytest.mark.parametrize(
    ("first_appears", "first_shown", "since"),
    [(4, 10, 4), (10, 10, 10), (25, 30, 25), (2, 30, 21), (20, 30, 21), (12, 11, 11), (3, 15, 11), (0, 5, 1)],
)
def test_first_cells_hold_back_to_the_first_appearance_but_not_past_a_sample(
    first_appears, first_shown, since
):
    shown = [{"frame": first_shown, "grid_regions": cells((1, 1))}]
    thing = read(
        lime(first_appears_frame=first_appears, grid_localizations=shown, trajectory_path=[])
    ).affected[0]
    expected = [place(since, (1, 1))] + ([place(first_shown, (1, 1))] if since < first_shown else [])
    assert list(thing.localizations) == expected


def test_places_out_of_order_or_named_twice_say_the_same():
    shown = [
        {"frame": 20, "grid_regions": cells((2, 2), (1, 1), (2, 2))},
        {"frame": 17, "grid_regions": cells((3, 3))},
        {"frame": 20, "grid_regions": cells((0, 0))},
    ]
    thing = read(lime(grid_localizations=shown, first_appears_frame=17)).affected[0]
    assert thing.localizations == (place(17, (3, 3)), place(20, (0, 0), (1, 1), (2, 2)))
    reply = good_reply()
    reply["integral_belongings"][0]["grid_localizations"] = shown
    held_back = (place(11, (3, 3)), *thing.localizations)
    assert read(reply).belongings[0].localizations == held_back


def test_a_padded_size_is_cut_to_the_grid():
    assert read(lime(object_size_grids={"rows": 9, "cols": 12})).affected[0].size == CellSize(rows=8, cols=11)


def test_nothing_is_a_good_answer():
    reply = good_reply() | {"affected_objects": [], "integral_belongings": []}
    nothing = read(reply)
    assert nothing.affected == ()
    assert "Nothing else would be different" in nothing.summary


def path(*points):
    return [{"frame": f, "grid_row": r, "grid_col": c} for f, r, c in points]


def shown(frame, *pairs):
    return [{"frame": frame, "grid_regions": cells(*pairs)}]


OUTSIDE = {
    "frame after the end": (lime(grid_localizations=shown(40)), "grid_localizations.0.frame: 40"),
    "frame before the start": (lime(grid_localizations=shown(-1)), "grid_localizations.0.frame: -1"),
    "huge frame": (lime(grid_localizations=shown(2**53 - 1)), "grid_localizations.0.frame"),
    "row": (lime(grid_localizations=shown(3, (0, 0), (8, 0))), "grid_localizations.0.grid_regions.1.row: 8"),
    "column": (lime(grid_localizations=shown(3, (0, 11))), "grid_localizations.0.grid_regions.0.col: 11"),
    "negative row": (lime(grid_localizations=shown(3, (-1, 0))), "row: -1"),
    "first frame": (lime(first_appears_frame=40), "affected_objects.0.first_appears_frame: 40"),
    "negative first frame": (lime(first_appears_frame=-1), "first_appears_frame"),
    "original position": (lime(original_position_grid=cells((0, 11))), "original_position_grid.0.col: 11"),
    "path frame": (lime(trajectory_path=path((0, 0, 0), (40, 0, 0))), "trajectory_path.1.frame: 40"),
    "path row": (lime(trajectory_path=path((0, 8, 0))), "trajectory_path.0.grid_row: 8"),
    "path column": (lime(trajectory_path=path((0, 0, 11))), "trajectory_path.0.grid_col: 11"),
    "path stands still in time": (
        lime(trajectory_path=path((3, 0, 0), (3, 1, 0))),
        "trajectory_path.1.frame: 3",
    ),
    "path goes back": (
        lime(trajectory_path=path((3, 0, 0), (9, 1, 0), (2, 1, 1))),
        "trajectory_path.2.frame: 2",
    ),
    "size": (lime(object_size_grids={"rows": 10, "cols": 1}), "object_size_grids.rows: 10"),
    "size across": (lime(object_size_grids={"rows": 1, "cols": 13}), "object_size_grids.cols: 13"),
    "negative size": (lime(object_size_grids={"rows": -1, "cols": 1}), "object_size_grids.rows: -1"),
    "path of what does not move": (lime(will_move=False), "lime"),
    "path without a size": (lime(object_size_grids={"rows": 0, "cols": 3}), "object_size_grids: 0 x 3"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_out_of_bounds(name):
    reply, words = OUTSIDE[name]
    refused(reply, "reply-out-of-bounds", words)


@pytest.mark.parametrize("key", ["frame", "row", "col"])
def test_belongings_out_of_bounds(key):
    reply = good_reply()
    where = reply["integral_belongings"][0]["grid_localizations"][0]
    (where if key == "frame" else where["grid_regions"][0])[key] = 99
    refused(reply, "reply-out-of-bounds", "integral_belongings.0.grid_localizations.0", f"{key}: 99")


def test_bounds_are_those_of_the_clip_and_grid_at_hand():
    edge = lime(grid_localizations=shown(39, (7, 10)))
    read(edge)
    smaller = GRID.model_copy(update={"cols": 10})
    refused(edge, "reply-out-of-bounds", "col: 10", grid=smaller)


GOOD = json.dumps(good_reply())
MALFORMED = {
    "nothing": "",
    "prose": "The lime would fall.",
    "fenced": f"```json\n{GOOD}\n```",
    "words before": f"Here it is: {GOOD}",
    "words after": f"{GOOD} I hope this helps.",
    "two objects": GOOD + GOOD,
    "an array": f"[{GOOD}]",
    "a text": json.dumps(GOOD),
    "null": "null",
    "cut off": GOOD[:-1],
    "a key twice": GOOD[:-1] + ', "confidence": 1}',
    "NaN": GOOD.replace("0.75", "NaN"),
    "Infinity": GOOD.replace("0.75", "Infinity"),
    "overflow": GOOD.replace("0.75", "1e999"),
    "endless digits": GOOD.replace('"frame": 10', '"frame": ' + "1" * 100_000),
    "single quotes": GOOD.replace('"', "'"),
    "comment": GOOD.replace("{", "{/* */", 1),
    "trailing comma": GOOD[:-1] + ",}",
    "nested bomb": "[" * 500_000,
    "closed nested bomb": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a shallower bomb": GOOD.replace("0.75", "[" * 80 + "]" * 80),
    "half of a surrogate pair": GOOD.replace("lime", "\ud83d"),
    "half of an escaped surrogate pair": GOOD.replace('"lime"', '"\\ud83d"'),
    "raw control character": GOOD.replace("lime", "li\x00me"),
    "byte order mark": "\ufeff" + GOOD,
    "noun without letters": json.dumps(lime(noun="\u200b\n")),
    "many keys": json.dumps({f"key{i}": 0 for i in range(50_000)}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name):
    refused(MALFORMED[name], "reply-malformed")


def test_a_fault_names_its_place():
    refused(lime(will_move="yes"), "reply-malformed", "affected_objects.0.will_move: Input should be")
    refused(good_reply() | {"confidence": 2}, "reply-malformed", "confidence")
    refused([], "reply-malformed", "the reply")


def test_a_fault_is_not_listed_once_for_each_key():
    refused(MALFORMED["many keys"], "reply-malformed", "50000 keys")


def test_long_replies_are_not_parsed():
    refused(GOOD + " " * 100, "reply-malformed", f"{len(GOOD)} bytes", most_bytes=len(GOOD))
    read(GOOD, most_bytes=len(GOOD))
    wide = json.dumps(lime(noun="é" * 100), ensure_ascii=False)
    refused(wide, "reply-malformed", "bytes", most_bytes=len(wide))
    refused("x" * 5_000_000, "reply-malformed")
