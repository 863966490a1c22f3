"""The contact sheet shows what it says: every class in its own colour and pattern, over the right frames."""

import hashlib
from collections.abc import Iterator
from itertools import combinations

import cv2
import numpy as np
import pytest
from clips import moving_square

from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes, MaskClass
from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks import preview as module
from void_audit.pipeline.masks.preview import legend, overlay, preview
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.masks.sheet import PAPER, sample

QUADMASK = builtin("quadmask")


class Quarters:
    """A mask whose four quarters hold the four classes."""

    size = Size(160, 96)

    def __init__(self, frames: int) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return self._frames

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        picture = np.full((96, 160), MaskClass.KEEP, np.uint8)
        picture[:48, :80], picture[:48, 80:], picture[48:, :80] = 0, 1, 2
        yield from (picture for _ in range(*slice(start, stop).indices(self._frames)))


def sheet(frames: int) -> np.ndarray:
    clip = ArrayClip([moving_square((160, 96), i) for i in range(frames)])
    png = preview(clip, Quarters(frames), QUADMASK)
    assert png.startswith(b"\x89PNG")
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize(
    ("length", "expected"), [(1, [0]), (2, [0, 1]), (6, [0, 1, 2, 3, 4, 5]), (101, [0, 20, 40, 60, 80, 100])]
)
def test_first_and_last_are_always_shown(length: int, expected: list[int]) -> None:
    assert sample(length, 6) == expected


def test_kept_pixels_are_shown_untouched() -> None:
    picture = moving_square((160, 96), 0)
    classes = next(Quarters(1).classes())
    drawn = overlay(picture, classes, QUADMASK)
    np.testing.assert_array_equal(drawn[classes == MaskClass.KEEP], picture[classes == MaskClass.KEEP])
    assert (drawn[classes != MaskClass.KEEP] != picture[classes != MaskClass.KEEP]).any(axis=-1).mean() > 0.95


def test_the_quadmask_is_drawn_as_it_always_was() -> None:
    """Previews are blobs of the ledger: the same mask gives the same picture in every version."""
    drawn = overlay(moving_square((160, 96), 0), next(Quarters(1).classes()), QUADMASK)
    digest = "ce0e49b513404c8d205fbb205fe70b3442cdf6244dd9488725291aa57d023f47"
    assert hashlib.sha256(drawn.tobytes()).hexdigest() == digest


