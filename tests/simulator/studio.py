"""A studio in a folder: real ledger, policy, masks, composite and seal; scripted engines; a clock that steps.

``Studio.edit()`` makes an honest edit through the workflow. ``retell`` takes the honest edit's records, lets a
test change the story, logs and seals it again with every key of the house: an operator who lies. Attacks on
each obligation are then a few lines. ``dump`` writes a story out for a person to look at.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from clips import write_clip

from void_audit.audit.evidence import Pins
from void_audit.audit.verify import verify
from void_audit.canon import dsse
from void_audit.canon.hashing import sha256_file
from void_audit.canon.statement import encode
from void_audit.cli.workspace import Workspace, create_workspace
from void_audit.ledger.log import Ledger
from void_audit.model.clip import ClipInfo
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import FrameRange, Rect, Size
from void_audit.model.grid import grid_for
from void_audit.model.lifecycle import EditState, Signed, step_of
from void_audit.model.mask import PackedBitmaps
from void_audit.model.proof import LedgerAssertion, Receipt
from void_audit.model.reasoning import AffectedObject, Cell, Consequences, GridLocalization
from void_audit.model.records import KeyEvent, Predicate, Role, SealRecord, Statement, Subject
from void_audit.model.report import Report, State
from void_audit.model.track import Track
from void_audit.pipeline.reason.scripted import ScriptedReasoner
from void_audit.pipeline.synthesize.scripted import ScriptedRefiner, ScriptedSynthesizer
from void_audit.seal.base import EmbeddedData, SealedFile, SealRequest
from void_audit.seal.certificates import create_chain
from void_audit.seal.sealer import C2paSealer
from void_audit.settings import WorkspaceSettings
from void_audit.workflow import sealing
from void_audit.workflow.approving import approve
from void_audit.workflow.drafting import Choices
from void_audit.workflow.enrolment import enrol
from void_audit.workflow.evidence import ledger_assertion
from void_audit.workflow.masking import engine_mask
from void_audit.workflow.material import source_clip, supplied_clip
from void_audit.workflow.planning import plan_request
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import read_request
from void_audit.workflow.running import read_plan, run_edit
from void_audit.workflow.studio import Studio as Workshop

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SIZE = Size(96, 64)
FRAMES = 6
BOX = Rect(x=20, y=16, width=24, height=24)
"""Where the scripted segmenter finds the object, in working pixels (the clip is smaller than 384)."""


class SteppingClock:
    """One second later at each look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class BoxSegmenter:
    """Finds ``BOX`` on every frame."""

    def __init__(self) -> None:
        self.info = EngineInfo(name="scripted-box", version="1", kind="scripted", description="A fixed box.")

    def segment(self, clip, marks, progress=lambda *a: None) -> Track:
        size = clip.info.size
        bitmap = np.zeros((size.height, size.width), bool)
        bitmap[BOX.y : BOX.bottom, BOX.x : BOX.right] = True
        masks = PackedBitmaps(size, [bitmap] * clip.info.frames)
        clicked = tuple(sorted({c.frame for c in marks}))
        return Track(masks, (1.0,) * clip.info.frames, clicked, self.info)


def consequences(frames: int = FRAMES) -> Consequences:
    """A shadow in one cell to the right of the box, on all frames."""
    grid = grid_for(SIZE, 8)
    shadow = AffectedObject(
        noun="shadow", category="visual_artifact", why="It moves with the object.", will_move=False,
        frames=FrameRange(start=0, stop=frames),
        localizations=(GridLocalization(frame=0, cells=(Cell(row=4, col=6),)),),
    )  # fmt: skip
    return Consequences(
        grid=grid,
        instruction="Remove the box.",
        affected=(shadow,),
        summary="Scripted, not a model.",
        confidence=0.5,
    )


class ScriptedEngines:
    """Engines that answer at once."""

    def segmenter(self, settings):
        return BoxSegmenter()

    def reasoner(self, settings):
        return ScriptedReasoner(consequences())

    def synthesizer(self, settings, job):
        return ScriptedSynthesizer()

    def refiner(self, settings, job):
        return ScriptedRefiner()


