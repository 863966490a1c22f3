"""VOID's sequence folder: three files that every reader gives back exactly, there whole or not at all."""

import json
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from clips import moving_square, write_clip, write_jumpy_clip
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.canon.hashing import sha256_file
from void_audit.canon.mask import mask_identity
from void_audit.errors import Cancelled, ClipError, MaskError, StorageError
from void_audit.media import void_sequence
from void_audit.media.lossless import LosslessWriter
from void_audit.media.maskimport import import_mask
from void_audit.media.readback import read_pyav
from void_audit.media.reader import VideoClip
from void_audit.media.void_sequence import SequenceReport, write_sequence
from void_audit.model.geometry import FrameRange, Size
from void_audit.model.mask import VALUES, Classes, MaskClass

SIZE, FRAMES = Size(64, 48), 8
SAMPLES = Path(__file__).resolve().parents[3] / "shared/samples"
SAID = "A lime falls on the table."


class Masks:
    """A mask held in memory."""

    def __init__(self, pictures: npt.NDArray[np.uint8]) -> None:
        self.pictures = pictures
        self.size = Size(pictures.shape[2], pictures.shape[1])

    def __len__(self) -> int:
        return len(self.pictures)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        return (picture.copy() for picture in self.pictures[start:stop])


def noise(frames: int = FRAMES, size: Size = SIZE, seed: int = 5) -> Masks:
    """Every class everywhere; none affected on frame 0."""
    classes = np.random.default_rng(seed).integers(0, 4, (frames, size.height, size.width), np.uint8)
    classes[0][classes[0] == 2] = 3
    return Masks(classes)


def source(folder: Path, **changes: object) -> VideoClip:
    spec = {"width": SIZE.width, "height": SIZE.height, "frames": FRAMES, "rate": Fraction(12)} | changes
    return VideoClip(write_clip(folder / "source.mp4", **spec))


def red(path: Path) -> npt.NDArray[np.uint8]:
    """As VOID's loader reads: rgb24, first channel."""
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24")[..., 0] for f in container.decode(video=0)])


