"""Writes the vectors beside it, byte for byte the same every time: ``python tests/vectors/generate.py [FOLDER]``.

It does not import void_audit: ``naive.py`` writes the formats down a second time. Every case has a name, an
input, and either ``expected`` or the code of an ``error``. Cases called "published: ..." are known answers of others.
"""

from __future__ import annotations

import base64
import json
import struct
import sys
from pathlib import Path
from typing import Any

from naive import (
    b64,
    compact,
    envelope,
    hexes,
    leaf,
    mth,
    path,
    signature,
    subproof,
    vkey,
)  # fmt: skip

Case = dict[str, Any]
ORIGIN = "newsroom.example/void-audit/1"
LOG_SEED, EDITOR_SEED, MACHINE_SEED = (bytes([n]) * 32 for n in (1, 2, 3))
CT_LEAVES = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
CT_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)  # fmt: skip
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "predicate": {"claimed_time": "2026-01-02T03:04:05Z", "comment": None, "edit": "e1", "plan": "ab" * 32},
    "predicateType": "https://voidaudit.org/records/approval/v1",
    "subject": [{"digest": {"sha256": "ab" * 32}, "name": "plan"}],
}
# The example of golang.org/x/mod/sumdb/note, key and all.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT
    + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
    "pRZb6KE6RyyBwJnAM=\n"
)


LEAVES = [leaf(b"entry %d" % i) for i in range(40)]


def leaf_cases() -> list[Case]:
    cases = [
        {"name": f"{len(data)} bytes", "input": {"entry": data.hex()}, "expected": leaf(data).hex()}
        for data in (b"", b"\x00", b"entry", bytes(range(256)))
    ]
    cases[0]["name"] = "published: empty leaf"
    cases[0]["expected"] = CT_ROOTS[1]
    return cases


def node_cases() -> list[Case]:
    published = [
        {"name": f"published: root of {n}", "input": {"entries": list(CT_LEAVES[:n])}, "expected": root}
        for n, root in enumerate(CT_ROOTS)
    ]
    own = [
        {"name": f"root of {n}", "input": {"entries": [f"{i:04x}" for i in range(n)]},
         "expected": mth([leaf(struct.pack(">H", i)) for i in range(n)]).hex()}
        for n in (9, 16, 17, 31)
    ]  # fmt: skip
    return published + own


def inclusion_cases() -> list[Case]:
    cases: list[Case] = []
    for size, index in ((1, 0), (2, 1), (3, 2), (7, 3), (8, 7), (13, 12), (33, 32), (40, 17)):
        cases.append(
            {"name": f"entry {index} of {size}", "expected": "ok", "input": {
                "leaf": LEAVES[index].hex(), "index": index, "size": size,
                "proof": hexes(path(index, LEAVES[:size])), "root": mth(LEAVES[:size]).hex()}}
        )  # fmt: skip
    good = cases[5]["input"]
    proof = good["proof"]
    spoilt: list[tuple[str, Case, str]] = [
        ("another leaf", {"leaf": LEAVES[0].hex()}, "inclusion-unproven"),
        ("another index", {"index": 11}, "inclusion-unproven"),
        ("another size", {"size": 12 + 2}, "inclusion-unproven"),
        ("another root", {"root": LEAVES[0].hex()}, "inclusion-unproven"),
        ("index at size", {"index": 13}, "proof-index"),
        ("negative index", {"index": -1}, "proof-index"),
        ("empty tree", {"index": 0, "size": 0}, "proof-index"),
        ("proof too short", {"proof": proof[:-1]}, "inclusion-unproven"),
        ("proof too long", {"proof": [*proof, proof[0]]}, "inclusion-unproven"),
        ("no proof", {"proof": []}, "inclusion-unproven"),
        ("proof reversed", {"proof": proof[::-1]}, "inclusion-unproven"),
        ("short hash", {"proof": [proof[0][:-2], *proof[1:]]}, "proof-malformed"),
        ("short root", {"root": good["root"][:-2]}, "proof-malformed"),
    ]
    return cases + [{"name": n, "input": {**good, **change}, "error": code} for n, change, code in spoilt]


