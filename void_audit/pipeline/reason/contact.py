"""A reasoner made of rules: shadow, reflection, contact. It fills the schema that VOID's language model fills."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

import cv2
import numpy as np

from void_audit.canon.jcs import canonical
from void_audit.model.base import Scalar
from void_audit.model.clip import RGB, Clip, ClipInfo
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.geometry import Rect, Size
from void_audit.model.grid import grid_for
from void_audit.model.reasoning import AffectedObject, Consequences, Exchange, Grid, Reasoning
from void_audit.model.request import EditRequest
from void_audit.model.track import Track
from void_audit.pipeline.reason.check import check_consequences, check_track
from void_audit.pipeline.reason.findings import findings
from void_audit.pipeline.reason.observe import SHORT_SIDE, Observation, analysis_size, observe
from void_audit.pipeline.reason.pieces import pieces

VERSION = "3"

MOST_OBJECTS = 4
"""Each marked object is looked at by itself, up to so many: every one costs a look at the whole clip."""

_MOST_FINDINGS = 20
_LONGEST_SUMMARY = 4000
_AS_ONE = (
    "{marked} objects were marked, and the rules looked at {parts}: those that touch, or are too many, count as one, "
    "and what one of them causes may be missed. Check the mask by eye, or remove them one after another."
)

_BLIND = (
    "The rules compare pictures; they do not understand the scene. They cannot see what is hidden behind the "
    "object, causes that leave no visible trace or that are out of the picture, sound, or intent; they cannot "
    "tell what would have moved otherwise (for instance what the object held up or held back), nor real "
    "contact from passing in front. They cannot foresee: where something would have gone on, a path straight on is "
    "assumed."
)


class ContactReasoner:
    """Implements ``Reasoner`` with rules over camera-compensated background differences; no model.

    ``short_side_cells``: fineness of the grid. VOID's own is 8; a finer grid opens less of the picture.
    """

    def __init__(self, short_side_cells: int = 24) -> None:
        self._cells = short_side_cells

    @property
    def info(self) -> EngineInfo:
        """Says that these are rules."""
        return EngineInfo(
            name="contact",
            version=VERSION,
            kind="rules",
            description="Rules, not a model: finds the object's shadow and reflection, what begins to change where the "
            "object touches it, and what the object turns aside, by comparing frames with an estimate of the "
            "background.",
        )

    @property
    def settings(self) -> Mapping[str, Scalar]:
        """``short_side_cells`` of the grid, and ``analysis_short_side``: pixels, at most, that frames are seen at."""
        return {"short_side_cells": self._cells, "analysis_short_side": SHORT_SIDE}

    def reason(
        self, clip: Clip, track: Track, request: EditRequest, progress: Progress = no_progress
    ) -> Reasoning:
        """Consequences of removing the tracked object.

        Raises MaskError ``track-mismatch`` if the track is not of the clip's size and length.
        """
        check_track(clip.info, track)
        grid = grid_for(clip.info.size, self._cells)
        watched = _Digesting(clip)
        marked = len({mark.object for mark in request.marks})
        parts = pieces(track.masks, min(marked, MOST_OBJECTS))
        looks = [
            observe(watched, replace(track, masks=part), grid, _told(progress, number, len(parts)))
            for number, part in enumerate(parts, start=1)
        ]
        found = [findings(seen, request.object) for seen in looks]
        things, warnings = _joined(found, _of_each(looks))
        if len(parts) < marked:
            warnings.append(_AS_ONE.format(marked=marked, parts=len(parts)))
        consequences = Consequences(
            grid=grid,
            instruction=request.instruction,
            affected=tuple(things),
            summary=_summary(things, warnings),
            confidence=min(_confidence(seen, of_it) for seen, of_it in zip(looks, found, strict=True)),
        )
        return Reasoning(
            consequences=check_consequences(consequences, clip.info),
            exchange=Exchange(
                request=self._request(clip.info, track, request, grid, watched.digest()),
                reply=_reply(looks, things),
            ),
            engine=self.info,
            settings=self.settings,
            warnings=tuple(warnings),
        )

    def _request(
        self, info: ClipInfo, track: Track, request: EditRequest, grid: Grid, pictures: str
    ) -> bytes:
        """What was given to the rules, by digest."""
        return canonical(
            {
                "engine": self.info.name,
                "version": VERSION,
                "object": request.object,
                "instruction": request.instruction,
                "pictures": {
                    "width": info.width,
                    "height": info.height,
                    "frames": info.frames,
                    "sampled": "every frame",
                    "sha256": pictures,
                },
                "track": {"sha256": _track_digest(track), "segmenter": track.engine.name},
                "grid": grid.model_dump(),
                "analysis_size": list(analysis_size(info.size)),
                "opencv": cv2.__version__,
                "numpy": np.__version__,
            }
        )


class _Digesting:
    """A clip that hashes its pictures (RGB bytes, in order) the first time they are all handed out."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._hash = hashlib.sha256()
        self._next = 0
        self.info = clip.info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RGB]:
        """Pictures ``start`` to ``stop`` (excluded)."""
        for index, picture in enumerate(self._clip.frames(start, stop), start):
            if index == self._next:
                self._hash.update(np.ascontiguousarray(picture).data)
                self._next += 1
            yield picture

    def frames_backwards(self, stop: int | None = None, start: int = 0) -> Iterator[RGB]:
        """Pictures ``stop - 1`` down to ``start``."""
        return self._clip.frames_backwards(stop, start)

    def view(self, crop: Rect | None = None, size: Size | None = None) -> Clip:
        """The same clip seen through a crop and a scale."""
        return self._clip.view(crop, size)

    def digest(self) -> str:
        """SHA-256 in hexadecimal."""
        return self._hash.hexdigest()