def opencv(path: Path) -> npt.NDArray[np.uint8]:
    """As VOID's mask tools read: BGR."""
    capture, found = cv2.VideoCapture(str(path)), []
    while (got := capture.read())[0]:
        found.append(got[1][..., ::-1])
    return np.stack(found)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> VideoClip:
    return source(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def written(clip: VideoClip) -> SequenceReport:
    return write_sequence(clip.path.parent / "lime", clip, noise(), SAID)


def test_three_files_and_no_others(written: SequenceReport) -> None:
    assert names(written.folder) == ["input_video.mp4", "prompt.json", "quadmask_0.mp4"]
    assert names(written.folder.parent) == ["lime", "source.mp4"]
    assert written.sha256 == {name: sha256_file(written.folder / name) for name in names(written.folder)}


def test_the_mask_reads_exactly_everywhere(written: SequenceReport) -> None:
    expected = np.array(VALUES, np.uint8)[noise().pictures]
    np.testing.assert_array_equal(red(written.folder / "quadmask_0.mp4"), expected)
    np.testing.assert_array_equal(
        opencv(written.folder / "quadmask_0.mp4"), np.repeat(expected[..., None], 3, -1)
    )


def test_prompt_holds_bg_alone(written: SequenceReport) -> None:
    assert json.loads((written.folder / "prompt.json").read_bytes()) == {"bg": SAID}


@pytest.mark.parametrize("text", ["", "Eine Limette fällt – 🍋", 'quo"te \\ \n\x00', "x" * 65536, "\ud800"])
def test_any_prompt_in_any_encoding(tmp_path: Path, clip: VideoClip, text: str) -> None:
    write_sequence(tmp_path / "s", clip, noise(), text)
    data = (tmp_path / "s/prompt.json").read_bytes()
    assert data.isascii()
    assert json.loads(data) == {"bg": text}


def test_a_plain_source_is_copied_byte_for_byte(written: SequenceReport, clip: VideoClip) -> None:
    assert written.copied
    assert (written.folder / "input_video.mp4").read_bytes() == clip.path.read_bytes()
    assert written.changes == ()


def test_the_report(written: SequenceReport) -> None:
    assert (written.frames, written.frame_rate) == (FRAMES, "12/1")
    assert written.mask == mask_identity(noise())[0]
    assert any("85 frames" in said for said in written.warnings)
    assert not any("12 frames per second" in said for said in written.warnings)


def test_video_and_mask_have_one_length_size_and_rate(written: SequenceReport) -> None:
    video, mask = (VideoClip(written.folder / n).info for n in ("input_video.mp4", "quadmask_0.mp4"))
    assert (video.frames, video.size, video.rate) == (mask.frames, mask.size, mask.rate) == (FRAMES, SIZE, 12)


def test_no_affected_pixels_on_frame_zero(tmp_path: Path, clip: VideoClip) -> None:
    mask = noise()
    mask.pictures[0, :5, :7] = 2
    report = write_sequence(tmp_path / "s", clip, mask, SAID)
    values = red(tmp_path / "s/quadmask_0.mp4")
    assert 127 not in values[0]
    assert (values[0, :5, :7] == 255).all()
    assert 127 in values[1]
    assert report.changes == ("35 affected pixels (127) on frame 0 became keep (255), as VOID does.",)
    mask.pictures[0, :5, :7] = 3
    assert report.mask == mask_identity(mask)[0]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("v.mp4", {"pixel_format": "yuv422p"}),
        ("v.mp4", {"pixel_format": "yuv420p10le"}),
        ("v.mp4", {"codec": "libx265", "options": (("x265-params", "log-level=none"),)}),
        ("v.mp4", {"rotation": 90}),
        ("v.mp4", {"width": 63, "height": 47, "pixel_format": "yuv444p"}),
        ("v.mkv", {}),
        ("v.mov", {}),
        ("v.mp4", {"pts": tuple(range(3000, 3000 + 8000, 1000)), "time_base": Fraction(1, 12000)}),
    ],
)
def test_other_sources_become_exact_rgb(tmp_path: Path, name: str, changes: dict[str, object]) -> None:
    spec = {"width": SIZE.width, "height": SIZE.height, "frames": FRAMES, "rate": Fraction(12)} | changes
    clip = VideoClip(write_clip(tmp_path / name, **spec))
    report = write_sequence(tmp_path / "s", clip, noise(size=clip.info.size), SAID)
    assert not report.copied
    assert "not the source's file" in report.changes[0]
    shown = np.stack(list(clip.frames()))
    np.testing.assert_array_equal(opencv(tmp_path / "s/input_video.mp4"), shown)
    np.testing.assert_array_equal(red(tmp_path / "s/input_video.mp4"), shown[..., 0])
    info = VideoClip(tmp_path / "s/input_video.mp4").info
    assert (info.size, info.rate, info.rotation) == (clip.info.size, 12, 0)
    assert any("10 bits" in said for said in report.changes) == (clip.info.bit_depth == 10)