def consistency_cases() -> list[Case]:
    cases: list[Case] = []
    for old, new in (
        (0, 0),
        (0, 5),
        (1, 1),
        (1, 2),
        (3, 7),
        (4, 7),
        (6, 8),
        (8, 8),
        (8, 13),
        (32, 40),
        (33, 40),
    ):
        proof = subproof(old, LEAVES[:new], True) if 0 < old < new else []
        cases.append(
            {"name": f"{old} to {new}", "expected": "ok", "input": {
                "old": old, "old_root": mth(LEAVES[:old]).hex(), "new": new,
                "new_root": mth(LEAVES[:new]).hex(), "proof": hexes(proof)}}
        )  # fmt: skip
    by_name = {case["name"]: case["input"] for case in cases}
    good, same, empty = by_name["6 to 8"], by_name["8 to 8"], by_name["0 to 5"]
    proof, other = good["proof"], LEAVES[0].hex()
    bad = "consistency-unproven"
    spoilt: list[tuple[str, Case, Case, str]] = [
        ("old root forged", good, {"old_root": other}, bad),
        ("new root forged", good, {"new_root": other}, bad),
        ("another old size", good, {"old": 5}, bad),
        ("another new size", good, {"new": 9}, bad),
        ("shrinking", good, {"old": 9}, "proof-index"),
        ("negative", good, {"old": -1}, "proof-index"),
        ("no proof", good, {"proof": []}, bad),
        ("proof too short", good, {"proof": proof[:-1]}, bad),
        ("proof too long", good, {"proof": [*proof, other]}, bad),
        ("short hash", good, {"proof": [proof[0][:-2], *proof[1:]]}, "proof-malformed"),
        ("same size, other root", same, {"old_root": other}, bad),
        ("same size with a proof", same, {"proof": [other]}, bad),
        ("from empty, wrong empty root", empty, {"old_root": other}, bad),
        ("from empty with a proof", empty, {"proof": [other]}, bad),
    ]
    return cases + [
        {"name": n, "input": {**base, **change}, "error": code} for n, base, change, code in spoilt
    ]


