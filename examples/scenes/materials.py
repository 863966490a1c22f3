"""Procedural materials of the room. Colours are linear RGB."""

from __future__ import annotations

from typing import Any

from .nodes import Colour, Graph


def floor() -> Any:
    """Oiled oak planks; ``plank`` is a per-plank random number stored on the mesh."""
    g = Graph("floor")
    shade = g.node("Attribute", {"attribute_name": "plank"}).outputs["Fac"]
    place = g.vector("ADD", g.node("TexCoord").outputs["Object"], g.math("MULTIPLY", shade, 31.0))
    along = g.vector("MULTIPLY", place, (1.1, 11.0, 1.0))
    rings = g.noise(along, 2.2, 3.0, 0.8)
    fibre = g.noise(g.vector("MULTIPLY", place, (6.0, 160.0, 1.0)), 1.0, 1.0)
    oak = g.ramp(
        rings,
        [
            (0.28, (0.15, 0.072, 0.030)),
            (0.47, (0.34, 0.185, 0.083)),
            (0.62, (0.45, 0.265, 0.130)),
            (0.8, (0.29, 0.150, 0.065)),
        ],
    )
    tone = g.ramp(shade, [(0.0, (0.62, 0.58, 0.55)), (1.0, (1.12, 1.06, 1.0))])
    colour = g.mix(1.0, oak, tone, "MULTIPLY")
    dark = g.remap(fibre, 0.72, 1.15)
    colour = g.mix(1.0, colour, dark, "MULTIPLY")
    scuff = g.noise(place, 5.0, 2.0)
    rough = g.math("ADD", g.remap(scuff, 0.07, 0.20), g.math("MULTIPLY", fibre, 0.07))
    normal = g.bump(fibre, 0.09, 0.002)
    return g.principled(
        plain=(0.33, 0.18, 0.082),
        Base_Color=colour,
        Roughness=rough,
        Normal=normal,
        Specular_IOR_Level=0.62,
    )


def wood(name: str, light: Colour, dark: Colour, rough: float = 0.4, axis: int = 0) -> Any:
    """Varnished wood with its grain along one object axis."""
    g = Graph(name)
    scale = [9.0, 9.0, 9.0]
    scale[axis] = 0.9
    place = g.coordinates((scale[0], scale[1], scale[2]), random=True)
    rings = g.noise(place, 1.6, 3.0, 1.2)
    fibre = g.noise(place, 14.0, 1.0)
    colour = g.ramp(rings, [(0.3, dark), (0.55, light), (0.75, dark)])
    colour = g.mix(1.0, colour, g.remap(fibre, 0.75, 1.2), "MULTIPLY")
    normal = g.bump(fibre, 0.08, 0.003)
    roughness = g.remap(fibre, rough - 0.08, rough + 0.1)
    mean = (light[0] * 0.7, light[1] * 0.7, light[2] * 0.7)
    return g.principled(plain=mean, Base_Color=colour, Roughness=roughness, Normal=normal)


def fabric(name: str, colour: Colour, second: Colour, weave: float = 260.0) -> Any:
    """Woven cloth: two thread colours, a fine bump and faint creases."""
    g = Graph(name)
    place = g.coordinates((1.0, 1.0, 1.0), random=True)
    blotch = g.noise(place, 6.0, 2.0, 0.6)
    thread = g.noise(g.vector("MULTIPLY", place, (1.0, 1.0, 2.5)), weave / 2, 1.0)
    mixed = g.mix(g.remap(thread, -0.6, 1.6), colour, second)
    mixed = g.mix(1.0, mixed, g.remap(blotch, 0.80, 1.18), "MULTIPLY")
    height = g.math("ADD", g.math("MULTIPLY", thread, 0.3), g.math("MULTIPLY", blotch, 2.0))
    return g.principled(
        plain=colour,
        Base_Color=mixed,
        Roughness=0.92,
        Normal=g.bump(height, 0.45, 0.012),
    )


def plaster(name: str, colour: Colour) -> Any:
    """Painted wall: roller stipple and very faint unevenness."""
    g = Graph(name)
    place = g.coordinates((1.0, 1.0, 1.0))
    stipple = g.noise(place, 70.0, 1.0)
    cloud = g.noise(place, 1.7, 1.0)
    tint = g.mix(1.0, colour, g.remap(cloud, 0.92, 1.06), "MULTIPLY")
    normal = g.bump(stipple, 0.22, 0.004)
    return g.principled(plain=colour, Base_Color=tint, Roughness=0.75, Normal=normal)


