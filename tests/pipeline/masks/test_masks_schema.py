"""A schema is data that cannot be wrong: ordered, bounded, unchangeable; drawn so that anyone can read it."""

from itertools import combinations

import numpy as np
import pytest
from pydantic import ValidationError

from void_audit.model.mask import VALUES, MaskClass
from void_audit.pipeline.masks.preview import overlay
from void_audit.pipeline.masks.schema import QUADMASK, ClassStyle, MaskSchema


def changed(**changes: object) -> dict[str, object]:
    return {**QUADMASK.classes[0].model_dump(), **changes}


@pytest.mark.parametrize("mask_class", list(MaskClass))
def test_a_class_is_found_by_itself(mask_class: MaskClass) -> None:
    style = QUADMASK.style(mask_class)
    assert (style.mask_class, style.value) == (mask_class, VALUES[mask_class])
    assert style.meaning


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 0, 2, 3), (0, 0, 1, 2), (1,)])
def test_classes_out_of_order_are_no_schema(order: tuple[int, ...]) -> None:
    """Else a class would be drawn and named as another one."""
    with pytest.raises(ValidationError, match="ordered"):
        MaskSchema(name="wrong", classes=tuple(QUADMASK.classes[i] for i in order))


def test_a_schema_of_fewer_classes() -> None:
    two = MaskSchema(name="two", classes=QUADMASK.classes[:2])
    assert two.style(MaskClass.OVERLAP).name == "overlap"


@pytest.mark.parametrize(
    "change",
    [
        {"value": 256},
        {"value": -1},
        {"value": "0"},
        {"color": (0, 0, 256)},
        {"color": (0, 0)},
        {"color": (0, -1, 0)},
        {"pattern": "dots"},
        {"name": ""},
        {"mask_class": 4},
        {"opacity": 1},
    ],
    ids=str,
)
def test_a_style_is_strict(change: dict[str, object]) -> None:
    ClassStyle(**changed())
    with pytest.raises(ValidationError):
        ClassStyle(**changed(**change))


def test_nothing_can_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        QUADMASK.classes[0].value = 255
    with pytest.raises(ValidationError, match="frozen"):
        QUADMASK.name = "other"


def test_opened_classes_can_be_told_apart_without_colour() -> None:
    """Drawn on grey ground and seen as grey, no two classes have the same share of drawn lines."""
    ground = np.full((64, 64, 3), 128, np.uint8)
    grays = {c: overlay(ground, np.full((64, 64), c, np.uint8)).mean(axis=2)[8:-8, 8:-8] for c in MaskClass}
    assert all(not np.array_equal(grays[a], grays[b]) for a, b in combinations(MaskClass, 2))
    kinds = {c: (len(np.unique(g)) > 1) for c, g in grays.items()}
    assert kinds == {
        MaskClass.REMOVE: False,
        MaskClass.OVERLAP: True,
        MaskClass.AFFECTED: True,
        MaskClass.KEEP: False,
    }
    assert (grays[MaskClass.KEEP] == 128).all()
