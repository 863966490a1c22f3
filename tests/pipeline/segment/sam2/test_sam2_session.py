"""A session does what the package's own predictor does, bit for bit, while it holds a bounded number of frames."""

import sys

import numpy as np
import pytest
import torch

from void_audit.model.track import Box, Click
from void_audit.pipeline.segment.sam2.holes import fill_holes
from void_audit.pipeline.segment.sam2.pictures import Screen, prepared
from void_audit.pipeline.segment.sam2.session import Session, confidence


def click(frame, x, y, label="object", number=1):
    return Click(frame=frame, x=x, y=y, label=label, object=number)


class Stock:
    """The package's predictor used as its documentation shows: a whole video in memory, nothing let go of."""

    def __init__(self, network, clip, folder, monkeypatch):
        module = sys.modules["sam2.sam2_video_predictor"]
        monkeypatch.setattr(module, "fill_holes_in_mask_scores", fill_holes)
        monkeypatch.setattr(network, "fill_hole_area", 8)
        self.network, self.frames = network, clip.info.frames
        self.state = network.init_state(str(folder(clip)))
        self.state["images"] = torch.stack([prepared(p, network.image_size) for p in clip.frames()])
        self.state["cached_features"] = {}

    def mark(self, marks, frame, number=1):
        own = [m for m in marks if m.frame == frame and m.object == number]
        clicks = sorted((m for m in own if isinstance(m, Click)), key=lambda m: m.label == "background")
        box = next(([m.x, m.y, m.x + m.width, m.y + m.height] for m in own if isinstance(m, Box)), None)
        self.network.add_new_points_or_box(
            self.state, frame, number, box=box,
            points=[[m.x, m.y] for m in clicks] or None,
            labels=[int(m.label == "object") for m in clicks] or None,
        )  # fmt: skip

    def follow(self, **where):
        passes = self.network.propagate_in_video(self.state, **where)
        return {frame: (scores > 0).any(0)[0].numpy() for frame, _, scores in passes}


@pytest.fixture
def stock_on(stock, pictures_folder, monkeypatch):
    return lambda clip: Stock(stock, clip, pictures_folder, monkeypatch)


def differing(masks) -> None:
    """So that equality says something: masks are neither empty nor full, and change from frame to frame."""
    shares = [mask.mean() for mask in masks]
    assert 0.01 < np.mean(shares) < 0.99
    assert len({mask.tobytes() for mask in masks}) > len(shares) // 2


ONE = {
    "a click": [click(0, 12, 24)],
    "a click in the middle": [click(9, 30, 24)],
    "a click at the end": [click(37, 30, 24)],
    "clicks on and beside": [click(4, 30, 24), click(4, 50, 10, "background"), click(4, 33, 26)],
    "a box": [Box(frame=6, x=20, y=14, width=30, height=20)],
    "a box and clicks": [
        Box(frame=6, x=20, y=14, width=30, height=20),
        click(6, 25, 20),
        click(6, 70, 5, "background"),
    ],
    "frames far apart": [click(3, 20, 24), Box(frame=20, x=5, y=5, width=30, height=30), click(31, 60, 24)],
    "frames side by side": [click(frame, 10 + 5 * frame, 24) for frame in range(3, 8)],
    "more frames than are attended to": [click(frame, 40, 24) for frame in range(1, 38, 2)],
}  # fmt: skip


@pytest.mark.parametrize("marks", ONE.values(), ids=ONE)
def test_the_masks_are_the_packages_own(segmenter, stock_on, clip_of, marks):
    clip = clip_of(38)
    stock = stock_on(clip)
    for frame in sorted({mark.frame for mark in marks}):
        stock.mark(marks, frame)
    expected = stock.follow()
    expected |= stock.follow(reverse=True)
    found = segmenter.segment(clip, marks).masks
    assert [i for i, mask in enumerate(found) if not np.array_equal(mask, expected[i])] == []
    differing(found)


def test_the_scores_are_the_packages_own_to_the_bit(segmenter, stock_on, clip_of, monkeypatch):
    """In both directions, with marks on several frames: not only which side of the threshold, but how far from it."""
    marks = [click(9, 30, 24), click(9, 60, 40, "background"), click(14, 70, 24), click(3, 20, 24)]
    ours = []
    seen = Session._seen
    monkeypatch.setattr(
        Session, "_seen", lambda self, output: (ours.append(output["pred_masks"]), seen(self, output))[1]
    )
    clip = clip_of(22)
    segmenter.segment(clip, marks)
    stock = stock_on(clip)
    for frame in (3, 9, 14):
        stock.mark(marks, frame)
    stock.follow()
    stock.follow(reverse=True)
    kept = stock.state["output_dict_per_obj"][0]
    theirs = kept["non_cond_frame_outputs"] | kept["cond_frame_outputs"]
    order = [*range(3, 22), 2, 1, 0]
    assert len(ours) == len(order)
    for frame, scores in zip(order, ours, strict=True):
        assert torch.equal(fill_holes(theirs[frame]["pred_masks"]), fill_holes(scores)), frame


