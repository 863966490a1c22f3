"""Meshes that the furniture is made of. Lengths are metres, z is up."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import bpy

Vec = tuple[float, float, float]
Dice = random.Random  # always seeded: the scenery must come out the same every time


def link(name: str, verts: Sequence[Vec], faces: Sequence[Sequence[int]], material: Any) -> Any:
    """A new object from vertices and faces, linked into the scene."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(verts, [], faces)
    mesh.materials.append(material)
    mesh.update()
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    return made


def smooth(thing: Any, angle: float | None = None) -> Any:
    """Smooth shading, with creases where faces meet at more than ``angle`` degrees."""
    for polygon in thing.data.polygons:
        polygon.use_smooth = True
    if angle is not None:
        thing.data.set_sharp_from_angle(angle=math.radians(angle))
    return thing


def box(name: str, size: Vec, at: Vec, material: Any, bevel: float = 0.006, turn: Vec = (0, 0, 0)) -> Any:
    """A block with rounded edges, centred at ``at``, turned by Euler degrees."""
    x, y, z = (s / 2 for s in size)
    verts = [(i * x, j * y, k * z) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    made = smooth(link(name, verts, faces, material))
    made.location = at
    made.rotation_euler = tuple(math.radians(t) for t in turn)
    if bevel > 0:
        modifier = made.modifiers.new("bevel", "BEVEL")
        modifier.width = bevel
        modifier.segments = 3
        modifier.harden_normals = True
    return made


def lathe(
    name: str, profile: Sequence[tuple[float, float]], at: Vec, material: Any, segments: int = 48
) -> Any:
    """A surface of revolution from (radius, height) pairs."""
    verts: list[Vec] = []
    for radius, height in profile:
        for i in range(segments):
            a = 2 * math.pi * i / segments
            verts.append((radius * math.cos(a), radius * math.sin(a), height))
    faces = []
    for ring in range(len(profile) - 1):
        for i in range(segments):
            j = (i + 1) % segments
            a, b = ring * segments, (ring + 1) * segments
            faces.append((a + i, a + j, b + j, b + i))
    made = smooth(link(name, verts, faces, material), 35.0)
    made.location = at
    return made


def sphere(name: str, radius: float, at: Vec, material: Any, segments: int = 96) -> Any:
    """A ball with a fine latitude-longitude mesh."""
    rings = segments // 2
    verts: list[Vec] = [(0, 0, radius)]
    for i in range(1, rings):
        t = math.pi * i / rings
        for j in range(segments):
            p = 2 * math.pi * j / segments
            x, y = math.sin(t) * math.cos(p), math.sin(t) * math.sin(p)
            verts.append((radius * x, radius * y, radius * math.cos(t)))
    verts.append((0, 0, -radius))
    last = len(verts) - 1
    faces: list[Sequence[int]] = []
    for j in range(segments):
        k = (j + 1) % segments
        faces.append((0, 1 + j, 1 + k))
        for i in range(rings - 2):
            a, b = 1 + i * segments, 1 + (i + 1) * segments
            faces.append((a + j, b + j, b + k, a + k))
        a = 1 + (rings - 2) * segments
        faces.append((a + j, last, a + k))
    made = smooth(link(name, verts, faces, material))
    made.location = at
    return made


def surface(name: str, columns: int, rows: int, place: Callable[[float, float], Vec], material: Any) -> Any:
    """A smooth sheet: ``place`` maps u, v in 0..1 to a point."""
    verts = [place(i / columns, j / rows) for j in range(rows + 1) for i in range(columns + 1)]
    step = columns + 1
    faces = [
        (j * step + i, j * step + i + 1, (j + 1) * step + i + 1, (j + 1) * step + i)
        for j in range(rows)
        for i in range(columns)
    ]
    return smooth(link(name, verts, faces, material))


def puffed(name: str, size: Vec, at: Vec, material: Any, power: float = 5.0, turn: Vec = (0, 0, 0)) -> Any:
    """An upholstered block: a superellipsoid, so flat in the middle and soft at the edges."""
    steps = 18
    verts: list[Vec] = []
    faces: list[Sequence[int]] = []
    for axis in range(3):
        for sign in (-1, 1):
            start = len(verts)
            for j in range(steps + 1):
                for i in range(steps + 1):
                    u, v = (math.tan((2 * t / steps - 1) * math.pi / 4) for t in (i, j))
                    point = [0.0, 0.0, 0.0]
                    point[axis], point[(axis + 1) % 3], point[(axis + 2) % 3] = sign, u, v
                    norm = sum(abs(p) ** power for p in point) ** (1 / power)
                    x, y, z = (p / norm * s / 2 for p, s in zip(point, size, strict=True))
                    verts.append((x, y, z))
            for j in range(steps):
                for i in range(steps):
                    a = start + j * (steps + 1) + i
                    quad = (a, a + 1, a + steps + 2, a + steps + 1)
                    faces.append(quad if sign > 0 else quad[::-1])
    made = link(name, verts, faces, material)
    weld = made.modifiers.new("weld", "WELD")
    weld.merge_threshold = 0.0005
    made.location = at
    made.rotation_euler = tuple(math.radians(t) for t in turn)
    return smooth(made)


def pillow(name: str, side: float, depth: float, at: Vec, material: Any, turn: Vec) -> Any:
    """A throw pillow: pinched at its seam, full in the middle."""

    def half(sign: float) -> Callable[[float, float], Vec]:
        def place(u: float, v: float) -> Vec:
            a, b = 2 * u - 1, 2 * v - 1
            x = side / 2 * a * (1 - 0.12 * a * a * (1 - b * b))
            z = side / 2 * b * (1 - 0.12 * b * b * (1 - a * a))
            full = max(0.0, (1 - a * a) * (1 - b * b)) ** 0.42
            return (x, sign * depth / 2 * full, z)

        return place

    front = surface(name, 28, 28, half(-1.0), material)
    back = surface(name + "_back", 28, 28, half(1.0), material)
    back.parent = front
    front.location = at
    front.rotation_euler = tuple(math.radians(t) for t in turn)
    return front


def planks(name: str, x: tuple[float, float], y: tuple[float, float], material: Any) -> Any:
    """A plank floor at z = 0 running along x, each plank chamfered and with its own number."""
    dice = Dice(7)
    width, length, chamfer, drop = 0.135, 1.45, 0.0016, 0.0022
    verts: list[Vec] = []
    faces: list[Sequence[int]] = []
    shades: list[float] = []
    row = y[0]
    while row < y[1]:
        start = x[0] - dice.random() * length
        while start < x[1]:
            end, top = start + length, row + width
            base = len(verts)
            outer = [(start, row), (end, row), (end, top), (start, top)]
            inner = [(start + chamfer, row + chamfer), (end - chamfer, row + chamfer)]
            inner += [(end - chamfer, top - chamfer), (start + chamfer, top - chamfer)]
            verts += [(a, b, -drop) for a, b in outer] + [(a, b, 0.0) for a, b in inner]
            faces.append((base + 4, base + 5, base + 6, base + 7))
            for i in range(4):
                j = (i + 1) % 4
                faces.append((base + i, base + j, base + 4 + j, base + 4 + i))
            shades += [dice.random()] * 5
            start = end
        row += width
    made = link(name, verts, faces, material)
    made.data.attributes.new("plank", "FLOAT", "FACE").data.foreach_set("value", shades)
    return made


def foliage(name: str, at: Vec, count: int, size: float, material: Any) -> Any:
    """Leaves arching out of one spot, the older ones lower and longer."""
    dice = Dice(11)
    verts: list[Vec] = []
    faces: list[Sequence[int]] = []
    across: list[float] = []
    for n in range(count):
        yaw = n * 2.399 + dice.uniform(-0.3, 0.3)
        lift = math.radians(88 - 58 * (n / count) + dice.uniform(-9, 9))
        reach = size * (0.65 + 0.45 * n / count) * dice.uniform(0.85, 1.1)
        droop = dice.uniform(0.9, 1.6)
        base, rows, wide = len(verts), 14, size * dice.uniform(0.10, 0.14)
        px, pz, pitch = 0.012, 0.0, lift
        for j in range(rows + 1):
            t = j / rows
            blade = max(0.0, t - 0.3) / 0.7
            half = wide * math.sin(math.pi * min(1.0, blade**0.75)) if blade > 0 else 0.0
            half = max(half, 0.004 * (1 - t))
            for s in (-1.0, -0.5, 0.0, 0.5, 1.0):
                fold = 0.25 * half * abs(s)
                qx, qy = px, s * half
                x = qx * math.cos(yaw) - qy * math.sin(yaw)
                y = qx * math.sin(yaw) + qy * math.cos(yaw)
                verts.append((x, y, pz + fold))
                across.append(s)
            px += reach / rows * math.cos(pitch)
            pz += reach / rows * math.sin(pitch)
            pitch -= droop / rows * (0.4 + 1.6 * t)
        for j in range(rows):
            for i in range(4):
                a = base + j * 5 + i
                faces.append((a, a + 1, a + 6, a + 5))
    made = link(name, verts, faces, material)
    made.data.attributes.new("across", "FLOAT", "POINT").data.foreach_set("value", across)
    made.location = at
    return smooth(made)