def test_classes_differ_without_colour_too() -> None:
    """On even ground: solid has one level inside, stripes and crosses have two, crosses more of the darker."""
    ground = np.full((96, 160, 3), 170, np.uint8)
    drawn = overlay(ground, next(Quarters(1).classes()), QUADMASK).mean(axis=2)
    inside = {"remove": drawn[4:44, 4:76], "overlap": drawn[4:44, 84:156], "affected": drawn[52:92, 4:76]}
    lined = {name: float((part != np.median(part)).mean()) for name, part in inside.items()}
    assert lined["remove"] == 0
    assert 0.1 < lined["affected"] < lined["overlap"] < 0.5


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_any_number_of_frames(frames: int) -> None:
    picture = sheet(frames)
    assert picture.shape[1] >= 480
    rows = -(-min(frames, 6) // 3)
    assert picture.shape[0] > rows * 288


def test_deterministic() -> None:
    np.testing.assert_array_equal(sheet(4), sheet(4))


def schema_of(patterns: tuple[str, ...]) -> MaskSchema:
    """Classes of one kind in greys of one brightness (nearly), each with its pattern; the last is background."""
    spec, keep = QUADMASK.classes[0].model_dump(), QUADMASK.classes[3].model_dump()
    classes = [
        {**spec, "name": f"c{i}", "value": i, "color": (90, 90, 90 + i), "pattern": pattern}
        for i, pattern in enumerate(patterns)
    ]
    compose = {"remove": {"object": "c0"}}
    return MaskSchema(name="many", description="x", classes=(*classes, keep), compose=compose)


EVERY = schema_of(("solid", "cross", "stripes", "dots", "rows", "columns", "checks"))


def test_every_pattern_can_be_told_from_every_other_without_colour() -> None:
    """What differs is far more than the two levels that separate the colours."""
    ground = np.full((64, 64, 3), 200, np.uint8)
    drawn = [
        overlay(ground, np.full((64, 64), i, np.uint8), EVERY).mean(axis=2)[4:-4, 4:-4] for i in range(8)
    ]
    for one, other in combinations(drawn, 2):
        assert (np.abs(one - other) > 20).mean() > 0.1


def test_patterns_run_the_way_they_are_called() -> None:
    ground = np.full((60, 60, 3), 200, np.uint8)
    runs = {}
    for index, spec in enumerate(EVERY.classes):
        drawn = overlay(ground, np.full((60, 60), index, np.uint8), EVERY).mean(axis=2)[5:-5, 5:-5]
        runs[spec.pattern] = (
            bool((np.diff(drawn, axis=0) != 0).any()),
            bool((np.diff(drawn, axis=1) != 0).any()),
        )
    both = dict.fromkeys(("cross", "stripes", "dots", "checks"), (True, True))
    none = dict.fromkeys(("solid", "none"), (False, False))
    assert runs == {"rows": (True, False), "columns": (False, True), **both, **none}


def test_the_class_decides_not_its_place_in_the_quadmask() -> None:
    """Index 3 is drawn in a schema where it is no background; the background is untouched at any index."""
    ground = np.full((32, 32, 3), 200, np.uint8)
    assert (overlay(ground, np.full((32, 32), 3, np.uint8), EVERY) != ground).any(axis=2).all()
    np.testing.assert_array_equal(overlay(ground, np.full((32, 32), 7, np.uint8), EVERY), ground)


def test_a_class_in_which_nothing_changes_is_drawn_but_not_counted_as_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    captions = []
    real = module.captioned
    monkeypatch.setattr(
        module, "captioned", lambda picture, text: captions.append(text) or real(picture, text)
    )
    schema = builtin("localization")

    class Face(Quarters):
        def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
            picture = np.full((96, 160), schema.index("background"), np.uint8)
            picture[:48], picture[:48, :40] = schema.index("actor-body"), schema.index("dubbed-mouth")
            yield from (picture for _ in range(*slice(start, stop).indices(self._frames)))

    footage = moving_square((160, 96), 0)
    drawn = overlay(footage, next(Face(1).classes()), schema)
    assert (drawn[:48, 40:] != footage[:48, 40:]).any(axis=2).mean() > 0.9
    np.testing.assert_array_equal(drawn[48:], footage[48:])
    preview(ArrayClip([footage, footage]), Face(2), schema)
    assert captions == ["frame 0   0.00 s   12.5 % opened", "frame 1   0.04 s   12.5 % opened"]


def legend_with(meaning: str, width: int) -> np.ndarray:
    classes = (QUADMASK.classes[0].model_copy(update={"meaning": meaning}), *QUADMASK.classes[1:])
    return legend(QUADMASK.model_copy(update={"classes": classes}), width)


def test_a_long_meaning_is_written_in_full_below_itself() -> None:
    short, long = legend_with("a", 500), legend_with("words " * 50, 500)
    lines = (len(long) - len(short)) / 18
    assert 4 <= lines <= 8
    np.testing.assert_array_equal(long[-90:], short[-90:])  # the other classes follow, as they were
    assert (long[:, 497:] == PAPER).all()
    assert len(legend_with("words " * 50, 1500)) < len(long)


def test_a_legend_has_a_row_for_every_class() -> None:
    assert len(legend(EVERY, 700)) - len(legend(QUADMASK, 700)) == 4 * 30


@pytest.mark.parametrize(
    ("meaning", "as_written"),
    [("Brücke über", "Brucke uber"), ("日本", "??"), ("a\u200db", "a?b"), ("ﬁne", "fine"), ("e\u0301", "e")],
)
def test_letters_that_the_font_has_not(meaning: str, as_written: str) -> None:
    np.testing.assert_array_equal(legend_with(meaning, 500), legend_with(as_written, 500))


def test_a_word_longer_than_the_sheet_does_not_run_off_it() -> None:
    long = legend_with("w" * 300, 480)
    assert len(long) > len(legend_with("w", 480)) + 5 * 18
    assert (long[:, 477:] == PAPER).all()
