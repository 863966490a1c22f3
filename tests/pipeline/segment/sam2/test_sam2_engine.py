"""SAM 2 as a segmenter: what is recorded, what is refused, what it leaves as it was."""

import gc
import subprocess
import sys

import numpy as np
import pytest
import torch
from tiny_sam2 import approved_as_it_is, write_tiny_sam2

from void_audit.errors import Cancelled, RequestError, WeightsError
from void_audit.media.memory import ArrayClip
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import Size
from void_audit.model.seeing import Sam2Settings
from void_audit.model.track import Box, Click
from void_audit.pipeline.segment.sam2.architecture import describe, digest
from void_audit.pipeline.segment.sam2.engine import Sam2Segmenter

START = Click(frame=3, x=20, y=20)


def packed(track) -> list[bytes]:
    return [mask.tobytes() for mask in track.masks]


class TestRecord:
    def test_the_engine_says_what_it_is(self, segmenter, folder):
        info = segmenter.info
        assert (info.name, info.kind, info.version) == ("sam2", "model", "1.1.0")
        assert set(info.weights) == set(folder.refs)
        assert not info.counterfactual_dynamics
        assert not info.remote

    def test_only_files_that_are_read_are_named(self, tmp_path):
        root = write_tiny_sam2(tmp_path / "m")
        (root / "README.md").write_text("about it")
        (root / "model.json").write_text("{}")
        info = Sam2Segmenter(approved_as_it_is(root, "mine"), Sam2Settings(size="tiny")).info
        assert {ref.name for ref in info.weights} == {"mine/sam2.1_hiera_tiny.pt", "mine/architecture.json"}

    def test_everything_that_decides_a_mask_is_recorded(self, segmenter, folder, clip_of):
        track = segmenter.segment(clip_of(5), [START])
        assert track.engine == segmenter.info
        assert track.device == "cpu"
        assert track.settings["dtype"] == "float32"
        assert track.settings["size"] == "tiny"
        assert track.settings["image_size"] == 64
        assert track.settings["network"] == digest(describe(folder, "tiny"))
        assert track.settings["torch"] == torch.__version__
        assert track.settings["mask_threshold"] == 0
        assert (track.settings["stability_delta"], track.settings["stability_threshold"]) == (0.05, 0.98)
        assert (track.settings["memories"], track.settings["object_pointers"]) == (7, 16)
        assert {"directions", "fill_hole_area", "memories", "object_pointers", "marked_frames"} < set(
            track.settings
        )

    def test_marked_frames_are_those_with_any_mark(self, segmenter, clip_of):
        marks = [
            START,
            Click(frame=5, x=1, y=1, label="background"),
            Box(frame=1, x=2, y=2, width=9, height=9),
        ]
        assert segmenter.segment(clip_of(7), marks).clicked == (1, 3, 5)

    def test_the_default_is_the_large_network(self, folder):
        with pytest.raises(WeightsError) as caught:
            Sam2Segmenter(folder)
        assert caught.value.code == "weights-unregistered"
        assert "sam2.1_hiera_large.pt" in caught.value.message


class TestTrack:
    @pytest.mark.parametrize("frame", [0, 4, 8])
    def test_there_is_a_mask_of_the_clips_size_and_a_confidence_for_every_frame(
        self, segmenter, clip_of, frame
    ):
        track = segmenter.segment(clip_of(9), [START.model_copy(update={"frame": frame})])
        assert len(track.masks) == len(track.confidence) == 9
        assert track.masks.size == Size(80, 48)
        assert all(0 <= value <= 1 for value in track.confidence)
        assert len(set(track.confidence)) > 4

    @pytest.mark.parametrize("size", [(33, 21), (200, 90), (17, 300)])
    def test_of_any_size(self, segmenter, clip_of, size):
        track = segmenter.segment(clip_of(3, size=size), [Click(frame=1, x=9, y=9)])
        assert track.masks.size == Size(*size)
        assert any(mask.any() for mask in track.masks)

    def test_masks_of_objects_are_joined_and_the_least_sure_counts(self, segmenter, clip_of):
        clip, marks = clip_of(8), [START, Click(frame=6, x=70, y=40, object=2)]
        alone = [segmenter.segment(clip, [mark]) for mark in marks]
        both = segmenter.segment(clip, marks)
        for frame, mask in enumerate(both.masks):
            assert np.array_equal(mask, alone[0].masks[frame] | alone[1].masks[frame])
            assert both.confidence[frame] == min(track.confidence[frame] for track in alone)

    def test_one_frame_is_enough(self, segmenter, clip_of):
        assert len(segmenter.segment(clip_of(1), [START.model_copy(update={"frame": 0})]).masks) == 1

    def test_a_video_file_and_a_scaled_view_of_it(self, segmenter, clip_of, tmp_path):
        from clips import write_clip  # noqa: PLC0415

        write_clip(tmp_path / "clip.mp4", frames=9)
        clip = VideoClip(tmp_path / "clip.mp4")
        in_memory = ArrayClip(list(clip.frames()))
        assert packed(segmenter.segment(clip, [START])) == packed(segmenter.segment(in_memory, [START]))
        view = clip.view(size=Size(32, 24))
        assert segmenter.segment(view, [START]).masks.size == Size(32, 24)

    def test_where_it_sees_nothing_it_says_so(self, segmenter, clip_of, monkeypatch):
        marks = [START, *(Click(frame=i, x=9, y=9, object=2) for i in range(7))]
        assert segmenter.segment(clip_of(7), [START]).warnings == ()
        module = sys.modules["void_audit.pipeline.segment.sam2.session"]
        monkeypatch.setattr(module, "THRESHOLD", 1e9)
        track = segmenter.segment(clip_of(7), marks)
        assert len(track.warnings) == 2
        assert "object 1 where it is marked: frame 3." in track.warnings[0]
        assert "object 2 where it is marked: frame 0, 1, 2, 3, 4 and others." in track.warnings[1]


