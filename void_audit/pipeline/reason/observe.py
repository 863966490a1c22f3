"""Look at a clip in three passes (camera, background, changes) and keep what was found per grid cell.

Memory: a few sampled pictures of one segment, and compressed yes/no pictures; nothing else grows with the
length of the clip.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB, Clip
from void_audit.model.engine import Progress
from void_audit.model.geometry import Size
from void_audit.model.grid import cell_counts
from void_audit.model.mask import Bitmap, PackedBitmaps
from void_audit.model.reasoning import Grid
from void_audit.model.track import Track
from void_audit.pipeline.reason.attribution import (
    AFFECTED,
    ARTIFACT,
    DEFLECTED,
    INDEPENDENT,
    Labels,
    Reach,
    Scene,
    own,
    own_backwards,
)
from void_audit.pipeline.reason.camera import CameraFollower, Segment, project
from void_audit.pipeline.reason.change import Change, change_on
from void_audit.pipeline.reason.deflection import Meeting, Owned, deflections
from void_audit.pipeline.reason.occurrence import Occurrence
from void_audit.pipeline.reason.onward import Onward
from void_audit.pipeline.reason.photometric import guessed_shadow
from void_audit.pipeline.reason.plate import Plate, Sample, Sampler
from void_audit.pipeline.reason.shapes import centre_of, diagonal_of, distance_to, grown, regions

KINDS = ("shadow", "appearance", "guess", "affected", "deflected", "onward")
"""What a cell can hold: the object's shadow, its reflection or light, a guessed shadow, a thing set off,
a thing turned aside, the way on that such a thing would have gone."""

SHORT_SIDE = 192
_FEWEST_PIXELS = 2
_MOVES = 1.5
"""Pixels within five frames: less is the jitter of the mask."""
_HIDDEN = 15
"""Frames after which what went behind the object is not expected to come out any more."""
_ACCOMPANIES = 0.7
"""Share of the frames on which a place beside the object must differ to count as moving with it."""


@dataclass
class Observation:
    """All that the rules found. ``pixels[kind]`` is ``(frames, rows, cols)``: pixels of that kind in a cell."""

    grid: Grid
    size: Size
    """Analysis size: what pixels are counted in."""
    pixels: dict[str, npt.NDArray[np.uint16]]
    centres: list[tuple[float, float] | None]
    """Where the object is, in analysis pixels."""
    clean: npt.NDArray[np.float32]
    """Per frame, the share of the object's neighbourhood whose place was also seen without it."""
    segments: list[Segment]
    travelled: bool
    poor_frames: int


def analysis_size(size: Size) -> Size:
    """The size that frames are looked at: short side 192, never enlarged."""
    scale = min(1.0, SHORT_SIDE / min(size))
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))


def observe(clip: Clip, track: Track, grid: Grid, progress: Progress) -> Observation:
    """Run all passes. ``clip`` has the size of the track's masks and as many frames."""
    size = analysis_size(clip.info.size)
    small = PackedBitmaps(size, (_shrunk(mask, size) for mask in track.masks))
    diagonals = [diagonal_of(covered) for covered in small if covered.any()]
    follower = CameraFollower(size)
    for index, picture in enumerate(_pictures(clip, size)):
        follower.add(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8), small[index])
        progress("follow the camera", index + 1, clip.info.frames)
    frames = len(small)
    seen = Observation(
        grid=grid,
        size=size,
        pixels={kind: np.zeros((frames, grid.rows, grid.cols), np.uint16) for kind in KINDS},
        centres=[centre_of(covered) for covered in small],
        clean=np.zeros(frames, np.float32),
        segments=follower.finish(),
        travelled=False,
        poor_frames=follower.poor_frames,
    )
    diagonal = float(np.median(diagonals)) if diagonals else 0.0
    for segment in seen.segments:
        _SegmentPass(clip, small, segment, seen, diagonal, progress).run()
    return seen


