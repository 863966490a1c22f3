"""Foreign masks: VOID's files come in as they were meant; a fifth class never does."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from clips import write_clip, write_gray_lossy

from void_audit.errors import MaskError
from void_audit.media import maskimport
from void_audit.media.lossless import GrayWriter
from void_audit.media.maskfile import ImportedMask, import_mask, write_masks
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


NOISY = np.arange(WIDTH, dtype=np.uint8) % 5
"""What compression leaves behind."""


def with_patch(value: int, side: int = 12) -> list[Gray]:
    pictures = [p.copy() for p in PICTURES]
    for p in pictures:
        p[104 : 104 + side, 8 : 8 + side] = value
    return pictures


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> ClipInfo:
    return probe(write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", **SHAPE))


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


EXACT = (
    "Luma of limited range (16 to 235), as in VOID's own files, was read as 0 to 255: every value is exactly one of "
    "0, 63, 127 and 255, so nothing was lost in it."
)


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
    assert mask.changes == ((EXACT,) if narrow else ())


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
    assert not any("nothing was lost" in change for change in mask.changes)


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


def values_at(path: Path, size: tuple[int, int], pictures: list[Gray] | None = None) -> Path:
    """An exact mask of another size, nearest pixel."""
    shown = [cv2.resize(p, size, interpolation=cv2.INTER_NEAREST) for p in pictures or PICTURES]
    return write_masks(path, Size(*size), [np.searchsorted(VALUES, p).astype(np.uint8) for p in shown])


@pytest.mark.parametrize(("size", "off"), [((80, 60), 1), ((320, 240), 0), ((53, 40), 2), ((672, 384), 0)])
def test_another_size_takes_the_nearest_pixel(
    tmp_path: Path, info: ClipInfo, size: tuple[int, int], off: int
) -> None:
    mask = import_mask(values_at(tmp_path / "m.mkv", size), info)
    assert mask.size == (WIDTH, HEIGHT)
    (said,) = mask.changes
    assert said.startswith(f"Scaled from {size[0]}x{size[1]} to 160x120 by nearest pixel")
    assert (f"off by {off} pixel" in said) == bool(off)
    assert "1 pixels" not in said
    for classes, true in zip(mask.classes(), CLASSES, strict=True):
        wrong = classes != true
        edge = cv2.morphologyEx(true, cv2.MORPH_GRADIENT, np.ones((2 * off + 3,) * 2, np.uint8)) > 0
        assert not (wrong & ~edge).any()  # no class that is not there, nothing far from an edge
    assert set(np.unique(next(mask.classes(2, 3)))) == {0, 1, 2, 3}


@pytest.mark.parametrize("size", [(120, 160), (120, 120), (166, 120), (64, 64)])
def test_another_shape_is_refused(tmp_path: Path, info: ClipInfo, size: tuple[int, int]) -> None:
    error = refused(values_at(tmp_path / "m.mkv", size), info)
    assert error.code == "mask-size"
    assert f"{size[0]}x{size[1]}" in error.message


@pytest.mark.parametrize("frames", [FRAMES - 1, FRAMES + 1, 1])
def test_wrong_length(tmp_path: Path, info: ClipInfo, frames: int) -> None:
    pictures = [PICTURES[min(i, FRAMES - 1)] for i in range(frames)]
    path = write_gray_lossy(tmp_path / "m.mp4", pictures, 0, width=WIDTH, height=HEIGHT, frames=frames)
    error = refused(path, info)
    assert error.code == "mask-frames"
    assert f"{frames} pictures" in error.message
    assert "begins" in error.hint


def at_rate(path: Path, pictures: list[Gray], rate: str) -> Path:
    return write_masks(
        path, Size(WIDTH, HEIGHT), [np.searchsorted(VALUES, p).astype(np.uint8) for p in pictures], rate
    )


@pytest.mark.parametrize(
    ("rate", "taken"),
    [
        ("12/1", [0, 0, 2, 2, 4, 4]),  # VOID's own rate, of a clip of 24
        ("8/1", [0, 0, 0, 3, 3, 3]),
        ("48/1", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_another_rate_of_the_same_duration_goes_by_time(
    tmp_path: Path, info: ClipInfo, rate: str, taken: list[int]
) -> None:
    """Of the shown pictures ``taken`` are the clip's; a mask of 48 per second has each twice."""
    pictures = {"12/1": PICTURES[::2], "8/1": PICTURES[::3], "48/1": [p for p in PICTURES for _ in (0, 1)]}[
        rate
    ]
    mask = import_mask(at_rate(tmp_path / "m.mkv", pictures, rate), info)
    np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES[taken])
    (said,) = mask.changes
    assert f"{len(pictures)} pictures at {rate.removesuffix('/1')} per second" in said


