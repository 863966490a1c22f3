"""One object followed through a clip: its marks, its memories, and which of these are still needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import torch

from void_audit.model.clip import ClipInfo
from void_audit.model.mask import Bitmap
from void_audit.model.track import Mark
from void_audit.pipeline.segment.marks import Points, Prompt, prompts
from void_audit.pipeline.segment.sam2.pictures import Screen
from void_audit.pipeline.segment.sam2.predictor import Output, Predictor

THRESHOLD = 0.0
"""Score above which a pixel is object."""

ON, OFF = 1, 0
"""The network's labels of clicks on the object and beside it."""


@dataclass(frozen=True)
class Seen:
    """One object on one frame: where it is, and how sure the network is of that, 0 to 1."""

    mask: Bitmap
    confidence: float


class Session:
    """Follows one object. The frame in question must be on the screen.

    A frame with a click on the object or a box is a beginning: the network segments it from its marks alone. A frame
    with background clicks alone begins nothing: they correct what was followed there, which is then attended to like
    a beginning (as the network was trained).

    Args:
        predictor: the network.
        screen: where it looks.
        info: of the clip.
        marks: of all objects, checked; those of ``number`` are taken.
        number: of the object.
    """

    def __init__(
        self, predictor: Predictor, screen: Screen, info: ClipInfo, marks: Sequence[Mark], number: int
    ) -> None:
        self._predictor, self.number = predictor, number
        self._state = predictor.begin(screen, info.size, info.frames)
        self._beginnings = {prompt.frame: prompt for prompt in prompts(marks, info, number)}
        self._corrections = dict(_corrections(marks, number, self._beginnings))
        self.start = min(self._beginnings)
        self.unseen: list[int] = []
        """Beginnings on which the network sees nothing, in order."""

    @property
    def beginnings(self) -> tuple[int, ...]:
        """Frames from which it is followed, in order."""
        return tuple(self._beginnings)

    def begin(self, frame: int) -> None:
        """Segment the object on one of its ``beginnings``, from its marks."""
        prompt = self._beginnings[frame]
        points = [*prompt.inside, *prompt.outside]
        labels = [ON] * len(prompt.inside) + [OFF] * len(prompt.outside)
        self._mark(frame, points, labels, _corners(prompt))

    def follow(self, frame: int, backwards: bool) -> Seen:
        """The object on the next frame, in the direction of time in which frames are shown."""
        known = self._state["output_dict_per_obj"][0]
        self._state["frames_tracked_per_obj"][0][frame] = {"reverse": backwards}
        if frame in known["cond_frame_outputs"]:
            return self._begun(frame, known["cond_frame_outputs"][frame])
        output, _ = self._predictor._run_single_frame_inference(
            inference_state=self._state, output_dict=known, frame_idx=frame, batch_size=1,
            is_init_cond_frame=False, point_inputs=None, mask_inputs=None, reverse=backwards,
            run_mem_encoder=True,
        )  # fmt: skip
        known["non_cond_frame_outputs"][frame] = output
        if frame in self._corrections:
            points = self._corrections[frame]
            self._mark(frame, points, [OFF] * len(points), None)
            output = known["cond_frame_outputs"][frame]
        self._forget(frame)
        return self._seen(output)

    def _mark(
        self, frame: int, points: Points | list[tuple[int, int]], labels: list[int], box: list[int] | None
    ) -> None:
        self._predictor.add_new_points_or_box(
            self._state,
            frame,
            self.number,
            points=[list(point) for point in points] or None,
            labels=labels or None,
            box=box,
        )
        self._predictor.propagate_in_video_preflight(self._state)

    def _begun(self, frame: int, output: Output) -> Seen:
        seen = self._seen(output)
        if not seen.mask.any():
            self.unseen.append(frame)
        return seen

    def _seen(self, output: Output) -> Seen:
        _, scores = self._predictor._get_orig_video_res_output(self._state, output["pred_masks"])
        return Seen((scores[0, 0] > THRESHOLD).cpu().numpy(), confidence(output))

    def _forget(self, frame: int) -> None:
        """Let go of what is out of reach, from here and from the start, where the way backwards begins."""
        reach = self._predictor.reach
        for kept in (
            self._state["output_dict_per_obj"][0]["non_cond_frame_outputs"],
            self._state["frames_tracked_per_obj"][0],
        ):
            for other in [
                other for other in kept if min(abs(other - frame), abs(other - self.start)) >= reach
            ]:
                del kept[other]


def confidence(output: Output) -> float:
    """How sure the network is of one frame, 0 to 1.

    Where it sees the object: the probability that it is there times the estimated overlap (IoU) of the mask with
    the truth. Where it does not: the probability that it is not there. 0 if the network computed no number.
    """
    presence = torch.sigmoid(output["object_score_logits"].float()).item()
    sure = presence * float(output["iou"]) if presence > 0.5 else 1 - presence
    return 0.0 if isnan(sure) else min(max(sure, 0.0), 1.0)


def _corrections(
    marks: Sequence[Mark], number: int, beginnings: Mapping[int, Prompt]
) -> Iterator[tuple[int, Points]]:
    own = [mark for mark in marks if mark.object == number]
    for frame in sorted({mark.frame for mark in own} - set(beginnings)):
        yield frame, tuple((int(mark.x), int(mark.y)) for mark in own if mark.frame == frame)


def _corners(prompt: Prompt) -> list[int] | None:
    if prompt.box is None:
        return None
    box = prompt.box
    return [box.x, box.y, box.right, box.bottom]
