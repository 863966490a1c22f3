"""What a safetensors file says that it holds, read by ourselves before any library maps the file.

The format: 8 bytes, the little-endian length N of the header; N bytes of JSON, ``{name: {"dtype", "shape",
"data_offsets": [begin, end]}}`` and optionally ``"__metadata__"``; then the tensors' bytes without a gap.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from void_audit.errors import WeightsError
from void_audit.model.base import Name, Value

MAX_HEADER_BYTES = 8 * 2**20
"""The 1024 tensors of a VOID checkpoint take 100 kB."""

BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
BYTES |= {"F8_E4M3": 1, "F8_E5M2": 1, "U64": 8, "U32": 4, "U16": 2}

Extent = Annotated[int, Field(ge=0, le=2**48)]


class TensorInfo(Value):
    """One tensor of a file: type by safetensors' name, shape, and where its bytes lie behind the header."""

    dtype: Name
    shape: Annotated[tuple[Extent, ...], Field(max_length=16)]
    data_offsets: tuple[Extent, Extent]

    @property
    def fits(self) -> bool:
        """Whether type, shape and bytes agree."""
        begin, end = self.data_offsets
        return self.dtype in BYTES and end - begin == BYTES[self.dtype] * prod(self.shape)


_Header = TypeAdapter(dict[str, TensorInfo])


def read_header(path: Path) -> Mapping[str, TensorInfo]:
    """The tensors of a safetensors file by name; at most ``MAX_HEADER_BYTES`` are read.

    Raises WeightsError: ``weights-pickled`` (a pickle, which runs code when it is loaded),
    ``weights-truncated`` (fewer or more bytes than the header tells of), ``weights-header`` (not a header).
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = _header_length(path, file.read(8), size)
        tensors = _parse(path, file.read(length))
    _require_exact(path, tensors, size - 8 - length)
    return tensors


def _header_length(path: Path, start: bytes, size: int) -> int:
    length = int.from_bytes(start, "little")
    if length <= min(MAX_HEADER_BYTES, size - 8):
        return length
    refuse_pickle(path, start)
    if length <= size - 8:
        raise _no_header(path, f"its header claims {length:,} bytes, {MAX_HEADER_BYTES:,} are allowed")
    raise _truncated(path, f"it has {size:,} bytes, and its header would take {length:,}")


def refuse_pickle(path: Path, start: bytes) -> None:
    """Refuse a file that begins like a pickle or like the zip archive that ``torch.save`` writes."""
    if start[:4] == b"PK\x03\x04" or (start[:1] == b"\x80" and start[1:2] in {b"\2", b"\3", b"\4", b"\5"}):
        raise pickled(path)


def pickled(path: Path) -> WeightsError:
    """The error for a file whose loading would run code."""
    return WeightsError(
        "weights-pickled",
        f"{path} is a pickle: loading it would run what is in it.",
        "Only safetensors files are loaded. Get the model in that form, and delete this file.",
    )


def _parse(path: Path, raw: bytes) -> dict[str, TensorInfo]:
    try:
        fields = json.loads(raw, object_pairs_hook=_distinct)
        if isinstance(fields, dict):
            fields.pop("__metadata__", None)
        return _Header.validate_json(json.dumps(fields))
    except ValidationError as error:
        first = error.errors()[0]
        raise _no_header(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise _no_header(path, str(error)) from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a name come twice, and two readers may then see two different files."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name comes twice")
    return fields


def _require_exact(path: Path, tensors: Mapping[str, TensorInfo], size: int) -> None:
    """The tensors cover the ``size`` bytes behind the header without gap, overlap or rest."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1].data_offsets):
        if tensor.data_offsets[0] != end or not tensor.fits:
            raise _no_header(path, f"{name}: {tensor.dtype} {list(tensor.shape)} at {tensor.data_offsets}")
        end = tensor.data_offsets[1]
    if end != size:
        raise _truncated(path, f"its tensors take {end:,} bytes, there are {size:,}")


def _truncated(path: Path, why: str) -> WeightsError:
    return WeightsError(
        "weights-truncated", f"{path} is not a whole safetensors file: {why}.", "Copy or fetch it again."
    )


def _no_header(path: Path, why: str) -> WeightsError:
    return WeightsError(
        "weights-header", f"{path} has no safetensors header: {why[:300]}.", "Copy or fetch it again."
    )
