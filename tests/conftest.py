"""Hypothesis on a busy machine: no deadlines; the same examples on every CI run."""

import os

from hypothesis import settings
from postgres import server

__all__ = ["server"]

settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")
