"""A video as other programs read it: plainly, by PyAV (as ComfyUI does) and by OpenCV (as VOID's mask tools do).

VOID's loader calls FFmpeg for rgb24, which is what PyAV's conversion is. These readers check nothing: they show what
others will see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from void_audit.media.container import DECODER_THREADS, open_input
from void_audit.model.clip import RGB


def read_pyav(path: Path) -> Iterator[RGB]:
    """Every picture as PyAV converts it to rgb24. Raises ClipError as ``open_input``."""
    with open_input(path) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "AUTO", DECODER_THREADS
        for frame in container.decode(stream):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def read_opencv(path: Path) -> Iterator[RGB]:
    """Every picture as OpenCV reads it, with its channels turned to RGB; none where it cannot open the file."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        while True:
            found, picture = capture.read()
            if not found:
                return
            yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
    finally:
        capture.release()


READERS: Mapping[str, Callable[[Path], Iterator[RGB]]] = {"PyAV": read_pyav, "OpenCV": read_opencv}
"""By the name that a message gives them."""
