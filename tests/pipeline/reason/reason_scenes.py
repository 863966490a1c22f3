"""Small worlds drawn with known truth: a disc, its soft shadow, its reflection, blocks, other movers."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from void_audit.media.memory import ArrayClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Size
from void_audit.model.grid import fill_cells
from void_audit.model.mask import PackedBitmaps
from void_audit.model.request import EditRequest
from void_audit.model.track import Track

SIZE = Size(336, 192)
REQUEST = EditRequest(
    object="ball",
    instruction="Remove the ball.",
    background="An empty floor.",
    requester="a.editor",
    purpose="test",
    asset_class="entertainment",
)


def floor(size=SIZE, seed=5):
    """Smooth coloured texture with detail."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((size.height, size.width, 3), np.float32)
    for radius, weight in ((2, 40), (8, 160), (30, 500)):
        grain = rng.normal(size=picture.shape).astype(np.float32)
        picture += weight * cv2.GaussianBlur(grain, (0, 0), radius) * 0.4
    return np.clip(135 + picture, 30, 235)


def disc(centre, radius, size=SIZE, soft=0.0):
    """Coverage 0 to 1 of a disc (a ``(rx, ry)`` radius makes it an ellipse)."""
    rx, ry = (radius, radius) if np.isscalar(radius) else radius
    y, x = np.mgrid[: size.height, : size.width].astype(np.float32)
    away = np.hypot((x - centre[0]) / rx, (y - centre[1]) / ry)
    width = max(soft, 1.0 / min(rx, ry))
    return np.clip((1 - away) / width + 0.5, 0, 1).astype(np.float32)


@dataclass
class World:
    """Frames with the object, frames without what it caused, and where the object is."""

    pictures: list = field(default_factory=list)
    truths: list = field(default_factory=list)
    masks: list = field(default_factory=list)

    def add(self, picture, truth, mask, rng):
        noise = rng.normal(0, 1.0, picture.shape)
        for kept, image in ((self.pictures, picture + noise), (self.truths, truth + noise)):
            kept.append(np.clip(np.rint(image), 0, 255).astype(np.uint8))
        self.masks.append(mask > 0.05)

    @property
    def clip(self):
        return ArrayClip(self.pictures)

    @property
    def track(self):
        height, width = self.masks[0].shape
        engine = EngineInfo(name="drawn", version="1", kind="scripted", description="Exact.")
        masks = PackedBitmaps(Size(width, height), self.masks)
        return Track(masks, tuple(1.0 for _ in self.masks), (0,), engine)

    def caused(self, index, levels=4):
        """Pixels outside the object that the object changed by more than ``levels``."""
        delta = np.abs(self.pictures[index].astype(int) - self.truths[index]).max(axis=2)
        return (delta > levels) & ~self.masks[index]


def rolling_ball(
    frames=36, shadow=0.35, mirror=0.0, hover=0.0, start=40.0, speed=7.0, still=False, mover=False
):
    """A disc crosses the floor; a soft shadow lies to its lower right, a mirror image below it."""
    world, base, rng = World(), floor(), np.random.default_rng(1)
    ball = np.array([200.0, 60.0, 40.0], np.float32)
    for index in range(frames):
        x = 160.0 if still else start + speed * index
        at = (x, 100.0 - hover)
        truth = base.copy()
        if mover:
            other = disc((300.0 - 6 * index, 30.0), 9)[..., None]
            truth = truth * (1 - other) + np.array([40.0, 90.0, 200.0], np.float32) * other
        cover = disc(at, 16)[..., None]
        picture = truth.copy()
        if shadow:
            dark = disc((x + 16, 112.0), (24, 9), soft=0.9)[..., None]
            picture = picture * (1 - shadow * dark)
        if mirror:
            image = disc((x, 134.0), 14)[..., None] * mirror
            picture = picture * (1 - image) + ball * image
        picture = picture * (1 - cover) + ball * cover
        world.add(picture, truth, cover[..., 0], rng)
    return world


def pushed_block(frames=44, contact=16, unrelated=True, shadow=0.0, dawn=0.0):
    """A ball rolls to a block and stops; from ``contact`` on the block slides away. Another thing just passes.

    ``shadow``: the ball casts one ahead. ``dawn``: from ``contact`` on the left side grows brighter by itself, by
    up to so many levels.
    """
    world, base, rng = World(), floor(), np.random.default_rng(2)
    ball = np.array([200.0, 60.0, 40.0], np.float32)
    block_start = 190.0
    for index in range(frames):
        x = block_start - 18 - 14 - 6.0 * max(contact - index, 0)
        slide = min(max(index - contact, 0) * 4.0, 70.0)
        light = dawn * min(max(index - contact, 0) / 8, 1.0) * disc((70.0, 60.0), 80, soft=0.8)[..., None]
        truth, picture = base + light, base + light
        if shadow:
            picture *= 1 - shadow * disc((x + 16, 118.0), (26, 9), soft=0.9)[..., None]
        for image, at in ((truth, block_start), (picture, block_start + slide)):
            image[78:122, round(at - 14) : round(at + 14)] = (70, 150, 70)
            if unrelated:
                other = disc((300.0 - 5 * index, 25.0), 8)[..., None]
                image[:] = image * (1 - other) + np.array([40.0, 90.0, 200.0], np.float32) * other
        cover = disc((x, 104.0), 16)[..., None]
        picture = picture * (1 - cover) + ball * cover
        world.add(picture, truth, cover[..., 0], rng)
    return world


