"""A thin helper to write Cycles shader graphs as plain Python calls."""

from __future__ import annotations

from typing import Any

import bpy

Colour = tuple[float, float, float]


def rgba(colour: Colour) -> tuple[float, float, float, float]:
    """Linear RGB to the RGBA that colour sockets want."""
    return (*colour, 1.0)


class Graph:
    """The node tree of one new material with a Principled BSDF at its end."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()
        self.output = self.tree.nodes.new("ShaderNodeOutputMaterial")

    def node(self, kind: str, settings: dict[str, Any] | None = None, **inputs: Any) -> Any:
        """Add ``ShaderNode<kind>``; inputs are values or output sockets, by socket name."""
        made = self.tree.nodes.new("ShaderNode" + kind)
        for key, value in (settings or {}).items():
            setattr(made, key, value)
        for key, value in inputs.items():
            self.feed(made.inputs[key.replace("_", " ")], value)
        return made

    def feed(self, socket: Any, value: Any) -> None:
        """Link an output socket to an input, or set the input's constant."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, tuple) and len(value) == 3 and socket.type == "RGBA":
            socket.default_value = rgba(value)
        else:
            socket.default_value = value

    def math(self, operation: str, a: Any, b: Any = 0.0) -> Any:
        """One scalar operation; returns its output socket."""
        made = self.tree.nodes.new("ShaderNodeMath")
        made.operation = operation
        self.feed(made.inputs[0], a)
        self.feed(made.inputs[1], b)
        return made.outputs[0]

    def vector(self, operation: str, a: Any, b: Any) -> Any:
        """One vector operation; returns its output socket."""
        made = self.tree.nodes.new("ShaderNodeVectorMath")
        made.operation = operation
        self.feed(made.inputs[0], a)
        self.feed(made.inputs[1], b)
        return made.outputs[0]

    def mix(self, factor: Any, a: Any, b: Any, blend: str = "MIX") -> Any:
        """Mix two colours; returns the colour socket."""
        made = self.tree.nodes.new("ShaderNodeMix")
        made.data_type = "RGBA"
        made.blend_type = blend
        sockets = {s.identifier: s for s in made.inputs}
        self.feed(sockets["Factor_Float"], factor)
        self.feed(sockets["A_Color"], a)
        self.feed(sockets["B_Color"], b)
        return next(s for s in made.outputs if s.identifier == "Result_Color")

    def ramp(self, factor: Any, stops: list[tuple[float, Colour]], constant: bool = False) -> Any:
        """A colour ramp over ``stops``; returns the colour socket."""
        made = self.tree.nodes.new("ShaderNodeValToRGB")
        ramp = made.color_ramp
        ramp.interpolation = "CONSTANT" if constant else "LINEAR"
        while len(ramp.elements) < len(stops):
            ramp.elements.new(0.5)
        for element, (position, colour) in zip(ramp.elements, stops, strict=True):
            element.position = position
            element.color = rgba(colour)
        self.feed(made.inputs[0], factor)
        return made.outputs[0]

    def remap(self, value: Any, low: float, high: float) -> Any:
        """Map 0..1 to low..high."""
        return self.node("MapRange", Value=value, To_Min=low, To_Max=high).outputs[0]

    def coordinates(self, scale: tuple[float, float, float], random: bool = False) -> Any:
        """Object coordinates times ``scale``; ``random`` shifts them per object."""
        base = self.node("TexCoord").outputs["Object"]
        if random:
            shift = self.math("MULTIPLY", self.node("ObjectInfo").outputs["Random"], 40.0)
            base = self.vector("ADD", base, shift)
        return self.vector("MULTIPLY", base, scale)

    def noise(self, vector: Any, scale: float, detail: float = 3.0, distort: float = 0.0) -> Any:
        """Fractal noise; returns the scalar socket."""
        made = self.node("TexNoise", Vector=vector, Scale=scale, Detail=detail, Distortion=distort)
        return made.outputs[0]

    def bump(self, height: Any, strength: float, distance: float = 0.01) -> Any:
        """A bumped normal from a height field."""
        return self.node("Bump", Height=height, Strength=strength, Distance=distance).outputs[0]

    def principled(self, plain: Any = None, **inputs: Any) -> Any:
        """Finish with a Principled BSDF; returns the material.

        ``plain`` is the mean colour. Diffuse bounces see a flat surface of that colour, so the
        textures are evaluated only where the camera or a reflection looks: much faster.
        """
        shader = self.node("BsdfPrincipled", **inputs).outputs[0]
        if plain is not None:
            flat = self.node("BsdfDiffuse", Color=plain).outputs[0]
            choice = self.node("MixShader")
            self.feed(choice.inputs[0], self.node("LightPath").outputs["Is Diffuse Ray"])
            self.feed(choice.inputs[1], shader)
            self.feed(choice.inputs[2], flat)
            shader = choice.outputs[0]
        self.tree.links.new(shader, self.output.inputs["Surface"])
        return self.material
