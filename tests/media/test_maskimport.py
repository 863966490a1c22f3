"""Foreign masks: VOID's files come in as they were meant; a fifth class never does."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from clips import write_clip, write_gray_lossy

from void_audit.errors import MaskError
from void_audit.media.maskfile import import_mask, write_masks
from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip
from void_audit.model.clip import ClipInfo
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES

Gray = npt.NDArray[np.uint8]
SAMPLES = Path(__file__).resolve().parents[3] / "shared/samples"
WIDTH, HEIGHT, FRAMES = 160, 120, 6
SHAPE = {"width": WIDTH, "height": HEIGHT, "frames": FRAMES}


def picture(frame: int) -> Gray:
    values = np.full((HEIGHT, WIDTH), 255, np.uint8)
    if frame:
        values[40:100, 60 + frame : 120 + frame] = 127
    values[20:60, 20 + frame : 70 + frame] = 0
    if frame:
        values[40:60, 60 + frame : 70 + frame] = 63
    return values


PICTURES = [picture(i) for i in range(FRAMES)]
CLASSES = np.stack([np.searchsorted(VALUES, p) for p in PICTURES]).astype(np.uint8)


def with_patch(value: int, side: int = 12) -> list[Gray]:
    pictures = [p.copy() for p in PICTURES]
    for p in pictures:
        p[104 : 104 + side, 8 : 8 + side] = value
    return pictures


@pytest.fixture
def info(tmp_path: Path) -> ClipInfo:
    return probe(write_clip(tmp_path / "clip.mp4", **SHAPE))


def write_exact(
    path: Path, pictures: list[Gray], pixel_format: str, options: dict[str, str], codec: str
) -> Path:
    """Grey values put into the luma plane as they are, without any conversion."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
        for number, values in enumerate(pictures):
            frame = av.VideoFrame(WIDTH, HEIGHT, pixel_format)
            for i, plane in enumerate(frame.planes):
                view = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
                view[:] = 128
                if i == 0:
                    view[:HEIGHT, :WIDTH] = values
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def limited(pictures: list[Gray]) -> list[Gray]:
    return [np.round(16 + p * (219 / 255)).astype(np.uint8) for p in pictures]


def refused(path: Path, info: ClipInfo) -> MaskError:
    with pytest.raises(MaskError) as caught:
        import_mask(path, info)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("pixel_format", "codec", "narrow"),
    [
        ("gray", "libx264", False),  # the trap: luma is exact, yet players take it for limited range
        ("yuv444p", "libx264", True),  # VOID's own files
        ("yuv420p", "libx264", True),
        ("yuv420p", "libx264", False),
        ("gray", "ffv1", False),
    ],
)
def test_lossless_files_of_either_range(
    tmp_path: Path, info: ClipInfo, pixel_format: str, codec: str, narrow: bool
) -> None:
    options = {"qp": "0"} if codec == "libx264" else {}
    pictures = limited(PICTURES) if narrow else PICTURES
    suffix = "mp4" if codec == "libx264" else "mkv"
    mask = import_mask(write_exact(tmp_path / f"m.{suffix}", pictures, pixel_format, options, codec), info)
    np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES)
    assert mask.changes == (
        ("Luma of limited range (16 to 235) was expanded to 0 to 255.",) if narrow else ()
    )


def test_our_own_file(tmp_path: Path, info: ClipInfo) -> None:
    mask = import_mask(write_masks(tmp_path / "m.mkv", Size(WIDTH, HEIGHT), CLASSES), info)
    np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES)
    assert mask.changes == ()
    assert (mask.size, len(mask)) == ((WIDTH, HEIGHT), FRAMES)
    np.testing.assert_array_equal(np.stack(list(mask.classes(2, 4))), CLASSES[2:4])


@pytest.mark.parametrize("crf", [15, 18, 23, 28, 33])
def test_lossy_files_by_voids_thresholds(tmp_path: Path, info: ClipInfo, crf: int) -> None:
    mask = import_mask(write_gray_lossy(tmp_path / "m.mp4", PICTURES, crf, **SHAPE), info)
    wrong = np.mean(np.stack(list(mask.classes())) != CLASSES)
    assert wrong < 0.002
    assert any("lossy" in change and "thresholds" in change for change in mask.changes)


