"""Writes the vectors beside it, byte for byte the same: ``python tests/vectors/witness/generate.py [FOLDER]``.

It does not import void_audit: the formats are written down a second time. ML-DSA signatures differ each time they are
made, so the one that is used here lies in ``ml-dsa-44.txt``; everything else follows from fixed seeds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

HERE = Path(__file__).parent
ORIGIN = "newsroom.example/void-audit/1"
NAME = "witness.example/w1"
AT = 1679315147
LOG, WITNESS = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 21))
SECOND = MLDSA44PrivateKey.from_seed_bytes(bytes([22]) * 32)
TEXT = f"{ORIGIN}\n5\n{base64.b64encode(bytes(range(32))).decode()}\n"
OTHER = f"{ORIGIN}\n5\n{base64.b64encode(bytes(32)).decode()}\n"
LONG = f"{ORIGIN}\n5\n{base64.b64encode(bytes(range(32))).decode()}\nan extension\n"


def typed(kind: int, public: bytes, name: str = NAME) -> tuple[bytes, str]:
    whole = bytes([kind]) + public
    hashed = hashlib.sha256(name.encode() + b"\n" + whole).digest()[:4]
    return hashed, f"{name}+{hashed.hex()}+{base64.b64encode(whole).decode()}"


def line(name: str, hashed: bytes, signature: bytes) -> str:
    return f"\u2014 {name} {base64.b64encode(hashed + signature).decode()}\n"


def raw(key: Any) -> bytes:
    return key.public_key().public_bytes_raw()


ED_HASH, ED_VKEY = typed(4, raw(WITNESS))
PQ_HASH, PQ_VKEY = typed(6, raw(SECOND))
LOG_HASH, LOG_VKEY = typed(1, raw(LOG), ORIGIN)
LOG_LINE = line(ORIGIN, LOG_HASH, LOG.sign(TEXT.encode()))


def ed(text: str = TEXT, at: int = AT, claimed: int | None = None) -> bytes:
    data = f"cosignature/v1\ntime {at}\n{text}".encode()
    return struct.pack(">Q", at if claimed is None else claimed) + WITNESS.sign(data)


def message(
    name: str = NAME, at: int = AT, origin: str = ORIGIN, size: int = 5, root: bytes = bytes(range(32))
) -> bytes:
    label, log = name.encode(), origin.encode()
    head = b"subtree/v1\n\0" + bytes([len(label)]) + label + struct.pack(">Q", at)
    return head + bytes([len(log)]) + log + struct.pack(">QQ", 0, size) + root


def pq() -> bytes:
    stored = HERE / "ml-dsa-44.txt"
    if not stored.exists():
        stored.write_text(base64.b64encode(SECOND.sign(message())).decode() + "\n")
    signature = base64.b64decode(stored.read_text())
    SECOND.public_key().verify(signature, message())
    return struct.pack(">Q", AT) + signature


def case(
    name: str, vkey: str, signature: bytes, hashed: bytes, text: str = TEXT, **more: Any
) -> dict[str, Any]:
    note = f"{text}\n{LOG_LINE}{line(NAME, hashed, signature)}"
    return {"name": name, "input": {"vkey": vkey, "note": note}, **more}


def cosignatures() -> list[dict[str, Any]]:
    bad = {"error": "note-signature-bad"}
    second = pq()
    return [
        case("Ed25519", ED_VKEY, ed(), ED_HASH, expected=[AT]),
        {
            **case("Ed25519, as it is made", ED_VKEY, ed(), ED_HASH, expected=[AT]),
            "seed": (bytes([21]) * 32).hex(),
        },
        case("Ed25519 over an extension line too", ED_VKEY, ed(LONG), ED_HASH, LONG, expected=[AT]),
        case("ML-DSA-44", PQ_VKEY, second, PQ_HASH, expected=[AT]),
        case("ML-DSA-44 does not sign extension lines", PQ_VKEY, second, PQ_HASH, LONG, expected=[AT]),
        case("largest time", ED_VKEY, ed(at=2**63 - 1), ED_HASH, expected=[2**63 - 1]),
        case("no time", ED_VKEY, ed(at=0), ED_HASH, expected=[0]),
        case("time of 64 bits", ED_VKEY, ed(at=2**63), ED_HASH, **bad),
        case("another root", ED_VKEY, ed(OTHER), ED_HASH, **bad),
        case("another time", ED_VKEY, ed(claimed=AT + 1), ED_HASH, **bad),
        case("without a time", ED_VKEY, ed()[8:], ED_HASH, **bad),
        case("a byte too many", ED_VKEY, ed() + b"\0", ED_HASH, **bad),
        case(
            "the log's way of signing",
            ED_VKEY,
            struct.pack(">Q", AT) + WITNESS.sign(TEXT.encode()),
            ED_HASH,
            **bad,
        ),
        case("ML-DSA-44, another time", PQ_VKEY, struct.pack(">Q", AT + 1) + second[8:], PQ_HASH, **bad),
        case("ML-DSA-44, another root", PQ_VKEY, second, PQ_HASH, OTHER, **bad),
        case("ML-DSA-44, a byte too few", PQ_VKEY, second[:-1], PQ_HASH, **bad),
        case("ML-DSA-44, Ed25519's length", PQ_VKEY, ed(), PQ_HASH, **bad),
        case("another key's", ED_VKEY, second, PQ_HASH, expected=[]),
        case("no checkpoint", ED_VKEY, ed("words\n"), ED_HASH, "words\n", **bad),
    ]


def vkeys() -> list[dict[str, Any]]:
    short = typed(4, raw(WITNESS)[:31])[1]
    pieces = ED_VKEY.split("+")
    changed = "+".join([pieces[0], "00000000", pieces[2]])
    return [
        {"name": "type 04", "input": ED_VKEY, "expected": [NAME, 4, ED_HASH.hex()]},
        {"name": "type 06", "input": PQ_VKEY, "expected": [NAME, 6, PQ_HASH.hex()]},
        {"name": "a log's", "input": LOG_VKEY, "error": "vkey-type"},
        {"name": "type 02", "input": typed(2, raw(WITNESS))[1], "error": "vkey-type"},
        {"name": "31 bytes", "input": short, "error": "vkey-malformed"},
        {"name": "type 06 with a short key", "input": typed(6, raw(WITNESS))[1], "error": "vkey-malformed"},
        {"name": "another hash", "input": changed, "error": "vkey-malformed"},
        {"name": "nothing", "input": "", "error": "vkey-malformed"},
    ]


REQUEST = f"old 3\n{base64.b64encode(bytes(32)).decode()}\n\n{TEXT}\n{LOG_LINE}"


def requests() -> list[dict[str, Any]]:
    digest = base64.b64encode(bytes(32)).decode()
    wrong = {
        "empty": "",
        "no old line": f"\n\n{TEXT}\n{LOG_LINE}",
        "leading zero": REQUEST.replace("old 3", "old 03"),
        "a sign": REQUEST.replace("old 3", "old -3"),
        "64 bits": REQUEST.replace("old 3", f"old {2**63}"),
        "two blanks": REQUEST.replace("old 3", "old  3"),
        "64 proof lines": REQUEST.replace(f"{digest}\n", f"{digest}\n" * 64, 1),
        "short hash": REQUEST.replace(digest, digest[4:], 1),
        "two hashes in a line": REQUEST.replace(digest, base64.b64encode(bytes(64)).decode(), 1),
        "base64 with line feeds of Windows": REQUEST.replace("\n", "\r\n"),
        "no empty line": "old 3\nwords\n",
        "other bits at the end of base64": REQUEST.replace(digest, digest[:-2] + "B=", 1),
    }
    good = {"old": 3, "proof": [bytes(32).hex()], "note": f"{TEXT}\n{LOG_LINE}"}
    most = REQUEST.replace(f"{digest}\n", f"{digest}\n" * 63, 1)
    return [
        {"name": "a request", "input": REQUEST, "expected": good},
        {"name": "63 proof lines", "input": most, "expected": {**good, "proof": [bytes(32).hex()] * 63}},
        {
            "name": "no proof",
            "input": REQUEST.replace(f"{digest}\n", "", 1),
            "expected": {**good, "proof": []},
        },
        *(
            {"name": name, "input": body, "error": "witness-request-malformed"}
            for name, body in wrong.items()
        ),
    ]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, cases in (("cosignature", cosignatures()), ("vkey", vkeys()), ("request", requests())):
        text = json.dumps(cases, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
        (folder / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
