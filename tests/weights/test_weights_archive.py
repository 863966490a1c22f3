"""A PyTorch checkpoint is approved only where it describes tensors and nothing else; reading it runs nothing."""

import io
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict

import pytest
import torch

from void_audit.errors import WeightsError
from void_audit.weights import archive
from void_audit.weights.archive import require_tensors_only
from void_audit.weights.folders import scan


@pytest.fixture
def at(tmp_path):
    return tmp_path / "model" / "model.pt"


@pytest.fixture(autouse=True)
def _folder(at):
    at.parent.mkdir()


def refused(at) -> str:
    with pytest.raises(WeightsError) as caught:
        scan(at.parent)
    assert caught.value.hint
    assert at.name in caught.value.message
    assert len(caught.value.message) < 1000
    return caught.value.code


def accepted(at) -> None:
    require_tensors_only(at)
    assert [file.path for file in scan(at.parent)] == [at.name]


def zipped(at, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(at, "w", compression) as body:
        for name, content in members:
            body.writestr(name, content)
    return at


def described(at, description: bytes):
    """An archive as PyTorch writes it but for its pickle."""
    return zipped(
        at, [("model/data.pkl", description), ("model/data/0", bytes(8)), ("model/version", b"3\n")]
    )


class Calls:
    """Pickled, it calls anything with anything."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


KINDS = [
    torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool,
]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        {"model": network().state_dict()},
        network().state_dict(),
        dict(network().named_parameters()),
        {str(kind): torch.zeros(2, 3, dtype=kind) for kind in KINDS},
        {"model": OrderedDict(), "epoch": 3, "rates": [1e-3, None, True], "size": (1, 2, 3, 10**12)},
        {f"block.{i}.weight": torch.zeros(1) for i in range(700)},
    ],
)
def test_what_torch_saves_of_tensors(at, content):
    torch.save(content, at)
    accepted(at)
    loaded = torch.load(at, weights_only=True, mmap=True)
    assert list(loaded) == list(content)


def test_whatever_the_file_was_called_when_it_was_saved(at):
    torch.save({"a": torch.zeros(3)}, at.parent / "sam2.1_hiera_large.pt")
    (at.parent / "sam2.1_hiera_large.pt").rename(at)
    accepted(at)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "content",
    [
        Calls(os.system, "touch ran"),
        {"model": {"a": Calls(eval, "open('ran', 'w')")}},
        Calls(torch.load, "other.pt"),
        Calls(getattr, OrderedDict, "fromkeys"),
        Calls(OrderedDict.fromkeys, "ab"),
        network,
        os.path.join,
        b"bytes",
        {1, 2},
    ],
)
def test_whatever_else_a_pickle_may_name(at, protocol, content, monkeypatch):
    monkeypatch.chdir(at.parent)
    described(at, pickle.dumps(content, protocol))
    assert refused(at) == "weights-pickled"
    assert [path.name for path in at.parent.iterdir()] == [at.name]


def test_a_whole_network_as_torch_saves_it(at):
    torch.save(network(), at)
    assert refused(at) == "weights-pickled"


@pytest.mark.parametrize(
    "name",
    [
        "collections Counter", "torch FloatTensor", "torch._utils _rebuild_sparse_tensor", "torch _utils",
        "torch._utils _rebuild_tensor_v2.__globals__", "builtins eval", "torch.serialization load",
        "collections OrderedDict.fromkeys", "__main__ Calls", "torch.storage _load_from_bytes",
        "torch TypedStorage", "torch.jit load", "os system", "torch FloatStorage\nos system",
    ],
)  # fmt: skip
def test_names_beside_the_known_ones(at, name):
    module, _, member = name.partition(" ")
    described(at, b"\x80\x02c" + module.encode() + b"\n" + member.encode() + b"\n.")
    assert refused(at) == "weights-pickled"


def instruction(op) -> bytes:
    arguments = {
        "decimalnl_short": b"1\n",
        "decimalnl_long": b"1L\n",
        "floatnl": b"1\n",
        "stringnl": b"'a'\n",
    }
    arguments |= {
        "unicodestringnl": b"a\n",
        "stringnl_noescape": b"a\n",
        "stringnl_noescape_pair": b"os\nsystem\n",
    }
    argument = arguments.get(op.arg.name if op.arg else "", bytes(8))
    return op.code.encode("latin-1") + argument


@pytest.mark.parametrize("op", pickletools.opcodes, ids=lambda op: op.name)
def test_instructions_that_torch_does_not_write(at, op):
    if op.name in archive.INSTRUCTIONS:
        return
    described(at, b"\x80\x02" + instruction(op) + b".")
    assert refused(at) == "weights-pickled"


def test_no_known_instruction_reaches_a_name_but_global():
    reaching = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"}
    assert not reaching & archive.INSTRUCTIONS
    assert not archive.INSTRUCTIONS - {op.name for op in pickletools.opcodes}


@pytest.mark.parametrize(
    "description", [b"", b"\x80\x02", b"\x80\x02X\xff\xff\xff\x7fab", b"\x80\x02K", b"\xff."]
)
def test_a_pickle_that_breaks_off_or_is_none(at, description):
    described(at, description)
    assert refused(at) == "weights-pickled"


def test_a_name_that_is_not_text(at):
    described(at, b"\x80\x02X\x02\x00\x00\x00\xff\xfe.")
    assert refused(at) == "weights-pickled"


class TestArchives:
    PICKLE = pickle.dumps({"a": 1}, 2)

    @pytest.mark.parametrize(
        "name",
        ["model/code/run.py", "model/constants.pkl", "model/data/x", "other/data/1", "model/../x", "/x", "data.pkl",
         "model/data.pkl.x", "model/xdata.pkl", "model/data/0/1", "model/data/1234567890"],
    )  # fmt: skip
    def test_with_something_else_in_it(self, at, name):
        zipped(at, [("model/data.pkl", self.PICKLE), (name, b"x")])
        assert refused(at) == "weights-pickled"

    def test_with_two_descriptions(self, at):
        with pytest.warns(UserWarning, match="Duplicate name"):
            zipped(at, [("model/data.pkl", self.PICKLE), ("model/data.pkl", self.PICKLE)])
        assert refused(at) == "weights-pickled"

    def test_compressed(self, at):
        zipped(at, [("model/data.pkl", self.PICKLE)], zipfile.ZIP_DEFLATED)
        assert refused(at) == "weights-pickled"

    def test_without_a_description(self, at):
        zipped(at, [("model/data/0", bytes(4))])
        assert refused(at) == "weights-pickled"
        zipped(at, [])
        assert refused(at) == "weights-pickled"

    def test_a_description_beyond_all_measure(self, at, monkeypatch):
        monkeypatch.setattr(archive, "MAX_HEADER_BYTES", 5)
        described(at, self.PICKLE)
        assert refused(at) == "weights-pickled"
        monkeypatch.setattr(archive, "MAX_HEADER_BYTES", len(self.PICKLE))
        accepted(at)

    @pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.9, 0.999])
    def test_cut_off(self, at, share):
        torch.save({"a": torch.zeros(1000)}, at)
        whole = at.read_bytes()
        at.write_bytes(whole[: int(share * len(whole))])
        assert refused(at) == "weights-truncated"

    def test_damaged_where_it_describes(self, at):
        torch.save({"a": torch.zeros(3)}, at)
        at.write_bytes(at.read_bytes().replace(b"FloatStorage", b"ByteStorages"))
        assert refused(at) == "weights-truncated"

    def test_locked_with_a_password(self, at):
        content = bytearray(described(at, self.PICKLE).read_bytes())
        for start in (content.find(b"PK\x03\x04") + 6, content.find(b"PK\x01\x02") + 8):
            content[start] |= 1
        at.write_bytes(content)
        assert refused(at) == "weights-truncated"


def test_the_older_form(at):
    torch.save({"a": torch.zeros(3)}, at, _use_new_zipfile_serialization=False)
    assert refused(at) == "weights-pickled"


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>Sign in</html>", pickle.dumps({"a": 1}, 2)])
def test_no_archive_at_all(at, content):
    at.write_bytes(content)
    assert refused(at) == "weights-pickled"


@pytest.mark.parametrize("name", ["model.pth", "model.bin", "model.ckpt", "model", "model.json"])
def test_under_any_other_suffix_no_pickle_is_approved(at, name):
    body = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, body)
    (at.parent / name).write_bytes(body.getvalue())
    with pytest.raises(WeightsError) as caught:
        scan(at.parent)
    assert caught.value.code == "weights-pickled"


def test_the_suffix_in_capitals_is_the_same(at):
    described(at, pickle.dumps(Calls(os.system, "true"), 2)).rename(at.with_suffix(".PT"))
    with pytest.raises(WeightsError) as caught:
        scan(at.parent)
    assert caught.value.code == "weights-pickled"