def _track_digest(track: Track) -> str:
    digest = hashlib.sha256()
    for mask in track.masks:
        digest.update(np.packbits(mask).tobytes())
    return digest.hexdigest()


def _told(progress: Progress, number: int, of: int) -> Progress:
    if of == 1:
        return progress
    return lambda what, done, total: progress(f"Object {number}: {what}", done, total)


def _joined(found: list[list[AffectedObject]], warnings: list[str]) -> tuple[list[AffectedObject], list[str]]:
    """What was found of every object: the surest of it, and a warning more, where an answer cannot hold all."""
    things = [thing for of_one in found for thing in of_one]
    if len(things) <= _MOST_FINDINGS:
        return things, warnings
    surest = sorted(things, key=lambda thing: -thing.confidence)[:_MOST_FINDINGS]
    return surest, [
        *warnings,
        f"{len(things)} consequences were found; the {_MOST_FINDINGS} surest are named.",
    ]


def _of_each(looks: list[Observation]) -> list[str]:
    """The warnings of every look; where there are several, with whose they are."""
    if len(looks) == 1:
        return _warnings(looks[0])
    return [
        f"The object that is number {number} by size: {line}"
        for number, seen in enumerate(looks, start=1)
        for line in _warnings(seen)
    ]


def _warnings(seen: Observation) -> list[str]:
    visible = [index for index, centre in enumerate(seen.centres) if centre is not None]
    if not visible:
        return ["The object is not visible on any frame: nothing was looked for."]
    warnings = []
    blind = float((seen.clean[visible] < 0.5).mean())
    if blind > 0.25:
        warnings.append(
            f"On {100 * blind:.0f} % of the frames no other frame shows the object's surroundings without it: "
            "a shadow or reflection there can only be guessed. Check the mask by eye."
        )
    if len(seen.segments) > 1:
        warnings.append(
            f"The camera could not be followed through the whole clip: {len(seen.segments)} parts were looked "
            "at separately, and what was affected in one is not carried over to the next."
        )
    if seen.poor_frames:
        warnings.append(
            f"{seen.poor_frames} frames have too little texture to tell whether the camera moved."
        )
    return warnings


def _confidence(seen: Observation, things: list[AffectedObject]) -> float:
    """Rules are never sure; without a clean view of the surroundings, finding nothing means little."""
    visible = [index for index, centre in enumerate(seen.centres) if centre is not None]
    clean = float(seen.clean[visible].mean()) if visible else 0.0
    ground = 0.1 + 0.4 * clean + (0.1 if seen.travelled else 0.0)
    return round(min([ground, *(max(thing.confidence, 0.2) for thing in things)]), 2)


def _summary(things: list[AffectedObject], warnings: list[str]) -> str:
    found = " ".join(
        f"{thing.noun[0].upper()}{thing.noun[1:]} (frames {thing.frames.start} to {thing.frames.stop - 1}, "
        f"confidence {thing.confidence:.2f}): {thing.why}"
        for thing in things
    )
    parts = [
        "Found by rules, not by a model.",
        found or "Nothing was found that the object caused.",
        *warnings,
    ]
    return f"{' '.join(parts)[: _LONGEST_SUMMARY - len(_BLIND) - 1]} {_BLIND}"


def _reply(looks: list[Observation], things: list[AffectedObject]) -> bytes:
    """The raw findings, before they were put into words and checked; of each object what was seen."""
    seen = [
        {
            "analysis_size": list(seen.size),
            "segments": [[segment.start, segment.stop, segment.still] for segment in seen.segments],
            "object_travelled": seen.travelled,
            "clean_surroundings": [round(float(share), 3) for share in seen.clean],
            "pixels_per_frame": {kind: per.sum(axis=(1, 2)).tolist() for kind, per in seen.pixels.items()},
        }
        for seen in looks
    ]
    return canonical({"objects": seen, "affected": [thing.model_dump(mode="json") for thing in things]})
