"""The picture of what was found: every finding, on the frame where it shows best, with its reason, within bounds."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from mask_answers import affected, answer, cells, keyframes, localizations, track

from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Size
from void_audit.model.grid import fill_cells
from void_audit.model.reasoning import Belonging, CellSize, Consequences, Grid
from void_audit.pipeline.masks import findings as module
from void_audit.pipeline.masks.findings import REASON_LINES, findings_picture
from void_audit.pipeline.masks.grid import chosen
from void_audit.pipeline.masks.sheet import MARGIN, MAX_TILE_HEIGHT, TILE_WIDTH, text_width, tile_size

SIZE = Size(64, 48)
GRID = Grid(rows=6, cols=8)
FRAMES = 10
TILE = tile_size(SIZE)
CELL = TILE.width // GRID.cols
NOTHING = np.zeros((SIZE.height, SIZE.width), bool)
RED, ORANGE, YELLOW = (230, 57, 70), (255, 140, 0), (255, 235, 59)


class Watched(ArrayClip):
    """A grey clip, darker on later frames, that notes which frames are asked for."""

    def __init__(self, size: Size = SIZE, frames: int = FRAMES) -> None:
        super().__init__(
            [np.full((size.height, size.width, 3), max(0, 200 - 5 * i), np.uint8) for i in range(frames)]
        )
        self.asked: list[int] = []

    def view(self, crop=None, size=None):
        self.shown = super().view(crop, size)
        return _Shown(self)


class _Shown:
    def __init__(self, clip: Watched) -> None:
        self._clip = clip
        self.info = clip.shown.info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        self._clip.asked += range(start, self.info.frames if stop is None else stop)
        return self._clip.shown.frames(start, stop)


def thing(told=None, span=(0, FRAMES), category="physical", **more):
    return affected(span, category, localizations=localizations(told or {}), **more)


def read(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1].astype(int)


def drawn(*found, clip=None, masks=None, **more) -> np.ndarray:
    told = answer(*found, grid=GRID).model_copy(update=more)
    return read(findings_picture(clip or Watched(), track(masks or [NOTHING] * FRAMES), told))


def tile(sheet: np.ndarray, column: int = 0) -> np.ndarray:
    left = MARGIN + column * (TILE_WIDTH + MARGIN)
    return sheet[MARGIN : MARGIN + TILE.height, left : left + TILE.width]


def has(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (picture == color).all(axis=2)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines of text as they are drawn."""
    lines: list[str] = []
    monkeypatch.setattr(module, "write", lambda _picture, text, _x, _y: lines.append(text))
    return lines


