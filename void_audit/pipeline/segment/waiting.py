"""Estimates that wait for the other direction of time: kept in a temporary file, not in memory."""

from __future__ import annotations

import tempfile
import zlib
from dataclasses import replace
from types import TracebackType
from typing import Self

from void_audit.pipeline.segment.follow import Estimate

_IN_MEMORY = 1_000_000
"""Bytes up to which no file is made."""


class Waiting:
    """Estimates by frame. Memory holds one entry of an index per frame; closing it frees the file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (lives as long as this)
        self._index: dict[int, tuple[Estimate, int, int]] = {}
        self._end = 0

    def put(self, frame: int, said: Estimate) -> None:
        """Keep what was said of a frame."""
        packed = zlib.compress(said.evidence, 1)
        self._file.seek(self._end)
        self._file.write(packed)
        self._index[frame] = replace(said, evidence=b""), self._end, len(packed)
        self._end += len(packed)

    def take(self, frame: int) -> Estimate | None:
        """What was kept of a frame, once; None if nothing was."""
        if frame not in self._index:
            return None
        said, start, length = self._index.pop(frame)
        self._file.seek(start)
        return replace(said, evidence=zlib.decompress(self._file.read(length)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
