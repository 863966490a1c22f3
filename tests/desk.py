"""A desk that seals: a clip, a plan, ledger records and signing chains, small enough for every test."""

from __future__ import annotations

import base64
from pathlib import Path

from clips import write_clip

from void_audit.model.engine import EngineInfo, WeightsRef
from void_audit.model.geometry import FrameRange, Rect
from void_audit.model.mask import MaskIdentity
from void_audit.model.plan import (
    CompositeSettings,
    EditPlan,
    EncoderSettings,
    FlowRefineSettings,
    Geometry,
    PropagateSettings,
    SchemaRef,
    Windows,
)
from void_audit.model.proof import LedgerAssertion, LoggedEntry
from void_audit.seal.base import EditedRegion, EmbeddedData, SealRequest
from void_audit.seal.certificates import SigningChain, create_chain
from void_audit.seal.sealer import C2paSealer

CLASSICAL = EngineInfo(name="propagate", version="1", kind="classical", description="pixels of other frames")
REFINER = EngineInfo(name="flow-refine", version="1", kind="classical", description="along optical flow")
MODEL = EngineInfo(
    name="void", version="1", kind="model", description="video diffusion", counterfactual_dynamics=True,
    weights=(WeightsRef(name="transformer", sha256="9" * 64),),
)  # fmt: skip


def plan(engine: EngineInfo = CLASSICAL) -> EditPlan:
    """Some plan for a clip of 64x48."""
    return EditPlan(
        edit="e1", source="1" * 64, request="2" * 64, prompt="6" * 64,
        mask_schema=SchemaRef(name="quadmask", sha256="7" * 64),
        mask=MaskIdentity(width=64, height=48, frames=12, root="3" * 64),
        engine=engine, refiner=REFINER, profile="native",
        geometry=Geometry(crop=Rect(x=0, y=0, width=64, height=48), width=64, height=48),
        windows=Windows(), pass1=PropagateSettings(), pass2=FlowRefineSettings(), seed="7",
        composite=CompositeSettings(), encoder=EncoderSettings(),
    )  # fmt: skip


def assertion(edit: str = "e1") -> LedgerAssertion:
    """Well-formed, and proves nothing."""
    entry = LoggedEntry(index=0, envelope=base64.b64encode(b"envelope").decode(), proof=("4" * 64,))
    return LedgerAssertion(
        edit=edit, origin="desk/void-audit/1", checkpoint="desk/void-audit/1\n1\nAAAA\n", records=(entry,),
        evidence={"5" * 64: base64.b64encode(b"pack \xe2\x82\xac").decode()}, disclaimer="no proof of truth",
    )  # fmt: skip


EMBEDDED = (
    EmbeddedData("prompt.json", "application/json", b'{"bg": "an empty street"}'),
    EmbeddedData("mask-preview.png", "image/png", b"\x89PNG not really"),
    EmbeddedData("quadmask.mkv", "video/x-matroska", b"\x1aE\xdf\xa3" + bytes(range(256)) * 20),
)


class Desk:
    """A folder with a source clip, an unsealed output and a sealer of its own root."""

    def __init__(self, folder: Path, chain: SigningChain | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.chain = chain or create_chain(folder / "seal", "Test desk", None)
        self.sealer = C2paSealer(self.chain)
        self.source = write_clip(folder / "source.mp4")
        self.unsealed = write_clip(folder / "unsealed.mp4", frames=11)

    def request(self, name: str = "edited.mp4", **changes: object) -> SealRequest:
        """A request with some fields changed."""
        fields = {
            "unsealed": self.unsealed,
            "destination": self.folder / name,
            "source": self.source,
            "source_name": "source clip",
            "plan": plan(),
            "frame_rate": "24/1",
            "regions": (EditedRegion(FrameRange(start=2, stop=9), Rect(x=4, y=6, width=20, height=10)),),
            "assertion": assertion(),
            "embedded": EMBEDDED,
            "approved": True,
        }
        return SealRequest(**{**fields, **changes})

    def seal(self, name: str = "edited.mp4", **changes: object) -> Path:
        """Seal and return the finished file."""
        return self.sealer.seal(self.request(name, **changes)).path
