"""Hypothesis on a busy machine: no deadlines; the same examples on every CI run."""

import os

from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")