def paint(name: str, colour: Colour, rough: float = 0.45, metal: float = 0.0) -> Any:
    """Lacquer, ceramic or metal with a little grime so that it is not perfectly clean."""
    g = Graph(name)
    grime = g.noise(g.coordinates((1.0, 1.0, 1.0), random=True), 18.0, 2.0)
    return g.principled(
        plain=colour,
        Base_Color=g.mix(1.0, colour, g.remap(grime, 0.85, 1.1), "MULTIPLY"),
        Roughness=g.remap(grime, rough - 0.06, rough + 0.1),
        Metallic=metal,
        Normal=g.bump(grime, 0.03, 0.004),
    )


def book() -> Any:
    """Cloth binding in the object's own colour, with two gilt bands and a title block."""
    g = Graph("book")
    info = g.node("ObjectInfo")
    split = g.node("SeparateXYZ", Vector=g.node("TexCoord").outputs["Generated"])
    z = split.outputs[2]
    bands = g.math("MAXIMUM", _band(g, z, 0.13, 0.012), _band(g, z, 0.87, 0.012))
    shift = g.remap(info.outputs["Random"], 0.5, 0.72)
    title = g.math("LESS_THAN", g.math("ABSOLUTE", g.math("SUBTRACT", z, shift)), 0.09)
    letters = g.noise(g.coordinates((60.0, 60.0, 220.0), random=True), 1.0, 1.0)
    title = g.math("MULTIPLY", title, g.math("GREATER_THAN", letters, 0.53))
    mark = g.math("MULTIPLY", g.math("MAXIMUM", bands, title), 0.5)
    cloth = g.noise(g.coordinates((1.0, 1.0, 1.0), random=True), 300.0, 0.0)
    colour = g.mix(1.0, info.outputs["Color"], g.remap(cloth, 0.75, 1.2), "MULTIPLY")
    colour = g.mix(mark, colour, (0.62, 0.45, 0.2))
    normal = g.bump(cloth, 0.2, 0.002)
    plain = info.outputs["Color"]
    return g.principled(plain=plain, Base_Color=colour, Roughness=0.6, Normal=normal)


def _band(g: Graph, value: Any, centre: float, half: float) -> Any:
    away = g.math("ABSOLUTE", g.math("SUBTRACT", value, centre))
    return g.math("LESS_THAN", away, half)


def rug() -> Any:
    """A flat-woven rug: diamond lattice, border stripes, tufted surface."""
    g = Graph("rug")
    tex = g.node("TexCoord")
    split = g.node("SeparateXYZ", Vector=tex.outputs["Object"])
    x, y = split.outputs[0], split.outputs[1]
    diag_a = g.math("PINGPONG", g.math("ADD", x, y), 0.16)
    diag_b = g.math("PINGPONG", g.math("SUBTRACT", x, y), 0.16)
    lattice = g.math("LESS_THAN", g.math("MINIMUM", diag_a, diag_b), 0.022)
    centre = g.math("GREATER_THAN", g.math("MINIMUM", diag_a, diag_b), 0.115)
    gen = g.node("SeparateXYZ", Vector=tex.outputs["Generated"])
    edge_x = g.math("ABSOLUTE", g.math("SUBTRACT", gen.outputs[0], 0.5))
    edge_y = g.math("ABSOLUTE", g.math("SUBTRACT", gen.outputs[1], 0.5))
    edge = g.math("MAXIMUM", edge_x, edge_y)
    border = g.math("GREATER_THAN", edge, 0.44)
    stripe = _band(g, edge, 0.465, 0.009)
    colour = g.mix(lattice, (0.50, 0.46, 0.38), (0.055, 0.085, 0.13))
    colour = g.mix(centre, colour, (0.30, 0.20, 0.085))
    colour = g.mix(border, colour, (0.055, 0.085, 0.13))
    colour = g.mix(stripe, colour, (0.50, 0.46, 0.38))
    tuft = g.noise(tex.outputs["Object"], 240.0, 0.0)
    wear = g.noise(tex.outputs["Object"], 6.0, 2.0)
    colour = g.mix(1.0, colour, g.remap(tuft, 0.45, 1.35), "MULTIPLY")
    colour = g.mix(1.0, colour, g.remap(wear, 0.8, 1.15), "MULTIPLY")
    return g.principled(
        plain=(0.33, 0.29, 0.22),
        Base_Color=colour,
        Roughness=0.97,
        Normal=g.bump(tuft, 0.8, 0.01),
    )