def test_the_last_picture_holds_to_the_end(tmp_path: Path) -> None:
    """Two pictures at 12 per second end one frame before a clip of five at 24 does."""
    info = probe(write_clip(tmp_path / "clip.mp4", **SHAPE | {"frames": 5}))
    mask = import_mask(at_rate(tmp_path / "m.mkv", PICTURES[:2], "12/1"), info)
    np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES[[0, 0, 1, 1, 1]])


def test_the_rule_for_frame_zero_is_for_frame_zero_alone(tmp_path: Path, info: ClipInfo) -> None:
    """Frame 1 shows the same picture; its affected pixels stay, and what a caller does to a picture is his."""
    mask = import_mask(at_rate(tmp_path / "m.mkv", [picture(1)] * 3, "12/1"), info)
    pictures = mask.classes()
    assert 2 not in next(pictures)
    second = next(pictures)
    assert 2 in second
    second[:] = 0
    assert 2 in next(pictures)


def test_a_rate_alone_changes_no_picture_and_is_said(tmp_path: Path, info: ClipInfo) -> None:
    """VOID's editor writes 12 per second whatever the clip has."""
    mask = import_mask(at_rate(tmp_path / "m.mkv", PICTURES, "12/1"), info)
    np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES)
    assert len(mask.changes) == 1
    assert "12 frames per second, the clip 24" in mask.changes[0]
    assert import_mask(at_rate(tmp_path / "n.mkv", PICTURES, "24000/1001"), info).changes == ()


@pytest.mark.parametrize(("frames", "rate"), [(4, "12/1"), (2, "12/1"), (5, "48/1"), (5, "25/1")])
def test_another_rate_does_not_excuse_another_duration(
    tmp_path: Path, info: ClipInfo, frames: int, rate: str
) -> None:
    assert refused(at_rate(tmp_path / "m.mkv", PICTURES[:frames], rate), info).code == "mask-frames"


