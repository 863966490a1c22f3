"""Latents of an unfinished pass on disk, from which a killed pass goes on with the same result.

A state is a safetensors file whose metadata hold the key of everything that decides the latents, the number of
finished steps, and a SHA-256 over both and the tensor. Nothing else is ever resumed from: a damaged, truncated
or foreign file costs time, not truth.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
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

    def save(self, step: int, latents: torch.Tensor) -> None:
        """Keep the latents after ``step`` finished steps, durably. What the disk refuses becomes a warning."""
        if self._folder is None:
            return
        latents = latents.detach().cpu().contiguous()
        metadata = {"key": self._key, "step": str(step), "sha256": _digest(self._key, step, latents)}
        path = self._folder / f"{self._name}-{step:04d}.safetensors"
        try:
            with writing(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as partial:
                partial.write_bytes(serialised({LATENTS: latents}, metadata))
        except StorageError as error:
            # Its message has the path, which is of this machine; warnings become part of the record.
            self._warn(
                f"States of {self._name} could not be saved ({error.code}): a killed pass starts anew."
            )
            return
        self._saved = [*self._saved, path][-KEPT:]
        self._forget_others()

    def latest(self) -> tuple[int, torch.Tensor] | None:
        """The most advanced whole state of this very run: finished steps and latents on the CPU."""
        for path in sorted(self._files(), reverse=True):
            state = self._read(path)
            if state is not None:
                self._saved = [path]
                return state
        return None

    def _files(self) -> list[Path]:
        return [] if self._folder is None else list(self._folder.glob(f"{self._name}-*.safetensors"))

    def _read(self, path: Path) -> tuple[int, torch.Tensor] | None:
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
        step = metadata.get("step", "")
        if not step.isdecimal() or metadata.get("sha256") != _digest(self._key, int(step), latents):
            self._unused(path, "does not have its digest")
            return None
        return int(step), latents

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


def _digest(key: str, step: int, latents: torch.Tensor) -> str:
    return hashlib.sha256(f"{key} {step} {tensor_digest(latents)}".encode()).hexdigest()
