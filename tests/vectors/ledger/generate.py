"""Writes the vectors beside it, byte for byte the same: ``python tests/vectors/ledger/generate.py [FOLDER]``.

It does not import void_audit: log proofs and marks are written down a second time, tokens are made by the tests'
own time-stamping authority from fixed keys. Every case has a name, an input, and ``expected`` or an ``error`` code.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: E402
from naive import b64, compact, leaf, mth, path, sha, signature, vkey  # noqa: E402
from tsa import CLOSED, FOUNDED, NOON, Tsa, response  # noqa: E402

Case = dict[str, Any]
ORIGIN = "newsroom.example/void-audit/1"
SEED, OTHER_SEED = bytes([1]) * 32, bytes([5]) * 32
ENTRIES = [b"entry %d" % n for n in range(40)]
LEAVES = [leaf(e) for e in ENTRIES]
TSA = Tsa()
DIGEST = sha(b"a checkpoint")


def token_cases() -> list[Case]:
    """Input: token (base64), what it should cover (SHA-256), pinned roots."""

    def case(
        name: str, token: bytes, roots: str = TSA.root_pem, digest: bytes = DIGEST, **answer: Any
    ) -> Case:
        return {
            "name": name,
            "input": {"token": b64(token), "digest": digest.hex(), "roots": roots},
            **answer,
        }

    def good(authority: str, when: str = "2026-03-01T12:00:00+00:00", accuracy: int = 1) -> Case:
        return {"time": when, "accuracy": accuracy, "authority": f"CN={authority}"}

    token, middle, stranger = (
        TSA.token(DIGEST),
        Tsa(name="Deep TSA", seed=2, middle=True),
        Tsa(name="Other", seed=3),
    )
    closed = Tsa(not_after=FOUNDED + timedelta(days=400))
    bent = token[:-1] + bytes([token[-1] ^ 1])
    twin = Tsa(usages=(ExtendedKeyUsageOID.SERVER_AUTH,)).chain[0]
    return [
        case("a token", token, expected=good("Test TSA")),
        case("under one of two roots", token, stranger.root_pem + TSA.root_pem, expected=good("Test TSA")),
        case("through an intermediate", middle.token(DIGEST), middle.root_pem, expected=good("Deep TSA")),
        case("its certificate has expired since", closed.token(DIGEST, FOUNDED), closed.root_pem,
             expected=good("Test TSA", "2020-01-01T00:00:00+00:00")),
        case("no accuracy", TSA.token(DIGEST, accuracy=None), expected=good("Test TSA", accuracy=0)),
        case("of something else", token, digest=sha(b"another"), error="token-imprint"),
        case("of another kind of digest", TSA.token(DIGEST, message_imprint={
            "hash_algorithm": {"algorithm": "sha512"}, "hashed_message": DIGEST}), error="token-imprint"),
        case("of an authority that is not pinned", stranger.token(DIGEST), error="token-untrusted"),
        case("with its own root inside", stranger.token(DIGEST, extra=(stranger.root,)), error="token-untrusted"),
        case("a root of that name, another key", Tsa(root_seed=9).token(DIGEST), error="token-invalid"),
        case("signature changed", bent, error="token-invalid"),
        case("made after the certificate", closed.token(DIGEST, NOON), closed.root_pem, error="token-invalid"),
        case("made long after", TSA.token(DIGEST, CLOSED + timedelta(days=1)), error="token-invalid"),
        case("no extended key usage", Tsa(usages=()).token(DIGEST), error="token-invalid"),
        case("usage not critical", Tsa(critical=False).token(DIGEST), error="token-invalid"),
        case("two certificates of the signer's name", TSA.token(DIGEST, extra=(twin,)), error="token-malformed"),
        case("certain to two hours", TSA.token(DIGEST, accuracy={"seconds": 7200}), error="token-accuracy"),
        case("certificates out of order", middle.token(DIGEST, sort=False), middle.root_pem, error="token-malformed"),
        case("a whole response", response(token), error="token-malformed"),
        case("cut off", token[:-1], error="token-malformed"),
        case("a byte more", token + b"\0", error="token-malformed"),
        case("nothing", b"", error="token-malformed"),
    ]  # fmt: skip


def proof_text(
    index: int, size: int, seed: bytes = SEED, extra: str = "", hashes: list[bytes] | None = None
) -> str:
    text = f"{ORIGIN}\n{size}\n{b64(mth(LEAVES[:size]))}\n"
    lines = "".join(f"{b64(h)}\n" for h in (path(index, LEAVES[:size]) if hashes is None else hashes))
    return f"c2sp.org/tlog-proof@v1\n{extra}index {index}\n{lines}\n{text}\n{signature(text, ORIGIN, seed)}"


def proof_cases() -> list[Case]:
    """Input: proof, entry (base64), the log's vkey. Expected: the size of the log."""

    def case(name: str, proof: str, entry: bytes, **answer: Any) -> Case:
        return {
            "name": name,
            "input": {"proof": proof, "entry": b64(entry), "vkey": vkey(ORIGIN, SEED)},
            **answer,
        }

    cases = [
        case(f"entry {i} of {n}", proof_text(i, n), ENTRIES[i], expected=n)
        for i, n in ((0, 1), (0, 2), (2, 3), (6, 8), (17, 40), (39, 40))
    ]
    good, entry = proof_text(17, 40), ENTRIES[17]
    hashes = path(17, LEAVES)
    cases.append(
        case("something outside", proof_text(17, 40, extra="extra b3V0c2lkZQ==\n"), entry, expected=40)
    )
    spoilt = [
        ("another entry", good, b"another", "inclusion-unproven"),
        ("another index", good.replace("index 17", "index 16"), entry, "inclusion-unproven"),
        ("index at size", good.replace("index 17", "index 40"), entry, "proof-index"),
        ("a hash too few", proof_text(17, 40, hashes=hashes[:-1]), entry, "inclusion-unproven"),
        ("a hash too many", proof_text(17, 40, hashes=[*hashes, hashes[0]]), entry, "inclusion-unproven"),
        ("hashes reversed", proof_text(17, 40, hashes=hashes[::-1]), entry, "inclusion-unproven"),
        ("another log's key", proof_text(17, 40, OTHER_SEED), entry, "note-unsigned"),
        ("checkpoint changed", good.replace("\n40\n", "\n41\n"), entry, "note-signature-bad"),
        ("another version", good.replace("@v1", "@v2"), entry, "tlog-proof-malformed"),
        ("no index", good.replace("index 17\n", ""), entry, "tlog-proof-malformed"),
        ("leading zero", good.replace("index 17", "index 017"), entry, "tlog-proof-malformed"),
        ("negative index", good.replace("index 17", "index -1"), entry, "tlog-proof-malformed"),
        ("short hash", proof_text(17, 40, hashes=[hashes[0][:-1]]), entry, "tlog-proof-malformed"),
        ("no checkpoint", good.partition("\n\n")[0], entry, "tlog-proof-malformed"),
        ("empty", "", entry, "tlog-proof-malformed"),
    ]
    return cases + [case(name, proof, data, error=code) for name, proof, data, code in spoilt]


