"""tlog-policy: what is read, what is refused with its line, and who is enough."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from void_audit.canon import note as notes
from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint
from void_audit.canon.cosignature import ED25519_COSIGNATURE, CosignerKey, cosign
from void_audit.canon.note import VerifierKey
from void_audit.canon.tlog_policy import MAX_NAMES, MAX_POLICY, Policy, agreed_at, cosigned_at, parse_policy
from void_audit.errors import IdentityError, NoteError
from void_audit.identity.keys import FileSigner

LOG = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
LOG_KEY = VerifierKey.of("log.example/1", LOG)
NOTE = sign_checkpoint(Checkpoint(LOG_KEY.name, 5, bytes(32)), LOG)


def private(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([100 + number]) * 32)


def witness(number: int) -> CosignerKey:
    return CosignerKey(f"w{number}.example", 4, private(number).public_key().public_bytes_raw())


def lines(count: int) -> str:
    return "".join(f"witness w{n} {witness(n)}\n" for n in range(count))


def cosigned(*numbers: int, at: int = 1000, note: str = NOTE) -> str:
    text = notes.parse(note).text
    return note + "".join(cosign(text, witness(n), private(n).sign, at + n).line() for n in numbers)


def policy(quorum: str, count: int = 5) -> Policy:
    return parse_policy(f"log {LOG_KEY}\n{lines(count)}{quorum}\n")


def refused(text: str | bytes) -> IdentityError:
    with pytest.raises(IdentityError) as caught:
        parse_policy(text)
    assert caught.value.code == "log-policy-malformed"
    return caught.value


def test_the_example_of_the_specification() -> None:
    text = (
        f"# a comment\n\nlog {LOG_KEY} https://log.example/\n \t\n{lines(6)}"
        "group X-witnesses 2 w0 w1 w2\n\tgroup  Y-witnesses any w3\tw4 w5 \n"
        "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
    )
    read = parse_policy(text)
    assert read == parse_policy(text.encode())
    assert (read.logs, read.quorum, len(read.witnesses)) == ((LOG_KEY,), "X-and-Y", 6)
    assert read.judge([cosigned(0, 1, 4)]).met
    assert not read.judge([cosigned(0, 1)]).met
    assert not read.judge([cosigned(0, 3, 4, 5)]).met


@pytest.mark.parametrize(
    ("quorum", "who", "met", "held", "of"),
    [
        ("quorum none", (), True, 0, 0),
        ("quorum none", (1,), True, 0, 0),
        ("quorum w1", (1,), True, 1, 1),
        ("quorum w1", (0, 2), False, 0, 1),
        ("group g any w0 w1\nquorum g", (1,), True, 1, 2),
        ("group g all w0 w1\nquorum g", (1,), False, 1, 2),
        ("group g all w0 w1\nquorum g", (0, 1), True, 2, 2),
        ("group g 2 w0 w1 w2\nquorum g", (0, 2), True, 2, 3),
        ("group g 2 w0 w1 w2\nquorum g", (0, 3, 4), False, 1, 3),
        ("group g 1 w0\nquorum g", (0,), True, 1, 1),
        ("group one any w0 w1\ngroup all-of all one w2\nquorum all-of", (0, 1), False, 1, 2),
        ("group one any w0 w1\ngroup all-of all one w2\nquorum all-of", (1, 2), True, 2, 2),
    ],
)
def test_quorum(quorum: str, who: tuple[int, ...], met: bool, held: int, of: int) -> None:
    verdict = policy(quorum).judge([cosigned(*who)])
    assert (verdict.met, len(verdict.held), len(verdict.members)) == (met, held, of)
    assert verdict.cosigned == tuple((f"w{n}", 1000 + n) for n in who)


def test_several_checkpoints_count_together_and_the_earliest_time_counts() -> None:
    larger = sign_checkpoint(Checkpoint(LOG_KEY.name, 6, bytes(32)), LOG)
    given = policy("group g all w0 w1\nquorum g")
    verdict = given.judge([cosigned(0, at=2000), cosigned(0, 1, note=larger)])
    assert verdict.met
    assert verdict.cosigned == (("w0", 1000), ("w1", 1001))
    assert cosigned_at(cosigned(2, 0), given) == [("w0", 1000), ("w2", 1002)]


@pytest.mark.parametrize(
    ("quorum", "who", "agreed"),
    [
        ("quorum none", (0, 1), None),
        ("quorum w1", (0,), None),
        ("quorum w1", (1,), (("w1",), 1001)),
        ("group g any w0 w1\nquorum g", (1, 0), (("w0",), 1000)),
        ("group g 2 w0 w1 w2\nquorum g", (2,), None),
        ("group g 2 w0 w1 w2\nquorum g", (2, 0, 1), (("w0", "w1"), 1001)),
        ("group one any w0 w1\ngroup all-of all one w2\nquorum all-of", (1, 2), (("w1", "w2"), 1002)),
    ],
)
def test_a_time_counts_when_as_many_as_are_asked_for_had_seen_it(quorum, who, agreed) -> None:
    assert agreed_at(cosigned(*who), policy(quorum)) == agreed


def test_a_cosignature_that_names_no_time_counts_but_bounds_none() -> None:
    sign = private(0).sign
    text = notes.parse(NOTE).text
    signature = bytes(8) + sign(f"cosignature/v1\ntime 0\n{text}".encode())
    timeless = NOTE + notes.NoteSignature("w0.example", witness(0).key_hash, signature).line()
    given = policy("quorum w0")
    assert given.judge([timeless]).met
    assert cosigned_at(timeless, given) == []


def test_a_false_cosignature_of_a_known_witness_condemns_and_a_stranger_s_is_ignored() -> None:
    other = sign_checkpoint(Checkpoint(LOG_KEY.name, 5, bytes([1]) * 32), LOG)
    moved = NOTE + cosigned(0, note=other).splitlines(keepends=True)[-1]
    with pytest.raises(NoteError) as caught:
        policy("quorum w1").judge([moved])
    assert caught.value.code == "note-signature-bad"
    assert parse_policy(f"witness x {witness(1)}\nquorum x").judge([moved]).cosigned == ()


def test_a_policy_is_for_its_logs_and_one_that_names_none_for_any() -> None:
    assert policy("quorum none").knows_log(LOG_KEY)
    assert not policy("quorum none").knows_log(VerifierKey("log.example/2", LOG_KEY.public))
    assert parse_policy("quorum none").knows_log(LOG_KEY)


W = f"witness w0 {witness(0)}"
PQ = "group g any w0"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", None, "no quorum"),
        (W, None, "no quorum"),
        ("quorum w0", 1, "not defined above"),
        (f"quorum w0\n{W}", 1, "not defined above"),
        ("quorum none\nquorum none", 2, "second quorum"),
        ("quorum", 1, "reads"),
        ("quorum none none", 1, "reads"),
        ("Quorum none", 1, "begins no line"),
        ("quorum none\nworld peace", 2, "begins no line"),
        ("log", 1, "reads"),
        (f"log {LOG_KEY} u v", 1, "reads"),
        (f"log {witness(0)}", 1, "not understood"),
        (f"log {LOG_KEY}\nlog {LOG_KEY}", 2, "there already"),
        (f"witness w {LOG_KEY}", 1, "not understood"),
        ("witness w", 1, "reads"),
        ("witness w vkey", 1, "not a verifier key"),
        (f"{W} https://a.example b", 1, "reads"),
        (f"{W}\nwitness w0 {witness(1)}", 2, "taken"),
        (f"witness none {witness(0)}", 1, "taken"),
        (f"{W}\n\nwitness again {witness(0)}", 3, "there already"),
        (f"log {VerifierKey('l', witness(0).public)}\n{W}", 2, "there already"),
        (f"{W}\ngroup g any", 2, "reads"),
        (f"{W}\ngroup g any g", 2, "not defined above"),
        (f"{W}\ngroup g any none", 2, "not defined above"),
        (f"{W}\ngroup w0 any w0", 2, "taken"),
        (f"{W}\ngroup g any w0 w0", 2, "member already"),
        (f"{W}\n{PQ}\ngroup h any w0", 3, "member already"),
        (f"{W}\ngroup g 0 w0", 2, "threshold"),
        (f"{W}\ngroup g 2 w0", 2, "threshold"),
        (f"{W}\ngroup g 01 w0", 2, "threshold"),
        (f"{W}\ngroup g +1 w0", 2, "threshold"),
        (f"{W}\ngroup g most w0", 2, "threshold"),
        (f"{W}\ngroup g \u0661 w0", 2, "threshold"),
        ("quorum none\n\x00", 2, "control"),
        ("quorum none\r\n", 1, "control"),
        (b"quorum none\n\xff", None, "UTF-8"),
        ("#" * (MAX_POLICY + 1), None, "bytes"),
        ("quorum none\ud800", None, "UTF-8"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_format_is_refused_with_its_line(text, line, why) -> None:
    message = refused(text).message
    assert why in message
    assert f"line {line}:" in message if line else "line " not in message.replace("no quorum line", "")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example", "file:///etc/passwd", "a.example", "http://", "http://u:p@a.example", "http://a.example?x=1",
        "http://a.example/?", "http://a.example#f", "http://a.example:99999", "http://a.example:0", "http://[::1",
        "http://\u00e4.example", "https://a.example/" + "x" * 500, "//a.example", "http://a.example:x", "HTTP//x",
    ],
)  # fmt: skip
def test_a_url_is_a_plain_http_prefix(url: str) -> None:
    assert "line 1" in refused(f"{W} {url}\nquorum none").message


@pytest.mark.parametrize("url", ["https://a.example", "http://127.0.0.1:8460/w/", "http://[::1]:80"])
def test_a_usable_url(url: str) -> None:
    assert parse_policy(f"{W} {url}\nquorum w0").witnesses[0].url == url.rstrip("/")


def test_every_kind_of_line_is_bounded() -> None:
    assert f"line {MAX_NAMES + 1}:" in refused(lines(MAX_NAMES + 1) + "quorum none").message
    assert len(parse_policy(lines(MAX_NAMES) + "quorum none").witnesses) == MAX_NAMES


@given(st.text(max_size=200))
def test_any_text_is_refused_with_our_error(text: str) -> None:
    refused("x" + text)


def test_a_log_is_never_its_own_witness() -> None:
    """A policy that names no log would otherwise be for one whose key it counts as a witness."""
    own = CosignerKey("outsider.example", ED25519_COSIGNATURE, LOG_KEY.public)
    given = parse_policy(f"witness outsider {own}\nquorum outsider\n")
    assert not given.knows_log(LOG_KEY)
    assert given.knows_log(VerifierKey(LOG_KEY.name, bytes(32)))
