"""What the network is trained by: the mean error of a batch, the same for weak and strong damage."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from deconvviz.tasks.enhancement.network import Enhancer
from deconvviz.training.trainer import Figures

#: Levels of 255 below which an error counts no more than that in `distance`.
LEAST = 0.5
#: Added to the squared error in `decibels`, two levels of 255 squared: below it no decibels are to be had.
FLOOR = (2 / 255) ** 2


def decibels(module: Enhancer, batch: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[jax.Array, Figures]:
    """Minus the mean PSNR of a batch (damaged, clean): what is made small, the same for weak and strong damage.

    Source: chen2022simple
    """
    damaged, clean = batch
    errors = jnp.mean((module(damaged) - clean) ** 2, axis=(1, 2, 3))
    return 10 * jnp.mean(jnp.log10(errors + FLOOR)), {}


def distance(module: Enhancer, batch: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[jax.Array, Figures]:
    """Mean over a batch (damaged, clean) of the root mean squared error of each part, in levels of 255.

    Its slope is as long for weak damage as for strong, where a squared error would learn the strong alone.
    """
    damaged, clean = batch
    errors = jnp.mean((module(damaged) - clean) ** 2, axis=(1, 2, 3))
    return 255 * jnp.mean(jnp.sqrt(errors + (LEAST / 255) ** 2)), {}
