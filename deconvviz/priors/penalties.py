"""Penalties on pictures: large values, large differences between neighbours, and pictures that all look the same."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from deconvviz.types import Array


def alpha_norm(x: Array, alpha: Any = 6.0) -> jax.Array:
    """Mean over all pixels of the length of a pixel's colour, to the power alpha: keeps values near zero.

    Formula: ``1/(N H W) sum_nij (sum_c x_nijc^2)^(alpha/2)``.

    Args:
      x: (N, H, W, C), centred on zero.
      alpha: the power, 2 or more; a large one punishes only values above 1.

    Returns:
      A number, 0 or more.

    Source: mahendran2015understanding, mahendran2016visualizing

    >>> float(alpha_norm(jnp.full((1, 2, 3, 1), 2.0), alpha=6.0))
    64.0
    """
    return (jnp.square(x).sum(-1) ** (alpha / 2)).mean()


def total_variation(x: Array, beta: Any = 2.0) -> jax.Array:
    """Mean over all pixels of the difference to the neighbours below and to the right, to the power beta.

    Formula: ``1/(N H W) sum_nijc ((x_n(i+1)jc - x_nijc)^2 + (x_ni(j+1)c - x_nijc)^2)^(beta/2)``; a difference that
    would leave the picture is 0. Beta 1 is total variation proper (edges cost as much as slopes), beta 2 avoids the
    spikes it leaves [mahendran2015understanding].

    Args:
      x: (N, H, W, C).
      beta: the power, above 0. Where nothing changes the derivative is 0, also for beta below 2.

    Returns:
      A number, 0 or more.

    Source: rudin1992nonlinear, mahendran2015understanding

    >>> ramp = jnp.arange(6.0).reshape(1, 2, 3, 1)
    >>> round(float(total_variation(ramp, beta=1.0)) * 6, 4)  # twice the root of 3^2 + 1^2, 3, 1, 1 and 0
    11.3246
    """
    x = jnp.asarray(x)
    down = jnp.pad(jnp.diff(x, axis=1), ((0, 0), (0, 1), (0, 0), (0, 0)))
    right = jnp.pad(jnp.diff(x, axis=2), ((0, 0), (0, 0), (0, 1), (0, 0)))
    square = jnp.square(down) + jnp.square(right)
    power = jnp.where(square > 0, jnp.where(square > 0, square, 1.0) ** (beta / 2), 0.0)
    return power.sum() / (x.shape[0] * x.shape[1] * x.shape[2])


def similarity(a: Array) -> jax.Array:
    """How alike the textures of several pictures are to a layer: mean cosine between the Gram matrices of all pairs.

    Formula: ``G_n = sum_ij a_nij a_nij'``; the mean over n != m of ``<G_n, G_m> / (|G_n| |G_m|)``.

    Args:
      a: (N, h, w, C) activations of N pictures, N 2 or more.

    Returns:
      A number in -1..1; for rectified activations 0 or more.

    Source: olah2017feature

    >>> a = jnp.stack([jnp.array([[[1.0, 0.0]]]), jnp.array([[[0.0, 1.0]]])])
    >>> float(similarity(a)), float(similarity(a[:1].repeat(2, axis=0)))
    (0.0, 1.0)
    """
    gram = jnp.einsum("nhwc,nhwd->ncd", a, a, precision="highest").reshape(a.shape[0], -1)
    unit = gram / jnp.sqrt(jnp.square(gram).sum(-1, keepdims=True) + 1e-20)
    cosines = jnp.einsum("nk,mk->nm", unit, unit, precision="highest")
    pairs = a.shape[0] * (a.shape[0] - 1)
    return (cosines.sum() - jnp.trace(cosines)) / pairs