def visitor(bounces, frames=36, contact=18):
    """The object rests. A small disc comes from the left, and bounces off it or passes behind it."""
    world, base, rng = World(), floor(), np.random.default_rng(4)
    for index in range(frames):
        free = 164.0 - 5 * (contact - index)
        x = 164.0 - 2 * (index - contact) if bounces and index > contact else free
        images = [base.copy(), base.copy()]
        for image, at in zip(images, (free, x), strict=True):
            cover = disc((at, 104.0), 12)[..., None]
            image[:] = image * (1 - cover) + np.array([40.0, 90.0, 200.0], np.float32) * cover
        cover = disc((194.0, 100.0), 18)[..., None]
        picture = images[1] * (1 - cover) + np.array([200.0, 60.0, 40.0], np.float32) * cover
        world.add(picture, images[0], cover[..., 0], rng)
    return world


def landing(frames=36, contact=14, pace=5.0):
    """The object, a box, stands. A disc falls on its edge and stays there; without the box it falls to its foot."""
    world, base, rng = World(), floor(), np.random.default_rng(6)
    box = np.zeros((SIZE.height, SIZE.width, 1), np.float32)
    box[100:150, 160:230] = 1
    for index in range(frames):
        free = 88.0 - pace * (contact - index)
        images = [base.copy(), base.copy()]
        for image, y in zip(images, (min(free, 138.0), min(free, 88.0)), strict=True):
            cover = disc((158.0, y), 12)[..., None]
            image[:] = image * (1 - cover) + np.array([40.0, 90.0, 200.0], np.float32) * cover
        picture = images[1] * (1 - box) + np.array([200.0, 60.0, 40.0], np.float32) * box
        world.add(picture, images[0], box[..., 0], rng)
    return world


def pressed(frames=34, contact=14, pace=3.0):
    """The object comes down on a block; from ``contact`` on it squashes it, and hides where its top was."""
    world, base, rng = World(), floor(), np.random.default_rng(8)
    block = np.clip(0.6 * floor(Size(48, 70), seed=9) + (0, 60, 0), 0, 255).astype(np.float32)
    for index in range(frames):
        bottom = round(70 + pace * (index - contact))
        press = np.zeros((SIZE.height, SIZE.width, 1), np.float32)
        press[: max(0, bottom), 130:210] = 1
        low = max(0, bottom - 70)
        wide = low // 4
        truth, picture = base.copy(), base.copy()
        truth[70:140, 146:194] = block
        picture[70 + low : 140, 146 - wide : 194 + wide] = cv2.resize(block, (48 + 2 * wide, 70 - low))
        picture = picture * (1 - press) + np.array([200.0, 60.0, 40.0], np.float32) * press
        world.add(picture, truth, press[..., 0], rng)
    return world


def shaded(world):
    """The same world; a soft darkness that has nothing to do with the object passes over it."""
    for index in range(len(world.pictures)):
        dark = 1 - 0.3 * disc((20.0 + 9 * index, 125.0), (34, 22), soft=0.9)[..., None]
        for images in (world.pictures, world.truths):
            images[index] = np.clip(np.rint(images[index] * dark), 0, 255).astype(np.uint8)
    return world


def panned(world, speed=1.5):
    """The same world through a narrower window that slides to the right."""
    moved, width = World(), 240
    for index, (picture, truth, mask) in enumerate(
        zip(world.pictures, world.truths, world.masks, strict=True)
    ):
        left = np.array([[1, 0, -speed * index], [0, 1, 0]], np.float64)
        for kept, image in ((moved.pictures, picture), (moved.truths, truth)):
            kept.append(cv2.warpAffine(image, left, (width, SIZE.height), flags=cv2.INTER_LINEAR))
        shown = cv2.warpAffine(mask.astype(np.float32), left, (width, SIZE.height))
        moved.masks.append(shown > 0.01)
    return moved


def opened(consequences, info, wanted=lambda thing: True):
    """Per frame, the pixels in cells that are named: each localization holds until the next."""
    grid = consequences.grid
    cells = np.zeros((info.frames, grid.rows, grid.cols), bool)
    for thing in filter(wanted, consequences.affected):
        starts = [place.frame for place in thing.localizations] + [thing.frames.stop]
        for place, stop in zip(thing.localizations, starts[1:], strict=True):
            for cell in place.cells:
                cells[place.frame : stop, cell.row, cell.col] = True
    return np.stack([fill_cells(frame, info.size) for frame in cells])