class _SegmentPass:
    """Background, changes and owners of one segment."""

    def __init__(
        self, clip: Clip, covered: PackedBitmaps, segment: Segment, seen: Observation, diagonal: float,
        progress: Progress,
    ) -> None:  # fmt: skip
        self._clip, self._covered, self._segment, self._seen = clip, covered, segment, seen
        self._diagonal, self._progress = diagonal, progress
        self._reach = Reach.for_object(diagonal)
        self._far = max(0.75 * diagonal, 2 * self._reach.touch)

    def run(self) -> None:
        """Fill the observation for this segment's frames."""
        samples = self._samples()
        self._compare(self._plate(samples))
        if self._accompanied():
            clean = [replace(s, distance=np.where(self._beside(s.frame), 0, s.distance)) for s in samples]
            self._compare(self._plate(clean))
        self._seen.travelled |= self._occurrence.travelled
        owners = self._forwards([])
        met = deflections(lambda offset: self._owned(owners, offset), len(owners), self._reach)
        self._behind(self._backwards(self._forwards(met) if met else owners))
        self._go_on(met)

    def _frames(self) -> Iterator[tuple[int, RGB]]:
        start, stop = self._segment.start, self._segment.stop
        return enumerate(_pictures(self._clip, self._seen.size, start, stop), start)

    def _samples(self) -> list[Sample]:
        sampler = Sampler()
        for index, picture in self._frames():
            sampler.add(index, picture, self._covered[index])
            self._progress("background", index + 1, self._clip.info.frames)
        return sampler.samples

    def _plate(self, samples: list[Sample]) -> Plate:
        return Plate(self._segment, samples, self._seen.size, self._far, self._reach.guard + 1)

    def _beside(self, index: int) -> Bitmap:
        return np.asarray(self._occurrence.around(self._covered[index]) >= _ACCOMPANIES, bool)

    def _accompanied(self) -> bool:
        """Whether something moves along with the object further away than was taken for clean."""
        return any(
            (self._beside(index) & (distance_to(self._covered[index]) >= self._far)).any()
            for index in range(self._segment.start, self._segment.stop)
        )

    def _compare(self, plate: Plate) -> None:
        """Changes of all frames, from the beginning: the occurrence map too."""
        self._changes = tuple(PackedBitmaps(self._seen.size) for _ in range(4))
        self._occurrence = Occurrence(self._seen.size.height, self._seen.size.width)
        for index, picture in self._frames():
            covered = self._covered[index]
            view = plate.seen_from(index)
            distance = distance_to(covered)
            hidden = distance <= self._reach.guard
            change = change_on(picture, view, hidden, distance < self._diagonal, self._segment.still)
            found = (change.changed, change.transient, change.shadowed, change.edged)
            for kept, bitmap in zip(self._changes, found, strict=True):
                kept.append(bitmap)
            self._occurrence.add(covered, change.transient, view.far)
            self._look_around(index, picture, covered, view.far, distance)
            self._progress("compare", index + 1, self._clip.info.frames)

    def _look_around(
        self, index: int, picture: RGB, covered: Bitmap, far: Bitmap, distance: npt.NDArray[np.float32]
    ) -> None:
        """Whether this frame can be compared at all; where it cannot, guess."""
        around = (distance > self._reach.guard) & (distance <= max(0.3 * self._diagonal, self._reach.touch))
        clean = float(far[around].mean()) if around.any() else 1.0
        self._seen.clean[index] = clean
        if clean < 0.5:
            guess = guessed_shadow(picture, covered, self._reach.guard, self._reach.touch) & ~far
            self._seen.pixels["guess"][index] = cell_counts(guess, self._seen.grid)

    def _scene(self, offset: int) -> Scene:
        covered = self._covered[self._segment.start + offset]
        change = Change(*(kept[offset] for kept in self._changes))
        beside = self._beside(self._segment.start + offset)
        # Two people walking side by side keep their places too: only darkness and mirror images are taken.
        beside &= (change.shadowed | _under(covered)) & (distance_to(covered) <= self._reach.cast)
        return Scene(covered, change, beside, first=offset == 0, moves=self._moves(offset), hides=False)

    def _moves(self, offset: int) -> bool:
        """Whether the object moves against the camera around this frame, or enters or leaves."""
        near = range(max(0, offset - 2), min(len(self._segment.poses), offset + 3))
        places = [self._place_of(other) for other in near]
        known = [place for place in places if place is not None]
        return len(known) < len(places) or bool(np.ptp(np.array(known), axis=0).max() > _MOVES)

    def _place_of(self, offset: int) -> npt.NDArray[np.float64] | None:
        """Where the object is, in the segment's own coordinates."""
        centre = self._seen.centres[self._segment.start + offset]
        return None if centre is None else project(self._segment.poses[offset], np.array([centre]))[0]

    def _forwards(self, met: list[Meeting]) -> list[bytes]:
        """Owners of every frame; what was deflected (``met``) belongs to the object from the meeting on."""
        owners = []
        labels, met_at = self._blank(), -_HIDDEN
        for offset in range(len(self._segment.poses)):
            scene = replace(self._scene(offset), hides=offset - met_at < _HIDDEN)
            labels = own(scene, self._moved(labels, offset - 1, offset), self._reach)
            things = (labels == INDEPENDENT) & scene.change.edged & ~scene.change.shadowed
            if (things & grown(scene.covered, self._reach.touch)).any():
                met_at = offset
            for meeting in met:
                if meeting.offset == offset:
                    labels[meeting.region & (labels == INDEPENDENT)] = DEFLECTED
            owners.append(zlib.compress(labels.tobytes(), 1))
        return owners

    def _owned(self, owners: list[bytes], offset: int) -> Owned:
        labels = np.frombuffer(zlib.decompress(owners[offset]), np.uint8).reshape(self._blank().shape)
        return Owned(self._covered[self._segment.start + offset], labels, self._segment.poses[offset])

    def _backwards(self, owners: list[bytes]) -> list[bytes]:
        """The owners as the frames that follow correct them."""
        owners, after = owners.copy(), self._blank()
        for offset in reversed(range(len(owners))):
            labels = self._owned(owners, offset).labels
            scene = self._scene(offset)
            after = own_backwards(scene, labels, self._moved(after, offset + 1, offset), self._reach)
            self._note(self._segment.start + offset, after, scene)
            owners[offset] = zlib.compress(after.tobytes(), 1)
        return owners

    def _behind(self, owners: list[bytes]) -> None:
        """Where the object has moved in front of what it set off: cells that it fills, so nothing more is opened."""
        pixels, grid = self._seen.pixels["affected"], self._seen.grid
        size = cell_counts(np.ones(self._blank().shape, bool), grid)
        behind = self._blank()
        for offset in range(1, len(owners)):
            seen = self._owned(owners, offset)
            before = grown(self._owned(owners, offset - 1).labels == AFFECTED, self._reach.guard + 1)
            behind = self._moved(behind | before.astype(np.uint8), offset - 1, offset) & seen.covered
            filled = cell_counts(seen.covered, grid) == size
            pixels[self._segment.start + offset] += np.where(filled, cell_counts(behind > 0, grid), 0).astype(
                np.uint16
            )

    def _go_on(self, met: list[Meeting]) -> None:
        """The ways on of what was turned aside."""
        start, poses = self._segment.start, self._segment.poses
        for meeting in met:
            rests = not self._moves(meeting.offset - 1)
            path = Onward(meeting, poses, self._covered[start + meeting.offset] if rests else None)
            for offset in range(meeting.offset, len(poses)):
                counts = self._seen.pixels["onward"][start + offset]
                np.maximum(
                    counts, cell_counts(path.at(offset), self._seen.grid), out=counts, casting="unsafe"
                )

    def _note(self, index: int, labels: Labels, scene: Scene) -> None:
        artifact, dark = labels == ARTIFACT, cv2.medianBlur(scene.change.shadowed.astype(np.uint8), 5) > 0
        artifact &= ~_specks(artifact, scene.covered, self._reach)
        edge = grown(scene.covered, self._reach.guard) & ~scene.covered
        found = {
            "shadow": artifact & dark,
            "appearance": artifact & ~dark,
            "affected": labels == AFFECTED,
            "deflected": labels == DEFLECTED,
        }
        for kind, bitmap in found.items():
            reached = bitmap | (edge & grown(bitmap, self._reach.guard + 1))
            self._seen.pixels[kind][index] = cell_counts(reached, self._seen.grid)

    def _blank(self) -> Labels:
        return np.zeros((self._seen.size.height, self._seen.size.width), np.uint8)

    def _moved(self, labels: Labels, source: int, target: int) -> Labels:
        """Labels of frame ``source`` as frame ``target`` sees those places."""
        poses = self._segment.poses
        if self._segment.still or not 0 <= source < len(poses):
            return labels
        pose = np.linalg.inv(poses[target]) @ poses[source]
        warped = cv2.warpPerspective(labels, pose, tuple(self._seen.size), flags=cv2.INTER_NEAREST)
        return np.asarray(warped, np.uint8)