def test_cells_are_marked_and_nothing_else() -> None:
    sheet = drawn(thing({0: [(1, 2), (4, 4)]}))
    marked = (tile(sheet) != 200 - 5 * (FRAMES // 2)).any(axis=2)
    area = fill_cells(chosen(cells((1, 2), (4, 4)), GRID), TILE)
    np.testing.assert_array_equal(marked, area)


def test_every_finding_has_its_tile_in_order() -> None:
    hat = Belonging(noun="hat", localizations=localizations({0: [(5, 0)]}))
    sheet = drawn(*(thing({0: [(0, i)]}) for i in range(4)), hat)
    for i, cell in enumerate([(0, 0), (0, 1), (0, 2), (0, 3), (5, 0)]):
        row, column = divmod(i, 3)
        picture = tile(sheet[_second(sheet) - MARGIN :] if row else sheet, column)
        area = fill_cells(chosen(cells(cell), GRID), TILE)
        np.testing.assert_array_equal((picture != 175).any(axis=2), area)


def _second(sheet: np.ndarray) -> int:
    """Where the second row of tiles begins: grey again after paper."""
    column = sheet[MARGIN + TILE.height :, MARGIN + TILE.width - 1]
    return MARGIN + TILE.height + int(np.flatnonzero((column == 175).all(axis=1))[0])


@pytest.mark.parametrize(
    ("finding", "frame"),
    [
        (thing({2: [(0, 0)], 6: [(0, 0), (0, 1)], 7: [(0, 0)]}), 6),
        (thing({0: [(0, 0)]}, (2, 9)), 5),
        (thing({2: [(0, 0)], 3: []}, (0, 10)), 2),
        (thing(None, (0, 10), trajectory=keyframes({8: (3, 3)})), 9),
        (thing(None, (0, 4), original_position=cells((0, 0))), 2),
        (Belonging(noun="hat", localizations=localizations({8: [(0, 0)]})), 9),
        (thing({1: [(0, 0)], 5: [(0, 3)], 7: []}, between="linear"), 5),
        (Belonging(noun="hat", between="linear", localizations=localizations({2: [(0, 0)], 9: [(5, 5)]})), 9),
    ],
)
def test_the_frame_on_which_it_shows_best(finding, frame: int, written: list[str]) -> None:
    clip = Watched()
    sheet = drawn(finding, clip=clip)
    assert (tile(sheet)[-1, -1] == 200 - 5 * frame).all()
    assert clip.asked == [frame]
    assert any(line.endswith(f"frame {frame} is shown") for line in written)


@pytest.mark.parametrize(
    "moment",
    [
        thing({0: [], 31: [(0, 0)], 32: []}, (0, 60)),
        thing(None, (31, 32), original_position=cells((0, 0))),
    ],
)
def test_a_moment_in_a_long_clip_is_found(moment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 5)
    clip = ArrayClip([np.full((48, 64, 3), 99 if i == 31 else 0, np.uint8) for i in range(60)])
    sheet = drawn(moment, clip=clip, masks=[NOTHING] * 60)
    assert (tile(sheet)[-1, -1] == 99).all()
    assert (tile(sheet)[:CELL, :CELL] != 99).any()


def test_a_long_range_is_not_looked_through_frame_by_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    class Counting(module.FindingCells):
        def at(self, frame: int):
            looked_at.append(frame)
            return super().at(frame)

    monkeypatch.setattr(module, "FindingCells", Counting)
    long = thing({7: [(0, 0)]}, (0, 500))
    findings_picture(Watched(frames=500), track([NOTHING] * 500), answer(long, grid=GRID))
    assert len(set(looked_at)) <= module.LOOKED_AT + 1


def test_kinds_differ_in_colour_and_in_pattern() -> None:
    full = {0: [(row, col) for row in range(6) for col in range(8)]}
    sheet = drawn(
        thing(full),
        thing(full, category="visual_artifact"),
        Belonging(noun="hat", localizations=localizations(full)),
    )
    inner = [tile(sheet, column)[20:-20, 20:-20] for column in range(3)]
    means = [picture.mean(axis=(0, 1)) for picture in inner]
    patterns = [
        abs(p - p.mean(axis=(0, 1))).sum(axis=2) > abs(p - p.mean(axis=(0, 1))).sum(axis=2).mean()
        for p in inner
    ]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(means[a] - means[b]).max() > 40
        assert (patterns[a] != patterns[b]).mean() > 0.1


def test_the_object_is_outlined_at_whatever_size_it_was_tracked() -> None:
    mask = np.zeros((24, 32), bool)
    mask[8:16, 12:20] = True
    red = has(tile(drawn(thing({0: [(0, 0)]}), masks=[mask] * FRAMES)), RED)
    rows, cols = np.nonzero(red)
    scale = TILE.width / 32
    assert (
        abs(
            np.array([rows.min(), rows.max(), cols.min(), cols.max()]) - scale * np.array([8, 16, 12, 20])
        ).max()
        <= 3
    )
    assert not red[int(12 * scale), int(16 * scale)]


def test_a_path_is_drawn_with_its_ends() -> None:
    moving = thing(trajectory=keyframes({0: (1, 1), 4: (1, 4), 9: (4, 4)}), size=CellSize(rows=1, cols=1))
    yellow = has(tile(drawn(moving)), YELLOW)
    middle = CELL // 2
    assert yellow[CELL + middle, 2 * CELL : 4 * CELL].all()
    assert yellow[2 * CELL : 4 * CELL, 4 * CELL + middle].all()
    assert yellow[CELL : 2 * CELL, CELL].sum() > CELL / 2
    assert yellow[4 * CELL : 5 * CELL, 4 * CELL].sum() > CELL / 2
    assert not yellow[5 * CELL + 2 :].any()
    tip = yellow[4 * CELL : 4 * CELL + middle, 4 * CELL + middle - 8 : 4 * CELL + middle + 9]
    assert tip.any(axis=0).sum() > 8


def test_a_thing_that_stays_where_its_path_begins() -> None:
    yellow = has(tile(drawn(thing(trajectory=keyframes({0: (2, 2), 5: (2, 2)})))), YELLOW)
    assert yellow[2 * CELL + CELL // 2, 2 * CELL + CELL // 2]


def test_the_original_position_has_a_dashed_border_also_where_it_is_not_now() -> None:
    picture = tile(drawn(thing({0: [(0, 0)]}, original_position=cells((3, 3), (3, 4)))))
    dashes, gaps = has(picture, ORANGE), has(picture, module.INK)
    area = fill_cells(chosen(cells((3, 3), (3, 4)), GRID), TILE)
    assert (area | ~(dashes | gaps)).all()
    border = dashes[3 * CELL, 3 * CELL : 5 * CELL]
    assert 0.4 < border.mean() < 0.9
    assert (border | gaps[3 * CELL, 3 * CELL : 5 * CELL]).all()
    assert not dashes[3 * CELL + CELL // 2, 3 * CELL + CELL // 2]


def test_what_is_said_of_a_finding(written: list[str]) -> None:
    drawn(
        thing(
            {2: [(0, 0)]},
            (2, 8),
            "visual_artifact",
            noun="shadow",
            why="It falls there.",
            movement="To the left.",
            confidence=0.625,
        ),
        thing({0: [(0, 0)]}, should_have_stayed=True, noun="block", why="It was pushed."),
        Belonging(noun="hat", why="It is worn."),
    )
    text = "\n".join(written)
    assert written[:3] == [
        "",
        "visual artifact, confidence 62 %; would move",
        "frames 2 to 7 (0.08 to 0.29 s); frame 5 is shown",
    ]
    assert "It falls there. To the left." in written
    assert "physical, confidence 100 %; would move; would still be where it was" in written
    assert "It was pushed." in text
    assert "belongs to the object" in written
    assert "no place is named" in written
    assert "It is worn." in written
    for noun in ("1. shadow", "2. block", "hat"):
        assert noun in written


PHYSICAL, VISUAL, OWN = "would look or move", "shadow, reflection", "belongs to the object and"
PATH, ORIGINAL = "where it would move", "where it was"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([thing({0: [(0, 0)]})], [PHYSICAL]),
        ([thing({0: [(0, 0)]}, category="visual_artifact")], [VISUAL]),
        ([Belonging(noun="hat")], [OWN]),
        ([Belonging(noun="hat"), thing()], [PHYSICAL, OWN]),
        ([thing(trajectory=keyframes({0: (0, 0)}))], [PHYSICAL, PATH]),
        ([thing(original_position=cells((0, 0)))], [PHYSICAL, ORIGINAL]),
        ([], []),
    ],
)
def test_the_legend_says_what_occurs_and_no_more(found: list, said: list[str], written: list[str]) -> None:
    drawn(*found)
    marks = (PHYSICAL, VISUAL, OWN, PATH, ORIGINAL)
    assert [mark for mark in marks if any(line.startswith(mark) for line in written)] == said
    assert "outline of the object that is removed" in written


def test_nothing_found_is_said_over_the_frame_that_shows_most_of_the_object(written: list[str]) -> None:
    masks = [NOTHING.copy() for _ in range(FRAMES)]
    masks[3][10:20, 10:20] = True
    masks[7][10:13, 10:13] = True
    clip = Watched()
    sheet = drawn(clip=clip, masks=masks, summary="Nobody knows. " * 300)
    assert written[0] == "Nothing was found that the object caused."
    assert written[2].startswith("Nobody knows.")
    assert clip.asked == [3]
    assert has(tile(sheet), RED).any()


def test_long_texts_are_cut_and_say_so(written: list[str]) -> None:
    drawn(thing({0: [(0, 0)]}, noun="WW " * 66, why="why " * 1000, movement="x" * 4000))
    reason = [line for line in written if line.startswith("why")]
    assert len(reason) == REASON_LINES
    assert reason[-1].endswith(" ...")
    assert not any(line.endswith("...") for line in reason[:-1])
    names = [line for line in written if "WW" in line]
    assert len(names) == 2 * 2
    assert names[-1].endswith(" ...")
    drawn(thing({0: [(0, 0)]}, why="x" * 4000))
    assert all(text_width(line) <= TILE_WIDTH for line in written)


def test_text_that_just_fits_is_not_cut(written: list[str]) -> None:
    drawn(thing({0: [(0, 0)]}, why=" ".join(["x" * 45] * REASON_LINES)))
    assert written.count("x" * 45) == REASON_LINES
    assert not any("..." in line for line in written)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("caf\u00e9 \u2013 na\u00efve", "cafe ? naive"),
        ("\u30dc\u30fc\u30eb\u306e\u5f71", "(in letters that this picture lacks: see the record)"),
        ("ball \u7403", "ball ?"),
        ("1 + 1", "1 + 1"),
    ],
)
def test_letters_that_the_font_lacks(said: str, shown: str, written: list[str]) -> None:
    drawn(thing({0: [(0, 0)]}, why=said))
    assert shown in written


