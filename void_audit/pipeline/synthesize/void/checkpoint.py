"""Latents of an unfinished pass on disk, from which a killed pass goes on with the same result.

A state is a safetensors file whose metadata hold the key of everything that decides the latents, the number of
finished steps, what the report will say of the start, and a SHA-256 over these and the tensor. Nothing else
is ever resumed from: a damaged, truncated or foreign file costs time, not truth.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised

from void_audit.errors import StorageError
from void_audit.media.atomic import whole_file, writing
from void_audit.pipeline.synthesize.void.noise import tensor_digest

KEPT = 2
"""States of a pass that are kept: the one before serves where the last cannot be read."""

LATENTS = "latents"


@dataclass(frozen=True)
class State:
    """A pass so far: finished steps, the latents after them (on the CPU), and facts of the start."""

    step: int
    latents: torch.Tensor
    facts: Mapping[str, str]


def state_key(facts: Mapping[str, str]) -> str:
    """SHA-256 over everything that decides the latents, by name."""
    return hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()


class Checkpoints:
    """States of one pass, each durable before the next step begins.

    Args:
        folder: where they are kept, made at the first save; None keeps none.
        name: of the pass; files of other passes in the folder are not looked at.
        key: ``state_key`` of this run.

    Attributes:
        warnings: what could not be kept or used, for the report.
    """

    def __init__(self, folder: Path | None, name: str, key: str) -> None:
        self._folder, self._name, self._key = folder, name, key
        self._saved: list[Path] = []
        self.warnings: list[str] = []

    def save(self, state: State) -> None:
        """Keep a state, durably. What the disk refuses becomes a warning: a render is worth more than its state."""
        if self._folder is None:
            return
        told = json.dumps({"step": state.step, "facts": dict(state.facts)})
        metadata = {"key": self._key, "state": told, "sha256": _digest(told, state.latents)}
        path = self._folder / f"{self._name}-{state.step:04d}.safetensors"
        try:
            with writing(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as partial:
                partial.write_bytes(serialised({LATENTS: state.latents.contiguous()}, metadata))
        except StorageError as error:
            # Its message has the path, which is of this machine; warnings become part of the record.
            self._warn(
                f"States of {self._name} could not be saved ({error.code}): a killed pass starts anew."
            )
            return
        self._saved = [*self._saved, path][-KEPT:]
        self._forget_others()

    def latest(self) -> State | None:
        """The most advanced whole state of this very run."""
        for path in sorted(self._files(), reverse=True):
            state = self._read(path)
            if state is not None:
                self._saved = [path]
                return state
        return None

    def _files(self) -> list[Path]:
        return [] if self._folder is None else list(self._folder.glob(f"{self._name}-*.safetensors"))

    def _read(self, path: Path) -> State | None:
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                latents = file.get_tensor(LATENTS).clone()
        except (SafetensorError, OSError):
            self._unused(path, "cannot be read")
            return None
        if metadata.get("key") != self._key:
            self._unused(path, "is of another plan, device or library")
            return None
        told = metadata.get("state", "")
        if metadata.get("sha256") != _digest(told, latents):
            self._unused(path, "does not have its digest")
            return None
        return State(latents=latents, **json.loads(told))

    def _unused(self, path: Path, reason: str) -> None:
        self._warn(f"The saved state {path.name} {reason} and was not used.")

    def _forget_others(self) -> None:
        """What is left of other runs, and of writing that was killed."""
        abandoned = self._folder.glob(f".{self._name}-*.partial.safetensors") if self._folder else ()
        for path in {*self._files(), *abandoned} - set(self._saved):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _digest(told: str, latents: torch.Tensor) -> str:
    return hashlib.sha256(f"{told} {tensor_digest(latents)}".encode()).hexdigest()
