"""A safetensors header is read by ourselves, and files that lie about themselves never reach a library."""

import io
import json
import pickle
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from void_audit.errors import WeightsError
from void_audit.weights.header import MAX_HEADER_BYTES, read_header

ONE = {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}


def file_of(path, fields: object, data: bytes = bytes(24), length: int | None = None):
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def refused(path) -> str:
    with pytest.raises(WeightsError) as caught:
        read_header(path)
    assert caught.value.hint
    assert len(caught.value.message) < 1000
    return caught.value.code


@pytest.fixture
def at(tmp_path):
    return tmp_path / "model.safetensors"


def test_what_the_library_writes_is_read(at):
    tensors = {
        "weight": torch.zeros(2, 3, dtype=torch.bfloat16),
        "scalar": torch.tensor(1.0),
        "none": torch.zeros(0, 4),
        "half": torch.zeros(5, dtype=torch.float16),
        "eight": torch.zeros(3, dtype=torch.float8_e4m3fn),
        "count": torch.zeros(1, dtype=torch.int64),
    }
    save_file(tensors, at, metadata={"format": "pt"})
    found = read_header(at)
    assert {name: tensor.shape for name, tensor in found.items()} == {
        name: tuple(tensor.shape) for name, tensor in tensors.items()
    }
    assert found["weight"].dtype == "BF16"
    assert "__metadata__" not in found


@pytest.mark.parametrize("length", [0x0280, 0x0480, 0x0580])
def test_a_header_whose_length_looks_like_a_pickle_is_one_of_ours(at, length):
    text = json.dumps(ONE).encode()
    file_of(at, text + b" " * (length - len(text)))
    assert at.read_bytes()[:2] in {b"\x80\x02", b"\x80\x04", b"\x80\x05"}
    assert read_header(at)["a"].shape == (2, 3)
    assert load_file(at)["a"].shape == (2, 3)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("content", [None, list(range(500)), {"w": b"x" * 10_000}])
def test_a_pickle_under_another_name(at, protocol, content):
    at.write_bytes(pickle.dumps(content, protocol))
    assert refused(at) == "weights-pickled"


def test_what_torch_saves(at):
    torch.save({"a": torch.zeros(3)}, at)
    assert refused(at) == "weights-pickled"
    torch.save({"a": torch.zeros(3)}, at, _use_new_zipfile_serialization=False)
    assert refused(at) == "weights-pickled"


def test_any_zip_archive(at):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(1))
    at.write_bytes(body.getvalue())
    assert refused(at) == "weights-pickled"


@pytest.mark.parametrize("cut", range(90))
def test_cut_anywhere(at, cut):
    whole = file_of(at, ONE).read_bytes()
    at.write_bytes(whole[: len(whole) - 1 - cut])
    assert refused(at) == "weights-truncated"


def test_something_behind_the_tensors(at):
    file_of(at, ONE, bytes(25))
    assert refused(at) == "weights-truncated"


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40, 10**6])
def test_a_header_that_claims_more_than_there_is(at, length):
    file_of(at, ONE, length=length)
    assert refused(at) == "weights-truncated"


def test_a_header_too_long_to_be_read(at):
    text = json.dumps(ONE).encode()
    file_of(at, text + b" " * (MAX_HEADER_BYTES - len(text)))
    assert read_header(at)
    file_of(at, text + b" " * (MAX_HEADER_BYTES + 1 - len(text)))
    assert refused(at) == "weights-header"


@pytest.mark.parametrize(
    "fields",
    [
        b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000,
        {"a": 1},
        {"a": {"dtype": "F32", "shape": [6]}},
        {"a": {**ONE["a"], "code": "os.system"}},
        {"a": {**ONE["a"], "shape": [2, "3"]}},
        {"a": {**ONE["a"], "shape": [-2, -3]}},
        {"a": {**ONE["a"], "shape": [2.0, 3]}},
        {"a": {**ONE["a"], "shape": [True, 6]}},
        {"a": {**ONE["a"], "shape": [1] * 17}},
        {"a": {**ONE["a"], "shape": [2**63, 2**63, 2**63]}},
        {"a": {**ONE["a"], "shape": [2, 4]}},
        {"a": {**ONE["a"], "dtype": "F33"}},
        {"a": {**ONE["a"], "dtype": "O" * 300}},
        {"a": {**ONE["a"], "data_offsets": [24, 0]}},
        {"a": {**ONE["a"], "data_offsets": [1, 25]}},
        {"a": {**ONE["a"], "data_offsets": [-24, 0]}},
        {"a": {**ONE["a"], "data_offsets": [0]}},
        {"a": ONE["a"], "b": ONE["a"]},
        {"x" * 5000: 3},
        b'{"a": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]},'
        b' "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}',
        b'{"a": {"dtype": "F32", "dtype": "I32", "shape": [6], "data_offsets": [0, 24]}}',
        b'{"a": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 24]}}',
        b'{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 24]}}',
        b'{"\\ud800": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}}',
    ],
    ids=lambda fields: str(fields)[:40],
)  # fmt: skip
def test_a_header_that_is_none(at, fields):
    file_of(at, fields)
    assert refused(at) == "weights-header"


def test_a_gap_between_tensors(at):
    two = {
        "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
        "b": {"dtype": "U8", "shape": [4], "data_offsets": [8, 12]},
    }
    file_of(at, two, bytes(12))
    assert refused(at) == "weights-header"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_order(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "x.safetensors"
    path.write_bytes(data)
    refused(path)
