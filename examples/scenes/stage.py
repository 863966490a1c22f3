"""The two scenes: what stands where, what moves, where the camera is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy
from mathutils import Vector

from . import materials as mat
from . import physics, room
from .primitives import box, sphere

RUN_UP = 12  # simulated frames before frame 0
GRAVITY = 9.81
RED, CREAM, NAVY = (0.62, 0.035, 0.02), (0.72, 0.66, 0.52), (0.02, 0.07, 0.20)


@dataclass(frozen=True)
class Plan:
    """What a clip is, besides its geometry."""

    name: str
    frames: int
    fps: int
    width: int
    height: int
    object_name: str
    still_without: bool  # nothing at all moves once the object is gone


PLANS = {
    "crossing": Plan("crossing", 50, 24, 864, 486, "ball", False),
    "topple": Plan("topple", 30, 12, 864, 486, "ball", True),
}


def camera(at: tuple[float, float, float], pitch: float, lens: float) -> Any:
    """A level 36 mm camera looking along +y, pitched by degrees."""
    data = bpy.data.cameras.new("camera")
    data.sensor_width, data.lens = 36.0, lens
    made = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(made)
    made.location = at
    made.rotation_euler = (math.radians(90.0 + pitch), 0.0, 0.0)
    bpy.context.scene.camera = made
    return made


def pan(made: Any, frames: int, first: float, last: float) -> None:
    """Turn the camera about its optical centre, slowly in and out; degrees, + is left."""
    for frame in range(-2, frames + 3):
        t = min(1.0, max(0.0, frame / (frames - 1)))
        ease = t - math.sin(2 * math.pi * t) / (2 * math.pi) * 0.6
        made.rotation_euler[2] = math.radians(first + (last - first) * ease)
        made.keyframe_insert("rotation_euler", frame=frame)


def play_ball(radius: float, at: Vector) -> Any:
    """The object that gets removed."""
    return sphere("ball", radius, tuple(at), mat.ball(RED, CREAM, NAVY))


def crossing(plan: Plan, with_object: bool) -> dict[str, physics.Motion]:
    """The ball rolls through the room and out of the picture; a pendant lamp swings."""
    hook = room.furnish()
    room.swing(hook, plan.frames, plan.fps, 1.38, 4.0)
    pan(camera((0.0, -2.5, 0.62), -4.6, 38.5), plan.frames, 1.3, -1.3)
    if not with_object:
        return {}
    radius, speed = 0.16, 0.86
    start = Vector((-0.86 - speed * RUN_UP / plan.fps, 0.0, radius))
    ball = play_ball(radius, start)
    physics.world()
    physics.body(bpy.data.objects["floor"], "MESH", friction=0.6)
    physics.body(ball, "SPHERE", mass=0.45, friction=0.6, bounce=0.3)
    physics.push(ball, start, speed, radius, RUN_UP - 4, plan.fps)
    noted = physics.simulate([ball], plan.frames + RUN_UP + 3)
    physics.replay([ball], noted, RUN_UP)
    return noted


def tower(x: float, y: float) -> list[Any]:
    """Four wooden blocks on top of each other, a little out of line."""
    tints = [
        ("block_oak", (0.42, 0.24, 0.10), (0.30, 0.15, 0.055)),
        ("block_blue", (0.05, 0.16, 0.26), (0.035, 0.11, 0.19)),
        ("block_ochre", (0.50, 0.30, 0.045), (0.38, 0.21, 0.03)),
        ("block_green", (0.06, 0.18, 0.09), (0.04, 0.13, 0.06)),
    ]
    size, blocks = 0.19, []
    for level, (name, light, dark) in enumerate(tints):
        at = (x + (0.006, -0.008, 0.005, 0.0)[level], y, size * (level + 0.5))
        turn = (0.0, 0.0, (4.0, -5.0, 7.0, -3.0)[level])
        grain = mat.wood(name, light, dark, 0.38, level % 2)
        blocks.append(box(f"block{level}", (size, size, size), at, grain, 0.008, turn))
    return blocks


def topple(plan: Plan, with_object: bool) -> dict[str, physics.Motion]:
    """The ball rolls into a tower of blocks and knocks it over."""
    room.furnish()
    camera((0.45, -2.3, 0.66), -8.0, 38.5)
    blocks = tower(0.42, 0.0)
    physics.world(120)
    physics.body(bpy.data.objects["floor"], "MESH", friction=0.6)
    for block in blocks:
        rigid = physics.body(block, "BOX", mass=0.5, friction=0.45, bounce=0.12)
        rigid.use_deactivation = rigid.use_start_deactivated = True
    movers = list(blocks)
    if with_object:
        radius, speed = 0.15, 2.1
        start = Vector((-0.95 - speed * RUN_UP / plan.fps, -0.03, radius))
        ball = play_ball(radius, start)
        physics.body(ball, "SPHERE", mass=1.1, friction=0.6, bounce=0.35)
        physics.push(ball, start, speed, radius, RUN_UP - 4, plan.fps)
        movers.append(ball)
    noted = physics.simulate(movers, plan.frames + RUN_UP + 3)
    if not with_object and physics.furthest(noted) > 1e-4:
        raise RuntimeError("the tower does not stand by itself")
    physics.replay(movers, noted, RUN_UP)
    return noted


def build(name: str, with_object: bool) -> tuple[Plan, dict[str, physics.Motion]]:
    """Build a scene from nothing; returns its plan and the noted motions."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    plan = PLANS[name]
    scene = bpy.context.scene
    scene.render.fps = plan.fps
    builder = {"crossing": crossing, "topple": topple}[name]
    noted = builder(plan, with_object)
    scene.frame_start, scene.frame_end = 0, plan.frames - 1
    return plan, noted
