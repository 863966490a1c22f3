"""The auditor of a directory: every byte of it counts, and it needs no database."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest_ledger import Home, key
from evidence_of import codes, entry, evidence, exporter, files, folder_of, inspected

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.errors import LedgerError
from void_audit.ledger import tile_reader
from void_audit.ledger.tile_reader import TileReader, cosignature_lines, require

WITNESS = VerifierKey("witness.example", b"\7" * 32)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Five entries, exported at 2, 3 and 5, one older checkpoint cosigned and stamped. Copy before changing."""
    home = Home(tmp_path_factory.mktemp("small"))
    ledger = home.create()
    for batch in ([0, 1], [2], [3, 4]):
        ledger.append([entry(n) for n in batch])
        ledger.add_cosignatures(ledger.size, [f"\u2014 witness.example {'Q' * 100}\n"])
        exporter(home).catch_up()
    ledger.add_token(b"\5" * 32, "http://tsa.example", b"a token")
    exporter(home).catch_up()
    ledger.close()
    return home


def test_a_sound_directory(small: Home) -> None:
    seen, problems = inspected(small)
    assert problems == []
    assert seen.complete
    assert seen.checkpoint
    assert seen.checkpoint.size == 5
    assert seen.signed.keys() == {2, 3, 5}
    assert seen.lines[5] == {f"\u2014 witness.example {'Q' * 100}\n"}
    assert seen.tokens == {(b"\5" * 32, "http://tsa.example"): b"a token"}
    assert codes(small) == set()


def unnoticed(small: Home, home: Home, stride: int) -> list[tuple[str, int]]:
    """Files flipped, cut off or added to, of which neither the reader nor fsck says that something is wrong."""
    shutil.copytree(small.root, home.root)
    found = []
    for path, data in files(evidence(small)).items():
        place = folder_of(home) / path
        place.chmod(0o644)
        flipped = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(0, len(data), stride)]
        for number, other in enumerate([data[:-1], data + b"\0", b"", *flipped]):
            place.write_bytes(other)
            if not inspected(home)[1] and not codes(home):
                found.append((path, number))
        place.write_bytes(data)
    return found


def test_bytes_anywhere_count(small: Home, tmp_path: Path) -> None:
    assert unnoticed(small, Home(tmp_path / "copy"), stride=61) == []


@pytest.mark.slow
def test_every_byte_counts(small: Home, tmp_path: Path) -> None:
    assert unnoticed(small, Home(tmp_path / "copy"), stride=1) == []


def test_the_walk_tells_every_entry(small: Home) -> None:
    told: list[tuple[int, bytes]] = []
    reader = TileReader(evidence(small), VerifierKey.parse(small.vkey))
    seen = reader.inspect(lambda *_: None, lambda index, data: told.append((index, data)), {4})
    assert told == [(n, entry(n)) for n in range(5)]
    assert seen.roots[4] == merkle.root(merkle.leaf_hash(entry(n)) for n in range(4))


def test_a_directory_signed_by_another_key(small: Home) -> None:
    problems: list[str] = []
    other = VerifierKey.of("newsroom.example/void-audit/1", key(9))
    seen = TileReader(evidence(small), other).inspect(lambda code, *_: problems.append(code))
    assert problems == ["evidence-checkpoint"]
    assert seen.checkpoint is None


def test_a_rewritten_entry_with_all_its_tiles(small: Home, tmp_path: Path) -> None:
    """The insider's best without the key: only the signed root tells."""
    home = Home(tmp_path / "copy")
    shutil.copytree(small.root, home.root)
    folder = folder_of(home)
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        path.chmod(0o644)
    bundle = folder / "tile/entries/000.p/5"
    entries = [entry(n) for n in (0, 1, 2, 3, 9)]
    bundle.write_bytes(b"".join(len(e).to_bytes(2, "big") + e for e in entries))
    (folder / "tile/0/000.p/5").write_bytes(b"".join(merkle.leaf_hash(e) for e in entries))
    assert ("evidence-root", "checkpoint") in inspected(home)[1]
    assert "evidence-root" in codes(home)


def test_a_history_rewritten_with_the_key(small: Home, tmp_path: Path) -> None:
    """With the key the directory is sound in itself; beside the database it is a fork."""
    home = Home(tmp_path / "other")
    ledger = home.create()
    ledger.append([entry(n) for n in (0, 1, 2, 3, 9)])
    ledger.close()
    exporter(home).catch_up()
    assert inspected(home)[1] == []
    beside = Home(tmp_path / "copy")
    shutil.copytree(small.root, beside.root)
    shutil.rmtree(folder_of(beside))
    shutil.copytree(folder_of(home), folder_of(beside))
    assert codes(beside) == {"evidence-fork"}


