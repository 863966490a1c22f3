"""The masks of an edit, as commands look at them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from void_audit.cli.workspace import Workspace
from void_audit.errors import OrderError, RequestError, WorkspaceError
from void_audit.ledger.blobs import BlobStore
from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.model.records import MaskState
from void_audit.workflow.recorder import state_of
from void_audit.workflow.revising import masks_of


@dataclass(frozen=True)
class MaskShelf:
    """Every mask that an edit had, in order, with the clip that they are for."""

    states: tuple[MaskState, ...]
    clip: VideoClip
    blobs: BlobStore

    @classmethod
    def of(cls, place: Workspace, edit: str) -> MaskShelf:
        """Those of one edit; needs no key.

        Raises:
            WorkspaceError: ``edit-unknown``.
            OrderError: ``mask-missing``.
            LedgerError: ``blob-missing``, ``blob-corrupt``.
        """
        state, states = state_of(place.reading, edit), tuple(masks_of(place.reading, edit))
        if not state.last:
            raise WorkspaceError("edit-unknown", f"No edit {edit!r}.", "`void-audit history` lists them.")
        if state.source is None or not states:
            raise OrderError(
                "mask-missing", f"Edit {edit} has no mask.", "`void-audit plan REQUEST` makes one."
            )
        source = place.blobs.ref(state.subjects["source"]["source"], "video/mp4")
        place.blobs.check(source)
        return cls(states, VideoClip(place.blobs.path(source), state.source.clip), place.blobs)

    def number(self, revision: int | None) -> int:
        """A revision's number; the newest by default. Raises RequestError ``revision-unknown``."""
        last = len(self.states) - 1
        if revision is not None and revision > last:
            there = f"They are 0 (the first) to {last}." if last else "There is only mask 0, the first."
            raise RequestError("revision-unknown", f"There is no mask {revision}.", there)
        return last if revision is None else revision

    def pair(self, before: int | None, after: int | None) -> tuple[int, int]:
        """Numbers of two masks to compare: by default the newest and the one before.

        Raises:
            RequestError: ``revision-unknown``.
        """
        last = self.number(after)
        if before is None and last == 0:
            raise RequestError(
                "revision-unknown", "There is no mask before mask 0.", "`void-audit mask edit` makes another."
            )
        return (self.number(before) if before is not None else last - 1), last

    def summary(self) -> list[dict[str, object]]:
        """Every mask by number: its root, where it comes from, and how much it changed the one before."""
        return [
            {
                "revision": number,
                "root": state.identity.root,
                "origin": getattr(state, "origin", ""),
                "changed_percent_max": getattr(state, "changed_percent_max", 0.0),
                "changes": list(getattr(state, "changes", ())),
            }
            for number, state in enumerate(self.states)
        ]

    def path(self, number: int) -> Path:
        """A mask's file, its digest checked."""
        self.blobs.check(self.states[number].mask)
        return self.blobs.path(self.states[number].mask)

    def mask(self, number: int) -> MaskFile:
        """A mask's pictures."""
        return MaskFile(self.path(number), self.states[number].mask_schema.values)

    def names(self, number: int) -> list[str]:
        """Names of a mask's classes, by index."""
        return [spec.name for spec in self.states[number].mask_schema.classes]


def mask_changes(mask: MaskState) -> list[str]:
    """What an import had to change, or which earlier mask was taken again."""
    imported = getattr(mask, "origin", "") == "imported"
    return [f"import: {change}" if imported else change for change in getattr(mask, "changes", ())]


def frames_of(text: str, frames: int) -> tuple[int, ...] | None:
    """Frame numbers from ``0,12,24``; None for an empty text.

    Raises:
        RequestError: ``option-value``.
    """
    if not text.strip():
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word[:9]) < frames for word in words):
        raise RequestError(
            "option-value",
            f"--frames {text[:80]!r}: not frames of 0 to {frames - 1}.",
            "E.g. --frames 0,12,24.",
        )
    return tuple(int(word) for word in words)
