"""The living room: shell, daylight and furniture. The camera looks along +y.

The ball's lane is the strip of bare floor around y = 0; all furniture stands at y > 0.8.
"""

from __future__ import annotations

import math
from typing import Any

import bpy

from . import materials as mat
from .primitives import Dice, Vec, box, foliage, lathe, pillow, planks, puffed, surface

BACK = 3.3  # y of the back wall
LEFT, RIGHT = -3.3, 3.3  # x of the side walls
HEIGHT = 2.7
SHELF_COLOURS = [
    (0.02, 0.06, 0.13), (0.03, 0.10, 0.08), (0.30, 0.22, 0.10), (0.45, 0.42, 0.35),
    (0.10, 0.03, 0.05), (0.05, 0.05, 0.06), (0.34, 0.27, 0.05), (0.07, 0.16, 0.24),
    (0.22, 0.10, 0.05), (0.13, 0.18, 0.10), (0.50, 0.36, 0.28), (0.10, 0.07, 0.16),
]  # fmt: skip


def shell() -> None:
    """Floor, three walls with a window in the left one, skirting boards."""
    wall = mat.plaster("wall", (0.56, 0.545, 0.50))
    white = mat.paint("trim", (0.72, 0.71, 0.68), 0.35)
    planks("floor", (LEFT - 0.1, RIGHT + 0.1), (-3.4, BACK + 0.1), mat.floor())
    box("wall_back", (6.8, 0.1, HEIGHT), (0, BACK + 0.05, HEIGHT / 2), wall, 0)
    box("wall_right", (0.1, 7.0, HEIGHT), (RIGHT + 0.05, 0, HEIGHT / 2), wall, 0)
    low, high, near, far = 0.75, 2.25, -1.0, 1.9
    x = LEFT - 0.05
    span = (near + far) / 2
    box("wall_low", (0.1, 7.0, low), (x, 0, low / 2), wall, 0)
    box("wall_high", (0.1, 7.0, HEIGHT - high), (x, 0, (HEIGHT + high) / 2), wall, 0)
    box("wall_near", (0.1, near + 3.5, high - low), (x, (near - 3.5) / 2, 1.5), wall, 0)
    box("wall_far", (0.1, 3.5 - far, high - low), (x, (far + 3.5) / 2, 1.5), wall, 0)
    for i in range(4):
        box("mullion", (0.06, 0.05, high - low), (x, near + (far - near) * i / 3, 1.5), white)
    for z in (low + 0.02, 1.65, high - 0.02):
        box("sash", (0.06, far - near, 0.05), (x, span, z), white)
    box("sill", (0.22, far - near + 0.1, 0.04), (LEFT + 0.06, span, low - 0.02), white)
    box("skirting", (6.6, 0.018, 0.11), (0, BACK - 0.009, 0.055), white, 0.005)
    for side in (LEFT + 0.009, RIGHT - 0.009):
        box("skirting", (0.018, 6.6, 0.11), (side, 0, 0.055), white, 0.005)


def light() -> None:
    """Sky through the window, a low sun, and the soft return of the unseen half of the room."""
    sky = bpy.data.lights.new("sky", "AREA")
    sky.shape, sky.size, sky.size_y = "RECTANGLE", 1.45, 2.8
    sky.energy, sky.color = 210.0, (0.80, 0.90, 1.0)
    _hang(sky, (LEFT - 0.2, 0.45, 1.5), (0, -90, 0))
    sun = bpy.data.lights.new("sun", "SUN")
    sun.energy, sun.angle, sun.color = 5.0, math.radians(0.7), (1.0, 0.86, 0.66)
    _hang(sun, (0, 0, 5), (0, -64, 6))
    fill = bpy.data.lights.new("fill", "AREA")
    fill.shape, fill.size, fill.size_y = "RECTANGLE", 5.0, 4.0
    fill.energy, fill.color = 24.0, (1.0, 0.95, 0.88)
    _hang(fill, (0.6, -1.2, HEIGHT), (8, 0, 0))
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    node = world.node_tree.nodes["Background"]
    node.inputs[0].default_value = (0.75, 0.82, 0.95, 1.0)
    node.inputs[1].default_value = 0.22


def _hang(data: Any, at: Vec, turn: Vec) -> Any:
    lamp = bpy.data.objects.new(data.name, data)
    bpy.context.scene.collection.objects.link(lamp)
    lamp.location = at
    lamp.rotation_euler = tuple(math.radians(t) for t in turn)
    return lamp


