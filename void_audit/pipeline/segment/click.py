"""The click segmenter: from clicks and boxes on any frames to a mask on every frame, on the CPU.

Marked frames get a mask from the marks (``seed``). From each of them the object is followed forwards and
backwards in time (``follow``); between two marked frames both directions are blended (``timeline``). Several
objects are followed one after the other (``joining``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2

from void_audit.errors import WeightsError
from void_audit.model.base import Scalar
from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, WeightsRef, no_progress
from void_audit.model.track import Mark, Track
from void_audit.pipeline.segment.candidates import SEED_SIDE
from void_audit.pipeline.segment.follow import FOLLOW_SIDE
from void_audit.pipeline.segment.joining import follow_marks
from void_audit.pipeline.segment.saliency import Saliency, SaliencyNetwork
from void_audit.weights.registry import approved

VERSION = "3"


class ClickSegmenter:
    """Implements ``Segmenter`` with U2-Net-P, optical flow, colour and a background plate.

    Args:
        model_path: ``u2netp.onnx``; its digest must be registered. Raises WeightsError ``weights-missing``,
            ``weights-digest`` or ``weights-unreadable``.
        threads: CPU threads for OpenCV while it segments; None leaves the process's own setting.
    """

    def __init__(self, model_path: Path, threads: int | None = None) -> None:
        self._threads = threads
        model = _read(model_path)
        digest = hashlib.sha256(model).hexdigest()
        if not approved(digest):
            raise WeightsError(
                "weights-digest",
                f"{model_path} has SHA-256 {digest}, which is no registered model file.",
                "Run `void-audit models fetch u2netp`.",
            )
        self._saliency: Saliency = SaliencyNetwork(model)
        self.info = EngineInfo(
            name="click", version=VERSION, kind="classical",
            description="U2-Net-P saliency, DIS optical flow, joint motion, colour histograms, background plate (CPU)",
            weights=(WeightsRef(name="u2netp", sha256=digest),),
        )  # fmt: skip

    def segment(self, clip: Clip, marks: Sequence[Mark], progress: Progress = no_progress) -> Track:
        """See ``Segmenter``. Raises RequestError for unusable marks (see ``check_marks``)."""
        with _opencv_threads(self._threads):
            track = follow_marks(clip, marks, self._saliency, self.info, progress)
        return replace(track, settings=_settings())


def _settings() -> dict[str, Scalar]:
    return {"marked_frame_side": SEED_SIDE, "follow_side": FOLLOW_SIDE, "opencv": cv2.__version__}


@contextmanager
def _opencv_threads(threads: int | None) -> Iterator[None]:
    before = cv2.getNumThreads()
    if threads is not None:
        cv2.setNumThreads(threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            "weights-missing",
            f"The model file {path} cannot be read: {error.strerror}.",
            "Fetch it once with `void-audit models fetch u2netp`.",
        ) from error
