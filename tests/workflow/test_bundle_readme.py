"""README.txt is right: its script, run as an expert would, finds what was changed. It needs only python and openssl."""

import base64
import shutil
import subprocess
import sys

import outsiders
import pytest
from bundled import bundled, signed_again, unzipped

from void_audit.canon import bundle as layout
from void_audit.canon.timestamp import note_digest
from void_audit.workflow.bundle_readme import readme

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def files(house):
    edit = house.approved("readme")
    house.run(edit, house.folder / "readme.mp4")
    return unzipped(bundled(house, edit, house.folder / "readme.zip", media=True).path)


def check(house, files, folder):
    """Unpack, cut the script out of the README, run it with an interpreter that has none of our packages."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    script = files["README.txt"].decode().split("#--- check.py\n")[1].split("#--- end")[0]
    (folder / "check.py").write_text(script)
    run = [sys.executable, "-I", "-S", "check.py", house.place.log_vkey()]
    return subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)


def test_the_script_accepts_an_honest_bundle(house, files, tmp_path):
    done = check(house, files, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "every digest, proof and signature holds" in done.stdout
    assert "seal" in done.stdout


@pytest.mark.parametrize("kind", ["entry", "proof", "blob", "checkpoint", "listing", "signature"])
def test_the_script_finds_what_was_changed(house, files, tmp_path, kind):
    names = {
        "entry": layout.entry_name(6),
        "proof": layout.proof_name(6),
        "blob": next(n for n in files if n.startswith("blobs/")),
        "checkpoint": layout.CHECKPOINT,
        "listing": layout.LISTING,
        "signature": layout.SIGNATURE,
    }
    data = bytearray(files[names[kind]])
    at = len(data) // 2
    data[at] = data[at] ^ 1
    bent = {**files, names[kind]: bytes(data)}
    if kind not in {"listing", "signature"}:
        bent = signed_again(bent, house.workshop.machine)  # so that it is not the digest that tells
    done = check(house, bent, tmp_path)
    assert done.returncode != 0
    assert "holds" not in done.stdout


def test_the_command_for_time_stamps_is_right(house, files, tmp_path):
    note = files["checkpoint.txt"].decode()
    (tmp_path / "timestamps").mkdir()
    (tmp_path / "checkpoint.txt").write_text(note)
    (tmp_path / "tsa.pem").write_text(outsiders.TSA.root_pem)
    command = "\n".join(
        line
        for line in files["README.txt"].decode().splitlines()
        if line.startswith(("       head", "       openssl ts"))
    )
    assert command.count("\n") == 1
    for digest, code in ((note_digest(note), 0), (bytes(32), 1)):
        token = base64.b64decode(outsiders.token(digest).token)
        (tmp_path / "timestamps" / "checkpoint-0.der").write_bytes(token)
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == code, done.stderr


def test_the_text_names_the_edit_the_log_and_the_seal():
    text = readme("abc", "planet/log", 42, 7)
    assert "Edit abc" in text
    assert '"planet/log"' in text
    assert "42 entries" in text
    assert "entry 000000000007" in text
    assert "@" not in text
    assert all(len(line) <= 120 for line in text.splitlines())