def sofa(x: float, y: float) -> None:
    """A two-and-a-half seater facing the camera, with throw pillows."""
    cloth = mat.fabric("sofa", (0.085, 0.125, 0.155), (0.14, 0.185, 0.21))
    legs = mat.wood("sofa_leg", (0.20, 0.09, 0.035), (0.10, 0.04, 0.015), 0.35, 2)
    wide, deep = 1.9, 0.86
    puffed("sofa_base", (wide, deep, 0.24), (x, y, 0.25), cloth, 14)
    puffed("sofa_back", (wide, 0.24, 0.56), (x, y + deep / 2 - 0.1, 0.56), cloth, 9, (-7, 0, 0))
    for side in (-1, 1):
        arm = (x + side * (wide / 2 + 0.06), y, 0.36)
        puffed("sofa_arm", (0.2, deep + 0.04, 0.5), arm, cloth, 8)
        seat = (x + side * wide / 4, y - 0.08, 0.43)
        puffed("sofa_seat", (wide / 2 - 0.01, deep - 0.18, 0.18), seat, cloth, 5.5)
        rest = (x + side * wide / 4, y + 0.17, 0.68)
        puffed("sofa_rest", (wide / 2 - 0.04, 0.2, 0.42), rest, cloth, 4.2, (-13, 0, side * 1.5))
        for depth in (-1, 1):
            foot = (x + side * (wide / 2 - 0.06), y + depth * (deep / 2 - 0.07), 0.075)
            box("sofa_leg", (0.05, 0.05, 0.15), foot, legs, 0.008)
    mustard = mat.fabric("mustard", (0.42, 0.24, 0.035), (0.50, 0.31, 0.07), 200)
    linen = mat.fabric("linen", (0.50, 0.46, 0.39), (0.36, 0.33, 0.28), 160)
    spot = mat.art("ikat", [(0.45, 0.42, 0.35), (0.04, 0.16, 0.16), (0.45, 0.42, 0.35)], 14)
    pillow("pillow", 0.42, 0.17, (x - 0.66, y - 0.06, 0.70), mustard, (-22, 6, 14))
    pillow("pillow", 0.40, 0.16, (x + 0.68, y - 0.05, 0.70), linen, (-20, -8, -16))
    pillow("pillow", 0.33, 0.14, (x + 0.42, y - 0.16, 0.655), spot, (-26, 10, -6))


def bookshelf(x: float, y: float) -> None:
    """An open oak shelf with four boards of books and a few other things."""
    oak = mat.wood("shelf", (0.34, 0.19, 0.085), (0.22, 0.11, 0.045), 0.42, 0)
    post = mat.wood("shelf_side", (0.34, 0.19, 0.085), (0.22, 0.11, 0.045), 0.42, 2)
    wide, deep, tall, boards = 1.15, 0.3, 1.72, 5
    for side in (-1, 1):
        box("shelf_side", (0.025, deep, tall), (x + side * wide / 2, y, tall / 2), post, 0.003)
    box("shelf_rear", (wide, 0.01, tall - 0.05), (x, y + deep / 2, tall / 2), oak, 0)
    step = (tall - 0.12) / (boards - 1)
    binding = mat.book()
    for level in range(boards):
        z = 0.08 + level * step
        box("shelf_board", (wide - 0.025, deep, 0.024), (x, y, z), oak, 0.003)
        if level < boards - 1:
            _books(x - wide / 2 + 0.03, x + wide / 2 - 0.03, y, z + 0.012, step, level, binding)


def _books(left: float, right: float, y: float, z: float, room: float, level: int, binding: Any) -> None:
    dice = Dice(100 + level)
    gap: float | None = left + (right - left) * dice.uniform(0.5, 0.7)
    x = left
    while x < right - 0.03:
        if gap is not None and x > gap:
            _ornament(x + 0.09, y - 0.03, z, level)
            x += 0.19
            gap = None
            continue
        thick = dice.uniform(0.018, 0.048)
        tall = min(room - 0.05, dice.choice((0.21, 0.235, 0.26, 0.29)) + dice.uniform(-0.01, 0.01))
        deep = dice.uniform(0.15, 0.2)
        lean = dice.choice((0, 0, 0, 0, 0, 3.0, -2.5))
        at = (x + thick / 2, y - 0.15 + deep / 2 + dice.uniform(0.015, 0.035), z + tall / 2 + 0.001)
        made = box("book", (thick, deep, tall), at, binding, 0.002, (0, lean, 0))
        made.color = (*dice.choice(SHELF_COLOURS), 1.0)
        x += thick + (0.008 if lean else 0.0015)


