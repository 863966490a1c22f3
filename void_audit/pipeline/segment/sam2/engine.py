"""SAM 2.1 as a segmenter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from void_audit.model.base import Scalar
from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.seeing import Sam2Settings
from void_audit.model.track import Mark, Track
from void_audit.pipeline.segment.marks import check_marks, marked_frames, objects
from void_audit.pipeline.segment.sam2.architecture import describe, digest
from void_audit.pipeline.segment.sam2.arithmetic import best_device, best_type, device_name, pinned
from void_audit.pipeline.segment.sam2.following import Following
from void_audit.pipeline.segment.sam2.holes import MAX_AREA
from void_audit.pipeline.segment.sam2.loading import load, refs
from void_audit.pipeline.segment.sam2.packages import package_version
from void_audit.pipeline.segment.sam2.pictures import RESIZE, Screen
from void_audit.pipeline.segment.sam2.predictor import Predictor
from void_audit.pipeline.segment.sam2.session import THRESHOLD, Session
from void_audit.weights.folders import VerifiedFolder

DIRECTIONS = "forwards from the first frame with marks of an object, then backwards to frame 0"


class Sam2Segmenter:
    """Implements ``Segmenter`` with SAM 2.1's video predictor. The network is loaded for a call and then let go.

    Clicks on the object and boxes begin it on their frame; background clicks beside them, or on frames of their
    own, hold it back. Every object is followed by itself; the masks are joined.

    Args:
        folder: the model folder, whose files were just checked, with the checkpoint under its published name.
            Raises WeightsError ``weights-unregistered`` if it has none of the size.
        settings: which of the four networks.
        device: ``cpu`` or ``cuda``; by default the GPU, where there is one.
    """

    def __init__(
        self, folder: VerifiedFolder, settings: Sam2Settings | None = None, device: str | None = None
    ) -> None:
        self._folder, self._size = folder, (settings or Sam2Settings()).size
        self._device = torch.device(device) if device else best_device()
        self._type = best_type(self._device)
        self.info = EngineInfo(
            name="sam2", version=package_version(), kind="model",
            description=f"SAM 2.1 ({self._size}), followed through the clip in both directions",
            weights=refs(folder, self._size),
        )  # fmt: skip

    def segment(self, clip: Clip, marks: Sequence[Mark], progress: Progress = no_progress) -> Track:
        """See ``Segmenter``. Memory does not grow with the clip but by the packed masks.

        Raises RequestError for unusable marks (see ``check_marks``), WeightsError for a checkpoint that is not this
        network's (see ``loading.load``).
        """
        check_marks(marks, clip.info)
        with pinned(self._device, self._type):
            predictor = load(self._folder, self._size).to(self._device)
            screen = Screen(predictor.image_size)
            with torch.inference_mode():
                sessions = [Session(predictor, screen, clip.info, marks, n) for n in objects(marks)]
                found = Following(clip, sessions, screen, progress).run()
        return Track(
            found.masks, found.confidence, marked_frames(marks), self.info, _warnings(sessions),
            self._settings(predictor), device_name(self._device),
        )  # fmt: skip

    def _settings(self, predictor: Predictor) -> Mapping[str, Scalar]:
        decoder = predictor.sam_mask_decoder
        return {
            "size": self._size,
            "network": digest(describe(self._folder, self._size)),
            "image_size": predictor.image_size,
            "resize": RESIZE,
            "dtype": str(self._type).removeprefix("torch."),
            "torch": torch.__version__,
            "directions": DIRECTIONS,
            "mask_threshold": THRESHOLD,
            "fill_hole_area": MAX_AREA,
            "stability_delta": decoder.dynamic_multimask_stability_delta,
            "stability_threshold": decoder.dynamic_multimask_stability_thresh,
            "memories": predictor.num_maskmem,
            "object_pointers": predictor.max_obj_ptrs_in_encoder,
            "marked_frames": predictor.max_cond_frames_in_attn,
        }


def _warnings(sessions: Sequence[Session]) -> tuple[str, ...]:
    """Of marked frames on which the network sees nothing, by object."""
    return tuple(
        f"SAM 2 sees nothing of object {session.number} where it is marked: frame "
        f"{', '.join(map(str, session.unseen[:5]))}{' and others' if len(session.unseen) > 5 else ''}."
        for session in sessions
        if session.unseen
    )
