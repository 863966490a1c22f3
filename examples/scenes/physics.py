"""Rigid bodies: set up Bullet, run it once, and keep the result as keyframes.

Recorded keyframes make every frame reachable on its own, so that a render can stop and go on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bpy
from mathutils import Quaternion, Vector


@dataclass
class Motion:
    """Poses of one body, one per simulated frame."""

    where: list[Any] = field(default_factory=list)
    turn: list[Any] = field(default_factory=list)


def world(substeps: int = 40) -> None:
    """Switch the rigid-body world on."""
    scene = bpy.context.scene
    if scene.rigidbody_world is None:
        bpy.ops.rigidbody.world_add()
    scene.rigidbody_world.substeps_per_frame = substeps
    scene.rigidbody_world.solver_iterations = 40


def body(thing: Any, shape: str, mass: float = 0.0, friction: float = 0.5, bounce: float = 0.1,
         margin: float = 0.0) -> Any:  # fmt: skip
    """Make ``thing`` a rigid body; a mass of 0 makes it fixed."""
    bpy.context.view_layer.objects.active = thing
    bpy.ops.rigidbody.object_add(type="ACTIVE" if mass > 0 else "PASSIVE")
    rigid = thing.rigid_body
    rigid.collision_shape = shape
    rigid.friction, rigid.restitution = friction, bounce
    rigid.use_margin, rigid.collision_margin = True, margin
    if mass > 0:
        rigid.mass = mass
        rigid.linear_damping, rigid.angular_damping = 0.02, 0.02
    return rigid


def push(thing: Any, start: Vector, speed: float, radius: float, release: int, fps: int) -> None:
    """Roll a ball along +x by hand up to frame ``release``; from then on it is free."""
    thing.rotation_mode = "QUATERNION"
    tilt = Quaternion((0.0, 0.0, 1.0), 0.35) @ Quaternion((1.0, 0.0, 0.0), 0.3)
    for frame in range(1, release + 2):
        gone = speed * (frame - 1) / fps
        thing.location = start + Vector((gone, 0.0, 0.0))
        thing.rotation_quaternion = Quaternion((0.0, 1.0, 0.0), gone / radius) @ tilt
        thing.keyframe_insert("location", frame=frame)
        thing.keyframe_insert("rotation_quaternion", frame=frame)
    thing.rigid_body.kinematic = True
    thing.rigid_body.keyframe_insert("kinematic", frame=release)
    thing.rigid_body.kinematic = False
    thing.rigid_body.keyframe_insert("kinematic", frame=release + 1)


def simulate(things: list[Any], frames: int) -> dict[str, Motion]:
    """Run the world from frame 1 and note every body's pose at every frame."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, frames
    scene.rigidbody_world.point_cache.frame_start = 1
    scene.rigidbody_world.point_cache.frame_end = frames
    noted = {thing.name: Motion() for thing in things}
    for frame in range(1, frames + 1):
        scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        for thing in things:
            matrix = thing.evaluated_get(graph).matrix_world
            motion = noted[thing.name]
            turn = matrix.to_quaternion()
            if motion.turn and motion.turn[-1].dot(turn) < 0:
                turn.negate()
            motion.where.append(matrix.to_translation().copy())
            motion.turn.append(turn)
    return noted


def furthest(noted: dict[str, Motion]) -> float:
    """The longest way that any body ever got from where it began."""
    return max((at - m.where[0]).length for m in noted.values() for at in m.where)


def replay(things: list[Any], noted: dict[str, Motion], skip: int) -> None:
    """Drop the physics and key the noted poses; simulated frame ``skip`` + 1 is frame 0."""
    scene = bpy.context.scene
    scene.frame_set(1)
    bpy.ops.rigidbody.world_remove()
    for thing in things:
        thing.animation_data_clear()
        thing.rotation_mode = "QUATERNION"
        motion = noted[thing.name]
        for index, (where, turn) in enumerate(zip(motion.where, motion.turn, strict=True)):
            thing.location, thing.rotation_quaternion = where, turn
            thing.keyframe_insert("location", frame=index - skip)
            thing.keyframe_insert("rotation_quaternion", frame=index - skip)
