"""A fine field of white Gaussian noise that optical flow carries from picture to picture (arXiv 2501.08331).

Between two pictures, old and new pixels form a bipartite graph. An old pixel is pushed to where the flow takes
it; a new pixel that nothing reached pulls from where the flow says it came from. An old pixel with several
edges is split into as many independent unit normals whose sum keeps its direction; a new pixel with several
edges merges them, weighted; one with none is drawn fresh. The graph does not look at the noise, so every state
is exactly white: independent, mean 0, variance 1.

All of it is computed by NumPy, channels apart from each other, so that the result depends on seed and flow
alone: on no device, and on no number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]
Steps = npt.NDArray[np.int32]
Positions = npt.NDArray[np.signedinteger]

CHANNELS = 16
LAYER = 4
"""Channels that one thread moves together, with a generator of their own."""

LEAST_WEIGHT = np.float32(1e-8)
"""Keeps the weights of what was stretched again and again from vanishing."""


@dataclass(frozen=True)
class Edges:
    """Which old pixel hands its noise to which new one, as indices into the flattened field."""

    source: Index
    target: Index
    gaps: Index
    """New pixels that nothing was pushed to: they pull, or they are fresh."""
    fresh: Index
    """New pixels without any edge."""


def edges_along(steps: Steps) -> Edges:
    """The graph between two states.

    Args:
        steps: ``(height, width, 2)``, x then y: an old pixel is pushed that far; a new one pulls from that far
            back.
    """
    height, width = steps.shape[:2]
    rows, columns = np.indices((height, width), steps.dtype, sparse=True)
    landing, inside = _flat(columns + steps[..., 0], rows + steps[..., 1], steps)
    source = np.flatnonzero(inside)
    target = landing.reshape(-1)[source]
    reached = np.zeros(height * width, np.bool_)
    reached[target] = True
    gaps = np.flatnonzero(~reached)
    row, column = np.divmod(gaps, width)
    back = steps.reshape(-1, 2)[gaps]
    origin, known = _flat(column - back[:, 0], row - back[:, 1], steps)
    return Edges(
        source=np.concatenate([source, origin[known]]),
        target=np.concatenate([target, gaps[known]]),
        gaps=gaps,
        fresh=gaps[~known],
    )


def _flat(x: Positions, y: Positions, steps: Steps) -> tuple[Index, npt.NDArray[np.bool_]]:
    """Flattened index of each position, and whether it lies inside the field."""
    height, width = steps.shape[:2]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return y.astype(np.intp) * width + x, inside


class Mixture:
    """The edges that do more than copy: their source has other edges, or their target has."""

    def __init__(self, edges: Edges, weight: Floats, rest: Floats) -> None:
        degree = np.bincount(edges.source, minlength=len(weight))
        arrivals = np.bincount(edges.target, minlength=len(weight))
        mixing = np.flatnonzero((degree[edges.source] > 1) | (arrivals[edges.target] > 1))
        mixing = mixing[np.argsort(edges.source[mixing], kind="stable")]
        self._source = edges.source[mixing]
        self._degree = degree[self._source].astype(np.float32)
        self._root = np.sqrt(self._degree)[:, None]
        self._split = np.flatnonzero(self._degree > 1)
        self._siblings = _starts(self._source[self._split])
        target = edges.target[mixing]
        self._order = np.argsort(target, kind="stable")
        self._merged = _starts(target[self._order])
        self.target = target[self._order][self._merged]
        self._weigh(weight, rest)

    def _weigh(self, weight: Floats, rest: Floats) -> None:
        """Weights, offsets and the factor of each edge: weight over the root of its target's sum of squares."""
        source = self._source[self._order]
        share = weight[source] / self._degree[self._order]
        norm = np.sqrt(np.add.reduceat(share * share, self._merged))
        arrivals = np.diff(self._merged, append=len(share))
        self._factor = (share / np.repeat(norm, arrivals))[:, None]
        # Summed in one order, so that a mean of halves is never more than a half.
        parts = np.column_stack([share, share[:, None] * rest[source]])
        sums: Floats = np.add.reduceat(parts, self._merged, axis=0)
        self.weight: Floats = sums[:, 0]
        self.offset: Floats = sums[:, 1:] / sums[:, :1]

    def noise(self, layer: Floats, generator: np.random.Generator) -> Floats:
        """Values of ``self.target`` from a layer ``(pixels, channels)`` of the old state."""
        rows = layer.take(self._source, axis=0)
        rows /= self._root
        rows[self._split] += self._zero_sums(generator, layer.shape[1])
        rows = rows.take(self._order, axis=0)
        rows *= self._factor
        merged: Floats = np.add.reduceat(rows, self._merged, axis=0)
        return merged

    def _zero_sums(self, generator: np.random.Generator, channels: int) -> Floats:
        """Unit normals less the mean of their siblings: what makes the children of a pixel independent."""
        drawn = generator.standard_normal((len(self._split), channels), np.float32)
        sizes = np.diff(self._siblings, append=len(drawn))
        means = np.add.reduceat(drawn, self._siblings, axis=0) / sizes[:, None].astype(np.float32)
        drawn -= np.repeat(means, sizes, axis=0)
        return drawn


