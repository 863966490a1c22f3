"""A schema cannot be wrong: whatever is built of it says one thing about every class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import ValidationError

from void_audit.canon import jcs
from void_audit.model.mask import VALUES, MaskClass
from void_audit.model.mask_schema import Change, ClassSpec, Conditioning, MaskSchema, Measure, Pattern
from void_audit.pipeline.masks.schema import builtin

QUADMASK = builtin("quadmask")


def fields(name: str = "quadmask") -> dict[str, Any]:
    return builtin(name).model_dump()


def changed(change: Callable[[dict[str, Any]], None], name: str = "quadmask") -> MaskSchema:
    data = fields(name)
    data["classes"] = list(data["classes"])
    change(data)
    data["classes"] = tuple(data["classes"])
    return MaskSchema(**data)


def set_class(index: int, **values: object) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["classes"][index].update(values)


def test_the_quadmask_is_voids() -> None:
    assert QUADMASK.values == VALUES
    assert [c.name for c in QUADMASK.classes] == ["remove", "overlap", "affected", "keep"]
    assert QUADMASK.conditions.tolist() == list(MaskClass)
    assert QUADMASK.opens.tolist() == [True, True, True, False]
    assert QUADMASK.background == MaskClass.KEEP


@pytest.mark.parametrize("change", get_args(Change))
@pytest.mark.parametrize("conditioning", get_args(Conditioning))
@pytest.mark.parametrize("measure", get_args(Measure))
def test_what_may_change_decides_what_engines_and_policy_are_told(
    change: str, conditioning: str, measure: str
) -> None:
    """Nothing that changes can be given to an engine as kept, or be counted as kept."""
    spec = QUADMASK.classes[0].model_dump()
    spec |= {"change": change, "conditioning": conditioning, "counts_as": measure}
    possible = {
        ("content", "remove", "removed"),
        ("content", "remove", "replaced"),
        ("content", "overlap", "removed"),
        ("content", "overlap", "replaced"),
        ("consequence", "affected", "affected"),
        ("appearance", "affected", "deemphasized"),
        ("nothing", "keep", "kept"),
    }
    if (change, conditioning, measure) in possible:
        ClassSpec(**spec)
    else:
        with pytest.raises(ValidationError, match=f"change `{change}` goes with"):
            ClassSpec(**spec)


@pytest.mark.parametrize(
    "change",
    [
        {"value": 256},
        {"value": -1},
        {"value": "0"},
        {"value": True},
        {"value": 0.0},
        {"color": (0, 0, 256)},
        {"color": (0, 0)},
        {"color": (0, 0, 0, 0)},
        {"color": (0, -1, 0)},
        {"color": "red"},
        {"pattern": "zigzag"},
        {"pattern": "none"},
        {"name": ""},
        {"name": "Remove"},
        {"name": "-remove"},
        {"name": "a" * 41},
        {"name": "remove\n"},
        {"meaning": ""},
        {"meaning": "a" * 301},
        {"meaning": "two\nlines"},
        {"meaning": "\x1b[31mred"},
        {"meaning": "turned \u202e round"},
        {"meaning": "isolated \u2066 here"},
        {"opacity": 1},
    ],
    ids=str,
)
def test_a_class_is_strict(change: dict[str, object]) -> None:
    spec = QUADMASK.classes[0].model_dump()
    ClassSpec(**spec)
    with pytest.raises(ValidationError):
        ClassSpec(**(spec | change))


def test_every_language_can_say_what_a_class_means() -> None:
    for meaning in ("bleibt, wie es ist – außer Schrift", "不会改变", "يبقى كما هو", "a" * 300):
        assert set_and_read(meaning) == meaning


def set_and_read(meaning: str) -> str:
    return changed(set_class(0, meaning=meaning)).classes[0].meaning


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (set_class(1, name="remove"), "same name: remove, remove"),
        (set_class(1, color=(230, 57, 70)), "same color: remove, overlap"),
        (set_class(1, pattern="solid"), "same pattern: remove, overlap"),
        (set_class(1, value=0), "ordered by value"),
        (set_class(1, value=128), "ordered by value"),
        (lambda d: d["classes"].reverse(), "ordered by value"),
        (lambda d: d["classes"].pop(), "class in which nothing changes"),
        (set_class(3, pattern="dots"), "keep is the background"),
        (lambda d: d.update(classes=d["classes"][:1]), "at least 2"),
        (lambda d: d.update(classes=[]), "at least 2"),
        (lambda d: d.update(compose={}), "at least 1"),
        (lambda d: d.update(compose={"erase": {"object": "remove"}}), "compose.erase"),
        (lambda d: d.update(compose={"remove": {"object": "gone"}}), "gone, which is no class"),
        (lambda d: d.update(compose={"remove": {"object": "keep"}}), "keep, where nothing changes"),
        (lambda d: d.update(compose={"remove": {"object": "affected"}}), "does not count as removed"),
        (lambda d: d.update(compose={"replace": {"object": "remove"}}), "does not count as replaced"),
        (lambda d: d.update(compose={"de-emphasize": {"object": "affected"}}), "count as deemphasized"),
        (
            lambda d: d["compose"]["remove"].update(both="affected"),
            "affected, which does not count as removed",
        ),
        (lambda d: d["compose"]["remove"].update(both="keep"), "keep, where nothing changes"),
        (lambda d: d["compose"]["remove"].update(consequence="keep"), "keep, where nothing changes"),
        (lambda d: d["compose"]["remove"].update(consequence="smoke"), "smoke, which is no class"),
        (lambda d: d["compose"]["remove"].update(both=None), "given together"),
        (lambda d: d["compose"]["remove"].update(consequence=None), "given together"),
        (lambda d: d["compose"]["remove"].update(shadow="affected"), "shadow"),
        (lambda d: d.update(name="Quad"), "name"),
        (lambda d: d.update(description=""), "description"),
        (lambda d: d.update(opacity=0.5), "opacity"),
    ],
)
def test_a_schema_that_contradicts_itself(change: Callable[[dict[str, Any]], None], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace(".", r"\.")):
        changed(change)


def test_a_schema_in_which_nothing_may_change() -> None:
    body, rest = fields("localization")["classes"][1:]
    with pytest.raises(ValidationError, match="something may change"):
        MaskSchema(
            name="still", description="x", classes=(body, rest), compose={"replace": {"object": body["name"]}}
        )


def test_engines_cannot_be_given_two_things_as_affected() -> None:
    toned = {**fields("brand-safety")["classes"][1], "value": 191, "name": "toned", "color": (1, 2, 3)}
    with pytest.raises(ValidationError, match="not both"):
        changed(lambda d: d["classes"].insert(3, toned))


@pytest.mark.parametrize("index", [0, 2])
def test_where_pictures_are_put_in_nothing_else_is_made(index: int) -> None:
    """``overlap`` counts as replaced beside ``remove``, or beside ``affected``, of the quadmask."""
    with pytest.raises(ValidationError, match="no other may count as"):
        changed(
            lambda d: d.update(
                classes=[
                    {**c, "counts_as": "replaced"} if c["name"] == "overlap" else c
                    for c in (d["classes"][i] for i in sorted((index, 1, 3)))
                ],
                compose={"replace": {"object": "overlap"}},
            )
        )


def test_eight_classes_and_no_more() -> None:
    def of(count: int) -> MaskSchema:
        spec = fields()["classes"][0]
        patterns = [p for p in get_args(Pattern) if p != "none"]
        more = [
            {**spec, "name": f"part-{i}", "value": i, "color": (i, 0, 0), "pattern": patterns[i % 7]}
            for i in range(count - 1)
        ]
        keep = fields()["classes"][3]
        return MaskSchema(
            name="many", description="x", classes=(*more, keep), compose={"remove": {"object": "part-0"}}
        )

    assert len(of(8).classes) == 8
    with pytest.raises(ValidationError, match="at most 8"):
        of(9)


def test_the_largest_schema_fits_a_record_many_times() -> None:
    """A record's limit is 65,535 bytes (``canon.statement``); the longest texts take four bytes a letter."""
    names = [f"{chr(97 + i)}{'x' * 39}" for i in range(8)]
    patterns = [*[p for p in get_args(Pattern) if p != "none"], "none"]
    keep = {"change": "nothing", "conditioning": "keep", "counts_as": "kept"}
    make = {"change": "content", "conditioning": "overlap", "counts_as": "replaced"}
    classes = tuple(
        {
            "name": name,
            "value": 248 + i,
            "meaning": "\U0001f3a5" * 300,
            "color": (255, 255, 248 + i),
            "pattern": patterns[i],
            **(keep if i == 7 else make),
        }
        for i, name in enumerate(names)
    )
    compose = {"replace": {"object": names[0], "consequence": names[1], "both": names[2]}}
    schema = MaskSchema(name="z" * 40, description="\U0001f3a5" * 300, classes=classes, compose=compose)
    assert len(jcs.canonical(schema.model_dump(mode="json"))) < 16_000