class TestBegin:
    """An object first clicked at frame 2: VOID's segmenter writes no pictures before (spec/void 3)."""

    def short(self, folder: Path, points: object = None, skip: int = 2) -> Path:
        if points is not None:
            text = points if isinstance(points, str) else json.dumps({"points_by_frame": points})
            (folder / "segmentation_info.json").write_text(text)
        return at_rate(folder / "black_mask.mkv", PICTURES[skip:], "24/1")

    def expect(self, mask: ImportedMask, begin: int) -> None:
        expected = np.full_like(CLASSES, 3)
        expected[begin : begin + FRAMES - 2] = CLASSES[2:]
        if begin == 0:
            expected[0][expected[0] == 2] = 3
        np.testing.assert_array_equal(np.stack(list(mask.classes())), expected)
        np.testing.assert_array_equal(np.stack(list(mask.classes(1, 4))), expected[1:4])
        np.testing.assert_array_equal(list(mask.classes(4, 4)), [])
        np.testing.assert_array_equal(next(mask.classes(begin, begin + 1)), expected[begin])

    def test_segmentation_info_tells(self, tmp_path: Path, info: ClipInfo) -> None:
        mask = import_mask(self.short(tmp_path, {"4": [[1, 2]], "2": [[3, 4]]}), info)
        self.expect(mask, 2)
        (said,) = mask.changes
        assert "4 pictures for 6 frames and begins at frame 2" in said
        assert "segmentation_info.json" in said

    @pytest.mark.parametrize(
        "points",
        [
            None, {"3": [[1, 2]]}, {"0": [[1, 2]]}, {"2": []}, {}, [], {"-2": [[1, 2]]}, {"2x": [[1, 2]]}, {"²": [[1]]},
            "", "{", "[" * 100_000, "null", '{"points_by_frame": 7}', "\0",
            '{"points_by_frame": {"2": [[1, 2]]}, "x": "' + "x" * (2 << 20) + '"}',
        ],
    )  # fmt: skip
    def test_without_a_clear_word_it_is_refused(self, tmp_path: Path, info: ClipInfo, points: object) -> None:
        assert refused(self.short(tmp_path, points), info).code == "mask-frames"

    @pytest.mark.parametrize("begin", [0, 1, 2])
    def test_the_caller_tells(self, tmp_path: Path, info: ClipInfo, begin: int) -> None:
        mask = import_mask(self.short(tmp_path, {"1": [[1, 2]]}), info, begins_at=begin)
        self.expect(mask, begin)
        assert f"begins at frame {begin}, as was said" in mask.changes[0]

    @pytest.mark.parametrize("begin", [-1, 3, 6, 10**9])
    def test_it_must_lie_within_the_clip(self, tmp_path: Path, info: ClipInfo, begin: int) -> None:
        with pytest.raises(MaskError) as caught:
            import_mask(self.short(tmp_path), info, begins_at=begin)
        assert caught.value.code == "mask-frames"
        assert caught.value.hint == "They can begin at frame 2 at the latest."

    def test_a_whole_mask_cannot_begin_later(self, tmp_path: Path, info: ClipInfo) -> None:
        path = self.short(tmp_path, skip=0)
        assert import_mask(path, info, begins_at=0).changes == ()
        with pytest.raises(MaskError):
            import_mask(path, info, begins_at=1)


