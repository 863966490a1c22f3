"""Clips whose truth is known: an object moves over a texture that a camera looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from void_audit.media.memory import ArrayClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import MaskIdentity
from void_audit.model.plan import (
    CompositeSettings,
    EditPlan,
    EncoderSettings,
    FlowRefineSettings,
    Geometry,
    PropagateSettings,
    SchemaRef,
    Windows,
)

KEEP, AFFECTED, OVERLAP, REMOVE = 3, 2, 1, 0
WIDTH, HEIGHT = 160, 120


class ArrayMask:
    """A ClassSequence over arrays."""

    def __init__(self, masks: Sequence[np.ndarray]) -> None:
        self.masks = masks
        self.size = Size(masks[0].shape[1], masks[0].shape[0])

    def __len__(self) -> int:
        return len(self.masks)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        yield from self.masks[start:stop]


@dataclass
class Scene:
    clip: ArrayClip
    truth: list[np.ndarray]
    mask: ArrayMask
    motions: list[np.ndarray]

    @property
    def pictures(self) -> list[np.ndarray]:
        return list(self.clip.frames())


def texture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Detail on several scales, so that a smooth fill is far from it."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for scale, weight in ((2, 14.0), (5, 22.0), (17, 30.0), (60, 30.0)):
        noise = random.normal(size=(height // scale + 2, width // scale + 2, 3)).astype(np.float32)
        total += weight * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + total, 5, 250).astype(np.uint8)


def still(index: int) -> np.ndarray:
    return np.eye(3)


def wandering(index: int) -> np.ndarray:
    """A hand-held pan with a little turn, zoom and perspective."""
    angle, zoom = 0.0015 * index, 1 + 0.001 * index
    return np.array(
        [
            [zoom * np.cos(angle), -np.sin(angle), 1.37 * index],
            [np.sin(angle), zoom * np.cos(angle), 4 * np.sin(index / 4)],
            [1e-6 * index, 0, 1],
        ]
    )


def scene(
    frames: int = 24,
    path=lambda index: (20 + 5 * index, 60),
    motion=still,
    noise: float = 1.0,
    value: int = REMOVE,
    radius: int = 14,
    light=lambda index: 0.0,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    paint=None,
) -> Scene:
    """``motion(i)`` maps pixels of frame ``i`` to the world; ``path(i)`` is the object's centre or None."""
    world = texture(size[0] * 3, size[1] * 3)
    offset = np.array([[1, 0, size[0]], [0, 1, size[1]], [0, 0, 1]], float)
    random = np.random.default_rng(5)
    pictures, truth, masks, motions = [], [], [], []
    for index in range(frames):
        to_world = motion(index)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        clean = cv2.warpPerspective(world, offset @ to_world, size, flags=flags).astype(np.float32)
        clean = np.clip(clean + light(index), 0, 255)
        picture = clean.copy()
        classes = np.full(size[::-1], KEEP, np.uint8)
        centre = path(index)
        if centre is not None:
            cv2.circle(picture, centre, radius, (250, 20, 20), -1)
            cv2.circle(classes, centre, radius + 2, value, -1)
        if paint is not None:
            paint(index, picture, classes)
        grain = random.normal(scale=noise, size=picture.shape) if noise else 0.0
        pictures.append(np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8))
        truth.append(np.rint(clean).astype(np.uint8))
        masks.append(classes)
        motions.append(to_world)
    return Scene(ArrayClip(pictures), truth, ArrayMask(masks), motions)


def make_plan(
    size: Size = Size(WIDTH, HEIGHT),  # noqa: B008
    crop: Rect | None = None,
    scaled: Size | None = None,
    windows: Windows | None = None,
    seed: int = 7,
    feather: int = 4,
    **settings,
) -> EditPlan:
    crop = crop or Rect(x=0, y=0, width=size.width, height=size.height)
    scaled = scaled or Size(crop.width, crop.height)
    engine = EngineInfo(name="test", version="1", kind="scripted", description="")
    return EditPlan(
        edit="e1",
        source="0" * 64,
        request="0" * 64,
        prompt="0" * 64,
        mask_schema=SchemaRef(name="quadmask", sha256="0" * 64),
        mask=MaskIdentity(width=size.width, height=size.height, frames=1, root="0" * 64),
        engine=engine,
        refiner=engine,
        profile="native",
        geometry=Geometry(crop=crop, width=scaled.width, height=scaled.height),
        windows=windows or Windows(),
        pass1=PropagateSettings(**settings),
        pass2=FlowRefineSettings(),
        seed=str(seed),
        composite=CompositeSettings(feather=feather),
        encoder=EncoderSettings(),
    )


def telea(made: Scene) -> list[np.ndarray]:
    """The baseline that the prototype used."""
    return [
        cv2.inpaint(p, (m != KEEP).astype(np.uint8), 5, cv2.INPAINT_TELEA)
        for p, m in zip(made.pictures, made.mask.masks, strict=True)
    ]


def frame_before(made: Scene) -> list[np.ndarray]:
    """The baseline that copies the opened pixels of the frame before."""
    done = [made.pictures[0]]
    for picture, classes in zip(made.pictures[1:], made.mask.masks[1:], strict=True):
        done.append(np.where((classes != KEEP)[..., None], done[-1], picture))
    return done