def _ornament(x: float, y: float, z: float, level: int) -> None:
    tint = [(0.10, 0.22, 0.24), (0.55, 0.50, 0.42), (0.36, 0.14, 0.06), (0.30, 0.32, 0.20)][level]
    glaze = mat.paint(f"glaze{level}", tint, 0.22)
    profile = [(0.0, 0.0), (0.035, 0.0), (0.058, 0.04), (0.062, 0.09), (0.03, 0.15)]
    lathe("vase", [*profile, (0.022, 0.17), (0.03, 0.185), (0.024, 0.183)], (x, y, z), glaze)


def pictures(x: float, z: float) -> None:
    """Framed prints above the sofa."""
    black = mat.wood("frame_dark", (0.03, 0.025, 0.02), (0.015, 0.012, 0.01), 0.35, 0)
    oak = mat.wood("frame_oak", (0.36, 0.21, 0.10), (0.25, 0.13, 0.055), 0.4, 0)
    card = mat.paint("card", (0.66, 0.64, 0.59), 0.8)
    sea = [(0.62, 0.56, 0.45), (0.05, 0.16, 0.22), (0.40, 0.50, 0.48), (0.55, 0.30, 0.07)]
    land = [(0.60, 0.54, 0.44), (0.30, 0.12, 0.05), (0.06, 0.12, 0.07), (0.55, 0.42, 0.22)]
    prints = [mat.art("sea", sea, 4.5), mat.art("land", land, 5.5), mat.art("dusk", sea[::-1], 7)]
    spots = [(-0.62, 0.0, 0.44, 0.56), (-0.05, 0.05, 0.50, 0.40), (0.50, -0.02, 0.38, 0.50)]
    for (dx, dz, wide, tall), frame, sheet in zip(spots, (black, oak, black), prints, strict=True):
        at = (x + dx, z + dz)
        for sign in (-1, 1):
            upright = (at[0] + sign * wide / 2, BACK - 0.018, at[1])
            rail = (at[0], BACK - 0.018, at[1] + sign * tall / 2)
            box("frame", (0.026, 0.034, tall + 0.026), upright, frame, 0.003)
            box("frame", (wide, 0.034, 0.026), rail, frame, 0.003)
        box("mat", (wide, 0.006, tall), (at[0], BACK - 0.006, at[1]), card, 0)
        box("print", (wide * 0.68, 0.006, tall * 0.7), (at[0], BACK - 0.009, at[1]), sheet, 0)


def floor_lamp(x: float, y: float) -> None:
    """A brass floor lamp with a lit linen shade."""
    brass = mat.paint("brass", (0.55, 0.36, 0.13), 0.28, 1.0)
    shade = mat.glow("shade", (0.95, 0.70, 0.42), 1.15)
    lathe("lamp_foot", [(0.0, 0.02), (0.14, 0.018), (0.15, 0.01), (0.15, 0.0)], (x, y, 0), brass)
    lathe("lamp_pole", [(0.011, 0.0), (0.011, 1.3)], (x, y, 0.015), brass, 16)
    lathe("lamp_shade", [(0.205, 0.0), (0.15, 0.30)], (x, y, 1.2), shade, 64)
    bulb = bpy.data.lights.new("bulb", "POINT")
    bulb.energy, bulb.color, bulb.shadow_soft_size = 14.0, (1.0, 0.72, 0.42), 0.05
    _hang(bulb, (x, y, 1.36), (0, 0, 0))


def side_table(x: float, y: float) -> None:
    """A round side table with a mug and two lying books."""
    walnut = mat.wood("walnut", (0.17, 0.08, 0.035), (0.08, 0.035, 0.015), 0.3, 0)
    edge = [(0.0, 0.48), (0.23, 0.48), (0.24, 0.485), (0.24, 0.5), (0.232, 0.508), (0.0, 0.508)]
    lathe("table_top", edge, (x, y, 0), walnut, 72)
    for i in range(3):
        a = 2 * math.pi * i / 3 + 0.5
        foot = (x + 0.15 * math.cos(a), y + 0.15 * math.sin(a), 0.24)
        lean = (math.degrees(0.16 * math.sin(a)), -math.degrees(0.16 * math.cos(a)), 0)
        leg = lathe("table_leg", [(0.012, -0.245), (0.018, 0.245)], foot, walnut, 16)
        leg.rotation_euler = tuple(math.radians(t) for t in lean)
    binding = bpy.data.materials["book"]
    for i, colour in enumerate(((0.05, 0.16, 0.17), (0.45, 0.30, 0.08))):
        at = (x + 0.05, y + 0.02, 0.525 + 0.031 * i)
        made = box("book", (0.2 - 0.02 * i, 0.15, 0.03), at, binding, 0.003, (0, 0, 20 - 30 * i))
        made.color = (*colour, 1.0)
    glaze = mat.paint("mug", (0.60, 0.57, 0.50), 0.2)
    cup = [(0.0, 0.004), (0.036, 0.0), (0.041, 0.01), (0.041, 0.09), (0.037, 0.09), (0.036, 0.02)]
    lathe("mug", cup, (x - 0.11, y - 0.07, 0.508), glaze)