def _starts(keys: Index) -> Index:
    """Where runs of equal keys begin."""
    return np.flatnonzero(np.diff(keys, prepend=-1))


class NoiseField:
    """``CHANNELS`` independent channels of white noise over ``height`` x ``width`` pixels, moved all by one flow.

    A pixel also has a weight, the amount of old noise in it (the mean of all is 1, and so is a fresh one's), and
    an offset, the part of its movement below one pixel: without it slow movement would be rounded away.
    """

    def __init__(self, height: int, width: int, generator: np.random.Generator) -> None:
        self._shape = (height, width)
        self._generators = generator.spawn(CHANNELS // LAYER)
        pixels = height * width
        self._layers = [each.standard_normal((pixels, LAYER), np.float32) for each in self._generators]
        self._weight: Floats = np.ones(pixels, np.float32)
        self._offset: Floats = np.zeros((pixels, 2), np.float32)

    def advance(self, flow: Floats) -> None:
        """Go on to the next picture. ``flow`` is ``(height, width, 2)``: x then y, in pixels of the field."""
        move = self._offset.reshape(flow.shape) + flow
        whole = np.rint(move)
        rest = (move - whole).reshape(-1, 2)
        edges = edges_along(whole.astype(np.int32))
        mixture = Mixture(edges, self._weight, rest)
        origin = np.zeros(len(self._weight), np.intp)
        origin[edges.target] = edges.source

        def moved(layer: Floats, generator: np.random.Generator) -> Floats:
            copied = layer.take(origin, axis=0)
            copied[mixture.target] = mixture.noise(layer, generator)
            copied[edges.fresh] = generator.standard_normal((len(edges.fresh), LAYER), np.float32)
            return copied

        with ThreadPoolExecutor(len(self._layers)) as threads:
            self._layers = list(threads.map(moved, self._layers, self._generators))
        weight, offset = self._weight[origin], rest[origin]
        weight[mixture.target], offset[mixture.target] = mixture.weight, mixture.offset
        weight[edges.fresh], offset[edges.gaps] = 1, 0
        weight += LEAST_WEIGHT
        self._weight = weight / weight.mean()
        self._offset = offset

    def pooled(self, side: int) -> Floats:
        """Sums over squares of ``side`` pixels, divided by ``side``: unit variance again.

        Returns ``(CHANNELS, height / side, width / side)``.
        """
        height, width = self._shape[0] // side, self._shape[1] // side
        return np.concatenate([_pooled(layer, height, width, side) for layer in self._layers])


def _pooled(layer: Floats, height: int, width: int, side: int) -> Floats:
    rows = layer.reshape(height, side, width * side * LAYER).sum(axis=1)
    sums = rows.reshape(height, width, side, LAYER).sum(axis=2)
    return np.asarray(sums.transpose(2, 0, 1) / np.float32(side), np.float32)
