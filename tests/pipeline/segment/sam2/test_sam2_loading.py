"""Only the registered checkpoint of the right network is loaded, tensor by tensor, and nothing in it is run."""

import os
import pickle
import zipfile

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from safetensors.torch import save_file
from tiny_sam2 import ARCHITECTURE, approved_as_it_is, write_tiny_sam2

from void_audit.errors import WeightsError
from void_audit.model.engine import WeightsRef
from void_audit.pipeline.segment.sam2 import loading
from void_audit.pipeline.segment.sam2.library import CONFIGS
from void_audit.pipeline.segment.sam2.loading import NEW_IN_2_1, checkpoint, load, refs, unfilled
from void_audit.pipeline.segment.sam2.packages import CHECKPOINTS
from void_audit.weights.folders import VerifiedFolder, scan

FILE = "sam2.1_hiera_tiny.pt"


@pytest.fixture
def root(tmp_path):
    return write_tiny_sam2(tmp_path / "sam2.1-hiera-tiny")


def state_in(root) -> dict[str, torch.Tensor]:
    return torch.load(root / FILE, weights_only=True)["model"]


def rewritten(root, change) -> VerifiedFolder:
    state = state_in(root)
    change(state)
    torch.save({"model": state}, root / FILE)
    return approved_as_it_is(root)


def claimed(root, *names: str) -> VerifiedFolder:
    """A folder of which somebody approved what no scan would have let pass."""
    listed = tuple(WeightsRef(name=f"m/{name}", sha256="0" * 64) for name in names)
    return VerifiedFolder(root, "m", listed, dynamics=False, purpose="")


def refused(folder, size="tiny") -> tuple[str, str]:
    with pytest.raises(WeightsError) as caught:
        load(folder, size)
    assert caught.value.hint
    assert len(caught.value.message) < 1000
    return caught.value.code, caught.value.message


class TestLoad:
    def test_every_tensor_is_the_files(self, root):
        network, state = load(approved_as_it_is(root), "tiny"), state_in(root)
        assert network.state_dict().keys() == state.keys()
        assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
        assert not network.training
        assert network.image_size == ARCHITECTURE["image_size"]

    def test_nothing_is_left_without_storage(self, root):
        network = load(approved_as_it_is(root), "tiny")
        held = [*network.parameters(), *network.buffers()]
        held += [module.freqs_cis for module in network.modules() if hasattr(module, "freqs_cis")]
        assert len(held) > 300
        assert not any(tensor.is_meta or tensor.is_inference() for tensor in held)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_of_half_the_width_it_is_widened(self, root, dtype):
        folder = rewritten(root, lambda state: state.update({n: t.to(dtype) for n, t in state.items()}))
        network, state = load(folder, "tiny"), state_in(root)
        assert all(torch.equal(t, state[name].float()) for name, t in network.state_dict().items())
        assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}

    def test_safetensors_are_the_same_and_come_first(self, root):
        state = state_in(root)
        save_file(
            {name: tensor + 1 for name, tensor in state.items()}, root / "sam2.1_hiera_tiny.safetensors"
        )
        folder = approved_as_it_is(root)
        assert checkpoint(folder, "tiny") == "sam2.1_hiera_tiny.safetensors"
        network = load(folder, "tiny")
        assert all(torch.equal(t, state[name] + 1) for name, t in network.state_dict().items())

    def test_it_draws_no_random_number(self, root):
        before = torch.random.get_rng_state()
        load(approved_as_it_is(root), "tiny")
        assert torch.equal(torch.random.get_rng_state(), before)

    def test_whatever_the_process_has_set(self, root):
        folder = approved_as_it_is(root)
        usual = load(folder, "tiny").state_dict()
        torch.set_default_dtype(torch.float64)
        try:
            with torch.inference_mode():
                network = load(folder, "tiny")
        finally:
            torch.set_default_dtype(torch.float32)
        assert all(
            torch.equal(t, usual[name]) and t.dtype == torch.float32
            for name, t in network.state_dict().items()
        )

    def test_it_reads_the_file_where_it_lies(self, root):
        """Mapped: a tensor that is not needed costs nothing, and no second copy is made."""
        folder = approved_as_it_is(root)
        with zipfile.ZipFile(root / FILE) as archive:
            largest = max(archive.infolist(), key=lambda entry: entry.file_size)
        network = load(folder, "tiny")
        content = bytearray((root / FILE).read_bytes())
        start = content.find(b"PK\x03\x04", largest.header_offset)
        name, extra = (int.from_bytes(content[start + at : start + at + 2], "little") for at in (26, 28))
        with (root / FILE).open("r+b") as file:
            file.seek(start + 30 + name + extra)
            file.write(b"\x00\x00\x80\x7f")  # infinity in place of the first number
        assert any(tensor.isinf().any() for tensor in network.parameters())


