"""The VOID engine with random weights: speed, memory and likeness of its execution profiles.

`python -m benchmarks.void` on a GPU, `python -m benchmarks.void.memory` against clip length. README.md has the recipe.
"""
