"""The ``EditPlan``: every parameter that can change a pixel. Its digest is what people approve."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from void_audit.model.base import Name, Sha256, Value
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Rect
from void_audit.model.mask import MaskIdentity
from void_audit.model.void import VoidRefineSettings, VoidSettings

SizeProfile = Literal["native", "384p", "model"]
"""Size at which pictures are synthesised: the source's, 384 lines, or what a diffusion model was trained for."""


class Geometry(Value):
    """The part of the picture that is synthesised, and the size at which that is done."""

    crop: Rect
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]


class Windows(Value):
    """Temporal windows, in frames. A clip no longer than ``length`` is one window."""

    length: Annotated[int, Field(ge=2)] = 96
    overlap: Annotated[int, Field(ge=0)] = 16


class PropagateSettings(Value):
    """Pass 1 of the embedded engine: fill from other frames, then by exemplar."""

    engine: Literal["propagate"] = "propagate"
    min_samples: Annotated[int, Field(ge=1)] = 3
    """Consistent samples from other frames before a pixel counts as seen."""
    consistency: Annotated[float, Field(gt=0)] = 12.0
    """Largest spread (0-255 levels) of samples that count as consistent."""
    guard: Annotated[int, Field(ge=0)] = 3
    """Pixels around opened areas of other frames that are not trusted as background, in a frame of 480 lines;
    larger frames have proportionally more."""
    patch: Annotated[int, Field(ge=3)] = 7
    """PatchMatch patch size, pixels."""


class FlowRefineSettings(Value):
    """Pass 2 of the embedded engine: temporal refinement along optical flow."""

    engine: Literal["flow-refine"] = "flow-refine"
    radius: Annotated[int, Field(ge=1, le=8)] = 2
    """Frames to either side that take part."""
    sigma: Annotated[float, Field(gt=0)] = 10.0
    """Levels (0-255): how far a neighbour may differ and still count."""


class NoRefineSettings(Value):
    """No pass 2: pass 1 is handed on as it is."""

    engine: Literal["none"] = "none"


class DeemphasizeSettings(Value):
    """Pass 1 of the embedded engine for masks in which something keeps its place and only looks otherwise.

    Where the mask says "affected" the source is toned down; where it says "remove" or "overlap" it is filled.
    """

    engine: Literal["de-emphasize"] = "de-emphasize"
    treatment: Literal["blur", "desaturate"] = "blur"
    strength: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Blur: sigma as a share of a tenth of the frame's short side. Desaturate: share of the colour taken away."""
    fill: PropagateSettings = Field(default_factory=PropagateSettings)


class SuppliedSettings(Value):
    """Pass 1 that takes the pictures of a clip that came with the request."""

    engine: Literal["supplied"] = "supplied"
    clip: Sha256


Pass1Settings = Annotated[
    PropagateSettings | DeemphasizeSettings | SuppliedSettings | VoidSettings, Field(discriminator="engine")
]
Pass2Settings = Annotated[
    FlowRefineSettings | VoidRefineSettings | NoRefineSettings, Field(discriminator="engine")
]
"""Any refiner can follow any synthesizer."""


class CompositeSettings(Value):
    """How the synthesised pixels are laid over the source."""

    feather: Annotated[int, Field(ge=0, le=64)] = 4
    """Width of the seam in source pixels; it lies inside the opened classes."""


class EncoderSettings(Value):
    """The finished picture track."""

    codec: Literal["h264", "ffv1"] = "h264"
    crf: Annotated[int, Field(ge=0, le=51)] = 15
    preset: Literal["ultrafast", "veryfast", "fast", "medium", "slow"] = "medium"


class SchemaRef(Value):
    """A mask schema by content: SHA-256 of its RFC 8785 bytes."""

    name: Name
    sha256: Sha256


class EditPlan(Value):
    """Everything that decides the finished pixels; nothing else may.

    ``seed`` is a decimal string, because JSON numbers end at 2**53.
    """

    schema_version: Literal[1] = 1
    edit: Name
    source: Sha256
    request: Sha256
    """Digest of the (salted) request blob: instruction, clicks, background prompt."""
    prompt: Sha256
    """Digest of the (salted) prompt blob: the request's own, or the newest one that a person confirmed."""
    mask_schema: SchemaRef
    mask: MaskIdentity
    engine: EngineInfo
    refiner: EngineInfo
    profile: SizeProfile
    geometry: Geometry
    windows: Windows
    pass1: Pass1Settings
    pass2: Pass2Settings
    seed: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
    composite: CompositeSettings
    encoder: EncoderSettings

    @property
    def models(self) -> tuple[VoidSettings, ...]:
        """Settings of the passes that a diffusion model makes."""
        return tuple(p for p in (self.pass1, self.pass2) if isinstance(p, VoidSettings))

    @property
    def executions(self) -> tuple[str, ...]:
        """Names of the execution profiles of its model passes, sorted, each once."""
        return tuple(sorted({m.execution.name for m in self.models}))

    @property
    def numerics(self) -> tuple[str, ...]:
        """Names of the arithmetics of its model passes, sorted, each once."""
        return tuple(sorted({m.numerics.name for m in self.models}))
