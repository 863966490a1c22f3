"""Whose doing a change is: the object's own artefact, something it set off, or nothing to do with it.

Frame after frame every changed region gets one of three owners. What hangs on the object (or keeps its
place beside the moving object) is its artefact; what stays behind when the object leaves, or begins to
change close to the object or to something already affected, is affected; everything else, above all what
changed before it met the object, is independent and remains so. A change without any edge is light that
grows or fades: no contact causes that, so it is affected only where it was already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap
from void_audit.pipeline.reason.change import Change
from void_audit.pipeline.reason.shapes import at_edge, distance_to, grown, regions

Labels = npt.NDArray[np.uint8]
"""One owner per pixel: NONE, INDEPENDENT, ARTIFACT, AFFECTED or DEFLECTED."""

NONE, INDEPENDENT, ARTIFACT, AFFECTED, DEFLECTED = 0, 1, 2, 3, 4

_CRUMB = 0.1
"""Against what is a consequence in the same region: less that is independent is a fault of the comparison."""
_EDGED = 0.03
"""Share of a region's pixels: a thing as large as the picture is high still has more edge than that."""


@dataclass(frozen=True)
class Reach:
    """Distances in analysis pixels."""

    guard: float
    """Around the object: soft edge and motion blur of the object itself."""
    touch: float
    """A region this near to the object hangs on it."""
    near: float
    """What begins to change this near to the object, or to something affected, was set off by it."""
    cast: float
    """What grows dark this near to the object lies in its shadow, though it does not touch it."""
    step: float
    """How far the border of a region moves from frame to frame."""
    fringe: float
    """How wide the edge of a shadow is, too weak to be told from other changes."""
    smallest: int
    """Pixels; smaller regions are noise."""
    birth: int
    """Pixels; a smaller region that nothing led up to is nobody's yet."""

    @classmethod
    def for_object(cls, diagonal: float) -> Reach:
        """For an object whose typical diagonal is given, on pictures whose short side is 192."""
        return cls(
            guard=3.0,
            touch=6.0,
            near=float(np.clip(0.75 * diagonal, 14.0, 40.0)),
            cast=max(20.0, 1.5 * diagonal),
            step=4.0,
            fringe=8.0,
            smallest=12,
            birth=40,
        )


@dataclass(frozen=True)
class Scene:
    """One frame: where the object is, what differs, and what keeps its place beside the object."""

    covered: Bitmap
    change: Change
    beside: Bitmap
    first: bool
    """Nothing is known of the time before: nothing can begin on this frame."""
    moves: bool
    """Whether the object moves: if not, no shadow of its can appear."""
    hides: bool
    """Whether something independent may be behind the object, to come out again."""


def own(scene: Scene, before: Labels, reach: Reach) -> Labels:
    """Owners on this frame. ``before``: those of the frame before, in this frame's coordinates."""
    distance = distance_to(scene.covered)
    claims = {owner: _claim(before, owner, reach) for owner in (INDEPENDENT, ARTIFACT, AFFECTED, DEFLECTED)}
    labels = np.zeros(before.shape, np.uint8)
    for region in regions(scene.change.changed & (distance > reach.guard), reach.smallest):
        seeds = _seeds(region, scene, before, claims, distance, reach)
        if not seeds:
            seeds = {_newborn(region, scene, before, distance, reach): region}
        _divide(labels, region, seeds)
    return labels


def _claim(before: Labels, owner: int, reach: Reach) -> Bitmap:
    """Where what belongs to ``owner`` may have moved to: never where a consequence is, unless the object casts it."""
    claim = grown(before == owner, reach.step)
    if owner == ARTIFACT:
        return claim
    free = (before != AFFECTED) & (before != DEFLECTED)
    return np.asarray(claim & ((before == owner) | free), bool)


