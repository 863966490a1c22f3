"""Schemas come from files that anyone may have written: what is wrong is said so that a person can mend it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from void_audit.errors import MaskError
from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks.schema import (
    builtin,
    builtin_names,
    find_schema,
    house_schema,
    load_schema,
    schema_names,
)

Data = dict[str, Any]


def data(name: str = "quadmask") -> Data:
    return json.loads(builtin(name).model_dump_json())


def refusal(source: bytes | Path, load: Callable[[Any], MaskSchema] = load_schema) -> MaskError:
    with pytest.raises(MaskError) as caught:
        load(source)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value


def refused(change: Callable[[Data], object]) -> str:
    given_data = data()
    change(given_data)
    error = refusal(json.dumps(given_data).encode())
    assert error.code == "schema-malformed"
    return error.message.removeprefix("The mask schema is refused: ")


def in_class(index: int, **fields: object) -> Callable[[Data], object]:
    return lambda d: d["classes"][index].update(fields)


@pytest.mark.parametrize("name", ["brand-safety", "localization", "quadmask"])
def test_a_schema_survives_its_own_yaml(name: str) -> None:
    assert load_schema(yaml.safe_dump(data(name)).encode()) == builtin(name)


def test_what_ships() -> None:
    assert builtin_names() == ("brand-safety", "localization", "quadmask")
    brand, dub = builtin("brand-safety"), builtin("localization")
    assert [c.name for c in brand.classes] == ["remove", "de-emphasize", "keep"]
    assert brand.values == dub.values == (0, 127, 255)
    assert set(brand.compose) == {"remove", "de-emphasize"}
    assert brand.compose["remove"].names == ("remove",)
    assert brand.compose["de-emphasize"].names == ("de-emphasize",)
    assert brand.opens.tolist() == [True, True, False]
    assert [c.name for c in dub.classes] == ["dubbed-mouth", "actor-body", "background"]
    assert set(dub.compose) == {"replace"}
    assert dub.opens.tolist() == [True, False, False]
    assert dub.named("actor-body").pattern != "none"  # nothing changes there, and people see it
    assert dub.share((0.1, 0.2, 0.7), "replaced") == pytest.approx(0.1)
    assert brand.share((0.1, 0.2, 0.7), "deemphasized") == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (in_class(0, value=256), "class 1 (remove), value should be less than or equal to 255"),
        (in_class(0, value="0"), "class 1 (remove), value should be a whole number"),
        (in_class(0, value=True), "class 1 (remove), value should be a whole number"),
        (in_class(2, colour=[1, 2, 3]), "class 3 (affected), colour is not known here"),
        (in_class(1, color=[1, 2]), "class 2 (overlap), color, number 3 is missing"),
        (in_class(1, color=[1, 2, 3, 4]), "class 2 (overlap), color should have at most 3 items, not 4"),
        (
            in_class(1, color=[1, 2, -3]),
            "class 2 (overlap), color, number 3 should be greater than or equal to 0",
        ),
        (in_class(1, color="#ff0000"), "class 2 (overlap), color should be a list"),
        (in_class(1, pattern="wavy"), "class 2 (overlap), pattern should be 'none', 'solid', "),
        (in_class(1, name=7), "class 2, name should be text"),
        (
            in_class(1, name="Over lap"),
            "class 2 ('Over lap'), name should be lower-case letters, digits and hyphens",
        ),
        (in_class(1, meaning="a\nb"), "class 2 (overlap), meaning should be one line"),
        (
            in_class(3, change="content"),
            "class 4 (keep): change `content` goes with conditioning `remove` or",
        ),
        (
            in_class(3, conditioning="affected"),
            "class 4 (keep): change `nothing` goes with conditioning `keep`",
        ),
        (in_class(1, value=0), "classes are ordered by value"),
        (lambda d: d["classes"][0].pop("color"), "class 1 (remove), color is missing"),
        (lambda d: d.update(classes={}), "classes should be a list"),
        (lambda d: d.update(classes=[]), "classes should have at least 2 items, not 0"),
        (lambda d: d["classes"].__setitem__(1, "overlap"), "class 2 should be a mapping of fields to values"),
        (lambda d: d.update(compose=None), "compose should be a mapping of operations to classes"),
        (lambda d: d.update(compose={"erase": {"object": "remove"}}), "compose, erase should be 'remove',"),
        (
            lambda d: d["compose"]["remove"].pop("both"),
            "compose, remove: `consequence` and `both` are given together, or neither",
        ),
        (lambda d: d.update(description=None), "description should be text"),
        (
            lambda d: d.clear(),
            "name is missing; description is missing; classes is missing; compose is missing",
        ),
        (lambda d: d.update(dict.fromkeys("abcdefgh", 0)), "e is not known here; and 3 more"),
    ],
)
def test_what_is_wrong_and_where(change: Callable[[Data], object], says: str) -> None:
    assert says in refused(change)


def test_a_faulty_class_is_not_also_counted_as_missing() -> None:
    two = data("quadmask")
    two["classes"] = [{**two["classes"][0], "counts_as": "gone"}, two["classes"][3]]
    two["compose"] = {"remove": {"object": "remove"}}
    said = refusal(json.dumps(two).encode()).message
    assert "class 1 (remove), counts_as" in said
    assert "at least 2" not in said


def test_nine_classes() -> None:
    def nine(d: Data) -> None:
        d["classes"] = [{**d["classes"][0], "name": f"c{i}", "value": i} for i in range(8)] + d["classes"][3:]

    assert "classes should have at most 8 items, not 9" in refused(nine)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b"7", "the file should be a mapping"),
        (b"- name: a", "the file should be a mapping"),
        (b"a: &x [1]\nb: *x", "anchors and aliases are not used here (line 1"),
        (b"name: a\nname: b", "'name' is given twice"),
        (b"name: !!python/object/apply:os.system [ls]", "not plain data"),
        (b"name: a\n---\nname: b", "single document"),
        (b"name: \xff", "utf-8"),
        (b"name: " + b"a" * 140_000, "more than 131072"),
        (b"{" * 50, "deeper than 12"),
        (b"name: [", "expected"),
        (b'name: "\\ud800"', "refused"),
        (b"name: no\ndescription: x\nclasses: []\ncompose: {}", "name should be text"),
        (b"1: a", "a key is not text"),
    ],
)
def test_what_is_no_plain_yaml(text: bytes, says: str) -> None:
    error = refusal(text)
    assert error.code == "schema-malformed"
    assert says in error.message


def test_what_the_file_made_up_is_shown_cut_and_escaped() -> None:
    """A terminal is not to be told anything by a file."""
    long = "\x1b[2J" + "x" * 900
    message = refused(lambda d: d.update({long: 1}))
    assert message.startswith("'\\x1b[2Jxxx")
    assert len(message) < 100
    message = refused(in_class(1, name="\x1b]0;title\x07" * 50))
    assert "\x1b" not in message
    assert len(message) < 250


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
KEYS = st.sampled_from(["name", "value", "object", "color", "x"])
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60)
@given(ANYTHING, st.sampled_from(["name", "classes", "compose"]))
def test_whatever_stands_there_is_refused_in_words(anything: object, field: str) -> None:
    assume(not (field == "name" and isinstance(anything, str)))
    assert refused(lambda d: d.update({field: anything})).startswith((field, "class 1"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml").code == "schema-missing"
    assert refusal(tmp_path).code == "schema-missing"
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * (1 << 20))
    assert "more than 131072" in refusal(big).message


@pytest.mark.parametrize("name", ["quad", "../schemas/quadmask", "quadmask.yaml", ""])
def test_a_name_that_there_is_not(name: str, tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text("")
    error = refusal(name, builtin)
    assert error.code == "schema-missing"
    assert "brand-safety, localization, quadmask" in error.hint
    assert find_error(name, tmp_path).code == "schema-missing"
    assert "brand-safety, house, localization, quadmask" in find_error(name, tmp_path).hint


def find_error(name: str, folder: Path | None) -> MaskError:
    return refusal(name, lambda given_name: find_schema(given_name, folder))


def write(folder: Path, stem: str, **fields: object) -> Path:
    path = folder / f"{stem}.yaml"
    path.write_text(json.dumps({**data(), **fields}))
    return path


def test_a_house_has_its_own_beside_what_ships(tmp_path: Path) -> None:
    write(tmp_path, "house-quad", name="house-quad")
    (tmp_path / "notes.txt").write_text("no schema")
    assert schema_names(tmp_path) == ("brand-safety", "house-quad", "localization", "quadmask")
    assert find_schema("house-quad", tmp_path).name == "house-quad"
    assert find_schema("quadmask", tmp_path) is builtin("quadmask")
    assert find_schema("quadmask") is builtin("quadmask")
    assert schema_names(None) == schema_names(tmp_path / "none") == builtin_names()
    assert find_error("house-quad", None).code == "schema-missing"


def test_a_name_means_one_schema(tmp_path: Path) -> None:
    """A file cannot pass for what ships, nor for another file."""
    write(tmp_path, "quadmask", description="not the one that ships")
    assert find_schema("quadmask", tmp_path) == builtin("quadmask")
    assert refusal(tmp_path / "quadmask.yaml", house_schema).code == "schema-name"
    assert refusal(write(tmp_path, "other"), house_schema).code == "schema-name"
    assert find_error("other", tmp_path).code == "schema-name"
    write(tmp_path, "mine", name="yours")
    assert find_error("mine", tmp_path).code == "schema-name"
    assert "yours.yaml" in find_error("mine", tmp_path).hint


def test_one_broken_file_leaves_the_others(tmp_path: Path) -> None:
    write(tmp_path, "good", name="good")
    (tmp_path / "bad.yaml").write_text("name: [")
    assert find_schema("good", tmp_path).name == "good"
    assert find_error("bad", tmp_path).code == "schema-malformed"