class TestMarks:
    @pytest.mark.parametrize(
        ("marks", "code"),
        [
            ([], "clicks-none"),
            ([Click(frame=0, x=1, y=1, label="background")], "clicks-none"),
            ([START, Click(frame=0, x=1, y=1, label="background", object=2)], "clicks-none"),
            ([Click(frame=9, x=1, y=1)], "click-outside-clip"),
            ([Click(frame=0, x=80, y=1)], "click-outside-frame"),
            ([Box(frame=9, x=1, y=1, width=2, height=2)], "box-outside-clip"),
            ([Box(frame=0, x=1, y=48, width=2, height=2)], "box-outside-frame"),
            ([Box(frame=0, x=1, y=1, width=2, height=2)] * 2, "box-repeated"),
        ],
    )
    def test_unusable_ones_are_refused_before_the_network_is_loaded(
        self, segmenter, clip_of, marks, code, monkeypatch
    ):
        module = sys.modules["void_audit.pipeline.segment.sam2.engine"]
        monkeypatch.setattr(module, "load", None)
        with pytest.raises(RequestError) as caught:
            segmenter.segment(clip_of(9), marks)
        assert caught.value.code == code

    def test_a_box_beyond_the_edges_is_the_part_that_is_in_the_picture(self, segmenter, clip_of):
        clip = clip_of(4)
        beyond, within = (
            Box(frame=1, x=50, y=30, width=1e6, height=1e9),
            Box(frame=1, x=50, y=30, width=30, height=18),
        )
        assert packed(segmenter.segment(clip, [beyond])) == packed(segmenter.segment(clip, [within]))

    def test_every_mark_matters(self, segmenter, clip_of):
        clip = clip_of(6)
        marks = [
            START, Box(frame=3, x=5, y=5, width=40, height=30), Click(frame=3, x=60, y=9, label="background"),
            Click(frame=3, x=40, y=40), Click(frame=5, x=60, y=30),
        ]  # fmt: skip
        whole = packed(segmenter.segment(clip, marks))
        for left_out in range(len(marks)):
            assert packed(segmenter.segment(clip, marks[:left_out] + marks[left_out + 1 :])) != whole

    def test_in_whatever_order(self, segmenter, clip_of):
        marks = [START, Click(frame=1, x=60, y=9, object=2), Box(frame=4, x=5, y=5, width=40, height=30)]
        clip = clip_of(6)
        assert packed(segmenter.segment(clip, marks)) == packed(segmenter.segment(clip, marks[::-1]))

    def test_as_many_objects_as_there_may_be(self, segmenter, clip_of):
        marks = [Click(frame=i % 4, x=4 * i, y=2 * i, object=i) for i in range(1, 17)]
        assert len(segmenter.segment(clip_of(4), marks).masks) == 4


def state_of_torch() -> dict[str, object]:
    backends = torch.backends
    parts = (
        backends.mkldnn.conv,
        backends.mkldnn.matmul,
        backends.cudnn.conv,
        backends.cudnn.rnn,
        backends.cuda.matmul,
    )
    return {
        "type": torch.get_default_dtype(), "threads": torch.get_num_threads(), "grad": torch.is_grad_enabled(),
        "random": torch.random.get_rng_state().tolist(), "products": torch.get_float32_matmul_precision(),
        "precision": [part.fp32_precision for part in parts], "benchmark": backends.cudnn.benchmark,
        "deterministic": backends.cudnn.deterministic, "autocast": torch.is_autocast_enabled("cpu"),
        "inference": torch.is_inference_mode_enabled(), "mkldnn": backends.mkldnn.enabled,
        "flash": backends.cuda.flash_sdp_enabled(), "math": backends.cuda.math_sdp_enabled(),
    }  # fmt: skip