def envelope_cases() -> list[Case]:
    payload = compact(STATEMENT)
    hello = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    cases: list[Case] = [
        {"name": "published: pae", "expected": {"pae": b64(hello)},
         "input": {"payload_type": "http://example.com/HelloWorld", "payload": b64(b"hello world")}}
    ]  # fmt: skip
    for name, seeds in (("one signer", [EDITOR_SEED]), ("two signers", [MACHINE_SEED, EDITOR_SEED])):
        data = compact(envelope(payload, seeds))
        cases.append(
            {"name": name, "input": {"payload": b64(payload), "seeds": hexes(seeds)}, "expected": {
                "envelope": b64(data), "leaf": leaf(data).hex(), "kind": "approval"}}
        )  # fmt: skip
    good = envelope(payload, [EDITOR_SEED])
    twice = {**good, "signatures": good["signatures"] * 2}
    many = {**good, "signatures": [{**good["signatures"][0], "keyid": f"{i:064x}"} for i in range(17)]}
    sig = good["signatures"][0]
    newer = {**STATEMENT, "predicateType": "https://voidaudit.org/records/approval/v2"}
    alien = {**STATEMENT, "predicateType": "https://voidaudit.org/records/wish/v1"}
    extra = {**STATEMENT, "predicate": {**STATEMENT["predicate"], "name": "J. Doe"}}  # type: ignore[dict-item]
    spoilt: list[tuple[str, bytes, str]] = [
        ("not JSON", b"hello", "json-invalid"),
        ("key twice", compact(good)[:-1] + b',"payload":""}', "json-duplicate-key"),
        ("unknown field", compact({**good, "note": ""}), "envelope-malformed"),
        ("missing field", compact({k: v for k, v in good.items() if k != "payloadType"}), "envelope-malformed"),
        ("unknown signature field", compact({**good, "signatures": [{**sig, "cert": ""}]}), "envelope-malformed"),
        ("no signature", compact({**good, "signatures": []}), "envelope-malformed"),
        ("empty signature", compact({**good, "signatures": [{**sig, "sig": ""}]}), "envelope-malformed"),
        ("signer twice", compact(twice), "envelope-malformed"),
        ("17 signatures", compact(many), "envelope-malformed"),
        ("key id in upper case", compact({**good, "signatures": [{**sig, "keyid": sig["keyid"].upper()}]}),
         "envelope-malformed"),
        ("payload in URL-safe base64", compact({**good, "payload": "_-8="}), "envelope-malformed"),
        ("payload without padding", compact({**good, "payload": "QQ"}), "envelope-malformed"),
        ("stray bits in base64", compact({**good, "payload": "QR=="}), "envelope-not-canonical"),
        ("white space", json.dumps(good, sort_keys=True).encode(), "envelope-not-canonical"),
        ("fields in another order", json.dumps(dict(reversed(good.items())), separators=(",", ":")).encode(),
         "envelope-not-canonical"),
        ("too large", compact({**good, "payload": b64(bytes(49_200))}), "envelope-too-large"),
        ("another payload type", compact({**good, "payloadType": "text/plain"}), "payload-type"),
        ("payload is no statement", compact(envelope(b'{"_type":"x"}', [EDITOR_SEED])), "statement-malformed"),
        ("unknown kind", compact(envelope(compact(alien), [EDITOR_SEED])), "record-kind-unknown"),
        ("newer version", compact(envelope(compact(newer), [EDITOR_SEED])), "record-version-unknown"),
        ("unknown predicate field", compact(envelope(compact(extra), [EDITOR_SEED])), "record-malformed"),
    ]  # fmt: skip
    return cases + [{"name": n, "input": {"envelope": b64(d)}, "error": code} for n, d, code in spoilt]


def note_cases() -> list[Case]:
    text, mine = "a text\n\nwith an empty line\n", vkey(ORIGIN, LOG_SEED)
    line, unknown = signature(text, ORIGIN, LOG_SEED), signature(text, "someone.example", EDITOR_SEED)
    forged = signature("another text\n", ORIGIN, LOG_SEED)
    cases: list[Case] = [
        {"name": "published: golang.org/x/mod/sumdb/note", "expected": GO_TEXT,
         "input": {"vkey": GO_VKEY, "seed": GO_SEED.hex(), "note": GO_NOTE}},
        {"name": "one signature", "expected": text,
         "input": {"vkey": mine, "seed": LOG_SEED.hex(), "note": f"{text}\n{line}"}},
    ]  # fmt: skip
    sixteen = "".join(signature(text, f"witness{i}.example", EDITOR_SEED) for i in range(15))
    accepted = {
        "unknown key ignored": f"{text}\n{unknown}{line}",
        "unknown signature type ignored": f"{text}\n{line}\u2014 {ORIGIN} {b64(bytes(100))}\n",
        "sixteen signatures": f"{text}\n{sixteen}{line}",
    }
    cases += [{"name": n, "expected": text, "input": {"vkey": mine, "note": d}} for n, d in accepted.items()]
    spoilt: list[tuple[str, str, str]] = [
        ("known key, signature of another text", f"{text}\n{forged}", "note-signature-bad"),
        ("good signature, then a bad one", f"{text}\n{line}{forged}", "note-signature-bad"),
        ("text changed", f"x{text}\n{line}", "note-signature-bad"),
        ("only unknown keys", f"{text}\n{unknown}", "note-unsigned"),
        ("no empty line", text.replace("\n\n", "\n") + line, "note-malformed"),
        ("no signature", f"{text}\n", "note-malformed"),
        ("no line feed at the end", f"{text}\n{line[:-1]}", "note-malformed"),
        ("hyphen for the dash", f"{text}\n{line.replace(chr(0x2014), '-')}", "note-malformed"),
        ("two spaces", f"{text}\n{line.replace(' ', '  ')}", "note-malformed"),
        ("signature of four bytes", f"{text}\n{line}\u2014 x {b64(bytes(4))}\n", "note-malformed"),
        (
            "carriage return",
            f"a\r\n\n{signature(chr(97) + chr(13) + chr(10), ORIGIN, LOG_SEED)}",
            "note-malformed",
        ),
        ("101 signatures", f"{text}\n" + line * 101, "note-malformed"),
        ("too large", "x" * 100_000 + f"\n\n{line}", "note-too-large"),
        ("empty", "", "note-malformed"),
    ]
    cases += [{"name": n, "error": c, "input": {"vkey": mine, "note": d}} for n, d, c in spoilt]
    name, hashed, key = mine.split("+", 2)
    keys: list[tuple[str, str, str]] = [
        ("vkey with another hash", f"{name}+00000000+{key}", "vkey-malformed"),
        ("vkey with another name", f"other+{hashed}+{key}", "vkey-malformed"),
        ("vkey in two parts", f"{name}+{hashed}", "vkey-malformed"),
        ("vkey with a space", f"a b+{hashed}+{key}", "vkey-malformed"),
        ("vkey of a short key", f"{name}+{hashed}+{b64(bytes([1]) + bytes(31))}", "vkey-malformed"),
        ("vkey of a cosigner", f"{name}+{hashed}+{b64(bytes([4]) + bytes(32))}", "vkey-type"),
    ]
    return cases + [{"name": n, "error": c, "input": {"vkey": k, "note": GO_NOTE}} for n, k, c in keys]


