"""The real segmenter: registered weights only; and how well it does on clips with known masks."""

import json
import shutil
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from void_audit.errors import WeightsError
from void_audit.media.maskfile import BitmapFile
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import Size
from void_audit.model.track import Click
from void_audit.pipeline.segment.click import ClickSegmenter
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.saliency import SaliencyNetwork
from void_audit.pipeline.segment.seed import seed
from void_audit.pipeline.segment.window import overlap
from void_audit.weights.registry import lookup
from void_audit.weights.store import ModelStore

ROOT = Path(__file__).resolve().parents[3]
CROSSING = ROOT / "examples" / "crossing"
SAMPLES = ROOT / "../shared/samples"
SIZE = Size(672, 384)


@pytest.fixture(scope="module")
def model():
    try:
        return ModelStore().path("u2netp")
    except WeightsError as error:
        pytest.skip(str(error))


def test_a_missing_model_file_says_how_to_get_it(tmp_path):
    with pytest.raises(WeightsError) as caught:
        ClickSegmenter(tmp_path / "absent.onnx")
    assert caught.value.code == "weights-missing"
    assert "models fetch u2netp" in caught.value.hint


@pytest.mark.parametrize("body", [b"", b"another network"])
def test_an_unregistered_model_file_is_never_loaded(tmp_path, body):
    path = tmp_path / "u2netp.onnx"
    path.write_bytes(body)
    with pytest.raises(WeightsError) as caught:
        ClickSegmenter(path)
    assert caught.value.code == "weights-digest"


def test_a_model_file_with_one_changed_byte_is_never_loaded(tmp_path, model):
    path = tmp_path / "u2netp.onnx"
    shutil.copy(model, path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(WeightsError) as caught:
        ClickSegmenter(path)
    assert caught.value.code == "weights-digest"


def test_it_says_what_it_is_and_which_weights_it_uses(model):
    info = ClickSegmenter(model).info
    assert info.weights[0].sha256 == lookup("u2netp").sha256
    assert not info.counterfactual_dynamics


@pytest.mark.slow
def test_the_number_of_threads_is_given_back(model, scenes):
    before = cv2.getNumThreads()
    scene = scenes(2, lambda i: (120, 80), radius=30)
    track = ClickSegmenter(model, threads=1).segment(scene.clip, [Click(frame=0, x=120, y=80)])
    assert cv2.getNumThreads() == before
    assert track.settings == {"marked_frame_side": 320, "follow_side": 192, "opencv": cv2.__version__}
    assert overlap(track.masks[1], scene.masks[1]) > 0.7


def mean_overlap(track, references):
    scaled = [
        cv2.resize(r.astype(np.float32), tuple(SIZE), interpolation=cv2.INTER_AREA) >= 0.5 for r in references
    ]
    return float(np.mean([overlap(m, r) for m, r in zip(track.masks, scaled, strict=True)]))


@pytest.mark.slow
@pytest.mark.skipif(not (CROSSING / "object_mask.mkv").exists(), reason="the example clip is not rendered")
def test_one_click_follows_the_ball_of_the_example(model):
    clip = VideoClip(CROSSING / "clip.mp4")
    across, down = SIZE.width / clip.info.width, SIZE.height / clip.info.height
    click = Click(frame=16, x=335 * across, y=330 * down)
    track = ClickSegmenter(model).segment(clip.view(size=SIZE), [click])
    assert mean_overlap(track, BitmapFile(CROSSING / "object_mask.mkv").bitmaps()) > 0.9


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.skipif(not SAMPLES.exists(), reason="the real clips are not beside the checkout")
@pytest.mark.parametrize(("name", "least"), [("ducky-float", 0.86)])
def test_published_clicks_on_a_real_clip(model, name, least):
    folder = SAMPLES / name
    facts = json.loads((folder / "segmentation_info.json").read_text())
    across, down = SIZE.width / facts["frame_width"], SIZE.height / facts["frame_height"]
    clicks = [
        Click(frame=int(frame), x=x * across, y=y * down)
        for frame, points in facts["points_by_frame"].items()
        for x, y in points
    ]
    track = ClickSegmenter(model).segment(VideoClip(folder / "input_video.mp4").view(size=SIZE), clicks)
    assert mean_overlap(track, published_masks(folder / "trimask_quadmask.mp4")) > least


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.skipif(not SAMPLES.exists(), reason="the real clips are not beside the checkout")
@pytest.mark.parametrize(("x", "y"), [(367, 41), (239, 67), (480, 88)], ids=["neck", "foot", "edge"])
def test_one_click_on_any_part_of_the_press_finds_all_of_it(model, x, y):
    """Its parts look unlike each other and it fills the picture's edge; no crop of the network holds it."""
    folder = SAMPLES / "ducky-float"
    clip = VideoClip(folder / "input_video.mp4").view(size=SIZE)
    reference = list(published_masks(folder / "trimask_quadmask.mp4"))[20]
    wanted = cv2.resize(reference.astype(np.float32), tuple(SIZE), interpolation=cv2.INTER_AREA) >= 0.5
    assert wanted[y, x]
    made = seed(
        next(clip.frames(20, 21)), Prompt(20, ((x, y),), ()), SaliencyNetwork(model.read_bytes()),
        clip.frames(21, 29), clip.frames_backwards(20, 12),
    )  # fmt: skip
    assert overlap(made.mask, wanted) > 0.8


def published_masks(path: Path):
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : frame.width]
            yield (luma.astype(float) - 16) * 255 / 219 < 95