def test_a_hostile_answer_has_a_bounded_picture(written: list[str]) -> None:
    every = tuple(range(FRAMES))
    worst = thing(
        {0: [(row, col) for row in range(6) for col in range(8)]},
        noun="\u7403" * 200,
        why="\u0301\u202e" * 2000,
        movement="%s\x1b[31m" * 500,
        trajectory=keyframes({frame: (frame % 6, frame % 8) for frame in every}),
        size=CellSize(rows=256, cols=256),
    )
    hat = Belonging(noun="\n" * 200, why="<b>" * 1000)
    clip = Watched()
    sheet = drawn(*[worst] * 20, *[hat] * 10, clip=clip)
    assert sheet.shape[1] == MARGIN + 3 * (TILE_WIDTH + MARGIN)
    assert sheet.shape[0] < 10 * (MAX_TILE_HEIGHT + 300)
    assert len(clip.asked) == 30
    assert all(line.isascii() and (line.isprintable()) for line in written)


@pytest.mark.parametrize("size", [Size(9, 16), Size(200, 6), Size(6, 200), Size(2000, 6)])
def test_odd_shapes(size: Size) -> None:
    mask = np.zeros((size.height, size.width), bool)
    mask[: size.height // 2] = True
    moving = thing(
        {0: [(5, 7)]}, trajectory=keyframes({0: (0, 0), 4: (5, 7)}), original_position=cells((1, 1))
    )
    told = answer(moving, grid=Grid(rows=6, cols=8) if size.width >= 8 else Grid(rows=6, cols=6))
    if size.width < 8:
        told = answer(thing({0: [(5, 5)]}), grid=Grid(rows=6, cols=6))
    sheet = read(findings_picture(Watched(size), track([mask] * FRAMES), told))
    assert sheet.shape[1] == TILE_WIDTH + 2 * MARGIN
    assert (sheet[MARGIN : MARGIN + tile_size(size).height] != 250).any()


def test_upright_footage_stands_in_the_middle() -> None:
    told = Consequences(grid=GRID, instruction="x", affected=(thing({0: []}),), summary="s", confidence=1)
    clip = Watched(Size(48, 96))
    sheet = read(findings_picture(clip, track([np.zeros((96, 48), bool)] * FRAMES), told))
    line = np.flatnonzero((sheet[MARGIN + 50] == 200 - 5 * clip.asked[0]).all(axis=1))
    assert abs((line[0] + line[-1]) / 2 - (MARGIN + TILE_WIDTH / 2)) <= 1
    assert len(line) == 320


def test_the_same_answer_gives_the_same_picture() -> None:
    told = answer(thing({0: [(1, 1)]}), grid=GRID)
    one, two = (findings_picture(Watched(), track([NOTHING] * FRAMES), told) for _ in range(2))
    assert one == two
    assert one.startswith(b"\x89PNG")
