"""The numbers of a comparison add up, whichever way it is looked at."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from held_mask import AFFECTED, KEEP, OVERLAP, REMOVE, HeldMask, even, house_schema, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_edits_of import batch, batches, cells, stroke

from void_audit.errors import MaskError
from void_audit.pipeline.masks.diff import MaskDifference, changed_share_max, difference
from void_audit.pipeline.masks.edit import edited
from void_audit.pipeline.masks.schema import builtin

QUADMASK = builtin("quadmask")


def stack(mask: HeldMask) -> np.ndarray:
    return np.stack(list(mask.classes()))


@settings(max_examples=50)
@given(one=st.integers(0, 999), other=st.integers(0, 999), name=st.sampled_from(["quadmask", "house"]))
def test_the_numbers_are_those_of_a_plain_count(one: int, other: int, name: str) -> None:
    schema = QUADMASK if name == "quadmask" else house_schema()
    count = len(schema.classes)
    before, after = noise(one, classes=count), noise(other, classes=count)
    a, b = stack(before), stack(after)
    found = difference(before, after, schema)
    changed = (a != b).reshape(len(a), -1).sum(axis=1)
    assert (found.frames, found.pixels) == (len(a), a.size)
    assert sum(map(sum, found.transitions)) == a.size
    assert found.transitions == tuple(
        tuple(int(((a == i) & (b == j)).sum()) for j in range(count)) for i in range(count)
    )
    assert found.changed_pixels == changed.sum()
    assert found.changed_share_max == changed.max() / a[0].size
    assert found.frames_changed == (changed > 0).sum()
    named = np.flatnonzero(changed).tolist()
    assert changed_share_max(before, after, schema, named) == found.changed_share_max
    assert changed_share_max(before, after, schema, range(len(a))) == found.changed_share_max
    opens = schema.opens
    assert found.opened_pixels == (~opens[a] & opens[b]).sum()
    assert found.closed_pixels == (opens[a] & ~opens[b]).sum()
    for index, told in enumerate(found.classes):
        assert told.name == schema.classes[index].name
        assert told.share_before == pytest.approx((a == index).mean())
        assert told.share_after == pytest.approx((b == index).mean())
        union = ((a == index) | (b == index)).sum()
        assert told.iou == (((a == index) & (b == index)).sum() / union if union else None)


@given(st.integers(0, 999))
def test_a_mask_does_not_differ_from_itself(seed: int) -> None:
    found = difference(noise(seed), noise(seed), QUADMASK)
    assert (found.changed_pixels, found.frames_changed, found.changed_share_max) == (0, 0, 0.0)
    assert (found.first_changed, found.last_changed, found.most_changed) == (None, None, ())
    assert (found.opened_pixels, found.closed_pixels) == (0, 0)
    assert all(told.iou == 1.0 for told in found.classes)
    assert all(n == 0 for i, row in enumerate(found.transitions) for j, n in enumerate(row) if i != j)


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 999))
def test_backwards_is_the_mirror_image(data: st.DataObject, seed: int) -> None:
    mask = noise(seed)
    after = edited(mask, data.draw(batches(QUADMASK, 4)), QUADMASK)
    there, back = difference(mask, after, QUADMASK), difference(after, mask, QUADMASK)
    assert tuple(zip(*there.transitions, strict=True)) == back.transitions
    assert (there.opened_pixels, there.closed_pixels) == (back.closed_pixels, back.opened_pixels)
    for name in (
        "frames",
        "pixels",
        "changed_pixels",
        "changed_share_max",
        "most_changed",
        "first_changed",
        "last_changed",
    ):
        assert getattr(there, name) == getattr(back, name)
    assert [(c.name, c.share_before, c.share_after, c.iou) for c in there.classes] == [
        (c.name, c.share_after, c.share_before, c.iou) for c in back.classes
    ]
    assert MaskDifference.model_validate_json(there.model_dump_json()) == there


def test_what_an_edit_did() -> None:
    mask = even(20, 40, 30)
    edits = batch(
        cells((3, 5), [(0, 0)], "affected", grid=(3, 4)),
        cells(7, [(0, 0), (0, 1)], "remove", grid=(3, 4)),
        stroke(12, [(20, 20)], "remove", radius=0.5),
    )
    found = difference(mask, edited(mask, edits, QUADMASK), QUADMASK)
    assert (found.frames_changed, found.first_changed, found.last_changed) == (4, 3, 12)
    assert found.transitions[KEEP] == (201, 0, 200, 24000 - 401)
    assert found.opened_pixels == found.changed_pixels == 401
    assert found.changed_share_max == 200 / 1200
    assert found.most_changed == (7, 3, 4, 12)
    assert [c.iou for c in found.classes] == [0, None, 0, (24000 - 401) / 24000]


def test_frames_that_differ_equally_are_shown_from_all_of_the_clip() -> None:
    mask = even(60, 40, 30)
    found = difference(mask, edited(mask, batch(stroke((1, 58), [(20, 15)], "remove")), QUADMASK), QUADMASK)
    numbers = sorted(found.most_changed)
    assert (len(numbers), numbers[0], numbers[-1]) == (6, 1, 57)
    assert max(b - a for a, b in pairwise(numbers)) <= 15


def test_the_frames_that_differ_most_are_no_neighbours() -> None:
    mask = even(120, 40, 30)
    growing = [stroke(n, [(20, 15)], "remove", radius=1 + 13 * (n % 50) / 50) for n in range(100)]
    found = difference(mask, edited(mask, batch(*growing), QUADMASK), QUADMASK)
    first, *others = found.most_changed
    assert first in (49, 99)
    assert len(found.most_changed) == 6
    assert {49, 99} < set(found.most_changed)
    numbers = sorted(found.most_changed)
    assert min(b - a for a, b in pairwise(numbers)) >= 10
    shares = [13 * (n % 50) for n in (first, *others)]
    assert shares == sorted(shares, reverse=True)


def test_other_schemas_are_compared_by_name() -> None:
    brand = builtin("brand-safety")
    old = HeldMask([np.array([[REMOVE, OVERLAP, AFFECTED, KEEP]], np.uint8)])
    new = HeldMask([np.array([[0, 1, 2, 2]], np.uint8)])
    found = difference(old, new, QUADMASK, brand)
    assert found.classes_before == ("remove", "overlap", "affected", "keep")
    assert found.classes_after == ("remove", "de-emphasize", "keep")
    assert found.transitions == ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1))
    assert (found.changed_pixels, found.opened_pixels, found.closed_pixels) == (2, 0, 1)
    by_name = {c.name: (c.share_before, c.share_after, c.iou) for c in found.classes}
    assert by_name == {
        "remove": (0.25, 0.25, 1.0),
        "overlap": (0.25, None, 0.0),
        "affected": (0.25, None, 0.0),
        "keep": (0.25, 0.5, 0.5),
        "de-emphasize": (None, 0.25, 0.0),
    }


def test_masks_of_other_clips_are_not_compared() -> None:
    for other, code in (
        (even(4, 17, 12), "mask-size"),
        (even(5, 17, 11), "mask-frames"),
        (even(3, 17, 11), "mask-frames"),
    ):
        for pair in ((noise(0), other), (other, noise(0))):
            with pytest.raises(MaskError) as caught:
                difference(*pair, QUADMASK)
            assert caught.value.code == code


def test_classes_that_the_schema_does_not_have() -> None:
    for pair in (
        (noise(0), even(4, 17, 11, 4)),
        (even(4, 17, 11, 4), noise(0)),
        (even(4, 17, 11, 255), noise(0)),
    ):
        with pytest.raises(MaskError) as caught:
            difference(*pair, QUADMASK)
        assert caught.value.code == "mask-values"


@given(st.sets(st.integers(0, 4)))
def test_only_the_frames_that_are_named_are_read(named: set[int]) -> None:
    before, after = even(5, 4, 3), even(5, 4, 3)
    seen: set[int] = set()

    class Watched:
        size = before.size

        def __len__(self) -> int:
            return 5

        def classes(self, start: int = 0, stop: int | None = None):
            seen.update(range(start, 5 if stop is None else stop))
            return after.classes(start, stop)

    assert changed_share_max(before, Watched(), QUADMASK, sorted(named)) == 0.0
    assert seen == named