def test_which_side_is_wrong_is_said(small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "copy")
    shutil.copytree(small.root, home.root)
    tile, bundle = (folder_of(home) / path for path in ("tile/0/000.p/5", "tile/entries/000.p/5"))
    good, entries = tile.read_bytes(), bundle.read_bytes()
    for path in (tile, bundle):
        path.chmod(0o644)
    tile.write_bytes(bytes(32) + good[32:])
    assert inspected(home)[1] == [("evidence-wrong", "tile/0/000.p/5")]
    tile.write_bytes(good)
    bundle.write_bytes(entries[:-3] + b"???")
    assert inspected(home)[1][:2] == [
        ("evidence-root", "checkpoint"),
        ("evidence-wrong", "tile/entries/000.p/5"),
    ]


def test_files_with_names_of_no_tile(small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "copy")
    shutil.copytree(small.root, home.root)
    for path in (
        "tile/0/x000/001",
        "tile/9/000",
        "void-audit/checkpoints/x",
        "void-audit/timestamps/x/y.tsr",
    ):
        evidence(home).put(path, b"x")
        assert ("evidence-malformed", path) in inspected(home)[1]


def test_a_directory_that_is_crowded(small: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_reader, "MAX_LISTED", 2)
    with pytest.raises(LedgerError) as caught:
        inspected(small)
    assert caught.value.code == "evidence-crowded"
    assert codes(small) == {"evidence-unreadable"}


def test_a_checkpoint_is_required(home: Home) -> None:
    reader = TileReader(evidence(home), VerifierKey.parse(home.vkey))
    with pytest.raises(LedgerError) as caught:
        require(reader)
    assert caught.value.code == "evidence-missing"
    assert inspected(home) == (tile_reader.Inspected(), [])


def test_a_full_tile_stands_in_for_a_partial_one(home: Home) -> None:
    """As clients of tlog-tiles do: a log may delete partial tiles once the full one is there."""
    ledger = home.create()
    ledger.append([entry(n) for n in range(255)])
    exporter(home).catch_up()
    old = files(evidence(home))["checkpoint"]
    ledger.append([entry(n) for n in range(255, 300)])
    ledger.close()
    exporter(home).catch_up()
    assert not any("000.p" in path for path in files(evidence(home)) if not path.startswith("tile/1"))
    evidence(home).replace("checkpoint", old)
    seen, problems = inspected(home)
    assert (seen.complete, problems) == (True, [])


def test_the_logs_own_lines_are_no_cosignatures() -> None:
    note = sign_checkpoint(Checkpoint("log", 0, merkle.EMPTY_ROOT), key(1))
    line = f"\u2014 {WITNESS.name} {'Q' * 100}\n"
    assert cosignature_lines(note + line, VerifierKey.of("log", key(1))) == [line]


def test_nothing_is_complete_without_a_checkpoint(home: Home) -> None:
    assert inspected(home)[0].complete is False


def test_what_an_interrupted_export_wrote_ahead_of_its_checkpoint_is_no_problem(
    small: Home, tmp_path: Path
) -> None:
    home = small.copy_to(tmp_path / "copy")
    ledger, old = home.open(), files(evidence(home))["checkpoint"]
    ledger.append([entry(5)])
    ledger.add_cosignatures(6, [f"\u2014 witness.example {'Q' * 100}\n"])
    exporter(home).catch_up()
    evidence(home).replace("checkpoint", old)
    seen, problems = inspected(home)
    assert (problems, seen.signed.keys()) == ([], {2, 3, 5})
    assert codes(home) == set()
    assert exporter(home).catch_up().written == 1
    assert inspected(home)[0].signed.keys() == {2, 3, 5, 6}
    ledger.close()


@pytest.mark.parametrize("kind", ["misnamed", "another root"])
def test_an_older_checkpoint_that_is_not_of_these_entries(small: Home, tmp_path: Path, kind: str) -> None:
    home = small.copy_to(tmp_path / "copy")
    note = files(evidence(home))["void-audit/checkpoints/3"]
    if kind == "another root":
        note = sign_checkpoint(Checkpoint("newsroom.example/void-audit/1", 4, bytes(32)), key(1)).encode()
    evidence(home).put("void-audit/checkpoints/4", note)
    seen, problems = inspected(home)
    assert problems == [("evidence-root", "void-audit/checkpoints/4")]
    assert seen.signed.keys() == {2, 3, 5}