class TestForeground:
    """VOID's ``mask_*.mp4``: white is the object, and it is grown (spec/void 1.1)."""

    def box(self, left: int, top: int = 40, side: int = 20) -> list[Gray]:
        pictures = []
        for frame in range(FRAMES):
            values = np.zeros((HEIGHT, WIDTH), np.uint8)
            values[top : top + side, left + frame : left + frame + side] = 255
            pictures.append(values)
        return pictures

    def grown(self, *boxes: list[Gray]) -> npt.NDArray[np.bool_]:
        """11 x 11 at 672 x 384 is 3 x 5 at 160 x 120 (columns, rows)."""
        together = np.max(np.stack(boxes), axis=0)
        return np.stack([cv2.dilate(p, np.ones((5, 3), np.uint8)) > 0 for p in together])

    @pytest.mark.parametrize("crf", [0, 18, 28])
    def test_white_becomes_remove(self, tmp_path: Path, info: ClipInfo, crf: int) -> None:
        path = write_gray_lossy(tmp_path / "mask_00.mp4", self.box(30), crf, **SHAPE)
        mask = import_mask(path, info)
        classes = np.stack(list(mask.classes()))
        assert set(np.unique(classes)) == {0, 3}
        assert np.mean((classes == 0) != self.grown(self.box(30))) < (0.004 if crf else 1e-9)
        assert "White of mask_00.mp4 became remove (0), grown by 3x5 pixels" in mask.changes[0]

    def test_several_are_joined(self, tmp_path: Path, info: ClipInfo) -> None:
        for number, left in enumerate((20, 90)):
            write_gray_lossy(tmp_path / f"mask_0{number}.mp4", self.box(left), 0, **SHAPE)
        write_exact(tmp_path / "quadmask_0.mp4", PICTURES, "yuv444p", {"qp": "0"}, "libx264")
        mask = import_mask(tmp_path, info)
        np.testing.assert_array_equal(
            np.stack(list(mask.classes())) == 0, self.grown(self.box(20), self.box(90))
        )
        assert any("quadmask_0.mp4 were not read" in said for said in mask.changes)
        assert any("mask_00.mp4, mask_01.mp4" in said for said in mask.changes)

    def test_what_is_said_of_many_fits_a_record_whatever_their_names_are(
        self, tmp_path: Path, info: ClipInfo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(maskimport, "MOST_CHANGES", 5)
        noisy = [np.where(p > 127, p - NOISY, p + NOISY).astype(np.uint8) for p in self.box(20)]
        whole = write_gray_lossy(tmp_path / "one.mp4", noisy, 0, **SHAPE).read_bytes()
        folder = tmp_path / "masks"
        folder.mkdir()
        for number in range(8):
            odd = f"mask_{number:02}{'n' * 200}\x1b[2J".encode() + b"\xff.mp4"
            (folder / os.fsdecode(odd)).write_bytes(whole)
        changes = import_mask(folder, info).changes
        assert changes[-1].startswith("And ")
        assert len(changes) == 6
        assert max(map(len, changes)) <= maskimport.LONGEST_CHANGE + 10
        assert all(said.isprintable() and said.encode() for said in changes)
        assert any("is lossy" in said for said in changes)

    def test_several_of_several_lengths(self, tmp_path: Path, info: ClipInfo) -> None:
        write_gray_lossy(tmp_path / "mask_00.mp4", self.box(20), 0, **SHAPE)
        write_gray_lossy(tmp_path / "mask_01.mp4", self.box(20)[1:], 0, **SHAPE | {"frames": FRAMES - 1})
        assert refused(tmp_path, info).code == "mask-frames"

    def test_a_quadmask_of_that_name_is_refused(self, tmp_path: Path, info: ClipInfo) -> None:
        path = write_exact(tmp_path / "mask_0.mp4", PICTURES, "yuv444p", {"qp": "0"}, "libx264")
        error = refused(path, info)
        assert error.code == "mask-values"
        assert "none of 0 and 255" in error.message
        assert "quadmask_0.mp4" in error.hint
        mask = import_mask(path, info, foreground=False)
        np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES)

    def test_whoever_knows_better_says_so(self, tmp_path: Path, info: ClipInfo) -> None:
        path = write_gray_lossy(tmp_path / "object.mp4", self.box(30), 0, **SHAPE)
        assert (next(import_mask(path, info).classes()) == 0).mean() > 0.5  # black is remove in a quadmask
        marked = next(import_mask(path, info, foreground=True).classes())
        np.testing.assert_array_equal(marked == 0, self.grown(self.box(30))[0])

    def test_growth_at_voids_own_size(self, tmp_path: Path) -> None:
        info = probe(write_clip(tmp_path / "clip.mp4", width=672, height=384, frames=1))
        values = np.zeros((384, 672), np.uint8)
        values[200, 300] = 255
        path = write_exact_size(tmp_path / "mask_0.mkv", values)
        (classes,) = import_mask(path, info, foreground=True).classes()
        rows, columns = np.nonzero(classes == 0)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (195, 205, 295, 305)


def write_exact_size(path: Path, values: Gray) -> Path:
    with GrayWriter(path, Size(values.shape[1], values.shape[0]), "24/1") as writer:
        writer.write_gray(values)
    return path


