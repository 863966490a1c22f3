"""What others said of the log reaches the tiles: once, and also when it comes late."""

from __future__ import annotations

import hashlib

from conftest_ledger import Home
from evidence_of import codes, entry, evidence, exporter, files, inspected

from void_audit.canon.note import parse
from void_audit.ledger import tile_attestations
from void_audit.ledger.log import Ledger


def line(number: int) -> str:
    return f"\u2014 witness{number}.example {'Q' * 96}{number:04d}\n"


def digest(ledger: Ledger, size: int) -> bytes:
    return hashlib.sha256(parse(ledger.checkpoint_at(size)).text.encode()).digest()


def attested(home: Home) -> set[str]:
    return {path for path in files(evidence(home)) if path.startswith("void-audit/")}


def test_nothing_is_written_of_checkpoints_that_nobody_vouched_for(home: Home, ledger: Ledger) -> None:
    for number in range(3):
        ledger.append([entry(number)])
        exporter(home).catch_up()
    assert attested(home) == set()


def test_cosigned_checkpoints_stay_when_newer_ones_come(home: Home, ledger: Ledger) -> None:
    export = exporter(home)
    for number in range(4):
        ledger.append([entry(number)])
        ledger.add_cosignatures(number + 1, [line(number)])
        export.catch_up()
    assert attested(home) == {f"void-audit/checkpoints/{size}" for size in (1, 2, 3, 4)}
    seen, problems = inspected(home)
    assert problems == []
    assert seen.lines == {size: {line(size - 1)} for size in (1, 2, 3, 4)}
    assert evidence(home).read("checkpoint", 5000) == ledger.cosigned(4).encode()


def test_a_witness_that_answers_late(home: Home, ledger: Ledger) -> None:
    export = exporter(home)
    for number in range(3):
        ledger.append([entry(number)])
    ledger.add_cosignatures(2, [line(0)])
    assert export.catch_up().size == 3
    ledger.add_cosignatures(2, [line(1)])
    ledger.add_cosignatures(3, [line(2)])
    assert export.catch_up().written == 3  # both files of their own, and the newest checkpoint
    assert export.catch_up().written == 0
    assert inspected(home)[0].lines == {2: {line(0), line(1)}, 3: {line(2)}}
    assert codes(home) == set()


def test_an_old_checkpoint_is_compared_again_only_when_asked(
    home: Home, ledger: Ledger, monkeypatch: object
) -> None:
    monkeypatch.setattr(tile_attestations, "RECENT", 1)  # type: ignore[attr-defined]
    export = exporter(home)
    for number in range(3):
        ledger.append([entry(number)])
        ledger.add_cosignatures(number + 1, [line(number)])
        export.catch_up()
    ledger.add_cosignatures(1, [line(9)])
    assert export.catch_up().written == 0
    assert export.catch_up(whole=True).written == 1
    assert inspected(home)[0].lines[1] == {line(0), line(9)}


def test_tokens_of_files_and_of_checkpoints(home: Home, ledger: Ledger) -> None:
    export = exporter(home)
    for number in range(3):
        ledger.append([entry(number)])
    ledger.add_token(b"\5" * 32, "http://tsa.example", b"of a file")
    ledger.add_token(digest(ledger, 2), "http://tsa.example", b"of the second checkpoint")
    ledger.add_token(digest(ledger, 2), "http://other.example", b"of the second checkpoint too")
    export.catch_up()
    seen, problems = inspected(home)
    assert problems == []
    assert seen.signed.keys() == {2, 3}  # what is stamped can be read, not only its digest
    assert sorted(seen.tokens.values()) == [
        b"of a file", b"of the second checkpoint", b"of the second checkpoint too"
    ]  # fmt: skip
    assert export.catch_up().written == 0
    assert exporter(home).catch_up().written == 0
    assert codes(home) == set()


def test_what_is_gone_is_written_again_by_a_whole_export(home: Home, ledger: Ledger) -> None:
    export = exporter(home)
    for number in range(2):
        ledger.append([entry(number)])
    ledger.add_token(digest(ledger, 1), "http://tsa.example", b"of the first checkpoint")
    ledger.add_cosignatures(2, [line(0)])
    export.catch_up()
    whole = files(evidence(home))
    assert len(attested(home)) == 3
    for path in attested(home):
        (home.root / "evidence" / path).unlink()
    assert export.catch_up(whole=True).written == 3
    assert files(evidence(home)) == whole