def checkpoint_cases() -> list[Case]:
    cases: list[Case] = []
    key = vkey(ORIGIN, LOG_SEED)
    for size in (0, 1, 40):
        root = mth(LEAVES[:size])
        text = f"{ORIGIN}\n{size}\n{b64(root)}\n"
        cases.append(
            {"name": f"size {size}", "input": {
                "vkey": key, "seed": LOG_SEED.hex(), "note": f"{text}\n{signature(text, ORIGIN, LOG_SEED)}"},
             "expected": {"origin": ORIGIN, "size": size, "root": root.hex(), "extensions": []}}
        )  # fmt: skip
    root = b64(mth(LEAVES))
    extended = f"{ORIGIN}\n40\n{root}\nmore\n"
    cases.append(
        {"name": "extension line", "input": {
            "vkey": key, "note": f"{extended}\n{signature(extended, ORIGIN, LOG_SEED)}"},
         "expected": {"origin": ORIGIN, "size": 40, "root": mth(LEAVES).hex(), "extensions": ["more"]}}
    )  # fmt: skip
    spoilt: list[tuple[str, str, str]] = [
        ("another origin", f"other.example\n40\n{root}\n", "checkpoint-origin"),
        ("leading zero", f"{ORIGIN}\n040\n{root}\n", "checkpoint-malformed"),
        ("plus sign", f"{ORIGIN}\n+40\n{root}\n", "checkpoint-malformed"),
        ("negative", f"{ORIGIN}\n-1\n{root}\n", "checkpoint-malformed"),
        ("size of 2**63", f"{ORIGIN}\n{2**63}\n{root}\n", "checkpoint-malformed"),
        ("digits of another script", f"{ORIGIN}\n\u0664\u0660\n{root}\n", "checkpoint-malformed"),
        ("root of 31 bytes", f"{ORIGIN}\n40\n{b64(bytes(31))}\n", "checkpoint-malformed"),
        ("root in hexadecimal", f"{ORIGIN}\n40\n{mth(LEAVES).hex()}\n", "checkpoint-malformed"),
        ("stray bits in the root", f"{ORIGIN}\n40\n{b64(bytes(32))[:-2]}B=\n", "checkpoint-malformed"),
        ("empty extension line", f"{ORIGIN}\n40\n{root}\n\nx\n", "checkpoint-malformed"),
        ("no root", f"{ORIGIN}\n40\n", "checkpoint-malformed"),
    ]
    return cases + [
        {"name": n, "error": c, "input": {"vkey": key, "note": f"{t}\n{signature(t, ORIGIN, LOG_SEED)}"}}
        for n, t, c in spoilt
    ]