def own_backwards(scene: Scene, labels: Labels, after: Labels, reach: Reach) -> Labels:
    """Corrections that only the following frame (``after``, in this frame's coordinates) can tell.

    An object that has yet to enter sends its shadow ahead; what is affected began to be so while it still
    hung on the object.
    """
    labels = labels.copy()
    if not scene.covered.any():
        ahead = grown(after == ARTIFACT, reach.step)
        for region in regions(labels == INDEPENDENT, reach.smallest):
            if (region & ahead).sum() > 0.5 * region.sum():
                labels[region] = ARTIFACT
    its_own = scene.beside | scene.change.shadowed
    labels[(labels == ARTIFACT) & ~its_own & grown(after == AFFECTED, reach.step)] = AFFECTED
    return labels


def _seeds(
    region: Bitmap,
    scene: Scene,
    before: Labels,
    claims: dict[int, Bitmap],
    distance: npt.NDArray[np.float32],
    reach: Reach,
) -> dict[int, Bitmap]:
    """Where each owner has a claim on ``region``; ``claims``: where it may have moved to since ``before``.

    Dark or always beside the object: its artefact. Otherwise what hangs on the object is in contact with it.
    """
    its_own = scene.beside | scene.change.shadowed
    hangs = region & (distance <= reach.touch)
    dark = region & scene.change.shadowed & claims[ARTIFACT] & (distance <= reach.cast)
    artifact = (((hangs & its_own) | dark) & scene.change.transient) | (region & scene.beside)
    independent = region & claims[INDEPENDENT] & ~scene.beside
    affected = region & claims[AFFECTED] & ~scene.beside
    deflected = region & claims[DEFLECTED]
    contact = False
    if not (scene.first or scene.hides or independent.any() or deflected.any()) and hangs.any():
        # A shadow's fringe is too weak to be dark, but it has no edge: what has one there is the thing itself.
        edged = hangs & scene.change.edged & ~scene.change.transient & ~grown(region & its_own, 1.0)
        contact = bool(edged.sum() >= reach.smallest)
        affected |= hangs & ~grown(region & its_own, reach.fringe)
        if contact:
            affected |= edged
    left = region & (before == ARTIFACT) & ~its_own
    near = (distance[region] <= reach.near).any()
    if near and not artifact.any() and left.sum() > 0.2 * region.sum():
        affected |= left
    if artifact.any() and at_edge(scene.covered):  # what enters sends its shadow ahead, which was nobody's
        independent &= ~scene.change.shadowed
    if independent.sum() < _CRUMB * (artifact | affected | deflected).sum():
        independent = np.zeros_like(independent)
    seeds = {INDEPENDENT: independent, ARTIFACT: artifact, AFFECTED: affected, DEFLECTED: deflected}
    was = (region & (before == AFFECTED)).sum() > 0.5 * region.sum()
    if _only_light(region, scene) and not (contact or was):
        del seeds[AFFECTED]
    return {owner: seed for owner, seed in seeds.items() if seed.any()}


def _only_light(region: Bitmap, scene: Scene) -> bool:
    """Whether next to none of it has an edge: nothing came, went or moved there."""
    return bool((region & scene.change.edged).sum() < _EDGED * region.sum())


def _newborn(
    region: Bitmap, scene: Scene, before: Labels, distance: npt.NDArray[np.float32], reach: Reach
) -> int:
    """A region that nobody owned: it came in over the picture's edge, or something nearby set it off."""
    if scene.first or at_edge(region):
        return INDEPENDENT
    if region.sum() < reach.birth:
        return NONE
    dark = (region & scene.change.shadowed).sum() > 0.5 * region.sum()
    if scene.moves and dark and (distance[region] <= reach.cast).any():
        return ARTIFACT
    beside_object = (distance[region] <= reach.near).any() and not scene.hides
    beside_affected = (region & grown(before == AFFECTED, reach.near)).any()
    set_off = (beside_object or beside_affected) and not _only_light(region, scene)
    return AFFECTED if set_off else INDEPENDENT


def _divide(labels: Labels, region: Bitmap, seeds: dict[int, Bitmap]) -> None:
    """Every pixel of ``region`` goes to the owner of the nearest seed."""
    if len(seeds) == 1:
        labels[region] = next(iter(seeds))
        return
    owners = np.array(list(seeds), np.uint8)
    nearest = np.stack([distance_to(seed) for seed in seeds.values()]).argmin(axis=0)
    labels[region] = owners[nearest][region]
