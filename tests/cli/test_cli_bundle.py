"""``bundle``, and ``verify`` and ``history`` of what it wrote, on a desk that has nothing else."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from bundled import unzipped

TRUST = "--trust root.pem --log-key log.vkey"


@pytest.fixture(scope="module")
def edit(desk):
    return desk.json("history")["edits"][0]["edit"]


@pytest.fixture(scope="module")
def written(desk, edit):
    """The bundle with media, made once."""
    said = desk(f"bundle {edit} --out evidence.zip").output
    return desk.folder / "evidence.zip", said


@pytest.fixture
def elsewhere(desk, written, terminal):
    """An empty folder with the bundle and the two keys."""
    for path in (
        written[0],
        desk.folder / ".void-audit/trust/root.pem",
        desk.folder / ".void-audit/trust/log.vkey",
    ):
        shutil.copy(path, terminal.folder / path.name)
    return terminal


def test_it_says_what_was_written_and_what_is_not_in_it(written):
    path, said = written
    assert f"Written: evidence.zip, {path.stat().st_size} bytes, SHA-256 " in said
    assert "records on the checkpoint of" in said
    assert "Not in it, left out: " in said
    assert "Its own verdict: verified" in said
    assert "Next: void-audit verify evidence.zip" in said


def test_a_desk_with_nothing_else_verifies_it(elsewhere):
    said = elsewhere(f"verify evidence.zip {TRUST}").output
    assert "VERIFIED" in said
    assert "An evidence bundle of edit" in said
    report = elsewhere.json(f"verify evidence.zip {TRUST}")
    assert report["exit_code"] == 0
    assert any("with its video" in line for line in report["about"])


def test_its_story_is_told(elsewhere, edit):
    said = elsewhere("history evidence.zip").output
    assert "Remove the box." in said
    assert "seal, by" in said
    told = elsewhere.json("history evidence.zip")
    assert not told["checked"]
    assert [r["what"] for r in told["records"]][-1] == "seal"


def test_verify_writes_a_page(elsewhere):
    elsewhere(f"verify evidence.zip {TRUST} --html report.html")
    text = (elsewhere.folder / "report.html").read_text()
    assert "<strong>Verified</strong>" in text
    elsewhere("verify evidence.zip --html other.html", 3)
    assert "<strong>Cannot tell</strong>" in (elsewhere.folder / "other.html").read_text()


def test_a_page_that_cannot_be_written_is_said(elsewhere):
    elsewhere.refused(f"verify evidence.zip {TRUST} --html no/report.html", 2, "storage-unwritable")


def test_without_media_it_cannot_tell_of_the_file(desk, edit, elsewhere):
    said = desk(f"bundle {edit} --out {elsewhere.folder / 'bare.zip'} --no-media").output
    assert "Its own verdict: cannot tell" in said
    said = elsewhere(f"verify bare.zip {TRUST}", 3).output
    assert "The bundle holds no video" in said
    assert "CANNOT TELL" in said


def test_names_are_given_only_if_asked_for(desk, edit, written):
    desk(f"bundle {edit} --out named.zip --names --no-media")
    page = "report/report.html"
    assert b"lois" in unzipped(desk.folder / "named.zip")[page]
    assert b"lois" not in unzipped(written[0])[page]


def test_as_json(desk, edit):
    said = desk.json(f"bundle {edit} --out j.zip --no-media")
    assert said["verdict"] == 3
    assert said["listing"]["format"] == "void-audit-bundle/v1"
    assert said["listing"]["edit"] == edit
    assert said["warnings"] == []


def test_one_byte_is_enough(elsewhere):
    data = bytearray((elsewhere.folder / "evidence.zip").read_bytes())
    data[len(data) // 3] ^= 1
    (elsewhere.folder / "bent.zip").write_bytes(data)
    message = elsewhere.refused(f"verify bent.zip {TRUST}", 1, "zip-checksum")
    assert "does not match its checksum" in message
    elsewhere.refused("history bent.zip", 1, "zip-checksum")


def test_half_a_bundle_and_another_zip(elsewhere):
    data = (elsewhere.folder / "evidence.zip").read_bytes()
    (elsewhere.folder / "half.zip").write_bytes(data[: len(data) // 2])
    (elsewhere.folder / "empty.zip").write_bytes(b"")
    elsewhere.refused("verify half.zip", 1, "zip-truncated")
    elsewhere.refused("verify empty.zip", 1, "zip-truncated")


def test_what_cannot_be_bundled(desk, edit):
    desk.refused("bundle nowhere --out x.zip", 2, "edit-unknown")
    desk.refused(f"bundle {edit} --out x.mp4", 2, "bundle-name")
    desk.refused(f"bundle {edit} --out no/x.zip", 2, "storage-unwritable")
    assert not (desk.folder / "x.zip").exists()


def test_an_edit_that_is_not_sealed(begun):
    begun.refused(f"bundle {begun.edit} --out x.zip", 2, "bundle-too-early")


def test_checking_a_bundle_needs_no_database_and_no_engine(elsewhere):
    code = (
        "import sys; from void_audit.cli.main import app\n"
        f"try: app('verify evidence.zip {TRUST} --json --html r.html'.split())\n"
        "except SystemExit as end: print(end.code, file=sys.stderr)\n"
        "print([m for m in ('sqlalchemy', 'torch', 'alembic') if m in sys.modules], file=sys.stderr)"
    )
    bare = {k: v for k, v in os.environ.items() if not k.startswith("VOID_AUDIT")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere.folder,
        capture_output=True,
        text=True,
        env=bare,
        check=False,
    )
    assert done.stderr.split("\n")[:2] == ["0", "[]"], done.stderr
    assert json.loads(done.stdout)["exit_code"] == 0