@pytest.mark.parametrize("crf", [0, 18, 28])
@pytest.mark.parametrize("value", [200, 95, 160, 225])
def test_a_fifth_value_is_refused(tmp_path: Path, info: ClipInfo, crf: int, value: int) -> None:
    error = refused(write_gray_lossy(tmp_path / "m.mp4", with_patch(value), crf, **SHAPE), info)
    assert error.code == "mask-values"
    told = [int(word.rstrip(",")) for word in error.message.split() if word.rstrip(",").isdigit()]
    assert any(abs(number - value) <= 4 for number in told), error.message


def test_a_fifth_value_on_one_late_frame(tmp_path: Path, info: ClipInfo) -> None:
    pictures = [*PICTURES[:-1], with_patch(200)[-1]]
    error = refused(write_gray_lossy(tmp_path / "m.mp4", pictures, 18, **SHAPE), info)
    assert f"frame {FRAMES - 1}" in error.message


def test_few_pixels_of_a_fifth_value_in_a_lossless_file(tmp_path: Path, info: ClipInfo) -> None:
    path = write_exact(tmp_path / "m.mkv", with_patch(200, side=1), "gray", {}, "ffv1")
    assert refused(path, info).code == "mask-values"


def test_affected_on_frame_zero_becomes_keep(tmp_path: Path, info: ClipInfo) -> None:
    pictures = [picture(1), *PICTURES[1:]]
    mask = import_mask(write_exact(tmp_path / "m.mkv", pictures, "gray", {}, "ffv1"), info)
    first, second = (next(mask.classes(i, i + 1)) for i in (0, 1))
    assert 2 not in first
    assert 1 in first
    assert 2 in second
    affected = int((pictures[0] == 127).sum())
    assert mask.changes == (f"{affected} affected pixels (127) on frame 0 became keep (255), as VOID does.",)


def test_wrong_size_is_not_scaled(tmp_path: Path, info: ClipInfo) -> None:
    half = [p[::2, ::2] for p in PICTURES]
    path = write_gray_lossy(tmp_path / "m.mp4", half, 0, width=WIDTH // 2, height=HEIGHT // 2, frames=FRAMES)
    assert refused(path, info).code == "mask-size"


@pytest.mark.parametrize("frames", [FRAMES - 1, FRAMES + 1])
def test_wrong_length(tmp_path: Path, info: ClipInfo, frames: int) -> None:
    pictures = [PICTURES[min(i, FRAMES - 1)] for i in range(frames)]
    path = write_gray_lossy(tmp_path / "m.mp4", pictures, 0, width=WIDTH, height=HEIGHT, frames=frames)
    assert refused(path, info).code == "mask-frames"


def test_footage_is_no_mask(tmp_path: Path, info: ClipInfo) -> None:
    assert refused(write_clip(tmp_path / "m.mp4", **SHAPE), info).code == "mask-values"


def test_a_grey_photograph_is_no_mask(tmp_path: Path, info: ClipInfo) -> None:
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    path = write_gray_lossy(tmp_path / "m.mp4", [ramp] * FRAMES, 18, **SHAPE)
    assert refused(path, info).code == "mask-values"


@pytest.mark.samples
@pytest.mark.parametrize("name", ["lime/quadmask_0.mp4", "ducky-float/trimask_quadmask.mp4"])
def test_voids_own_masks(name: str, tmp_path: Path) -> None:
    """They hold 16, 70, 125 and 235 in luma and mean exactly 0, 63, 127 and 255."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip("the real clips are not beside the checkout")
    mask = import_mask(path, probe(path.parent / "input_video.mp4"))
    assert mask.changes == ("Luma of limited range (16 to 235) was expanded to 0 to 255.",)
    exact: Callable[[int], Gray] = lambda i: next(VideoClip(path).planes(i, i + 1)).planes[0]  # noqa: E731
    luma, classes = exact(20), next(mask.classes(20, 21))
    np.testing.assert_array_equal(np.array([16, 70, 125, 235], np.uint8)[classes], luma)
