"""A studio whose engines count their calls, and small ways of asking what its log holds."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from copies import copy_place
from simulator.studio import START, ScriptedEngines, SteppingClock, Studio, write_request

from void_audit.cli.workspace import Workspace
from void_audit.model.lifecycle import step_of
from void_audit.model.plan import EncoderSettings
from void_audit.workflow import masking
from void_audit.workflow.drafting import Choices

STORY = [
    "source", "intent", "policy-decision:intent", "segmentation", "query", "policy-decision:reason",
    "reasoning", "mask", "plan",
    "policy-decision:plan", "approval", "pass:1", "pass:2", "composite", "output", "policy-decision:output",
    "seal",
]  # fmt: skip
"""Steps of an honest edit."""

UPTO_PLAN = STORY[: STORY.index("approval")]

PREVIEW = b"\x89PNG\r\n\x1a\nnot a picture"

FAST = Choices(encoder=EncoderSettings(preset="ultrafast"))
COARSER = Choices(encoder=EncoderSettings(preset="ultrafast", crf=16))


@contextmanager
def quick() -> Iterator[None]:
    """Within: nothing waits for the disk, and the preview, which has its own tests, is a constant."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(masking, "preview", lambda clip, mask, schema: PREVIEW)
        yield


class CountingEngines(ScriptedEngines):
    """Scripted engines; ``calls`` says how often each has worked, ``before`` runs ahead of every call."""

    def __init__(self, before: Callable[[str], None] = lambda name: None) -> None:
        self.calls: Counter[str] = Counter()
        self.before = before

    def segmenter(self, settings):
        return self._counted(super().segmenter(settings), "segment")

    def reasoner(self, settings):
        return self._counted(super().reasoner(settings), "reason")

    def synthesizer(self, settings, job):
        return self._counted(super().synthesizer(settings, job), "synthesize")

    def refiner(self, settings, job):
        return self._counted(super().refiner(settings, job), "refine")

    def _counted(self, engine, name: str):
        work = getattr(engine, name)

        def counted(*args, **kwargs):
            self.before(name)
            self.calls[name] += 1
            return work(*args, **kwargs)

        setattr(engine, name, counted)
        return engine


class House(Studio):
    """The simulator's studio with counting engines."""

    def __init__(self, folder: Path, packs: tuple[str, ...] = ("base",)) -> None:
        super().__init__(folder, packs)
        self.request()  # whose clip is the source of all: equal requests have equal clips
        self.engines = CountingEngines()
        self.workshop = replace(self.workshop, engines=self.engines)

    @classmethod
    def copied(cls, template: Path, folder: Path) -> House:
        """A house that is a copy of one in ``template``: far faster than a new one."""
        copy_place(template, folder)
        return cls.reopen(folder, START + timedelta(hours=1))

    @classmethod
    def reopen(cls, folder: Path, now: datetime) -> House:
        """The house in a folder, as another process finds it."""
        house = cls.__new__(cls)
        house.folder, house.clock, house.engines = folder, SteppingClock(), CountingEngines()
        house.clock.now = now
        house.place = Workspace(folder / "ws", folder / "models", lambda holder: None, clock=house.clock)
        house.workshop = replace(
            house.place.studio(), engines=house.engines, approved_weights=lambda digest: False
        )
        return house

    def request(self, name: str = "request", **changes: object) -> Path:
        """A request folder; its own name makes it another request."""
        return write_request(self.folder / name, **{"note": name, **changes})

    def planned(self, name: str = "request", choices: Choices = FAST, **changes: object) -> str:
        """Id of a planned edit."""
        return self.plan(self.request(name, **changes), choices).edit

    def approved(self, name: str = "request", choices: Choices = FAST, **changes: object) -> str:
        """Id of a planned and approved edit."""
        edit = self.planned(name, choices, **changes)
        self.approve(edit)
        return edit

    def steps(self, edit: str) -> list[str]:
        """The edit's records in order."""
        return [step_of(e.statement.predicate) for e in self.place.writing.entries(edit=edit)]

    def last(self, edit: str):
        """The edit's newest record."""
        return list(self.place.writing.entries(edit=edit))[-1].statement.predicate

    def edits(self) -> list[str]:
        """Every edit that has a folder."""
        return self.workshop.edits.ids()

    def at(self, now: datetime) -> None:
        """Set the clock."""
        self.clock.now = now

    @contextmanager
    def damaged(self, sha256: str) -> Iterator[Path]:
        """Within: a byte in the middle of a stored blob is another one."""
        path = self.place.folder / "blobs" / "sha256" / sha256[:2] / sha256
        whole = path.read_bytes()
        data = bytearray(whole)
        data[len(data) // 2] ^= 1
        path.chmod(0o640)
        path.write_bytes(data)
        try:
            yield path
        finally:
            path.write_bytes(whole)


class FullDisk:
    """Lets ``room`` more durable writes through (``os.fsync``), then there is no space left."""

    def __init__(self, patch: pytest.MonkeyPatch, room: int) -> None:
        self.room, self.refused = room, 0
        patch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        if self.room <= 0:
            self.refused += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= 1