class TestPngs:
    """ComfyUI saves pictures as ComfyUI_00001_.png and so on."""

    def save(
        self, folder: Path, pictures: list[npt.NDArray[np.generic]], name: str = "ComfyUI_{:05}_.png"
    ) -> Path:
        folder.mkdir(exist_ok=True)
        for number, picture in enumerate(pictures, 1):
            cv2.imwrite(str(folder / name.format(number)), picture)
        return folder

    @pytest.mark.parametrize(
        "name", ["ComfyUI_{:05}_.png", "{}.png", "frame-{:04}.PNG", "v2_shot3_{:03}.png"]
    )
    @pytest.mark.parametrize("form", ["gray", "rgb", "rgba", "gray16"])
    def test_they_come_in(self, tmp_path: Path, info: ClipInfo, name: str, form: str) -> None:
        turn: dict[str, Callable[[Gray], npt.NDArray[np.generic]]] = {
            "gray": lambda p: p,
            "rgb": lambda p: np.repeat(p[..., None], 3, -1),
            "rgba": lambda p: np.dstack([p, p, p, np.full_like(p, 255)]),
            "gray16": lambda p: p.astype(np.uint16) * 257,
        }
        mask = import_mask(self.save(tmp_path / "s", [turn[form](p) for p in PICTURES], name), info)
        np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES)
        assert mask.changes == ()
        np.testing.assert_array_equal(np.stack(list(mask.classes(2, 4))), CLASSES[2:4])

    def test_the_other_rules_hold_for_them(self, tmp_path: Path, info: ClipInfo) -> None:
        small = [
            cv2.resize(p, (80, 60), interpolation=cv2.INTER_NEAREST) for p in [picture(1), *PICTURES[1:]]
        ]
        mask = import_mask(self.save(tmp_path / "s", small), info)
        assert 2 not in next(mask.classes())
        assert len(mask.changes) == 2
        assert refused(self.save(tmp_path / "t", PICTURES[1:]), info).code == "mask-frames"
        assert refused(self.save(tmp_path / "u", with_patch(200)), info).code == "mask-values"


def test_a_range_expanded_once_too_often(tmp_path: Path, info: ClipInfo) -> None:
    """What a decoder's wrong guess leaves in a file that was then written without loss (spec/media 4.3)."""
    wrong = [np.where(p == 63, np.uint8(54), np.where(p == 127, np.uint8(129), p)) for p in PICTURES]
    mask = import_mask(write_exact(tmp_path / "m.mkv", wrong, "gray", {}, "ffv1"), info)
    np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES)
    assert any("63 to 54, 127 to 129" in said for said in mask.changes)


def test_values_one_off_are_told(tmp_path: Path, info: ClipInfo) -> None:
    """126 and 62: an ordinary re-encoding, in which whoever compares with 127 finds nothing (spec/void 3)."""
    off = [np.where(p == 63, np.uint8(62), np.where(p == 127, np.uint8(126), p)) for p in PICTURES]
    mask = import_mask(write_exact(tmp_path / "m.mkv", off, "gray", {}, "ffv1"), info)
    np.testing.assert_array_equal(np.stack(list(mask.classes())), CLASSES)
    (said,) = mask.changes
    assert f"{sum(int(((p == 63) | (p == 127)).sum()) for p in PICTURES)} pixels" in said


