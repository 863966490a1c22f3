import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.canon.strict_yaml import MAX_BYTES
from void_audit.canon.strict_yaml import yaml_to_json as to_json
from void_audit.errors import PolicyPackError
from void_audit.policy.compiled import refused


def yaml_to_json(data):
    return to_json(data, refused)


def test_plain_data_passes():
    text = yaml_to_json(b"a: [1, 2.5, true, null, x]\nd: 2026-11-22\nt: 2026-11-22T12:00:00Z\nu: \xc3\xa9")
    assert json.loads(text) == {
        "a": [1, 2.5, True, None, "x"],
        "d": "2026-11-22",
        "t": "2026-11-22T12:00:00+00:00",
        "u": "\u00e9",
    }


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (c, c, *[c - 1] * 9) for c in range(98, 107)
)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"# nothing", "empty"),
        (BOMB, "anchors"),
        (b"a: &x 1", "anchors"),
        (b"a: *x", "aliases"),
        (b"<<: {a: 1}", "not text"),
        (b"a: 1\nb: 2\na: 3", "'a' is given twice (line 3, column 1)"),
        (b'a: 1\n"a": 3', "given twice"),
        (b"x: {b: [{c: 1, c: 2}]}", "given twice"),
        (b"1: a", "not text"),
        (b"on: a", "not text"),
        (b"? [a]\n: b", "not text"),
        (b"!!python/object/apply:os.system ['true']", "not plain data"),
        (b"a: !!python/name:os.system", "not plain data"),
        (b"a: !!binary aGk=", "not plain data"),
        (b"a: !!set {x}", "not plain data"),
        (b"a: !own x", "not plain data"),
        (b"a: .nan", "JSON"),
        (b"a: .inf", "JSON"),
        (b"a: 2026-99-99", "month"),
        (b"a: !!int x", "invalid literal"),
        (b"a: " + b"9" * 5000, "digits"),
        (b"a: 1\n---\nb: 2", "single document"),
        (b"[" * 5000, "nested deeper"),
        (b"a:\n" + b"".join(b" " * n + b"- \n" for n in range(2, 100)), "refused"),
        (b"{" * 5000, "nested deeper"),
        (b"a: [1", "expected"),
        (b"a: \xff", "utf-8"),
        (b"a: \xed\xa0\x80", "utf-8"),
        (b"a: \x07", "special characters"),
        (b"a: '" + b"x" * MAX_BYTES + b"'", "more than"),
    ],
)
def test_hostile_or_odd_documents_are_refused(data, says):
    with pytest.raises(PolicyPackError) as caught:
        yaml_to_json(data)
    assert caught.value.code == "pack-schema"
    assert says in caught.value.message
    assert len(caught.value.message) < 1000


def test_a_bomb_costs_nothing():
    start = time.process_time()
    with pytest.raises(PolicyPackError):
        yaml_to_json(BOMB)
    assert time.process_time() - start < 5  # built, it would have 10**9 leaves


@given(st.binary(max_size=200) | st.text("abn:&*!<>[]{}-?'\"|#% \n\t012.~", max_size=60).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_nothing_but_the_one_error_comes_out(data):
    with suppress(PolicyPackError):
        json.loads(yaml_to_json(data))
