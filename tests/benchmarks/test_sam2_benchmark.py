"""SAM 2's benchmark on a very short clip: it follows the whole of it, and says what there is to ask for."""

from __future__ import annotations

import sys

import pytest

from benchmarks import sam2
from benchmarks.workplace import write_request
from void_audit.pipeline.segment.sam2.architecture import describe


def test_a_clip_is_followed_from_its_middle(tmp_path):
    sam2._write_model(tmp_path, "test")
    write_request(tmp_path / "5", sam2.SIZE, 5)
    peak, seconds = sam2._follow(tmp_path, "test", 5)
    assert peak > 50
    assert 0 < seconds < 60


def test_the_other_network_is_the_published_one(tmp_path):
    from tiny_sam2 import approved_as_it_is  # noqa: PLC0415

    (tmp_path / "README").write_text("no architecture of its own")
    assert describe(approved_as_it_is(tmp_path), "tiny")["image_size"] == 1024
    assert set(sam2.LENGTHS) == {"test", "tiny"}


def test_a_network_that_is_none_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks.sam2", "huge"])
    with pytest.raises(SystemExit):
        sam2.main()
    assert "no network 'huge'; there are test, tiny" in capsys.readouterr().err


@pytest.mark.slow
def test_the_table(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks.sam2", "test", "--frames", "4"])
    sam2.main()
    rows = [
        line.split("|")[1:4] for line in capsys.readouterr().out.splitlines() if line.startswith("| test")
    ]
    assert [frames.strip() for _, frames, _ in rows] == ["4"]
    assert all(float(peak) > 100 for _, _, peak in rows)