class TestSchema:
    """Masks of other schemas: nothing is forgiven."""

    VALUES = (0, 64, 128, 192, 255)

    def pictures(self) -> list[Gray]:
        index = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) // 7 % 5
        return [np.array(self.VALUES, np.uint8)[(index + i) % 5] for i in range(FRAMES)]

    @pytest.mark.parametrize(
        ("pixel_format", "codec", "narrow"),
        [("gray", "ffv1", False), ("yuv444p", "libx264", True), ("yuv444p", "libx264", False)],
    )
    def test_exact_values_come_in(
        self, tmp_path: Path, info: ClipInfo, pixel_format: str, codec: str, narrow: bool
    ) -> None:
        pictures = limited(self.pictures()) if narrow else self.pictures()
        options = {"qp": "0"} if codec == "libx264" else {}
        path = write_exact(tmp_path / "m.mkv", pictures, pixel_format, options, codec)
        mask = import_mask(path, info, schema_values=self.VALUES)
        expected = np.searchsorted(self.VALUES, np.stack(self.pictures()))
        np.testing.assert_array_equal(np.stack(list(mask.classes())), expected)
        assert ["limited range" in change for change in mask.changes] == [True] * narrow

    def test_no_rule_for_frame_zero(self, tmp_path: Path, info: ClipInfo) -> None:
        """Index 2 is affected in VOID's schema only."""
        path = write_exact(
            tmp_path / "m.mkv", [np.full((HEIGHT, WIDTH), 255, np.uint8)] * FRAMES, "gray", {}, "ffv1"
        )
        assert (next(import_mask(path, info, schema_values=(0, 128, 255)).classes()) == 2).all()

    @pytest.mark.parametrize("value", [1, 63, 129, 254])
    def test_one_pixel_of_another_value_is_refused_by_name(
        self, tmp_path: Path, info: ClipInfo, value: int
    ) -> None:
        pictures = self.pictures()
        pictures[-1][5, 5] = value
        path = write_exact(tmp_path / "m.mkv", pictures, "gray", {}, "ffv1")
        with pytest.raises(MaskError) as caught:
            import_mask(path, info, schema_values=self.VALUES)
        assert caught.value.code == "mask-values"
        assert f" {value}," in caught.value.message
        assert "0, 64, 128, 192, 255" in caught.value.message

    def test_a_lossy_file_is_refused(self, tmp_path: Path, info: ClipInfo) -> None:
        path = write_gray_lossy(tmp_path / "m.mp4", PICTURES, 23, **SHAPE)
        with pytest.raises(MaskError) as caught:
            import_mask(path, info, schema_values=VALUES)
        assert caught.value.code == "mask-values"
        assert caught.value.message.count(",") < 30

    def test_size_and_length_are_exact_too(self, tmp_path: Path, info: ClipInfo) -> None:
        for path, code in (
            (values_at(tmp_path / "a.mkv", (80, 60)), "mask-size"),
            (at_rate(tmp_path / "b.mkv", PICTURES[::2], "12/1"), "mask-frames"),
        ):
            with pytest.raises(MaskError) as caught:
                import_mask(path, info, schema_values=VALUES)
            assert caught.value.code == code

    def test_a_binary_mask_is_not_turned(self, tmp_path: Path, info: ClipInfo) -> None:
        white = [np.full((HEIGHT, WIDTH), 255, np.uint8)] * FRAMES
        path = write_exact(tmp_path / "mask_0.mp4", white, "yuv444p", {"qp": "0"}, "libx264")
        assert (next(import_mask(path, info, schema_values=(0, 255)).classes()) == 1).all()


def test_footage_is_no_mask(tmp_path: Path, info: ClipInfo) -> None:
    assert refused(write_clip(tmp_path / "m.mp4", **SHAPE), info).code == "mask-values"


def test_a_grey_photograph_is_no_mask(tmp_path: Path, info: ClipInfo) -> None:
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    path = write_gray_lossy(tmp_path / "m.mp4", [ramp] * FRAMES, 18, **SHAPE)
    assert refused(path, info).code == "mask-values"


@pytest.mark.samples
@pytest.mark.parametrize(
    "name", ["ducky-float", *(pytest.param(n, marks=pytest.mark.slow) for n in ("lime", "moving_ball"))]
)
def test_voids_own_folders(name: str) -> None:
    """They hold 16, 70, 125 and 235 in luma and mean exactly 0, 63, 127 and 255."""
    folder = SAMPLES / name
    if not folder.is_dir():
        pytest.skip("the real clips are not beside the checkout")
    mask = import_mask(folder, probe(folder / "input_video.mp4"))
    assert mask.changes == (EXACT,)
    file = next(folder.glob("*quadmask*.mp4"))
    luma, classes = next(VideoClip(file).planes(20, 21)).planes[0], next(mask.classes(20, 21))
    np.testing.assert_array_equal(np.array([16, 70, 125, 235], np.uint8)[classes], luma)