def cells_over_time(pixels: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Cells that matter, ``(frames, rows, cols)``: enough pixels, not for one frame only; gaps of one frame closed."""
    raw = pixels >= _FEWEST_PIXELS
    around = np.stack([cv2.dilate(frame.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0 for frame in raw])
    lasting = raw & (_later(around, 1) | _later(around, -1)) if len(raw) > 1 else raw
    return np.asarray(lasting | (_later(lasting, 1) & _later(lasting, -1)), bool)


def _specks(artifact: Bitmap, covered: Bitmap, reach: Reach) -> Bitmap:
    """Small regions away from the object: texture that the camera estimate has not quite matched."""
    specks, distance = np.zeros_like(artifact), distance_to(covered)
    for region in regions(artifact, 1):
        if region.sum() < reach.birth and (distance[region] > reach.touch).all():
            specks |= region
    return specks


def _under(covered: Bitmap) -> Bitmap:
    """Below the object's middle, no further to the sides than half its width: where a mirror image lies."""
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    under = np.zeros(covered.shape, bool)
    if len(rows):
        margin = (columns[-1] - columns[0] + 1) // 2
        under[(rows[0] + rows[-1]) // 2 :, max(0, columns[0] - margin) : columns[-1] + margin + 1] = True
    return under


def _later(cells: npt.NDArray[np.bool_], by: int) -> npt.NDArray[np.bool_]:
    moved = np.zeros_like(cells)
    if by > 0:
        moved[by:] = cells[:-by]
    else:
        moved[:by] = cells[-by:]
    return moved


def _pictures(clip: Clip, size: Size, start: int = 0, stop: int | None = None) -> Iterator[RGB]:
    for picture in clip.frames(start, stop):
        yield np.asarray(cv2.resize(picture, tuple(size), interpolation=cv2.INTER_AREA), np.uint8)


def _shrunk(mask: Bitmap, size: Size) -> Bitmap:
    """Any part of the object counts."""
    share = cv2.resize(mask.astype(np.uint8) * 255, tuple(size), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0, bool)
