from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from void_audit.errors import StorageError
from void_audit.ledger.exclusive import exclusive

HOLDER = """
import sys, time
from pathlib import Path
from void_audit.ledger.exclusive import exclusive
with exclusive(Path(sys.argv[1]), 1):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_at_a_time_in_one_process(tmp_path: Path) -> None:
    inside, most = [], []

    def work() -> None:
        for _ in range(20):
            with exclusive(tmp_path / "lock", 30):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert max(most) == 1


def test_another_process_is_waited_for_and_one_that_died_is_not(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageError) as caught, exclusive(path, 0.05):
            pass
        assert caught.value.code == "ledger-busy"
        holder.kill()
    with exclusive(path, 5):
        pass


def test_it_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "lock", 1):
        raise ZeroDivisionError
    with exclusive(tmp_path / "lock", 0):
        pass


def test_a_file_that_was_replaced_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real, replaced = tmp_path / "lock", os.open, []

    def replacing(*args: object) -> int:
        descriptor = real(*args)  # type: ignore[arg-type]
        if not replaced:
            replaced.append(path.rename(tmp_path / "old"))
            path.touch()
        return descriptor

    monkeypatch.setattr(os, "open", replacing)
    with exclusive(path, 1), pytest.raises(StorageError), exclusive(path, 0.02):
        pass
    assert replaced


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught, exclusive(tmp_path / "missing" / "lock", 1):
        pass
    assert caught.value.code == "storage-failed"