class TestProcess:
    def test_two_runs_are_equal(self, folder, clip_of):
        clip, marks = clip_of(12), [START, Click(frame=9, x=60, y=9, object=2)]
        one, two = (
            Sam2Segmenter(folder, Sam2Settings(size="tiny"), "cpu").segment(clip, marks) for _ in range(2)
        )
        assert packed(one) == packed(two)
        assert one.confidence == two.confidence

    def test_whatever_the_process_has_set_the_masks_are_the_same_and_it_is_left_so(self, segmenter, clip_of):
        clip = clip_of(6)
        usual = packed(segmenter.segment(clip, [START]))
        torch.set_default_dtype(torch.float64)
        torch.set_float32_matmul_precision("medium")
        torch.manual_seed(99)
        try:
            with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
                before = state_of_torch()
                assert packed(segmenter.segment(clip, [START])) == usual
                assert state_of_torch() == before
        finally:
            torch.set_default_dtype(torch.float32)
            torch.set_float32_matmul_precision("highest")

    @pytest.mark.parametrize("step", [0, 1, 4, 6])
    def test_cancelled_it_stops_at_once_and_leaves_everything_as_it_was(self, segmenter, clip_of, step):
        def stop(what: str, done: int, total: int) -> None:
            seen.append(done)
            if done == step:
                raise Cancelled("stopped", "Stopped.")

        seen: list[int] = []
        before = state_of_torch()
        with pytest.raises(Cancelled):
            segmenter.segment(clip_of(6), [START], stop)
        assert seen == list(range(step + 1))
        assert state_of_torch() == before

    def test_nothing_is_left_in_memory_but_the_track(self, segmenter, clip_of):
        before = bytes_held()
        track = segmenter.segment(clip_of(6), [START])
        assert bytes_held() - before < 100_000
        assert track

    def test_it_prints_and_writes_nothing_and_leaves_hydra_alone(self, tmp_path, folder):
        program = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np
from tiny_sam2 import approved_as_it_is
from void_audit.media.memory import ArrayClip
from void_audit.model.seeing import Sam2Settings
from void_audit.model.track import Click
from void_audit.pipeline.segment.sam2.architecture import describe, digest
from void_audit.pipeline.segment.sam2.engine import Sam2Segmenter
from hydra.core.global_hydra import GlobalHydra
segmenter = Sam2Segmenter(approved_as_it_is(Path(sys.argv[2])), Sam2Settings(size="tiny"))
segmenter.segment(ArrayClip([np.zeros((9, 9, 3), np.uint8)] * 2), [Click(frame=0, x=1, y=1)])
assert not GlobalHydra.instance().is_initialized()
assert "torchvision" not in sys.modules
"""
        home = tmp_path / "home"
        home.mkdir()
        tests = str(__file__).rpartition("/pipeline/")[0]
        done = subprocess.run(
            [sys.executable, "-W", "error", "-B", "-c", program, tests, str(folder.root)],
            capture_output=True, text=True, cwd=home, check=False,
            env={"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": tests.rpartition("/")[0]},
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert list(home.iterdir()) == []

    @pytest.mark.parametrize(
        "module", ["void_audit", "void_audit.pipeline.segment.sam2", "void_audit.pipeline.segment"]
    )
    def test_who_does_not_use_it_does_not_load_it(self, module):
        check = f"import sys, {module}; assert not {{'torch', 'sam2', 'hydra'}} & set(sys.modules)"
        subprocess.run([sys.executable, "-c", check], check=True)


def bytes_held() -> int:
    """Of all tensors in the process, each storage once."""
    gc.collect()
    held = {}
    for thing in gc.get_objects():
        if issubclass(type(thing), torch.Tensor) and not thing.is_meta:
            storage = thing.untyped_storage()
            held[storage.data_ptr()] = storage.nbytes()
    return sum(held.values())


class Endless(ArrayClip):
    """A long clip of a few pictures; it tells how many were handed out and not let go of."""

    def frames(self, start=0, stop=None):
        for frame in range(start, self.info.frames if stop is None else stop):
            yield self._pictures[frame % len(self._pictures)].copy()

    def frames_backwards(self, stop=None, start=0):
        for frame in range((self.info.frames if stop is None else stop) - 1, start - 1, -1):
            yield self._pictures[frame % len(self._pictures)].copy()


def most_held(segmenter, pictures, frames: int) -> int:
    clip = Endless(pictures)
    clip.info = clip.info.model_copy(update={"frames": frames})
    marks = [Click(frame=frames // 3, x=20, y=20), Click(frame=frames // 2, x=60, y=30, object=2)]
    held: list[int] = []

    def look(what: str, done: int, total: int) -> None:
        if done and done % (total // 3) == 0:
            held.append(bytes_held())

    segmenter.segment(clip, marks, look)
    return max(held)


def test_memory_does_not_grow_with_the_clip(segmenter, clip_of):
    pictures = list(clip_of(10).frames())
    short, long = most_held(segmenter, pictures, 80), most_held(segmenter, pictures, 160)
    assert long < 1.005 * short  # of 320 as of 160; of fewer, not every place in memory is taken
    assert short < 12_000_000
