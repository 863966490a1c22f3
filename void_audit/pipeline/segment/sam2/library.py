"""What is used of the ``sam2`` package, imported so that nothing else in the process notices.

The package initialises Hydra for the whole process when it is imported (only its own ``build_sam2`` needs that),
after which an application with a configuration of its own could not do so any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.core.singleton import Singleton


@contextmanager
def hydra_untouched() -> Iterator[None]:
    """Put Hydra's state of the process back as it was before."""
    before = Singleton.get_state()
    try:
        yield
    finally:
        Singleton.set_state(before)


with hydra_untouched():
    import sam2
    from sam2.sam2_video_predictor import SAM2VideoPredictor

CONFIGS = Path(sam2.__file__).parent / "configs" / "sam2.1"
"""The package's descriptions of the published networks."""

__all__ = ["CONFIGS", "SAM2VideoPredictor", "hydra_untouched"]
