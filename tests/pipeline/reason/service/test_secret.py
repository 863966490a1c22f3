"""A key is sent and shown nowhere."""

from __future__ import annotations

import copy
import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import ReasoningError
from void_audit.pipeline.reason.service.secret import Secret, masked_logs

ALPHABET = "ABCxyz019._~+/-"
KEYS = st.text(ALPHABET, min_size=8, max_size=60)


def spelled(draw: st.DrawFn, key: str) -> str:
    ways = (
        lambda c: c,
        lambda c: f"%{ord(c):02x}",
        lambda c: f"%{ord(c):02X}",
        lambda c: f"\\u{ord(c):04x}",
        lambda c: f"\\u{ord(c):04X}",
        lambda c: "\\/" if c == "/" else c,
        lambda c: f"&#{ord(c)};",
        lambda c: f"&#x{ord(c):X};",
    )
    return "".join(draw(st.sampled_from(ways))(c) for c in key)


@given(st.data(), KEYS, st.binary(max_size=20), st.binary(max_size=20))
def test_no_spelling_of_it_is_left(data: st.DataObject, key: str, before: bytes, after: bytes) -> None:
    echoed = data.draw(st.composite(lambda draw: spelled(draw, key))()).encode()
    masked = Secret(key).masked(b"{" + before + b'"' + echoed + b'"' + after + b"}")
    assert b"[key]" in masked
    assert echoed not in masked


@given(KEYS, st.binary(max_size=60))
def test_other_bytes_stay_as_they_are(key: str, data: bytes) -> None:
    data = b"<" + data.replace(key[:4].encode(), b"").replace(b"%", b"").replace(b"\\", b"") + b">"
    if key.encode() not in data:
        assert Secret(key).masked(data) == data


@given(KEYS, st.integers(4, 59))
def test_the_beginning_of_it_at_the_end_goes(key: str, length: int) -> None:
    masked = Secret(key).masked(b"... " + key[:length].encode())
    assert masked == b"... [key]"


@given(KEYS.filter(lambda key: len(key) > 16), st.integers(16, 59))
def test_so_does_a_part_that_tells_it_wherever_it_stands(key: str, length: int) -> None:
    masked = Secret(key).masked(b"<" + key[:length].encode() + b"***> and on")
    assert masked == b"<[key]***> and on"


@given(KEYS.filter(lambda key: len(key) > 16), st.integers(16, 59))
def test_so_does_its_end(key: str, length: int) -> None:
    """A key in two halves is no secret any more."""
    masked = Secret(key).masked(b"<***" + key[-length:].encode() + b"> and on")
    assert masked == b"<***[key]> and on"


def test_neither_half_nor_middle_of_a_long_one_is_left() -> None:
    key = "sk-" + "".join(f"{number:x}" for number in range(1000, 1250))
    for begin, end in ((0, 350), (350, len(key)), (100, 300)):
        assert Secret(key).masked_text(f"<{key[begin:end]}>") == "<[key]>"


def test_a_long_reply_is_masked_in_no_time() -> None:
    begun = time.monotonic()
    Secret("AIzaSy" + "0" * 1000).masked(b"AIzaSy" * 300_000 + b"0" * 2_000_000)
    assert time.monotonic() - begun < 5.0


def test_three_characters_are_not_a_key() -> None:
    assert Secret("sk-abcdefgh").masked(b"ask-") == b"ask-"
    assert Secret("sk-abcdefgh").masked(b"sk-a in the middle") == b"sk-a in the middle"


def test_every_copy_goes() -> None:
    assert Secret("abcdefgh").masked(b"abcdefghabcdefgh abcdefgh.") == b"[key][key] [key]."


def test_text_is_masked_alike() -> None:
    assert Secret("abcdefgh").masked_text("é abcdefgh \ud800") == "é [key] \ud800"


def test_without_a_key_nothing_is_masked() -> None:
    assert Secret(None).masked(b"anything") == b"anything"
    assert Secret(None).reveal() == ""


def test_it_does_not_show_itself() -> None:
    secret = Secret("abcdefgh==")
    assert secret.reveal() == "abcdefgh=="
    for said in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        repr([secret]),
        repr({"a": secret}),
    ):
        assert "abcd" not in said
    assert repr(Secret(None)) != repr(secret)
    assert not hasattr(secret, "__dict__")
    assert copy.copy(secret).reveal() == "abcdefgh=="


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1234567",
        "abcdefgh\n",
        "abc defgh",
        "abcdefgh\r\nX: y",
        "äbcdefgh",
        "x" * 1025,
        "=" * 9,
        "ab\0cdefgh",
    ],
)
def test_shapes_that_are_refused(value: str) -> None:
    with pytest.raises(ReasoningError) as caught:
        Secret(value)
    assert caught.value.code == "reasoner-key"
    assert caught.value.hint
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize("value", ["12345678", "AIzaSy-_x.~+/a", "sk-proj-Abc_123==", "x" * 1024])
def test_shapes_that_are_taken(value: str) -> None:
    assert Secret(value).reveal() == value


def test_logs_are_masked_meanwhile_and_left_alone_after(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test.secret.masked")
    caplog.set_level(logging.DEBUG)
    with masked_logs(Secret("abcdefgh"), ["test.secret.masked"]):
        logger.debug("with %s and %r", "abcdefgh", b"abcdefgh")
        logger.warning("100% plain")
    logger.debug("with %s", "abcdefgh")
    assert caplog.messages == ["with [key] and b'[key]'", "100% plain", "with abcdefgh"]
    assert logger.filters == []


def test_logs_are_left_alone_after_an_error() -> None:
    logger = logging.getLogger("test.secret.raised")
    with pytest.raises(KeyError), masked_logs(Secret("abcdefgh"), [logger.name]):
        raise KeyError
    assert logger.filters == []
