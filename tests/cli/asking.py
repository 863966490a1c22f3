"""Requests that ask a model on this machine: what it answers, and the engines that reach it."""

from __future__ import annotations

import json

from house import CountingEngines
from loopback import reply
from transports import openai_body
from vlm_scenes import cells

from void_audit.cli.engines import LocalEngines

KEY = "sk-not-a-real-key-0123456789abcdef"
ESCAPE = "\x1b]0;owned\x07\x1b[31m"


class Asking(CountingEngines):
    """Scripted, but for the reasoner."""

    def __init__(self, models) -> None:
        super().__init__()
        self.models = models

    def reasoner(self, settings):
        reasoner = LocalEngines(self.models).reasoner(settings)
        if settings.engine != "contact":
            reasoner._sleep = lambda seconds: None
        return self._counted(reasoner, "reason")


def answer(**changes: object) -> dict[str, object]:
    """A good answer about the clip of 96x64 with its grid of 8 rows and 12 columns."""
    shadow = {
        "noun": "shadow of the box", "category": "visual_artifact", "why": "It lies beside the box.",
        "will_move": False, "first_appears_frame": 0, "movement_description": "", "currently_moving": False,
        "should_have_stayed": False, "original_position_grid": [],
        "grid_localizations": [{"frame": 0, "grid_regions": cells((4, 6), (4, 7))}],
        "object_size_grids": {"rows": 0, "cols": 0}, "trajectory_path": [], **changes,
    }  # fmt: skip
    return {
        "integral_belongings": [], "affected_objects": [shadow], "confidence": 0.8,
        "scene_description": "A wall in soft colours, lit evenly from the left.",
    }  # fmt: skip


def says(content: object):
    return reply(openai_body(content if isinstance(content, str) else json.dumps(content)))


def line(server, command: str = "plan asked") -> str:
    return f"{command} --reasoner openai-compatible --reasoner-model tiny-vl --reasoner-url {server.url}/v1"