def art(name: str, stops: list[Colour], scale: float) -> Any:
    """An abstract print: flat areas of colour with brushed edges."""
    g = Graph(name)
    place = g.coordinates((1.0, 1.0, 1.0), random=True)
    field = g.noise(place, scale, 1.5, 2.5)
    span = [(0.34 + 0.32 * i / len(stops), c) for i, c in enumerate(stops)]
    colour = g.ramp(field, span, constant=True)
    grain = g.noise(place, 160.0, 0.0)
    colour = g.mix(1.0, colour, g.remap(grain, 0.8, 1.15), "MULTIPLY")
    normal = g.bump(grain, 0.1, 0.002)
    return g.principled(plain=stops[0], Base_Color=colour, Roughness=0.35, Normal=normal)


def leaf() -> Any:
    """A waxy leaf with lighter veins; ``along`` runs -1..1 across the blade."""
    g = Graph("leaf")
    across = g.node("Attribute", {"attribute_name": "across"}).outputs["Fac"]
    vein = g.math("LESS_THAN", g.math("ABSOLUTE", across), 0.06)
    mottle = g.noise(g.coordinates((1.0, 1.0, 1.0)), 25.0, 1.0)
    colour = g.ramp(mottle, [(0.3, (0.014, 0.055, 0.012)), (0.7, (0.05, 0.14, 0.025))])
    colour = g.mix(vein, colour, (0.16, 0.26, 0.07))
    normal = g.bump(mottle, 0.15, 0.004)
    mean = (0.03, 0.10, 0.02)
    return g.principled(plain=mean, Base_Color=colour, Roughness=0.32, Normal=normal)


def glow(name: str, colour: Colour, strength: float) -> Any:
    """Lit cloth of a lamp shade, or a lamp's bulb."""
    g = Graph(name)
    weave = g.noise(g.coordinates((1.0, 1.0, 0.3)), 160.0, 2.0)
    lit = g.mix(1.0, colour, g.remap(weave, 0.75, 1.2), "MULTIPLY")
    return g.principled(Base_Color=lit, Roughness=0.8, Emission_Color=lit, Emission_Strength=strength)


def ball(first: Colour, second: Colour, third: Colour) -> Any:
    """A rubber play ball: two-coloured gores and a belt, slightly pebbled, a little dusty."""
    g = Graph("ball")
    place = g.node("TexCoord").outputs["Object"]
    split = g.node("SeparateXYZ", Vector=place)
    x, y, z = split.outputs
    turn = g.math("ADD", g.math("DIVIDE", g.math("ARCTAN2", z, x), 6.2831853), 0.5)
    gore = g.math("GREATER_THAN", g.math("FRACT", g.math("MULTIPLY", turn, 4.0)), 0.5)
    colour = g.mix(gore, first, second)
    radius = g.node("VectorMath", {"operation": "LENGTH"}).inputs[0]
    g.feed(radius, place)
    level = g.math("DIVIDE", y, radius.node.outputs["Value"])
    belt = g.math("GREATER_THAN", g.math("ABSOLUTE", level), 0.86)
    colour = g.mix(belt, colour, third)
    pebble = g.node("TexVoronoi", Vector=place, Scale=130.0).outputs["Distance"]
    dust = g.noise(place, 9.0, 2.0)
    colour = g.mix(1.0, colour, g.remap(dust, 0.82, 1.08), "MULTIPLY")
    mean = tuple((a + b) / 2 for a, b in zip(first, second, strict=True))
    return g.principled(
        plain=mean,
        Base_Color=colour,
        Roughness=g.remap(dust, 0.28, 0.5),
        Normal=g.bump(pebble, 0.12, 0.003),
    )


def flat(name: str, value: float) -> Any:
    """Shadeless grey, for masks."""
    g = Graph(name)
    shader = g.node("Emission", Color=(value, value, value), Strength=1.0)
    g.tree.links.new(shader.outputs[0], g.output.inputs["Surface"])
    return g.material
