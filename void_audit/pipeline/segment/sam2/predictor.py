"""The ``sam2`` package's video predictor, without a video: it sees one frame at a time and says how sure it is.

Everything that decides a mask is the package's own. What is overridden is where pictures come from (``Screen``), who
fills holes (``fill_holes``), and that the network's estimate of a mask's quality is kept instead of dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch

from void_audit.model.geometry import Size
from void_audit.pipeline.segment.sam2.holes import fill_holes
from void_audit.pipeline.segment.sam2.library import SAM2VideoPredictor
from void_audit.pipeline.segment.sam2.pictures import Screen

State = dict[str, Any]
"""What the package keeps of one clip ("inference state"); here of one object in it."""

Output = dict[str, Any]
"""What the package keeps of one frame: mask scores, memory, object pointer; here also ``iou``."""


class Predictor(SAM2VideoPredictor):  # type: ignore[misc]
    """Takes the package's own arguments; see ``architecture``."""

    _iou: torch.Tensor

    def begin(self, screen: Screen, size: Size, frames: int) -> State:
        """The state of an object that has no marks yet, as the package's ``init_state`` makes it from a video file.

        ``size`` and ``frames`` are the clip's: pixels of marks and masks, number of frames.
        """
        by_object = ("point_inputs_per_obj", "mask_inputs_per_obj", "output_dict_per_obj",
                     "temp_output_dict_per_obj", "frames_tracked_per_obj", "cached_features", "constants")  # fmt: skip
        return {
            "images": screen,
            "num_frames": frames,
            "video_height": size.height,
            "video_width": size.width,
            "device": self.device,
            "storage_device": self.device,
            "obj_id_to_idx": OrderedDict(),
            "obj_idx_to_id": OrderedDict(),
            "obj_ids": [],
            **{name: {} for name in by_object},
        }

    @property
    def reach(self) -> int:
        """How many frames back in time anything is attended to, frames with marks aside."""
        return int(max(self.num_maskmem * self.memory_temporal_stride_for_eval, self.max_obj_ptrs_in_encoder))

    def _get_image_feature(self, state: State, frame_idx: int, batch_size: int) -> Any:  # noqa: ANN401
        """Of one frame, once for all objects."""
        screen: Screen = state["images"]
        state["cached_features"] = screen.features
        features = super()._get_image_feature(state, frame_idx, batch_size)
        screen.features, state["cached_features"] = state["cached_features"], {}
        return features

    def _forward_sam_heads(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        outputs = super()._forward_sam_heads(*args, **kwargs)
        self._iou = outputs[2].max()  # of the mask that is chosen
        return outputs

    def _run_single_frame_inference(self, *args: Any, **kwargs: Any) -> tuple[Output, torch.Tensor]:  # noqa: ANN401
        output, scores = super()._run_single_frame_inference(*args, **kwargs)
        scores = fill_holes(scores)
        return {**output, "pred_masks": scores, "iou": self._iou}, scores
