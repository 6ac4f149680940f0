"""Pictures as waves: an orthonormal real Fourier basis in which low frequencies take larger steps.

An optimizer that moves all pixels by the same amount writes noise; one that moves all waves by the same amount, scaled
as in natural pictures (amplitude falls as 1/frequency), draws shapes first [olah2017feature].
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.types import Array, Size

#: Divides the picture before the sigmoid, as in the authors' code.
_CONTRAST = 4.0


def hartley(x: Array) -> jax.Array:
    """Coefficients of the real Fourier basis, and back again: the transform is its own inverse.

    Formula: ``h_kl = 1/sqrt(H W) sum_ij x_ij cas(2 pi (k i / H + l j / W))`` with ``cas t = cos t + sin t``: real part
    minus imaginary part of the discrete Fourier transform. The H W waves are orthonormal, so lengths and scalar
    products are kept; that of frequency -k completes that of k to a wave of any phase.

    Args:
      x: (N, H, W, C).

    Returns:
      The same shape; entry (k, l) belongs to k waves per height and l per width, counted from -H/2 and -W/2 in the
      order of ``numpy.fft.fftfreq``.

    Source: olah2017feature

    >>> x = jnp.arange(30.0).reshape(1, 5, 6, 1)
    >>> bool(jnp.allclose(hartley(hartley(x)), x, atol=1e-4))
    True
    """
    waves = jnp.fft.fft2(jnp.asarray(x), axes=(1, 2), norm="ortho")
    return waves.real - waves.imag


def amplitudes(size: Size, decay: float = 1.0) -> np.ndarray:
    """How large a wave of each frequency is drawn for a coefficient of 1.

    Formula: ``sqrt(H W) / (4 max(f, 1 / max(H, W))^decay)`` over sqrt(H W), f the frequency in waves per pixel. The
    authors' inverse transform divides by H W and they multiply by sqrt(H W): together an orthonormal transform, so that
    only ``1 / (4 max(f, 1 / max(H, W))^decay)`` is left.

    Args:
      size: (H, W).
      decay: 1 as in natural pictures; 0 treats all waves alike.

    Returns:
      (1, H, W, 1) float64, largest at (0, 0).

    Source: olah2017feature

    >>> amplitudes((4, 8))[0, 0, :3, 0].tolist()
    [2.0, 2.0, 1.0]
    """
    rows, columns = np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1])[None, :]
    frequency = np.maximum(np.hypot(rows, columns), 1 / max(size))
    return (1 / (_CONTRAST * frequency**decay))[None, :, :, None]


def fourier_image(coefficients: Array, decay: float = 1.0) -> jax.Array:
    """The values that coefficients describe: waves times `amplitudes`, summed.

    Args:
      coefficients: (N, H, W, C), as `hartley` orders them.
      decay: as in `amplitudes`.

    Returns:
      (N, H, W, C), unbounded.

    Source: olah2017feature

    >>> constant = fourier_image(jnp.zeros((1, 4, 5, 3)).at[:, 0, 0].set(20**0.5))
    >>> round(float(constant.min()), 4), round(float(constant.max()), 4)
    (1.25, 1.25)
    """
    c = jnp.asarray(coefficients)
    return hartley(c * jnp.asarray(amplitudes((c.shape[1], c.shape[2]), decay), c.dtype))


def fourier_coefficients(values: Array, decay: float = 1.0) -> jax.Array:
    """The coefficients that `fourier_image` turns into these values.

    Args:
      values: (N, H, W, C).
      decay: as in `amplitudes`.

    >>> x = jnp.arange(30.0).reshape(1, 5, 6, 1)
    >>> bool(jnp.allclose(fourier_image(fourier_coefficients(x)), x, atol=1e-4))
    True
    """
    v = jnp.asarray(values)
    return hartley(v) / jnp.asarray(amplitudes((v.shape[1], v.shape[2]), decay), v.dtype)