def write_request(folder: Path, **changes: object) -> Path:
    """A request folder with a small clip."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "clip.mp4").exists():
        write_clip(folder / "clip.mp4", width=SIZE.width, height=SIZE.height, frames=FRAMES)
    (folder / "prompt.json").write_text('{"bg": "An empty gradient without a square."}')
    fields = {
        "object": "box",
        "instruction": "Remove the box.",
        "requester": "lois",
        "purpose": "trailer",
        "asset_class": "entertainment",
        "clicks": [{"frame": 0, "x": 30, "y": 28}],
        **changes,
    }
    (folder / "edit.yaml").write_text(json.dumps(fields))
    return folder


@dataclass
class Story:
    """An edit's records as they are about to be logged and sealed: a test may change anything in it."""

    records: list[tuple[Statement, str]]
    """Statement and the name of the key that signs it; several are joined by `` and ``."""
    evidence: dict[str, bytes] = field(default_factory=dict)
    """Blobs to add to, or to replace in, the manifest; empty bytes take one out."""
    embedded: dict[str, bytes] = field(default_factory=dict)
    output: Path | None = None
    """Another unsealed file than the recorded one."""
    seal_with: Path | None = None
    """Folder of another signing chain."""
    supplied: Callable[[Path | None], Path | None] = lambda path: path
    """Another clip to name as the one whose pictures were put in, or none."""
    seal: dict[str, object] = field(default_factory=dict)
    """Fields of the seal record to tell otherwise."""
    tamper: Callable[[LedgerAssertion], LedgerAssertion] = lambda assertion: assertion
    before_records: Callable[[Ledger], None] = lambda ledger: None

    def find(self, step: str) -> int:
        """Position of the last record of a kind (or ``kind:detail``)."""
        return max(i for i, (s, _) in enumerate(self.records) if step_of(s.predicate) == step)

    def change(self, step: str, subjects: dict[str, str] | None = None, **fields: object) -> None:
        """Change fields of a record, and its subjects."""
        at = self.find(step)
        statement, signer = self.records[at]
        predicate: Predicate = statement.predicate.model_copy(update=fields)
        listed = statement.subjects
        if subjects is not None:
            listed = tuple(Subject(name=n, digest={"sha256": d}) for n, d in subjects.items())
        self.records[at] = (Statement(subjects=listed, predicate=predicate), signer)


@dataclass(frozen=True)
class Sealed:
    """A file, and what to verify it with."""

    path: Path
    pins: Pins
    source: Path

    def verify(self, source: bool = False, receipt: bool = False, **pins: object) -> Report:
        """All obligations; without the receipt and the source unless they are asked for."""
        nothing = self.path.with_name("no.receipt")
        return verify(
            self.path,
            replace(self.pins, **pins),
            self.source if source else None,
            None if receipt else nothing,
        )


def states(report: Report) -> dict[int, State]:
    """Answers by number."""
    return {int(f.obligation): f.state for f in report.findings}


def failures(report: Report) -> set[int]:
    """Numbers of the obligations that fail."""
    return {number for number, state in states(report).items() if state is State.FAIL}