def plant(x: float, y: float) -> None:
    """A leafy plant in a ribbed clay pot."""
    clay = mat.paint("clay", (0.42, 0.17, 0.085), 0.7)
    soil = mat.paint("soil", (0.03, 0.02, 0.013), 0.95)
    pot = [(0.0, 0.0), (0.115, 0.0), (0.16, 0.27), (0.172, 0.275), (0.172, 0.325), (0.155, 0.325)]
    lathe("pot", [*pot, (0.148, 0.28)], (x, y, 0), clay, 72)
    lathe("soil", [(0.0, 0.29), (0.152, 0.285)], (x, y, 0), soil)
    foliage("plant", (x, y, 0.28), 34, 0.92, mat.leaf())


def curtain(x: float, y: float) -> None:
    """A hanging linen curtain at the window's far side, in soft folds."""
    linen = mat.fabric("curtain", (0.58, 0.53, 0.44), (0.50, 0.46, 0.38), 220)

    def place(u: float, v: float) -> Vec:
        wave = math.sin(u * 40) + 0.35 * math.sin(u * 71 + 1.3)
        spread = 0.75 + 0.25 * (1 - v)
        return (x + 0.055 * wave * spread, y + (u - 0.5) * 0.9 * spread, 0.03 + 2.4 * v)

    surface("curtain", 160, 24, place, linen)


def pendant(x: float, y: float, drop: float) -> Any:
    """A pendant lamp on its cord; the returned empty is the hook that it swings about."""
    hook = bpy.data.objects.new("pendant_hook", None)
    bpy.context.scene.collection.objects.link(hook)
    hook.location = (x, y, HEIGHT)
    enamel = mat.paint("enamel", (0.05, 0.15, 0.13), 0.25)
    cord = mat.paint("cord", (0.03, 0.03, 0.03), 0.7)
    bell = [(0.02, 0.17), (0.03, 0.13), (0.075, 0.10), (0.115, 0.05), (0.13, 0.0), (0.124, 0.002)]
    shade = lathe("pendant_shade", [*bell, (0.07, 0.095)], (0, 0, -drop), enamel, 64)
    wire = lathe("pendant_cord", [(0.004, -drop + 0.16), (0.004, 0.0)], (0, 0, 0), cord, 10)
    lit = mat.glow("pendant_bulb", (1.0, 0.78, 0.5), 2.5)
    bulb = lathe("pendant_bulb", [(0, -0.01), (0.03, 0.005), (0.03, 0.04)], (0, 0, -drop), lit, 24)
    for part in (shade, wire, bulb):
        part.parent = hook
    return hook


def swing(hook: Any, frames: int, fps: int, drop: float, degrees: float) -> None:
    """Let the pendant swing as a small-angle pendulum of its own length."""
    omega = math.sqrt(9.81 / drop)
    for frame in range(-2, frames + 3):
        angle = math.radians(degrees) * math.cos(omega * frame / fps + 0.6)
        hook.rotation_euler = (0.25 * angle, angle, 0)
        hook.keyframe_insert("rotation_euler", frame=frame)


def furnish() -> Any:
    """The whole room; returns the pendant's hook."""
    shell()
    light()
    weave = mat.rug()
    box("rug", (2.7, 1.25, 0.012), (-0.15, 1.42, 0.006), weave, 0.004)
    sofa(-0.35, 2.55)
    bookshelf(1.75, BACK - 0.17)
    pictures(-0.40, 1.33)
    floor_lamp(-1.72, 2.75)
    side_table(0.92, 2.35)
    plant(-1.95, 1.75)
    curtain(LEFT + 0.14, 2.35)
    return pendant(0.95, 2.3, 1.38)
