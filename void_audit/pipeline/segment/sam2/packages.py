"""Which packages and which checkpoint SAM 2 needs, and how they get here. Loads none of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from void_audit.model.seeing import Sam2Size

CHECKPOINTS: Mapping[Sam2Size, str] = {
    "tiny": "sam2.1_hiera_tiny",
    "small": "sam2.1_hiera_small",
    "base-plus": "sam2.1_hiera_base_plus",
    "large": "sam2.1_hiera_large",
}
"""Names under which the checkpoints are published, with ``.pt``."""

PACKAGES = {
    "torch": "torch",
    "hydra": "hydra-core",
    "omegaconf": "omegaconf",
    "iopath": "iopath",
    "tqdm": "tqdm",
    "PIL": "pillow",
    "safetensors": "safetensors",
    "sam2": "sam2",
}
"""Name for import, name for installation."""

DISTRIBUTIONS = ("sam2", "SAM-2")
"""The package index has it as the first; who installs the publisher's repository gets the second."""

RECIPE = (
    "Install the extra, then the package by itself: pip install 'void-audit[sam2]' && "
    "SAM2_BUILD_CUDA=0 pip install --no-deps --no-build-isolation 'sam2>=1.1,<1.2'. "
    "Without the first option pip would replace torch, without the second fetch another to build with."
)
"""``sam2`` asks for torchvision, which it does not need for video, and which would bring another torch with it. It is
published as source; the one file that it would compile, for CUDA, fills holes, which is done without here (``holes``).
"""


def missing_packages() -> list[str]:
    """What SAM 2 needs and this installation lacks, by the names to install; empty if all is there."""
    return [name for module, name in PACKAGES.items() if find_spec(module) is None]


def package_version() -> str:
    """Version of the ``sam2`` package; ``unknown`` where it is not installed as a package."""
    for name in DISTRIBUTIONS:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