def test_objects_that_begin_together(segmenter, stock_on, clip_of):
    clip, marks = clip_of(30), [click(8, 20, 24), click(8, 70, 40, number=4), click(8, 5, 5, "background", 4)]
    stock = stock_on(clip)
    for number in (1, 4):
        stock.mark(marks, 8, number)
    expected = stock.follow()
    expected |= stock.follow(reverse=True)
    assert all(
        np.array_equal(mask, expected[i]) for i, mask in enumerate(segmenter.segment(clip, marks).masks)
    )


def test_objects_that_begin_apart_are_each_followed_from_their_own_beginning(segmenter, stock_on, clip_of):
    clip = clip_of(26)
    marks = [click(3, 20, 24), click(20, 70, 40, number=2), click(11, 40, 30, number=7)]
    expected = np.zeros((26, clip.info.height, clip.info.width), bool)
    for mark in marks:
        stock = stock_on(clip)
        stock.mark(marks, mark.frame, mark.object)
        passes = stock.follow()
        for frame, mask in (passes | stock.follow(reverse=True)).items():
            expected[frame] |= mask
    assert all(
        np.array_equal(mask, expected[i]) for i, mask in enumerate(segmenter.segment(clip, marks).masks)
    )


@pytest.mark.parametrize("frame", [18, 4])
def test_a_background_click_on_a_frame_of_its_own_corrects_what_was_followed(
    segmenter, stock_on, clip_of, frame
):
    clip = clip_of(30)
    start = click(9, 30, 24)
    plain = segmenter.segment(clip, [start]).masks
    y, x = np.argwhere(plain[frame])[0]
    marks = [start, click(frame, float(x), float(y), "background")]
    stock = stock_on(clip)
    stock.mark(marks, 9)
    expected = stock.follow()
    if frame > 9:
        stock.mark(marks, frame)
        expected |= stock.follow(start_frame_idx=frame)
        expected |= stock.follow(reverse=True, start_frame_idx=9)
    else:
        expected |= stock.follow(reverse=True)
        stock.mark(marks, frame)
        expected |= stock.follow(reverse=True, start_frame_idx=frame)
    found = segmenter.segment(clip, marks).masks
    assert all(np.array_equal(mask, expected[i]) for i, mask in enumerate(found))
    assert not np.array_equal(found[frame], plain[frame])
    beyond = range(19, 30) if frame > 9 else range(4)
    assert any(not np.array_equal(found[other], plain[other]) for other in beyond)


def test_the_state_is_made_as_the_package_makes_it(predictor, stock_on, clip_of):
    clip = clip_of(3)
    theirs = stock_on(clip).state
    ours = predictor.begin(Screen(64), clip.info.size, clip.info.frames)
    unused = {"offload_video_to_cpu", "offload_state_to_cpu"}
    assert ours.keys() == theirs.keys() - unused
    for name in ours.keys() - {"images", "constants", "cached_features"}:
        assert ours[name] == theirs[name], name


class TestConfidence:
    @staticmethod
    def of(presence, iou):
        return confidence({"object_score_logits": torch.tensor([[presence]]), "iou": torch.tensor(iou)})

    def test_of_what_is_seen_it_is_presence_times_the_masks_quality(self):
        assert self.of(2.0, 0.5) == pytest.approx(0.5 / (1 + np.exp(-2.0)))
        assert self.of(100.0, 1.0) == 1

    def test_of_what_is_not_seen_it_is_the_absence(self):
        assert self.of(-100.0, 0.9) == 1
        assert self.of(-1.0, 0.9) == pytest.approx(1 - 1 / (1 + np.exp(1.0)))

    @pytest.mark.parametrize(("presence", "iou"), [(float("nan"), 0.5), (5.0, float("nan"))])
    def test_of_what_is_no_number_it_is_none(self, presence, iou):
        assert self.of(presence, iou) == 0

    @pytest.mark.parametrize("iou", [-0.5, 1.5, float("inf")])
    def test_it_stays_between_0_and_1(self, iou):
        assert 0 <= self.of(3.0, iou) <= 1


def session_of(predictor, clip, marks):
    screen = Screen(predictor.image_size)
    return Session(predictor, screen, clip.info, marks, 1), screen


@torch.inference_mode()
def test_a_session_holds_no_more_frames_than_are_attended_to(predictor, clip_of):
    clip = clip_of(60)
    session, screen = session_of(predictor, clip, [click(2, 20, 24)])
    held = []
    for frame, picture in enumerate(clip.frames(2), 2):
        screen.show(frame, picture)
        if frame in session.beginnings:
            session.begin(frame)
        session.follow(frame, backwards=False)
        held.append({name: len(kept) for name, kept in kept_by(session).items()})
    assert max(row["non_cond_frame_outputs"] for row in held) <= 2 * predictor.reach
    assert held[-1] == held[40]
    assert held[-1]["cond_frame_outputs"] == 1


def kept_by(session):
    state = session._state
    return {**state["output_dict_per_obj"][0], "tracked": state["frames_tracked_per_obj"][0],
            "features": state["cached_features"], "clicks": state["point_inputs_per_obj"][0]}  # fmt: skip


def test_a_frame_that_is_not_shown_cannot_be_looked_at(predictor, clip_of):
    clip = clip_of(4)
    session, screen = session_of(predictor, clip, [click(2, 20, 24)])
    screen.show(1, next(clip.frames()))
    with pytest.raises(LookupError, match="frame 2"):
        session.begin(2)