class TestWhichFile:
    @pytest.mark.parametrize("size", list(CHECKPOINTS))
    def test_by_its_published_name(self, root, size):
        name = f"{CHECKPOINTS[size]}.pt"
        (root / FILE).rename(root / name)
        folder = approved_as_it_is(root)
        assert checkpoint(folder, size) == name
        assert [ref.name.rpartition("/")[2] for ref in refs(folder, size)] == ["architecture.json", name]
        others = set(CHECKPOINTS) - {size}
        for other in others:
            with pytest.raises(WeightsError) as caught:
                checkpoint(folder, other)
            assert caught.value.code == "weights-unregistered"

    def test_what_is_there_but_not_registered_is_not_read(self, root):
        code, message = refused(claimed(root, "architecture.json"))
        assert code == "weights-unregistered"
        assert FILE in message
        assert refused(claimed(root, FILE))[0] in {
            "weights-keys",
            "weights-shapes",
        }  # architecture.json is not

    def test_of_a_folder_within_it_is_another_file(self, root):
        (root / "old").mkdir()
        (root / FILE).rename(root / "old" / FILE)
        assert refused(approved_as_it_is(root))[0] == "weights-unregistered"


class TestAnotherNetwork:
    @pytest.mark.parametrize(
        "changes", [{"stages": [1, 2, 2, 1]}, {"stages": [1, 1, 1, 1], "global_att_blocks": [2]}]
    )
    def test_of_another_depth(self, root, tmp_path, changes):
        other = write_tiny_sam2(tmp_path / "other", **changes)
        (other / FILE).rename(root / FILE)
        code, message = refused(approved_as_it_is(root))
        assert code in {"weights-keys", "weights-shapes"}
        assert FILE in message

    def test_of_another_width(self, root, tmp_path):
        other = write_tiny_sam2(tmp_path / "other", embed_dim=16)
        (other / FILE).rename(root / FILE)
        code, message = refused(approved_as_it_is(root))
        assert code == "weights-shapes"
        assert "the network has" in message

    def test_a_published_size_in_place_of_another(self, root):
        (root / "architecture.json").unlink()
        assert refused(approved_as_it_is(root))[0] in {"weights-keys", "weights-shapes"}

    def test_a_tensor_is_missing(self, root):
        code, message = refused(rewritten(root, lambda state: state.pop("no_obj_embed_spatial")))
        assert code == "weights-keys"
        assert "1 tensors are missing (no_obj_embed_spatial)" in message

    def test_what_2_0_lacks_is_what_the_packages_own_descriptions_say(self, tmp_path):
        (tmp_path / "README").write_text("the published network")
        newer = unfilled(approved_as_it_is(tmp_path), "tiny").state_dict().keys()
        described = OmegaConf.load(CONFIGS.parent / "sam2" / "sam2_hiera_t.yaml").model
        with loading._Unfilled():
            older = instantiate(described).state_dict().keys()
        assert newer - older == NEW_IN_2_1
        assert not older - newer

    def test_a_tensor_too_many(self, root):
        code, message = refused(rewritten(root, lambda state: state.update(extra=torch.zeros(1))))
        assert code == "weights-keys"
        assert "unexpected (extra)" in message

    @pytest.mark.parametrize("dtype", [torch.int64, torch.float64, torch.bool, torch.uint8])
    def test_numbers_of_another_kind(self, root, dtype):
        code, message = refused(rewritten(root, lambda s: s.update(no_obj_ptr=s["no_obj_ptr"].to(dtype))))
        assert code == "weights-dtypes"
        assert "no_obj_ptr" in message

    @pytest.mark.parametrize(
        "content",
        [
            {"a": torch.zeros(1)}, [torch.zeros(1)], torch.zeros(3), {"model": [torch.zeros(1)]}, {"model": {"a": 1}},
            {"model": {1: torch.zeros(1)}}, {"model": {"a": {"b": torch.zeros(1)}}}, {"model": None}, {},
        ],
    )  # fmt: skip
    def test_no_dictionary_of_tensors(self, root, content):
        torch.save(content, root / FILE)
        code, message = refused(approved_as_it_is(root))
        assert code == "weights-keys"
        assert "'model'" in message

    def test_an_empty_one(self, root):
        torch.save({"model": {}}, root / FILE)
        assert refused(approved_as_it_is(root))[0] == "weights-keys"

    def test_safetensors_of_another_network(self, root):
        save_file({"a": torch.zeros(1)}, root / "sam2.1_hiera_tiny.safetensors")
        assert refused(approved_as_it_is(root))[0] == "weights-keys"