def test_readers_that_disagree_about_the_source(
    tmp_path: Path, clip: VideoClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(void_sequence, "ALIKE", -1.0)
    report = write_sequence(tmp_path / "s", clip, noise(), SAID)
    assert not report.copied
    assert "read that differently" in report.changes[0]


@pytest.mark.parametrize("fault", ["short", "other", "size"])
def test_what_another_reader_makes_of_the_source_counts(
    tmp_path: Path, clip: VideoClip, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    pictures = list(clip.frames())
    made = {"short": pictures[:-1], "other": [p // 2 for p in pictures], "size": [p[1:] for p in pictures]}
    monkeypatch.setattr(void_sequence, "read_opencv", lambda path: iter(made[fault]))
    assert not write_sequence(tmp_path / "s", clip, noise(), SAID).copied


def test_readers_that_agree_on_fewer_pictures_than_there_are(
    tmp_path: Path, clip: VideoClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = list(clip.frames())[:-1]
    for name in ("read_pyav", "read_opencv"):
        monkeypatch.setattr(void_sequence, name, lambda path: iter(fewer))
    assert not write_sequence(tmp_path / "s", clip, noise(), SAID).copied


def test_the_same_frames_at_another_rate_are_another_file(tmp_path: Path) -> None:
    clip = source(tmp_path, frames=1)
    report = write_sequence(tmp_path / "s", clip, noise(1), SAID, rate=Fraction(6))
    assert (report.frames, report.copied) == (1, False)
    assert VideoClip(tmp_path / "s/input_video.mp4").info.rate == 6


def test_sound_stays_with_the_file_and_goes_with_the_pictures(tmp_path: Path) -> None:
    clip = source(tmp_path, sound="aac")
    copied = write_sequence(tmp_path / "a", clip, noise(), SAID)
    assert copied.copied
    assert copied.changes == ()
    assert (
        "Sound was left out"
        in write_sequence(tmp_path / "b", clip, noise(), SAID, rate=Fraction(6)).changes[-1]
    )
    assert VideoClip(tmp_path / "b/input_video.mp4").info.audio == ()


def test_variable_rates_become_constant_frame_by_frame(tmp_path: Path) -> None:
    clip = VideoClip(write_jumpy_clip(tmp_path / "v.mp4"))
    frames = clip.info.frames
    report = write_sequence(tmp_path / "s", clip, noise(frames, clip.info.size), SAID)
    assert report.frames == frames
    assert "variable frame rate" in report.changes[1]
    info = VideoClip(tmp_path / "s/input_video.mp4").info
    assert (info.frames, info.variable_frame_rate, info.rate) == (frames, False, clip.info.rate)
    np.testing.assert_array_equal(opencv(tmp_path / "s/input_video.mp4"), np.stack(list(clip.frames())))


def test_another_rate_takes_the_same_frames_of_both(tmp_path: Path) -> None:
    clip = source(tmp_path, rate=Fraction(24))
    mask = noise()
    report = write_sequence(tmp_path / "s", clip, mask, SAID, rate=Fraction(12))
    assert (report.frames, report.frame_rate) == (4, "12/1")
    assert "4 pictures at 12" in report.changes[1]
    expected = np.stack(list(clip.frames()))[::2]
    np.testing.assert_array_equal(opencv(tmp_path / "s/input_video.mp4"), expected)
    np.testing.assert_array_equal(red(tmp_path / "s/quadmask_0.mp4"), np.array(VALUES)[mask.pictures[::2]])


def test_a_part_begins_with_a_frame_zero_of_its_own(tmp_path: Path, clip: VideoClip) -> None:
    mask = noise()
    report = write_sequence(tmp_path / "s", clip, mask, SAID, span=FrameRange(start=3, stop=6))
    expected = mask.pictures[3:6].copy()
    expected[0][expected[0] == 2] = 3
    np.testing.assert_array_equal(red(tmp_path / "s/quadmask_0.mp4"), np.array(VALUES)[expected])
    assert "frames 3 to 5 of the source's 8" in report.changes[1]
    assert "frame 0 became keep" in report.changes[-1]


def test_without_an_option_the_source_keeps_its_rate(tmp_path: Path) -> None:
    report = write_sequence(tmp_path / "s", source(tmp_path, rate=Fraction(30000, 1001)), noise(), SAID)
    assert report.frame_rate == "30000/1001"
    assert any("2.5 times too slowly" in said for said in report.warnings)
    assert VideoClip(tmp_path / "s/quadmask_0.mp4").info.rate == Fraction(30000, 1001)


def test_more_frames_than_void_takes(tmp_path: Path) -> None:
    clip = VideoClip(write_clip(tmp_path / "v.mp4", width=16, height=16, frames=198, rate=Fraction(12)))
    report = write_sequence(tmp_path / "s", clip, noise(198, Size(16, 16)), SAID)
    assert report.frames == 198
    assert any("first 197 of 198" in said for said in report.warnings)


@pytest.mark.parametrize("there", ["file", "folder", "link", "full"])
def test_nothing_is_overwritten(tmp_path: Path, clip: VideoClip, there: str) -> None:
    folder = tmp_path / "s"
    if there == "file":
        folder.write_text("mine")
    elif there == "link":
        folder.symlink_to(tmp_path / "nowhere")
    else:
        folder.mkdir()
    if there == "full":
        (folder / "prompt.json").write_text("mine")
    with pytest.raises(StorageError) as caught:
        write_sequence(folder, clip, noise(), SAID)
    assert caught.value.code == "storage-exists"
    assert names(tmp_path) == ["s"]
    assert there != "full" or (folder / "prompt.json").read_text() == "mine"


@pytest.mark.parametrize("last", [1, FRAMES, FRAMES + 3])
def test_cancelled_it_leaves_nothing(tmp_path: Path, last: int) -> None:
    clip, calls = source(tmp_path, pixel_format="yuv444p"), []

    def stop(*call: object) -> None:
        calls.append(call)
        if len(calls) == last:
            raise Cancelled("cancelled", "x")

    with pytest.raises(Cancelled):
        write_sequence(tmp_path / "s", clip, noise(), SAID, progress=stop)
    assert names(tmp_path) == ["source.mp4"]


def test_progress_counts_both_files(tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    clip = source(tmp_path, pixel_format="yuv444p")
    write_sequence(tmp_path / "s", clip, noise(), SAID, progress=lambda *call: calls.append(call))
    assert [c[1:] for c in calls] == [(i, FRAMES) for i in range(1, FRAMES + 1)] * 2
    assert len({c[0] for c in calls}) == 2


@pytest.mark.parametrize("reader", ["PyAV", "OpenCV"])
@pytest.mark.parametrize("fault", ["value", "short", "long", "tint"])
def test_what_a_reader_reads_otherwise_is_not_delivered(
    tmp_path: Path, clip: VideoClip, monkeypatch: pytest.MonkeyPatch, reader: str, fault: str
) -> None:
    """The trap of spec/media 4.3: a file that is lossless, and that a decoder's guess spoils."""
    whole = void_sequence.READERS[reader]

    def spoilt(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
        pictures = [p.copy() for p in whole(path)]
        pictures[-1][pictures[-1] == 63] = 54 if fault == "value" else 63
        pictures[-1][0, 0, 2] ^= 255 if fault == "tint" else 0
        yield from pictures[: -1 if fault == "short" else None]
        yield from pictures[:1] * (fault == "long")

    monkeypatch.setattr(void_sequence, "READERS", {**void_sequence.READERS, reader: spoilt})
    with pytest.raises(StorageError) as caught:
        write_sequence(tmp_path / "s", clip, noise(), SAID)
    assert caught.value.code == "storage-readback"
    assert reader in caught.value.message
    assert "quadmask_0.mp4" in caught.value.message
    assert names(tmp_path) == []


def test_the_video_is_read_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = source(tmp_path, pixel_format="yuv444p")
    black = [np.zeros((48, 64, 3), np.uint8)] * FRAMES
    monkeypatch.setattr(void_sequence, "READERS", {"Other": lambda path: iter(black)})
    with pytest.raises(StorageError, match=r"Other .* input_video\.mp4"):
        write_sequence(tmp_path / "s", clip, noise(), SAID)


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (noise(FRAMES - 1), "mask-frames"),
        (noise(FRAMES + 1), "mask-frames"),
        (noise(size=Size(48, 64)), "mask-size"),
        (Masks(np.full((FRAMES, 48, 64), 4, np.uint8)), "mask-values"),
    ],
)
def test_a_mask_that_does_not_fit(tmp_path: Path, clip: VideoClip, mask: Masks, code: str) -> None:
    with pytest.raises(MaskError) as caught:
        write_sequence(tmp_path / "s", clip, mask, SAID)
    assert caught.value.code == code
    assert caught.value.hint
    assert names(tmp_path) == []


def test_frames_and_rates_that_cannot_be(tmp_path: Path, clip: VideoClip) -> None:
    for options in ({"span": FrameRange(start=0, stop=FRAMES + 1)}, {"rate": Fraction(0)}):
        with pytest.raises(ClipError):
            write_sequence(tmp_path / "s", clip, noise(), SAID, **options)
    assert names(tmp_path) == []


def test_a_source_damaged_meanwhile(tmp_path: Path) -> None:
    with LosslessWriter(tmp_path / "v.mkv", SIZE, "12/1") as writer:
        for i in range(FRAMES):
            writer.write(moving_square(SIZE, i))
    clip = VideoClip(tmp_path / "v.mkv")
    data = bytearray(clip.path.read_bytes())
    data[len(data) // 2] ^= 255
    clip.path.write_bytes(data)
    with pytest.raises(ClipError):
        write_sequence(tmp_path / "s", clip, noise(), SAID)
    assert names(tmp_path) == ["v.mkv"]


@given(st.data())
@settings(max_examples=15)
def test_what_is_exported_comes_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any mask of any size: the same classes, but for frame 0."""
    size = Size(data.draw(st.integers(2, 40)), data.draw(st.integers(2, 40)))
    frames, seed = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 99))
    folder = tmp_path_factory.mktemp("round")
    with LosslessWriter(folder / "v.mkv", size, "25/1") as writer:
        for i in range(frames):
            writer.write(np.full((size.height, size.width, 3), i * 9, np.uint8))
    clip, mask = VideoClip(folder / "v.mkv"), noise(frames, size, seed)
    write_sequence(folder / "s", clip, mask, SAID)
    back = import_mask(folder / "s", clip.info)
    np.testing.assert_array_equal(np.stack(list(back.classes())), mask.pictures)
    assert mask_identity(back) == mask_identity(mask)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.samples
def test_voids_own_sequence_goes_round(tmp_path: Path) -> None:
    """Its mask has the name that VOID's loader does not find; under the right name it holds the same values."""
    theirs = SAMPLES / "ducky-float"
    if not theirs.is_dir():
        pytest.skip("the real clips are not beside the checkout")
    clip = VideoClip(theirs / "input_video.mp4")
    mask = import_mask(theirs, clip.info)
    said = json.loads((theirs / "prompt.json").read_bytes())["bg"]
    report = write_sequence(tmp_path / "s", clip, mask, said)
    assert (report.copied, report.changes, report.frame_rate) == (True, (), "12/1")
    ours = read_pyav(tmp_path / "s/quadmask_0.mp4")
    assert all(
        np.array_equal(*pair) for pair in zip(read_pyav(theirs / "trimask_quadmask.mp4"), ours, strict=True)
    )
    assert mask_identity(import_mask(tmp_path / "s", clip.info))[0] == mask_identity(mask)[0] == report.mask


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize("name", ["lime", "moving_ball"])
def test_a_part_of_voids_large_sequences_goes_round(tmp_path: Path, name: str) -> None:
    """4K: some frames, whose mask is read back by both readers and taken in again."""
    theirs = SAMPLES / name
    if not theirs.is_dir():
        pytest.skip("the real clips are not beside the checkout")
    clip = VideoClip(theirs / "input_video.mp4")
    mask = import_mask(theirs, clip.info)
    write_sequence(tmp_path / "s", clip, mask, SAID, span=FrameRange(start=20, stop=23))
    back = import_mask(tmp_path / "s", VideoClip(tmp_path / "s" / "input_video.mp4").info)
    expected = np.stack(list(mask.classes(20, 23)))
    expected[0][expected[0] == MaskClass.AFFECTED] = MaskClass.KEEP
    np.testing.assert_array_equal(np.stack(list(back.classes())), expected)
    assert not any("lossy" in change for change in back.changes)
