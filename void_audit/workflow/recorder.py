"""Reads an edit's records and writes the next one, never one that the lifecycle refuses."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import cv2
from pydantic import BaseModel

from void_audit.canon import dsse, jcs
from void_audit.canon.statement import encode
from void_audit.errors import DeniedError, LedgerError, OrderError, StorageError
from void_audit.identity.registry import KeyRegistry
from void_audit.ledger.erasures import Erasures
from void_audit.ledger.reader import LogReader
from void_audit.model.base import BlobRef
from void_audit.model.engine import RunFacts
from void_audit.model.lifecycle import EditState, Signed, Step, fold
from void_audit.model.records import Predicate, Statement, Subject
from void_audit.model.signing import Signer
from void_audit.model.subject import edit_subject
from void_audit.workflow.studio import Studio

ATTEMPTS = 100
"""How often a record is appended anew because another entry came first."""

LIBRARIES = ("numpy", "opencv-python-headless", "av", "pypatchmatch", "cel-expr-python", "c2pa-python")


def state_of(ledger: LogReader, edit: str) -> EditState:
    """Fold the edit's records; the state is empty where the ledger has none.

    Raises:
        OrderError: ``ledger-order`` if the log holds a sequence that the lifecycle refuses.
        LedgerError: the log's key events do not hold together.
    """
    holders = KeyRegistry.from_entries(ledger.key_events()).holders_of
    entries = (Signed(e.statement, holders(e.key_ids)) for e in ledger.entries(edit=edit))
    state, refusal = fold(entries)
    if refusal is not None:
        raise OrderError("ledger-order", f"Edit {edit}: {refusal}.", "Run `void-audit ledger fsck`.")
    return state


def refuse_erased(ledger: LogReader, edit: str) -> None:
    """Raises LedgerError ``blob-erased`` if the edit was erased: nothing can be made of what is left."""
    for entry in Erasures(ledger).of(edit_subject(edit)):
        raise LedgerError(
            "blob-erased",
            f"Edit {edit} was erased: entry {entry.index} of the log says so.",
            "What the log proves of it still holds; nothing more can be made of it. Make a new request.",
        )


class Recorder:
    """Writes one edit's records; ``state`` is what they say so far."""

    def __init__(self, studio: Studio, edit: str) -> None:
        """Raises LedgerError ``blob-erased`` if the edit was erased, and as ``state_of``."""
        self.studio = studio
        self.edit = edit
        refuse_erased(studio.ledger, edit)
        studio.ledger.settle()  # a record that a failed append left unsigned is a record, and not to be doubled
        self.state = state_of(studio.ledger, edit)
        self._started = time.monotonic()

    def common(self) -> dict[str, Any]:
        """Fields that every predicate has."""
        return {"claimed_time": self.studio.clock().isoformat(timespec="seconds"), "edit": self.edit}

    def record(self, predicate: Predicate, subjects: Mapping[str, str], signer: Signer | None = None) -> None:
        """Sign and append.

        Raises:
            OrderError: ``out-of-order`` if it may not come now.
            DeniedError: ``key-ended`` if the signer's key was revoked or rotated meanwhile.
            StorageError: ``ledger-busy``, and as ``Ledger.append``.
        """
        refusal = self.state.refuse(predicate)
        if refusal is not None:
            raise OrderError(
                "out-of-order", f"Edit {self.edit}: {refusal}.", "See `void-audit history EDIT`."
            )
        signer = signer or self.studio.machine
        statement = statement_of(predicate, subjects)
        self._append(dsse.seal(encode(statement), [signer]), signer.key_id)
        self.state = self.state.advance(Signed(statement, (self.holder_of(signer.key_id),)))

    def holder_of(self, key: str) -> str:
        """Whose key it is, whatever it was rotated from: the first key that they were enrolled with."""
        return self._registry().holder_of(key)

    def _registry(self) -> KeyRegistry:
        return KeyRegistry.from_entries(self.studio.ledger.key_events())

    def _append(self, envelope: bytes, signer: str) -> None:
        """At the very place for which the key was looked up: it may end while a long stage runs."""
        for _ in range(ATTEMPTS):
            size = self.studio.ledger.size
            key = self._registry().get(signer)
            if key is not None and not key.valid_at(size):
                raise DeniedError(
                    "key-ended",
                    f"Key {signer[:16]} counts no more since entry {key.ended}: it was revoked or rotated.",
                    "Give the command again: it goes on where it was, under the present key.",
                )
            try:
                self.studio.ledger.append([envelope], at=size)
            except OrderError:
                continue  # another entry came first
            return
        raise StorageError("ledger-busy", "Other processes keep writing to the ledger.", "Try again.")

    def subject(self, step: Step, name: str) -> str:
        """SHA-256 of the artifact called ``name`` in the newest record of ``step``."""
        return self.state.subjects[step][name]

    def start(self) -> None:
        """Start the clock of a stage."""
        self._started = time.monotonic()

    def run_facts(self, device: str | None = None) -> RunFacts:
        """Where and how long the stage ran, with what; ``device`` is what an engine says it ran on."""
        return RunFacts(
            device=device or self.studio.device,
            wall_seconds=round(time.monotonic() - self._started, 3),
            libraries=dict(libraries()),
        )

    def put_json(self, value: object, salted: bool = False) -> BlobRef:
        """Store a value's RFC 8785 bytes; ``salted`` if it is personal."""
        data = jcs.canonical(value.model_dump(mode="json") if isinstance(value, BaseModel) else value)
        media_type = "application/json"
        return self.put_personal(data, media_type) if salted else self.studio.blobs.put(data, media_type)

    def put_personal(self, data: bytes, media_type: str) -> BlobRef:
        """Store words of people, or about them: salted, and erased with the edit."""
        return self.studio.blobs.put(data, media_type, salted=True, subject=edit_subject(self.edit))


def refuse_stale(recorder: Recorder) -> None:
    """Raises OrderError ``plan-stale`` if mask or prompt are others than those of the present plan."""
    if recorder.state.plan_is_stale:
        raise OrderError(
            "plan-stale",
            f"The mask or the prompt of edit {recorder.edit} was revised after it was planned.",
            f"Plan it again: `void-audit plan {recorder.edit}`; the new plan needs new approvals.",
        )


@cache
def libraries() -> Mapping[str, str]:
    """What computes here: versions, and the kind of CPU, because kernels are chosen by it and round each its way."""
    features = [word.strip("*") for word in cv2.getCPUFeaturesLine().split() if not word.endswith("?")]
    return {
        "python": platform.python_version(),
        "cpu features": " ".join([platform.machine(), *features]),
        **{name: version(name) for name in LIBRARIES},
    }


def statement_of(predicate: Predicate, subjects: Mapping[str, str]) -> Statement:
    """A statement about artifacts given as name and SHA-256."""
    return Statement(
        subjects=tuple(Subject(name=name, digest={"sha256": digest}) for name, digest in subjects.items()),
        predicate=predicate,
    )