# RFC 8785 appendix B: the double's bits and its text; None where it has none.
DOUBLES = {
    "0000000000000000": "0", "8000000000000000": "0", "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324", "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308", "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992", "4430000000000000": "295147905179352830000",
    "7fffffffffffffff": None, "7ff0000000000000": None, "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23", "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000", "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21", "3eb0c6f7a0b5ed8c": "9.999999999999997e-7", "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332", "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333", "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343", "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}  # fmt: skip


def jcs_cases() -> list[Case]:
    cases: list[Case] = []
    for bits, text in DOUBLES.items():
        case: Case = {"name": f"published: double {bits}", "input": {"double": bits}}
        cases.append(
            {**case, "expected": b64(text.encode())} if text else {**case, "error": "json-unrepresentable"}
        )
    texts: list[tuple[str, str, str]] = [
        ("published: RFC 8785 3.2.2",
         '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
         '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
         '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
         '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'),
        ("published: RFC 8785 3.2.3, keys in UTF-16 order",
         '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",'
         '"\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}',
         '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis",'
         '"\u20ac":"Euro Sign","\U0001f600":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}'),
        ("largest integer", " [9007199254740991, -9007199254740991] ", "[9007199254740991,-9007199254740991]"),
        ("64 levels", "[" * 64 + "]" * 64, "[" * 64 + "]" * 64),
    ]  # fmt: skip
    cases += [
        {"name": n, "input": {"json": b64(t.encode())}, "expected": b64(e.encode())} for n, t, e in texts
    ]
    spoilt: list[tuple[str, bytes, str]] = [
        ("key twice", b'{"a":1,"a":1}', "json-duplicate-key"),
        ("key twice by escape", b'{"a":1,"\\u0061":1}', "json-duplicate-key"),
        ("NaN", b"NaN", "json-number"),
        ("infinity", b"[-Infinity]", "json-number"),
        ("overflow", b"1e400", "json-number"),
        ("integer of 2**53 + 1", b"9007199254740993", "json-number"),
        ("integer of 2**64 - 1", b"18446744073709551615", "json-number"),
        ("integer of 5000 digits", b"9" * 5000, "json-number"),
        ("65 levels", b"[" * 65 + b"]" * 65, "json-too-deep"),
        ("5,000 levels", b"[" * 5000, "json-too-deep"),
        ("lone surrogate", b'"\\ud800"', "json-invalid"),
        ("lone surrogate in a key", b'{"\\udc00":1}', "json-invalid"),
        ("Latin-1", b'"\xe9"', "json-invalid"),
        ("byte order mark", b"\xef\xbb\xbf{}", "json-invalid"),
        ("UTF-16", "{}".encode("utf-16"), "json-invalid"),
        ("trailing comma", b"[1,]", "json-invalid"),
        ("two values", b"1 2", "json-invalid"),
        ("leading zero", b"01", "json-invalid"),
        ("single quotes", b"{'a':1}", "json-invalid"),
        ("raw control character", b'"\n"', "json-invalid"),
        ("empty", b"", "json-invalid"),
    ]
    return cases + [{"name": n, "input": {"json": b64(d)}, "error": c} for n, d, c in spoilt]


FILES = {
    "leaf": leaf_cases, "node": node_cases, "inclusion": inclusion_cases, "consistency": consistency_cases,
    "envelope": envelope_cases, "note": note_cases, "checkpoint": checkpoint_cases, "jcs": jcs_cases,
}  # fmt: skip


def main(folder: Path) -> None:
    for name, cases in FILES.items():
        text = json.dumps(cases(), indent=1, ensure_ascii=True, sort_keys=True) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
