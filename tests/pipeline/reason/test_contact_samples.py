"""The rules on a real clip: a press comes down on a floating toy and squashes it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from reason_scenes import REQUEST, opened

from void_audit.media.reader import VideoClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Size
from void_audit.model.mask import PackedBitmaps
from void_audit.model.track import Track
from void_audit.pipeline.reason.contact import ContactReasoner

FOLDER = Path(__file__).resolve().parents[3] / "../shared/samples/ducky-float"
SMALL = Size(346, 192)


@pytest.mark.samples
@pytest.mark.skipif(not FOLDER.exists(), reason="the real clips are not here")
def test_squashed_toy_is_found_from_the_time_of_contact():
    values = [
        cv2.resize(picture[..., 0], tuple(SMALL), interpolation=cv2.INTER_NEAREST)
        for picture in VideoClip(FOLDER / "trimask_quadmask.mp4").frames()
    ]
    engine = EngineInfo(name="given", version="1", kind="scripted", description="Given with the clip.")
    masks = PackedBitmaps(SMALL, (value < 100 for value in values))
    track = Track(masks, tuple(1.0 for _ in values), (0,), engine)
    clip = VideoClip(FOLDER / "input_video.mp4").view(size=SMALL)
    answer = ContactReasoner().reason(clip, track, REQUEST)
    area = opened(answer.consequences, clip.info)
    assert not area[:6].any()
    assert any(thing.category == "physical" for thing in answer.consequences.affected)
    named = np.stack([value == 127 for value in values])[26:40]
    assert (named & area[26:40]).sum() >= 0.7 * named.sum()
    opened_beside = area & ~np.stack(list(masks))
    assert opened_beside.mean() <= 0.14
    # Where the press hides what it squashed is named too, as in the published mask.
    behind = np.stack([value == 63 for value in values])[40:]
    assert (behind & area[40:]).sum() >= 0.5 * behind.sum()