class Evil:
    def __reduce__(self):
        return os.system, ("touch ran",)


class TestHostile:
    """Approved all the same: the digest is right, whatever it is of."""

    @pytest.fixture(autouse=True)
    def _nothing_ran(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        yield
        assert not (tmp_path / "ran").exists()

    def test_a_pickle_that_runs(self, root):
        torch.save({"model": {"a": Evil()}}, root / FILE)
        assert refused(claimed(root, FILE, "architecture.json"))[0] == "weights-pickled"
        (root / FILE).write_bytes(pickle.dumps(Evil()))
        assert refused(claimed(root, FILE, "architecture.json"))[0] == "weights-pickled"

    def test_each_of_the_two_guards_is_enough(self, root, monkeypatch):
        torch.save({"model": {"a": Evil()}}, root / FILE)
        monkeypatch.setattr(loading, "require_tensors_only", lambda path: None)
        assert refused(claimed(root, FILE, "architecture.json"))[0] == "weights-unreadable"

    def test_also_under_the_name_of_safetensors(self, root):
        name = "sam2.1_hiera_tiny.safetensors"
        (root / name).write_bytes(pickle.dumps(Evil(), 2))
        assert refused(claimed(root, name, "architecture.json"))[0] == "weights-pickled"

    @pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
    def test_cut_off(self, root, share):
        whole = (root / FILE).read_bytes()
        (root / FILE).write_bytes(whole[: int(share * len(whole))])
        assert refused(claimed(root, FILE, "architecture.json"))[0] in {
            "weights-truncated",
            "weights-pickled",
        }

    @pytest.mark.parametrize(
        "description",
        [
            b"\x80\x02}q\x00.",  # an empty dictionary
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",  # called with nothing
            b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.",
            b"\x80\x02X\x01\x00\x00\x00aQ.",  # a storage that is none
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}b.",  # attributes of a function
            b"\x80\x02h\x00.",
            b"\x80\x02.",
        ],
    )
    def test_tensors_that_make_no_sense(self, root, description):
        with zipfile.ZipFile(root / FILE, "w") as archive:
            archive.writestr("m/data.pkl", description)
            archive.writestr("m/version", b"3\n")
            archive.writestr("m/byteorder", b"little")
        folder = claimed(root, FILE, "architecture.json")
        assert refused(folder)[0] in {"weights-unreadable", "weights-keys", "weights-pickled"}

    def test_a_storage_shorter_than_its_tensors(self, root):
        with zipfile.ZipFile(root / FILE) as archive:
            members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
        with zipfile.ZipFile(root / FILE, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content[:4] if "/data/" in name else content)
        assert refused(claimed(root, FILE, "architecture.json"))[0] in {
            "weights-unreadable",
            "weights-truncated",
        }

    def test_a_tensor_that_repeats_one_number_costs_no_more_than_the_network(self, root):
        folder = rewritten(
            root, lambda s: s.update(no_obj_ptr=torch.tensor([[2.0]]).expand(s["no_obj_ptr"].shape))
        )
        network = load(folder, "tiny")
        assert network.no_obj_ptr.is_contiguous()
        assert (network.no_obj_ptr == 2).all()


PUBLISHED = {"tiny": 156_008_466, "small": 184_416_285, "base-plus": 323_606_802, "large": 898_083_611}
"""Bytes of the published checkpoints (dl.fbaipublicfiles.com/segment_anything_2/092824)."""


@pytest.mark.parametrize(("size", "bytes_published"), PUBLISHED.items())
def test_the_published_networks_are_as_large_as_their_files(size, bytes_published):
    network = unfilled(claimed(None, "none"), size)
    state = network.state_dict()
    assert 0 < bytes_published - 4 * sum(tensor.numel() for tensor in state.values()) < 500 * len(state)
    assert network.image_size == 1024
    assert network.max_obj_ptrs_in_encoder == 16
    large = [tensor for tensor in state.values() if tensor.numel() > 10_000]
    assert all(tensor.is_meta for tensor in large)


def test_what_scan_approves_of_it(root):
    assert [file.path for file in scan(root)] == ["architecture.json", FILE]
