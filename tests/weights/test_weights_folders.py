"""What a folder held when it was registered, and nothing else, is handed out."""

import hashlib
import os
import pickle
import shutil

import pytest

from void_audit.errors import Cancelled, WeightsError
from void_audit.weights.folders import scan
from void_audit.weights.registry import ModelFolder, Registry
from void_audit.weights.store import ModelStore

HEADER = b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
TENSORS = len(HEADER).to_bytes(8, "little") + HEADER
FILES = {
    "base/config.json": b"{}",
    "base/vae/model.safetensors": TENSORS + b"base",
    "pass1.safetensors": TENSORS + b"one.",
    "pass2.safetensors": TENSORS + b"two.",
}


@pytest.fixture
def root(tmp_path):
    return fill(tmp_path / "models" / "void", FILES)


def fill(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def store(root) -> ModelStore:
    words = {"purpose": "test", "licence": "CC0", "origin": "here"}
    return ModelStore(
        root.parent, Registry(folder=(ModelFolder(name="void", file=scan(root), dynamics=True, **words),))
    )


def refused(models, code: str) -> str:
    with pytest.raises(WeightsError) as caught:
        models.folder("void")
    assert caught.value.code == code, caught.value
    assert caught.value.hint
    return caught.value.message


def scan_refused(root, code: str) -> str:
    with pytest.raises(WeightsError) as caught:
        scan(root)
    assert caught.value.code == code, caught.value
    assert caught.value.hint
    return caught.value.message


def test_every_file_is_named_by_its_digest(root):
    folder = store(root).folder("void")
    assert {ref.name: ref.sha256 for ref in folder.refs} == {
        f"void/{name}": hashlib.sha256(content).hexdigest() for name, content in FILES.items()
    }
    assert folder.paths == tuple(sorted(FILES))
    assert folder.dynamics
    assert folder.purpose == "test"
    assert folder.path("base/config.json").read_bytes() == b"{}"


@pytest.mark.parametrize("path", sorted(FILES))
def test_one_changed_byte_anywhere(root, path):
    models = store(root)
    content = FILES[path]
    (root / path).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert path in refused(models, "weights-digest")
    assert models.folders()[0].state == "differs"
    assert path in models.folders()[0].problem


def test_the_two_passes_swapped(root):
    models = store(root)
    (root / "pass1.safetensors").rename(root / "x")
    (root / "pass2.safetensors").rename(root / "pass1.safetensors")
    (root / "x").rename(root / "pass2.safetensors")
    refused(models, "weights-digest")


@pytest.mark.parametrize("path", sorted(FILES))
def test_a_missing_file(root, path):
    models = store(root)
    (root / path).unlink()
    assert path in refused(models, "weights-missing")
    assert models.folders(content=False)[0].state == "differs"


def test_a_whole_folder_that_is_missing(root):
    models = store(root)
    shutil.rmtree(root)
    refused(models, "weights-missing")
    assert [row.state for row in models.folders()] == ["missing"]


def test_other_files_beside_change_nothing_and_are_not_handed_out(root):
    models = store(root)
    fill(root, {"base/extra.json": b"{}", "pytorch_model.bin": pickle.dumps(1)})
    folder = models.folder("void")
    assert folder.paths == tuple(sorted(FILES))
    for path in ("base/extra.json", "pytorch_model.bin", "base", "", "../void/pass1.safetensors",
                 "base/../pass1.safetensors", "void/pass1.safetensors", str(root / "pass1.safetensors")):  # fmt: skip
        with pytest.raises(WeightsError) as caught:
            folder.path(path)
        assert caught.value.code == "weights-unregistered"


class TestLinks:
    @pytest.fixture
    def outside(self, tmp_path):
        return fill(tmp_path / "outside", FILES)

    def test_a_file_that_became_a_link_to_the_same_bytes(self, root, outside):
        models = store(root)
        (root / "pass1.safetensors").unlink()
        (root / "pass1.safetensors").symlink_to(outside / "pass1.safetensors")
        assert "link" in refused(models, "weights-link")
        assert models.folders(content=False)[0].state == "differs"

    def test_a_folder_on_the_way_that_became_a_link(self, root, outside):
        models = store(root)
        shutil.rmtree(root / "base")
        (root / "base").symlink_to(outside / "base")
        refused(models, "weights-link")

    def test_a_link_within_the_folder(self, root):
        models = store(root)
        (root / "pass1.safetensors").rename(root / "kept.safetensors")
        (root / "pass1.safetensors").symlink_to("kept.safetensors")
        refused(models, "weights-link")

    def test_a_link_that_leads_nowhere(self, root):
        models = store(root)
        (root / "pass1.safetensors").unlink()
        (root / "pass1.safetensors").symlink_to("nowhere")
        refused(models, "weights-link")

    @pytest.mark.parametrize(
        "target", ["/etc/passwd", "../../../outside/pass1.safetensors", "../../../outside", ".", "nowhere"]
    )
    def test_none_is_registered(self, root, outside, target):
        (root / "base" / "link").symlink_to(target)
        assert target == "nowhere" or (root / "base" / "link").exists()
        assert "link" in scan_refused(root, "weights-link")

    def test_the_folder_itself_may_be_on_another_disk(self, root, tmp_path):
        root.rename(tmp_path / "big-disk")
        root.symlink_to(tmp_path / "big-disk")
        assert store(root).folder("void").path("pass1.safetensors").read_bytes() == FILES["pass1.safetensors"]

    def test_a_pipe_is_not_waited_for(self, root):
        models = store(root)
        (root / "pass1.safetensors").unlink()
        os.mkfifo(root / "pass1.safetensors")
        refused(models, "weights-link")
        scan_refused(root, "weights-link")

    def test_a_folder_in_place_of_a_file(self, root):
        models = store(root)
        (root / "pass1.safetensors").unlink()
        (root / "pass1.safetensors").mkdir()
        refused(models, "weights-link")


class TestScan:
    def test_hidden_files_are_left_out(self, root):
        fill(root, {".gitattributes": b"x", ".cache/huggingface/x.lock": b"", "base/.hidden.bin": b"x"})
        assert [file.path for file in scan(root)] == sorted(FILES)

    @pytest.mark.parametrize("name", ["m.bin", "m.pt", "m.pth", "m.ckpt", "m.pkl", "base/M.BIN"])
    def test_weights_under_a_pickles_name(self, root, name):
        fill(root, {name: b"anything"})
        assert name in scan_refused(root, "weights-pickled")

    @pytest.mark.parametrize("name", ["m.safetensors", "m.model", "m", "config.json"])
    def test_a_pickle_under_any_other_name(self, root, name):
        fill(root, {name: pickle.dumps({"w": list(range(300))})})
        scan_refused(root, "weights-pickled")

    def test_a_download_that_broke_off(self, root):
        fill(root, {"pass1.safetensors": FILES["pass1.safetensors"][:-1]})
        scan_refused(root, "weights-truncated")

    def test_a_page_in_place_of_weights(self, root):
        fill(root, {"pass1.safetensors": b"<html>Sign in to see this model</html>"})
        scan_refused(root, "weights-truncated")

    @pytest.mark.parametrize(
        "name", ["with space.json", "base/café.json", "new\nline.json", "a" * 90 + "/b.json.long"]
    )
    def test_names_that_no_list_can_hold(self, root, name):
        fill(root, {name: b"x"})
        scan_refused(root, "weights-name")

    def test_an_empty_file(self, root):
        fill(root, {"base/empty.json": b""})
        assert "empty.json" in scan_refused(root, "weights-name")

    def test_nothing_there(self, root, tmp_path):
        shutil.rmtree(root)
        scan_refused(root, "weights-missing")
        root.mkdir()
        scan_refused(root, "weights-missing")
        (tmp_path / "file").write_bytes(b"x")
        scan_refused(tmp_path / "file", "weights-missing")


def test_progress_counts_to_its_total_and_can_stop(tmp_path):
    root = fill(tmp_path / "void", {"a.model": bytes(40 * 2**20), "b.safetensors": TENSORS + b"abcd"})
    steps: list[tuple[str, int, int]] = []
    words = {"purpose": "", "licence": "", "origin": "", "dynamics": False}
    folder = ModelFolder(name="void", file=scan(root, lambda *step: steps.append(step)), **words)
    assert steps[-1] == ("hashing void", 41, 41)
    assert [step[1] for step in steps] == sorted(step[1] for step in steps)
    models = ModelStore(root.parent, Registry(folder=(folder,)))
    seen: list[int] = []

    def stop(what: str, done: int, total: int) -> None:
        seen.append(done)
        raise Cancelled("stopped", "Stopped.")

    for check in (lambda: models.folder("void", stop), lambda: models.folders(progress=stop)):
        with pytest.raises(Cancelled):
            check()
    assert seen == [16, 16]


def test_sizes_are_looked_at_before_anything_is_hashed(root):
    models = store(root)
    (root / "pass2.safetensors").write_bytes(b"short")

    def read(*_: object) -> None:
        raise AssertionError("hashed")

    with pytest.raises(WeightsError) as caught:
        models.folder("void", read)
    assert caught.value.code == "weights-digest"


def test_states(root):
    models = store(root)
    assert [row.state for row in models.folders()] == ["ok"]
    assert [row.state for row in models.folders(content=False)] == ["present"]
    (root / "pass1.safetensors").write_bytes(FILES["pass2.safetensors"])
    assert [row.state for row in models.folders(content=False)] == ["present"]
    assert [row.state for row in models.folders()] == ["differs"]


def test_an_unknown_folder_says_how_to_approve_one(root):
    with pytest.raises(WeightsError) as caught:
        store(root).folder("other")
    assert caught.value.code == "weights-unknown"
    assert "void-audit models add other" in caught.value.hint
