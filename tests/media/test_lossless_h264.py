"""Lossless H.264 that no reader spoils: PyAV, OpenCV and FFmpeg's own filters hand back what was written."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from void_audit.errors import StorageError
from void_audit.media.lossless_h264 import GrayH264Writer, RgbH264Writer
from void_audit.media.probe import probe
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES

Pictures = npt.NDArray[np.uint8]
RNG = np.random.default_rng(3)


def pyav(pixel_format: str) -> Callable[[Path], Iterator[Pictures]]:
    def read(path: Path) -> Iterator[Pictures]:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format=pixel_format)

    return read


def opencv(path: Path) -> Iterator[Pictures]:
    capture = cv2.VideoCapture(str(path))
    while (found := capture.read())[0]:
        yield found[1][..., ::-1]


def ffmpeg(pixel_format: str) -> Callable[[Path], Iterator[Pictures]]:
    """As ``ffmpeg -i FILE -f rawvideo -pix_fmt FORMAT -``: what mediapy and imageio run."""

    def read(path: Path) -> Iterator[Pictures]:
        with av.open(str(path)) as container:
            graph = av.filter.Graph()
            source = graph.add_buffer(template=container.streams.video[0])
            nodes = [graph.add("scale"), graph.add("format", pixel_format), graph.add("buffersink")]
            for one, other in zip([source, *nodes], nodes, strict=False):
                one.link_to(other)
            graph.configure()
            for frame in container.decode(video=0):
                graph.push(frame)
                yield graph.pull().to_ndarray()

    return read


RGB = {"pyav rgb24": pyav("rgb24"), "opencv": opencv, "ffmpeg rgb24": ffmpeg("rgb24")}
GRAY = {"pyav gray": pyav("gray"), "ffmpeg gray": ffmpeg("gray")}


def quadmasks(size: Size, count: int) -> Pictures:
    """Noise of the four values: nothing is harder to code."""
    return RNG.choice(np.array(VALUES, np.uint8), (count, size.height, size.width))


@pytest.mark.parametrize("size", [Size(96, 64), Size(97, 65), Size(16, 16), Size(336, 192), Size(2, 2)])
@pytest.mark.parametrize("reader", [*RGB, *GRAY])
def test_mask_values_survive_every_reader(tmp_path: Path, size: Size, reader: str) -> None:
    written = quadmasks(size, 3)
    with GrayH264Writer(tmp_path / "m.mp4", size, Fraction(12)) as writer:
        for picture in written:
            writer.write(picture)
    read = np.stack(list((RGB | GRAY)[reader](tmp_path / "m.mp4")))
    expected = written if reader in GRAY else np.repeat(written[..., None], 3, -1)
    np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize("size", [Size(96, 64), Size(97, 65), Size(2, 2)])
@pytest.mark.parametrize("reader", RGB)
def test_pictures_survive_every_reader(tmp_path: Path, size: Size, reader: str) -> None:
    written = RNG.integers(0, 256, (3, size.height, size.width, 3), np.uint8)
    with RgbH264Writer(tmp_path / "v.mp4", size, Fraction(24000, 1001)) as writer:
        for picture in written:
            writer.write(picture)
    np.testing.assert_array_equal(np.stack(list(RGB[reader](tmp_path / "v.mp4"))), written)


@pytest.mark.parametrize("rate", ["12/1", "24000/1001", "120/1", "1/2", "999983/41000"])
def test_rate_and_profile_are_those_of_voids_own_files(tmp_path: Path, rate: str) -> None:
    with GrayH264Writer(tmp_path / "m.mp4", Size(16, 16), Fraction(rate)) as writer:
        for picture in quadmasks(Size(16, 16), 5):
            writer.write(picture)
    info = probe(tmp_path / "m.mp4")
    assert (info.frames, info.rate, info.variable_frame_rate) == (5, Fraction(rate), False)
    assert (info.codec, info.pixel_format, info.color_range) == ("h264", "yuv444p", 0)
    with av.open(str(tmp_path / "m.mp4")) as container:
        assert container.streams.video[0].codec_context.profile == "High 4:4:4 Predictive"


@pytest.mark.parametrize("make", [GrayH264Writer, RgbH264Writer])
def test_equal_pictures_are_equal_files(tmp_path: Path, make: type) -> None:
    pictures = quadmasks(Size(64, 48), 4)
    for name in "ab":
        with make(tmp_path / name, Size(64, 48), Fraction(12)) as writer:
            for gray in pictures:
                writer.write(gray if make is GrayH264Writer else np.repeat(gray[..., None], 3, -1))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_number_of_threads_is_not_the_machines(tmp_path: Path) -> None:
    """x264's output depends on it, and says it."""
    with GrayH264Writer(tmp_path / "m.mp4", Size(64, 720), Fraction(12)) as writer:
        writer.write(quadmasks(Size(64, 720), 1)[0])
    assert b" threads=4 " in (tmp_path / "m.mp4").read_bytes()


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError) as caught,
        GrayH264Writer(tmp_path / "no/m.mp4", Size(16, 16), Fraction(1)) as writer,
    ):
        writer.write(quadmasks(Size(16, 16), 1)[0])
    assert caught.value.code == "storage-unwritable"


def test_what_is_raised_inside_passes(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="x"), GrayH264Writer(tmp_path / "m.mp4", Size(16, 16), Fraction(1)):
        raise KeyError("x")