class Studio:
    """A house with an editor (lois), approvers (perry, jimmy), an administrator (admin) and a machine."""

    def __init__(self, folder: Path, packs: tuple[str, ...] = ("base",)) -> None:
        self.folder = folder
        self.clock = SteppingClock()
        place = Workspace(folder / "ws", folder / "models", lambda holder: None, clock=self.clock)
        settings = WorkspaceSettings(organisation="Daily Planet", origin="planet/void-audit/0", packs=packs)
        create_workspace(place, settings, "admin")
        self.place = Workspace(place.folder, place.models, place.ask, clock=self.clock)
        for name, role in (("lois", Role.EDITOR), ("perry", Role.APPROVER), ("jimmy", Role.APPROVER)):
            key = self.place.people.add(name, None)
            admin = self.place.person("admin")
            enrol(self.place.writing, self.place.blobs, admin, name, key.public_der, [role], self.clock())
        self.workshop: Workshop = replace(
            self.place.studio(), engines=ScriptedEngines(), approved_weights=lambda digest: False
        )

    def plan(self, request: Path | None = None, choices: Choices | None = None):
        """Plan a request as its requester."""
        folder = read_request(request or write_request(self.folder / "request"))
        requester = self.place.person(folder.request.requester)
        return plan_request(self.workshop, folder, requester, choices or Choices())

    def approve(self, edit: str, *names: str) -> None:
        """Approve by name."""
        for name in names or ("perry",):
            approve(self.workshop, edit, self.place.person(name))

    def run(self, edit: str, out: Path | None = None):
        """Run an edit."""
        return run_edit(self.workshop, edit, out)

    def edit(self, out: Path | None = None):
        """An honest edit, from request to file."""
        planned = self.plan()
        self.approve(planned.edit)
        return self.run(planned.edit, out or self.folder / "edited.mp4")

    def pins(self) -> Pins:
        """What this house hands out to verifiers."""
        return Pins(self.place.trust_pem(), self.place.log_vkey(), approved_weights=lambda digest: False)

    def sealed(self, path: Path) -> Sealed:
        """A finished file with this house's pins."""
        return Sealed(path, self.pins(), self.folder / "request" / "clip.mp4")

    def story(self, edit: str) -> Story:
        """The honest records up to the seal."""
        names = {self.place.people.load(n, None).key_id: n for n in self.place.people.names()}
        entries = self.place.reading.entries(edit=edit)
        records = [(e.statement, names.get(e.key_ids[0], "machine")) for e in entries]
        return Story([(s, n) for s, n in records if not isinstance(s.predicate, SealRecord)])

    def retell(self, edit: str, story: Story, name: str = "told.mp4") -> Sealed:
        """Log a story in a copy of the log that ends before the edit, and seal it."""
        workshop = self._past(edit, name)
        story.before_records(workshop.ledger)
        for statement, signer in story.records:
            signers = [self._signer(name) for name in signer.split(" and ")]
            workshop.ledger.append([dsse.seal(encode(statement), signers)])
        recorder = _Believing(workshop, edit)
        size = workshop.ledger.size
        assertion = story.tamper(_with(ledger_assertion(recorder, size), story.evidence))
        sealed = self._seal(recorder, story, assertion, name)
        self._receipt(recorder, story, sealed, size)
        return self.sealed(sealed.path)

    def _past(self, edit: str, name: str) -> Workshop:
        """A workshop whose log holds only what came before the edit."""
        folder = self.folder / f"{name}.ledger"
        log_key = self.place._service_key("log")
        ledger = Ledger.create(folder, self.place.settings.origin, log_key, folder.with_suffix(".mark"))
        for entry in self.place.reading.entries():
            if isinstance(entry.statement.predicate, KeyEvent):
                ledger.append([entry.envelope])
        return replace(self.workshop, ledger=ledger)

    def _seal(self, recorder: Recorder, story: Story, assertion: LedgerAssertion, name: str) -> SealedFile:
        state, blobs = recorder.state, self.workshop.blobs
        unsealed = self.folder / f"unsealed-{name}"
        digest = recorder.subject("output", "output")
        shutil.copy(story.output or blobs.path(blobs.ref(digest, "video/mp4")), unsealed)
        data = {
            sealing.PROMPT: blobs.read(state.prompt),
            sealing.PREVIEW: blobs.read(state.mask.preview),
            sealing.MASK: blobs.path(state.mask.mask).read_bytes(),
            **story.embedded,
        }
        sealer = C2paSealer.load(story.seal_with, None) if story.seal_with else self.workshop.sealer()
        request = SealRequest(
            unsealed=unsealed, destination=self.folder / name, source=source_clip(recorder).path,
            source_name="source clip", plan=read_plan(recorder), frame_rate="24/1",
            regions=sealing.edited_regions(engine_mask(recorder)), assertion=assertion,
            embedded=tuple(EmbeddedData(t, "application/octet-stream", c) for t, c in data.items()),
            approved=True, supplied=story.supplied(supplied_clip(recorder)),
        )  # fmt: skip
        return sealer.seal(request)

    def _receipt(self, recorder: Recorder, story: Story, sealed: SealedFile, log_size: int) -> None:
        ledger, path = recorder.studio.ledger, sealed.path
        record = SealRecord(
            **recorder.common(), unsealed=recorder.subject("output", "output"), manifest=sealed.manifest,
            certificate=sealed.certificate, log_size=log_size,
        ).model_copy(update=story.seal)  # fmt: skip
        statement = Statement(
            subjects=(Subject(name="sealed", digest={"sha256": sha256_file(path)}),), predicate=record
        )
        (index,) = ledger.append([dsse.seal(encode(statement), [self._signer("machine")])])
        receipt = Receipt(
            entry=ledger.prove(index),
            checkpoint=ledger.checkpoint(),
            consistency=tuple(h.hex() for h in ledger.consistency(log_size)),
        )
        path.with_name(path.name + ".receipt").write_text(receipt.model_dump_json())

    def _signer(self, name: str):
        return self.workshop.machine if name == "machine" else self.place.person(name)

    def attacker_chain(self) -> Path:
        """Somebody else's signing chain with the same name on it."""
        folder = self.folder / "attacker"
        if not folder.exists():
            create_chain(folder, "Daily Planet", None)
        return folder

    def dump(self, edit: str, folder: Path) -> None:
        """Every statement of an edit as a JSON file."""
        folder.mkdir(exist_ok=True)
        for entry in self.place.reading.entries(edit=edit):
            text = json.dumps(entry.statement.to_json(), indent=1)
            (folder / f"{entry.index:03}-{entry.statement.kind}.json").write_text(text)


class _Believing(Recorder):
    """A recorder that takes a story for granted, refused or not."""

    def __init__(self, workshop: Workshop, edit: str) -> None:
        self.studio, self.edit = workshop, edit
        state = EditState()
        for entry in workshop.ledger.entries(edit=edit):
            state = state.advance(Signed(entry.statement, entry.key_ids))
        self.state = state


def _with(assertion: LedgerAssertion, evidence: dict[str, bytes]) -> LedgerAssertion:
    merged = {**assertion.evidence, **{d: base64.b64encode(b).decode() for d, b in evidence.items()}}
    return assertion.model_copy(update={"evidence": {d: text for d, text in merged.items() if text}})


def clip_info(studio: Studio, edit: str) -> ClipInfo:
    """The recorded source's facts."""
    return Recorder(studio.workshop, edit).state.source.clip
