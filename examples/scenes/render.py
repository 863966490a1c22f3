"""Render one pass of one scene to PNG files; frames that exist already are skipped.

The README beside this file gives the commands.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import bpy
from bpy_extras.object_utils import world_to_camera_view

from . import materials as mat
from .stage import Plan, build


def settings(plan: Plan, samples: int, percent: int, threads: int) -> None:
    """Cycles on the CPU, few bounces, denoised, AgX."""
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    cycles.device = "CPU"
    cycles.samples, cycles.seed = samples, 0
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_prefilter, cycles.denoising_input_passes = "FAST", "RGB_ALBEDO_NORMAL"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 2, 2
    cycles.transmission_bounces = cycles.volume_bounces = 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    cycles.blur_glossy = 0.5
    render.use_persistent_data = True
    render.threads_mode, render.threads = "FIXED", threads
    render.use_motion_blur, render.motion_blur_shutter = True, 0.25
    render.resolution_x, render.resolution_y = plan.width, plan.height
    render.resolution_percentage = percent
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.0
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode, render.image_settings.compression = "RGB", 30


def as_mask(object_name: str) -> None:
    """Turn the scene into a matte: the object white, all else black, nothing lit."""
    scene = bpy.context.scene
    white, black = mat.flat("mask_white", 1.0), mat.flat("mask_black", 0.0)
    for thing in list(scene.objects):
        if thing.type == "LIGHT":
            bpy.data.objects.remove(thing)
        elif thing.type == "MESH":
            for slot in thing.material_slots:
                slot.material = white if thing.name == object_name else black
    scene.world.node_tree.nodes["Background"].inputs[1].default_value = 0.0
    cycles = scene.cycles
    cycles.samples, cycles.use_denoising, cycles.use_adaptive_sampling = 16, False, False
    cycles.max_bounces = 0
    scene.view_settings.view_transform, scene.view_settings.look = "Raw", "None"
    scene.render.image_settings.color_mode = "BW"


def facts(plan: Plan, noted: dict[str, Any]) -> dict[str, Any]:
    """Where the object's centre is in the picture, and how all bodies move."""
    scene = bpy.context.scene
    thing = bpy.data.objects.get(plan.object_name)
    centres = []
    for frame in range(plan.frames):
        scene.frame_set(frame)
        if thing is not None:
            spot = world_to_camera_view(scene, scene.camera, thing.matrix_world.translation)
            x, y = spot.x * plan.width, (1 - spot.y) * plan.height
            centres.append([round(x, 2), round(y, 2)])
    paths = {name: [[round(v, 5) for v in where] for where in motion.where] for name, motion in noted.items()}
    return {"centres": centres, "paths": paths, "blender": bpy.app.version_string}


def frame_list(text: str, plan: Plan) -> list[int]:
    """``all``, ``7`` or ``0,25,49`` as frame numbers."""
    return list(range(plan.frames)) if text == "all" else [int(t) for t in text.split(",")]


def render_frames(plan: Plan, folder: Path, frames: list[int], still: bool) -> None:
    """Render what is missing; a scene that stands still is rendered once and copied."""
    scene = bpy.context.scene
    log = folder / "times.jsonl"
    for frame in frames:
        target = folder / f"{frame:04d}.png"
        if target.exists():
            continue
        if still and (folder / "0000.png").exists():
            shutil.copyfile(folder / "0000.png", target)
            continue
        began = time.perf_counter()
        scene.frame_set(frame)
        unfinished = folder / f"unfinished_{frame:04d}.png"
        scene.render.filepath = str(unfinished)
        bpy.ops.render.render(write_still=True)
        unfinished.rename(target)
        took = round(time.perf_counter() - began, 2)
        with log.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"frame": frame, "seconds": took}) + "\n")
        print(f"{plan.name} {folder.name} frame {frame}: {took} s", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", choices=("crossing", "topple"))
    parser.add_argument("what", choices=("with", "without", "mask"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", default="all")
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--percent", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    plan, noted = build(args.scene, args.what != "without")
    settings(plan, args.samples, args.percent, args.threads)
    folder = args.out / args.scene / args.what
    folder.mkdir(parents=True, exist_ok=True)
    found = facts(plan, noted)
    found["samples"] = args.samples
    (folder / "facts.json").write_text(json.dumps(found), encoding="utf-8")
    if args.what == "mask":
        as_mask(plan.object_name)
    still = args.what == "without" and plan.still_without
    render_frames(plan, folder, frame_list(args.frames, plan), still)


if __name__ == "__main__":
    main()