def slot(sequence: int, entries: int, **changes: Any) -> str:
    """A slot of a mark without the blanks that fill it."""
    fields = {"file": "8:1:2", "format": "void-audit-mark/v2", "origin": ORIGIN, "root": mth(LEAVES[:entries]).hex(),
              "sequence": sequence, "size": entries, **changes}  # fmt: skip
    return compact({**fields, "check": sha(compact(fields)).hex()}).decode()


def mark_cases() -> list[Case]:
    """Input: the two slots without their filling. Expected: the mark that holds. Error: none does."""

    def case(name: str, slots: list[str], **answer: Any) -> Case:
        return {"name": name, "input": {"slots": slots}, **answer}

    def mark(sequence: int, size: int) -> Case:
        return {"sequence": sequence, "origin": ORIGIN, "size": size, "root": mth(LEAVES[:size]).hex()}

    bad = "ledger-mark-damaged"
    return [
        case("two in turn", [slot(4, 7), slot(5, 9)], expected=mark(5, 9)),
        case("the older one second", [slot(6, 9), slot(5, 7)], expected=mark(6, 9)),
        case("only one yet", [slot(0, 0), ""], expected=mark(0, 0)),
        case("the newer one cut off", [slot(4, 7), slot(5, 9)[:-9]], expected=mark(4, 7)),
        case(
            "the newer one changed",
            [slot(4, 7), slot(5, 9).replace('"size":9', '"size":8')],
            expected=mark(4, 7),
        ),
        case("neither", ["", ""], error=bad),
        case("both changed", [slot(4, 7).replace(":7", ":6"), slot(5, 9).replace(":9", ":8")], error=bad),
        case("in the wrong places", [slot(5, 9), slot(4, 7)], error=bad),
        case("one left out", [slot(4, 7), slot(7, 9)], error=bad),
        case("going back", [slot(4, 9), slot(5, 7)], error=bad),
        case("of two files", [slot(4, 7), slot(5, 9, file="8:1:3")], error=bad),
        case("of two logs", [slot(4, 7), slot(5, 9, origin="other.example")], error=bad),
        case("size as text", [slot(4, 7, size="7"), ""], error=bad),
        case("a fraction", [slot(4, 7, size=7.5), ""], error=bad),
        case("a short root", [slot(4, 7, root="00"), ""], error=bad),
        case("another version", [slot(4, 7, format="void-audit-mark/v3"), ""], error=bad),
        case("a field more", [slot(4, 7, note=""), ""], error=bad),
    ]


def main(folder: Path) -> None:
    for name, cases in (("token", token_cases()), ("tlog-proof", proof_cases()), ("mark", mark_cases())):
        text = json.dumps(cases, indent=1, ensure_ascii=True) + "\n"
        (folder / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
