"""Turn rendered frames into an example folder: clip, truth, exact mask, facts.

The README beside this file gives the command.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from . import sound
from .stage import GRAVITY, PLANS, RUN_UP, Plan

LICENCE = (
    "CC0-1.0. The footage and its sound were made entirely by this project with the scripts in "
    "examples/scenes; no third-party footage, models, textures or recordings are in it."
)


def read_facts(folder: Path) -> dict[str, Any]:
    """What the render noted beside its frames."""
    loaded: dict[str, Any] = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    return loaded


def frames_of(folder: Path, count: int, flag: int = cv2.IMREAD_COLOR) -> list[Any]:
    """All frames of one pass, in order; fails when one is missing."""
    found = [cv2.imread(str(folder / f"{i:04d}.png"), flag) for i in range(count)]
    missing = [i for i, image in enumerate(found) if image is None]
    if missing:
        raise SystemExit(f"{folder}: frames not rendered yet: {missing}")
    return found


def write_mp4(path: Path, images: list[Any], audio: Any, fps: int, crf: int) -> None:
    """H.264 High, yuv420p, tagged bt709, with stereo AAC."""
    tags = "colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv"
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        video = out.add_stream("libx264", rate=fps)
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.options = {
            "crf": str(crf), "preset": "veryslow", "profile": "high", "x264-params": tags,
        }  # fmt: skip
        context = video.codec_context
        context.color_range = int(ColorRange.MPEG)
        context.color_primaries = context.color_trc = context.colorspace = 1
        voice = out.add_stream("aac", rate=sound.RATE, layout="stereo")
        voice.bit_rate = 128_000
        for index, image in enumerate(images):
            rgb = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame = rgb.reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
            )
            frame.pts, frame.time_base = index, Fraction(1, fps)
            out.mux(video.encode(frame))
        out.mux(video.encode())
        heard = av.AudioFrame.from_ndarray(audio.astype(np.float32), "fltp", "stereo")
        heard.sample_rate, heard.pts, heard.time_base = sound.RATE, 0, Fraction(1, sound.RATE)
        out.mux(voice.encode(heard))
        out.mux(voice.encode())


def write_mask(path: Path, masks: list[Any], fps: int) -> None:
    """Lossless FFV1, 8-bit grey: 0 elsewhere, 255 on the object."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=fps)
        video.height, video.width = masks[0].shape
        video.pix_fmt = "gray"
        video.options = {"level": "3", "slicecrc": "1"}
        for index, mask in enumerate(masks):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(mask), format="gray")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            out.mux(video.encode(frame))
        out.mux(video.encode())


def knocks_of(facts: dict[str, Any], plan: Plan) -> list[sound.Knock]:
    """Impacts, read from sudden velocity changes in the recorded paths."""
    found = []
    for name, path in facts["paths"].items():
        if name == plan.object_name:
            continue
        where = np.array(path[RUN_UP:])
        velocity = np.diff(where, axis=0) * plan.fps
        change = np.diff(velocity, axis=0)
        fall = change + np.array([0.0, 0.0, GRAVITY / plan.fps])  # free fall is no impact
        jolt = np.minimum(np.linalg.norm(change, axis=1), np.linalg.norm(fall, axis=1))
        quiet_until = 0
        for frame in np.flatnonzero(jolt > 0.35):
            if frame < quiet_until or frame + 1 >= plan.frames:
                continue
            force = float(min(1.0, 0.25 + jolt[frame] / 3.0))
            side = float(np.clip(0.5 + (where[frame][0] - 0.45) / 2.4, 0, 1))
            found.append(sound.Knock((frame + 1) / plan.fps, side, round(force, 3)))
            quiet_until = frame + plan.fps // 6
    return sorted(found, key=lambda knock: knock.second)


def clip_sound(facts: dict[str, Any], plan: Plan, knocks: list[sound.Knock]) -> tuple[Any, Any]:
    """The sound of the clip and of its counterfactual."""
    count = round(plan.frames / plan.fps * sound.RATE)
    tone = sound.room_tone(count)
    path = np.array(facts["paths"][plan.object_name][RUN_UP - 1 : RUN_UP + plan.frames])
    speeds = np.linalg.norm(np.diff(path, axis=0), axis=1) * plan.fps
    sides = [x / plan.width for x, _ in facts["centres"]]
    mix = tone + sound.rolling(list(speeds), sides, path[0][2], plan.fps)
    mix += sound.clacks(knocks, count)
    return sound.limited(mix), sound.limited(tone)


def bounding_box(mask: Any) -> list[int] | None:
    """x, y, width, height of the white pixels, or nothing."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    x, y = int(columns[0]), int(rows[0])
    return [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1]


def seconds_per_frame(folders: Iterable[Path]) -> float | None:
    """Mean measured render time over the rendered frames."""
    lines = [
        json.loads(line)["seconds"]
        for folder in folders
        if (folder / "times.jsonl").exists()
        for line in (folder / "times.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return round(sum(lines) / len(lines), 2) if lines else None


def describe(
    plan: Plan, facts: dict[str, Any], masks: list[Any], base: Path, knocks: list[sound.Knock]
) -> dict[str, Any]:
    """The facts that go into scene.json."""
    height, width = masks[0].shape
    scale = width / plan.width
    noted = read_facts(base / "with")
    return {
        "name": plan.name,
        "fps": plan.fps,
        "frames": plan.frames,
        "width": width,
        "height": height,
        "object": {"name": plan.object_name, "what": "striped rubber ball"},
        "truth": "same scene, camera, seeds and light; physics run again without the object",
        "mask": "255 where the object covers at least half of the pixel during the shutter",
        "positions": [
            {
                "frame": i,
                "centre": [round(c * scale, 2) for c in centre],
                "box": bounding_box(mask),
                "area": int(np.count_nonzero(mask)),
            }
            for i, (centre, mask) in enumerate(zip(facts["centres"], masks, strict=True))
        ],
        "knock_seconds": [round(k.second, 3) for k in knocks],
        "render": {
            "blender": noted["blender"],
            "engine": "Cycles, CPU, OpenImageDenoise",
            "samples": noted["samples"],
            "seconds_per_frame": seconds_per_frame([base / "with", base / "without"]),
            "processor_threads_per_pass": 1,
        },
        "licence": LICENCE,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", choices=tuple(PLANS))
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--into", type=Path, required=True)
    args = parser.parse_args()
    plan, base = PLANS[args.scene], args.rendered / args.scene
    facts = read_facts(base / "mask")
    grey = frames_of(base / "mask", plan.frames, cv2.IMREAD_GRAYSCALE)
    masks = [np.where(image >= 128, 255, 0).astype(np.uint8) for image in grey]
    knocks = knocks_of(facts, plan)
    heard, quiet = clip_sound(facts, plan, knocks)
    args.into.mkdir(parents=True, exist_ok=True)
    write_mp4(args.into / "clip.mp4", frames_of(base / "with", plan.frames), heard, plan.fps, 16)
    truth = frames_of(base / "without", plan.frames)
    write_mp4(args.into / "truth.mp4", truth, quiet, plan.fps, 14)
    write_mask(args.into / "object_mask.mkv", masks, plan.fps)
    text = json.dumps(describe(plan, facts, masks, base, knocks), indent=1)
    (args.into / "scene.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
