"""Deconvolution as inference: the fewest stamps of a layer's kernels that add up to a picture.

A picture y is explained by a code z if the kernels, each laid down where z says and as strongly as z says, add up to
it: S z = y, where S is the transposed convolution. There are more numbers in z than in y, so many codes do. The one
looked for is sparse: it makes ``|y - S z|^2 / 2 + weight * sum |z|`` least.

Source: zeiler2010deconvolutional, beck2009fast
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import GeometryError
from deconvviz.ops._linear_map import LinearMap
from deconvviz.types import Array

#: Steps of the power iteration, and how much its estimate, which comes from below, is raised.
POWER_STEPS, MARGIN = 100, 1.01


@dataclass(frozen=True, eq=False)
class SparseCode:
    """A code after some steps, and what each step reached.

    Attributes:
      code: z, of the map's input shape.
      objective: ``|y - S z|^2 / 2 + weight * sum |z|`` after each step.
      residual: ``|y - S z| / |y|`` after each step.
      nonzero: share of the code's numbers that are not zero, after each step.
    """

    code: np.ndarray
    objective: np.ndarray
    residual: np.ndarray
    nonzero: np.ndarray


def soft_threshold(z: Array, threshold: float | Array) -> jax.Array:
    """Every number moved towards zero by `threshold`, and those that are nearer set to zero.

    Formula: ``sign(z) max(|z| - threshold, 0)``: what makes ``(v - z)^2 / 2 + threshold |v|`` least over v.

    Source: daubechies2004iterative

    >>> soft_threshold(np.array([3.0, 0.5, -2.0]), 1.0).tolist()
    [2.0, 0.0, -1.0]
    """
    values = jnp.asarray(z)
    return jnp.sign(values) * jnp.maximum(jnp.abs(values) - threshold, 0)


def largest_gain(synthesis: LinearMap, steps: int = POWER_STEPS, seed: int = 0) -> float:
    """An upper estimate of the largest eigenvalue of S' S: a step of 1 over it never overshoots.

    Power iteration from a random code; it comes from below, so `MARGIN` is put on top.

    >>> double = LinearMap(lambda z: 2 * z, lambda y: 2 * y, (1, 2, 2, 1), (1, 2, 2, 1))
    >>> round(largest_gain(double), 2)
    4.04
    """
    start = np.random.default_rng(seed).standard_normal(synthesis.input_shape).astype(np.float32)

    def step(z: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        image = synthesis.adjoint(synthesis.forward(z))
        length = jnp.linalg.norm(image)
        return image / jnp.maximum(length, jnp.finfo(image.dtype).tiny), length

    first = jnp.asarray(start / np.linalg.norm(start))
    return MARGIN * float(jax.jit(lambda z: jax.lax.scan(step, z, None, length=steps)[1][-1])(first))


def sparse_codes(synthesis: LinearMap, y: Array, weight: float, steps: Sequence[int]) -> tuple[SparseCode, ...]:
    """The codes of a picture after these many steps of iterative shrinkage (ISTA) from zero.

    Formula: ``z <- soft_threshold(z + S' (y - S z) / L, weight / L)``, L from `largest_gain`. The objective
    never rises. The first step from zero is a convolution of the picture, then a threshold: a layer of a network.

    Args:
      synthesis: S, from codes to pictures: `conv_map(...).transpose` for the kernels of a convolution.
      y: the picture, of S's output shape.
      weight: of the code's absolute values; above 0.
      steps: numbers of steps, 1 or more, in rising order.

    Returns:
      a `SparseCode` for each of them.

    Raises:
      GeometryError: a picture of another shape, or a weight or numbers of steps that cannot be.

    Source: beck2009fast, gregor2010learning

    >>> double = LinearMap(lambda z: 2 * z, lambda y: 2 * y, (1, 1, 2, 1), (1, 1, 2, 1))
    >>> first, last = sparse_codes(double, np.array([[[[4.0], [0.2]]]]), weight=1.0, steps=(1, 200))
    >>> [round(value, 3) for value in last.code.ravel().tolist()], float(last.nonzero[-1]), len(first.objective)
    ([1.75, 0.0], 0.5, 1)
    """
    picture = jnp.asarray(y, jnp.result_type(float))
    if picture.shape != synthesis.output_shape:
        raise GeometryError(f"the picture has shape {picture.shape}; these kernels make {synthesis.output_shape}")
    if not weight > 0:
        raise GeometryError(f"the weight of a sparse code is above 0; got weight={weight}")
    if not steps or list(steps) != sorted({*steps}) or steps[0] < 1:
        raise GeometryError(f"steps are whole numbers from 1 up, each larger than the one before; got {tuple(steps)}")
    step = _step(synthesis)
    code, rest, figures, codes = jnp.zeros(synthesis.input_shape, picture.dtype), picture, [], []
    for number in range(1, steps[-1] + 1):
        code, rest, reached = step(picture, weight, code, rest)
        figures.append(reached)
        if number in steps:
            codes.append(SparseCode(np.asarray(code), *np.stack(figures).T))
    return tuple(codes)


@lru_cache(maxsize=8)
def _step(synthesis: LinearMap) -> Callable[..., tuple[jax.Array, jax.Array, jax.Array]]:
    """A step, compiled once for a map: from (picture, weight, code, rest) to (code, rest, the three figures)."""
    gain = largest_gain(synthesis)

    @jax.jit
    def step(picture: Any, weight: Any, z: Any, rest: Any) -> tuple[jax.Array, jax.Array, jax.Array]:
        after = soft_threshold(z + synthesis.adjoint(rest) / gain, weight / gain)
        rest = picture - synthesis.forward(after)
        left = jnp.linalg.norm(rest)
        length = jnp.maximum(jnp.linalg.norm(picture), jnp.finfo(picture.dtype).tiny)
        objective = left**2 / 2 + weight * jnp.abs(after).sum()
        return after, rest, jnp.stack([objective, left / length, jnp.mean(after != 0)])

    return step
