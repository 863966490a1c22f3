"""A model that says what it is told to, and a reply that is good: what tests of vision-language reasoners share."""

import copy
import json
from dataclasses import dataclass, field

import numpy as np

from void_audit.errors import ReasoningError
from void_audit.media.memory import ArrayClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Size
from void_audit.model.mask import PackedBitmaps
from void_audit.model.reasoning import Exchange, Grid
from void_audit.model.request import EditRequest
from void_audit.model.seeing import VlmSettings
from void_audit.model.track import Track
from void_audit.pipeline.reason.vlm.base import Answer
from void_audit.pipeline.reason.vlm.reply import read_reply

ENGINE = EngineInfo(
    name="scripted-model", version="m-1", kind="model", description="Says what it is told to."
)
SETTINGS = VlmSettings(model="m-1")
FRAMES = 40
INFO = ArrayClip([np.zeros((60, 80, 3), np.uint8)] * FRAMES).info
GRID = Grid(rows=8, cols=11)
SAMPLED = (0, 10, 20, 30, 39)
REQUEST = EditRequest(
    object="hand",
    instruction="Remove the hand that holds the lime.",
    background="A lime falls on a table.",
    requester="a.editor",
    purpose="test",
    asset_class="entertainment",
)


def cells(*pairs):
    return [{"row": row, "col": col} for row, col in pairs]


_LIME = {
    "noun": "lime",
    "category": "physical",
    "why": "The hand holds it up.",
    "will_move": True,
    "first_appears_frame": 4,
    "movement_description": "It falls on the table and comes to rest.",
    "currently_moving": False,
    "should_have_stayed": False,
    "original_position_grid": [],
    "grid_localizations": [
        {"frame": 10, "grid_regions": cells((2, 5), (2, 6))},
        {"frame": 20, "grid_regions": cells((2, 5))},
    ],
    "object_size_grids": {"rows": 2, "cols": 3},
    "trajectory_path": [
        {"frame": 4, "grid_row": 2, "grid_col": 5},
        {"frame": 12, "grid_row": 7, "grid_col": 5},
    ],
}
_SHADOW = {
    "noun": "shadow of the hand",
    "category": "visual_artifact",
    "why": "The hand keeps the light off the table",
    "will_move": False,
    "first_appears_frame": 0,
    "movement_description": "",
    "currently_moving": True,
    "should_have_stayed": False,
    "original_position_grid": [],
    "grid_localizations": [
        {"frame": 0, "grid_regions": cells((6, 1))},
        {"frame": 20, "grid_regions": cells((6, 4), (7, 4))},
        {"frame": 30, "grid_regions": []},
    ],
    "object_size_grids": {"rows": 0, "cols": 0},
    "trajectory_path": [],
}
_CUP = {
    "noun": "cup",
    "category": "physical",
    "why": "The hand pushes it aside.",
    "will_move": False,
    "first_appears_frame": 20,
    "movement_description": "",
    "currently_moving": True,
    "should_have_stayed": True,
    "original_position_grid": cells((5, 9), (5, 8)),
    "grid_localizations": [{"frame": 30, "grid_regions": cells((5, 10))}],
    "object_size_grids": {"rows": 0, "cols": 0},
    "trajectory_path": [],
}


def good_reply():
    """As a dict that may be changed."""
    return copy.deepcopy(
        {
            "integral_belongings": [
                {
                    "noun": "ring",
                    "why": "It is on a finger.",
                    "grid_localizations": [{"frame": 10, "grid_regions": cells((1, 5))}],
                }
            ],
            "affected_objects": [_LIME, _SHADOW, _CUP],
            "scene_description": "A lime falls on the table beside a cup.",
            "confidence": 0.75,
        }
    )


def read(reply, **changes):
    """Reads a reply given as text or as a value."""
    text = reply if isinstance(reply, str) else json.dumps(reply)
    about = {
        "info": INFO,
        "grid": GRID,
        "sampled": SAMPLED,
        "instruction": REQUEST.instruction,
        "said_by": "scripted-model (m-1)",
    }
    return read_reply(text, **(about | changes))


def failing(code, retry_after=None, exchange=None):
    """The error of a transport."""
    error = ReasoningError(code, f"It failed: {code}.", "Do something.", exchange)
    error.retry_after = retry_after
    return error


@dataclass
class ScriptedTransport:
    """Implements ``Transport``: each attempt takes the next of ``script``, a text to answer or an error to raise."""

    script: list = field(default_factory=lambda: [json.dumps(good_reply())])
    settings: VlmSettings = SETTINGS
    info: EngineInfo = ENGINE
    asked: list = field(default_factory=list)

    def ask(self, question):
        self.asked.append(question)
        step = self.script[len(self.asked) - 1]
        if isinstance(step, Exception):
            raise step
        return Answer(
            step, Exchange(request=b"sent", reply=step.encode(errors="replace"), model_version="m-1-0")
        )


def drawn_track(clip, boxes):
    """Masks of ``clip``'s size; ``boxes`` maps frame to (top, bottom, left, right)."""
    width, height = clip.info.size
    masks = PackedBitmaps.empty(Size(width, height), clip.info.frames)
    for frame, (top, bottom, left, right) in boxes.items():
        mask = np.zeros((height, width), bool)
        mask[top:bottom, left:right] = True
        masks[frame] = mask
    return Track(masks, (1.0,) * clip.info.frames, (0,), ENGINE)