def test_nothing_can_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        QUADMASK.classes[0].value = 255
    with pytest.raises(ValidationError, match="frozen"):
        QUADMASK.name = "other"


def test_classes_by_name() -> None:
    for number, spec in enumerate(QUADMASK.classes):
        assert (QUADMASK.index(spec.name), QUADMASK.named(spec.name)) == (number, spec)
    with pytest.raises(KeyError):
        QUADMASK.index("gone")


def test_the_background_is_the_last_class_in_which_nothing_changes() -> None:
    schema = builtin("localization")
    assert schema.classes[schema.background].name == "background"
    order = changed(
        lambda d: d.update(
            classes=[
                {**d["classes"][3], "value": 0},
                {**d["classes"][0], "value": 255},
            ],
            compose={"remove": {"object": "remove"}},
        )
    )
    assert order.background == 0


def test_engines_are_given_voids_classes() -> None:
    schema = builtin("brand-safety")
    classes = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    given = schema.conditioned(classes)
    assert given.dtype == np.uint8
    assert given.tolist() == [[0, 2, 3], [3, 2, 0]]
    assert builtin("localization").conditions.tolist() == [0, 3, 3]


def test_shares_are_summed_by_what_they_count_as() -> None:
    shares = (0.1, 0.2, 0.3, 0.4)
    assert QUADMASK.share(shares, "removed") == pytest.approx(0.3)
    assert QUADMASK.share(shares, "affected") == pytest.approx(0.3)
    assert QUADMASK.share(shares, "replaced") == 0
    with pytest.raises(ValueError, match="zip"):
        QUADMASK.share(shares[:3], "removed")
