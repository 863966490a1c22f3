import os
import random
import shutil
from pathlib import Path

import pytest

from void_audit.audit import verify as module
from void_audit.audit.verify import CHECKS, NOT_PROVEN, verify
from void_audit.model.report import Obligation, Report, State

FLIPS, CUTS = 48, 12


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    """The file with its receipt beside it, to be damaged."""
    for path in (finished.path, finished.receipt):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path / finished.path.name


def test_every_obligation_is_answered_once_and_in_order(finished, nothing):
    for path in (finished.path, nothing.file):
        report = verify(path, finished.pins)
        assert [f.obligation for f in report.findings] == list(Obligation)
        assert report.not_proven == NOT_PROVEN
        assert report.file == str(path)
    assert set(CHECKS) == set(Obligation) - {Obligation.DURABLE_MARKS, Obligation.REPLAY}


def test_what_is_not_green_says_what_would_tell(finished, nothing):
    for path in (finished.path, nothing.file):
        for finding in verify(path, finished.pins).findings:
            assert finding.detail
            assert finding.remedy or finding.state is not State.UNKNOWN


def test_replay_is_not_asked_for_and_the_report_says_how_to(finished):
    finding = verify(finished.path, finished.pins).findings[Obligation.REPLAY]
    assert finding.state is State.NOT_APPLICABLE
    assert "`void-audit replay EDIT`" in finding.detail


def test_the_receipt_beside_the_file_is_found(finished, copied):
    assert verify(copied, finished.pins).findings[2].state is State.PASS
    copied.with_name(copied.name + ".receipt").unlink()
    assert verify(copied, finished.pins).findings[2].state is State.UNKNOWN


def test_a_single_byte_anywhere(finished, copied):
    """One flip in every stretch of the file, all of it alike: never a traceback, never green."""
    whole, chance = copied.read_bytes(), random.Random(20261122)
    stretch = len(whole) // FLIPS
    for start in range(0, stretch * FLIPS, stretch):
        place, bit = start + chance.randrange(stretch), 1 << chance.randrange(8)
        data = bytearray(whole)
        data[place] ^= bit
        copied.write_bytes(data)
        report = verify(copied, finished.pins)
        assert isinstance(report, Report)
        assert report.exit_code != 0, (place, bit)
    copied.write_bytes(whole)
    assert verify(copied, finished.pins).exit_code == 0


def test_any_beginning_and_any_end(finished, copied):
    whole, chance = copied.read_bytes(), random.Random(20261123)
    for number in range(CUTS):
        length = chance.randrange(len(whole) * number // CUTS, len(whole) * (number + 1) // CUTS)
        for part in (whole[:length], whole[length + 1 :], whole + whole[:length]):
            copied.write_bytes(part)
            assert verify(copied, finished.pins).exit_code != 0, (length, len(part))


def test_file_names_need_not_be_text(finished, tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b.mp4"))
    shutil.copy(finished.path, path)
    report = verify(path, finished.pins)
    assert report.exit_code == 0
    assert report.file == f"{tmp_path}/?\x1b.mp4"
    assert Report.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize(
    "error",
    [
        ValueError("odd"),
        KeyError("x"),
        RecursionError("deep"),
        TypeError("none"),
        ZeroDivisionError("0"),
        MemoryError(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_whatever_a_check_stumbles_over_is_red(finished, monkeypatch, error):
    def stumble(evidence):
        raise error

    monkeypatch.setitem(module.CHECKS, Obligation.ORDER, stumble)
    report = verify(finished.path, finished.pins)
    found = report.findings[Obligation.ORDER]
    assert found.state is State.FAIL
    assert type(error).__name__ in found.detail
    assert report.exit_code == 1
