"""The first weights of small networks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.models import watermark


def first_params(seed: int) -> dict[str, jax.Array]:
    """Of the watermark network's chain: normal kernels of variance 2 over the inputs of an output (He), zero biases."""
    random, params = np.random.default_rng([seed, 77]), {}
    for name, shape in watermark.shapes().items():
        deviation = np.sqrt(2 / np.prod(shape[:-1])) if name.endswith("kernel") else 0.0
        params[name] = jnp.asarray(deviation * random.standard_normal(shape), jnp.float32)
    return params
