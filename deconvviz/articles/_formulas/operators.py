"""What a printed formula really computes, and what the corrected one must be: by the operators of deconvviz.

Source: dumoulin2016guide, zeiler2014visualizing
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deconvviz.articles._formulas import periodic, sums
from deconvviz.ops.conv import ConvGeometry, conv, conv_adjoint
from deconvviz.ops.inverse import response
from deconvviz.ops.periodic import filtered
from deconvviz.ops.pool import max_pool, max_unpool
from deconvviz.types import Array

#: Stride and padding of the transposed convolutions of articles 000 and 001, which are said to raise the resolution.
STRIDE, PADDING = 2, 1


def larger(x: np.ndarray, w: np.ndarray, **_: Any) -> Array:
    """The transposed convolution that raises the resolution, by `conv_adjoint`."""
    height, width = ((n - 1) * STRIDE + k - 2 * PADDING for n, k in zip(x.shape[:2], w.shape[:2], strict=True))
    return conv_adjoint(x[None], w, ConvGeometry(STRIDE, PADDING), (height, width))[0]


def larger_written_out(x: np.ndarray, w: np.ndarray, **_: Any) -> Array:
    """The corrected formula of articles 000 and 001."""
    return sums.transposed_convolution(x, w, STRIDE, PADDING)


def true_convolution(x: np.ndarray, w: np.ndarray, **_: Any) -> Array:
    """True convolution (a product of spectra), shifted by (1, 1), cut to the size of the image."""
    image, kernel = x[:, :, 0], w[:, :, 0, 0]
    size = image.shape[0] + kernel.shape[0], image.shape[1] + kernel.shape[1]
    whole = np.real(np.fft.ifft2(np.fft.fft2(image, size) * np.fft.fft2(kernel, size)))
    return np.roll(whole, (1, 1), (0, 1))[: image.shape[0], : image.shape[1]]


def constant(x: np.ndarray, w: np.ndarray, **_: Any) -> Array:
    """One number everywhere: the top left corner of the image times the sum of all kernels."""
    kernel = w[:, :, :, 0].sum(axis=2)
    return np.full(x.shape[:2], np.vdot(kernel, x[: kernel.shape[0], : kernel.shape[1], 0]))


def one_channel(x: np.ndarray, w: np.ndarray, **_: Any) -> Array:
    """The first channel through the kernel summed over its channels."""
    return conv(x[None, :, :, :1], w.sum(axis=2, keepdims=True))[0, :, :, 0]


def correlation(x: np.ndarray, w: np.ndarray, **_: Any) -> Array:
    """The convolution layer."""
    return conv(x[None], w)[0, :, :, 0]


def one_plane_back(y: np.ndarray, w: np.ndarray, size: tuple[int, int], **_: Any) -> Array:
    """The adjoint of the kernel summed over its outputs, on the first plane of y alone."""
    return conv_adjoint(y[None, :, :, :1], w.sum(axis=3, keepdims=True), ConvGeometry(), size)[0]


def adjoint(y: np.ndarray, w: np.ndarray, size: tuple[int, int], **_: Any) -> Array:
    """The adjoint of the convolution layer."""
    return conv_adjoint(y[None], w, ConvGeometry(), size)[0]


def dilated(y: np.ndarray, window: tuple[int, int], **_: Any) -> Array:
    """Grey dilation: a maximum filter of that window at every place."""
    pads = ((window[0] - 1, 0), (window[1] - 1, 0))
    return max_pool(y[None, :, :, None], window, 1, pads)[0][0, :, :, 0]


def unpooled(y: np.ndarray, switches: np.ndarray, size: tuple[int, int], **_: Any) -> Array:
    """Max unpooling to the switches."""
    return max_unpool(y[None, :, :, None], switches[None, :, :, None], size)[0, :, :, 0]


def diagonal(v: np.ndarray, g: np.ndarray, w: np.ndarray) -> Array:
    """A convolution whose kernel is zero off the diagonal."""
    kernel = np.zeros((v.shape[2], v.shape[2], v.shape[0], 1))
    place = np.arange(v.shape[2])
    kernel[place, place, :, 0] = np.einsum("cks,k->sc", v, w)
    return conv(g[None], kernel)[0, :, :, 0]


def whole_kernel(v: np.ndarray, g: np.ndarray, **_: Any) -> Array:
    """A convolution with every tap of the kernel."""
    return conv(g[None], v.transpose(1, 2, 0)[..., None])[0, :, :, 0]


def wide_windows(y: np.ndarray, h: int, w: int) -> Array:
    """Max pooling with windows one larger in both directions, at stride 1."""
    return max_pool(y[None, :, :, None], (h + 1, w + 1), 1)[0][0, :, :, 0]


def pooled(y: np.ndarray, h: int, w: int) -> Array:
    """Max pooling, a window's size a step."""
    return max_pool(y[None, :, :, None], (h, w))[0][0, :, :, 0]


def the_input(x: np.ndarray, **_: Any) -> Array:
    """The picture from which everything started."""
    return x


def the_truth(truth: np.ndarray, **_: Any) -> Array:
    """The sharp picture behind the blurred one."""
    return truth


def wrapped(x: np.ndarray, k: np.ndarray, **_: Any) -> Array:
    """The convolution layer on an image continued at its opposite edge."""
    (top, left), (kh, kw) = (n // 2 for n in k.shape), k.shape
    padded = np.pad(x, ((top, kh - 1 - top), (left, kw - 1 - left)), mode="wrap")
    return conv(padded[None, :, :, None], k[:, :, None, None])[0, :, :, 0]


def spectrum(power: str) -> Callable[..., Array]:
    """What the lines of article 004 do to frequencies, as a function of x and k."""

    def by_frequency(x: np.ndarray, k: np.ndarray, **_: Any) -> Array:
        K = response(k, x.shape)
        gain = np.abs(K) ** 2
        factors = {
            "there": K,
            "there and back": gain,
            "solved": gain / (gain + periodic.LAMBDA),
            "mean": (1 + gain) / 2,
            "residual": 1 + np.conj(K) * (1 - K),
        }
        return filtered(x, factors[power])

    by_frequency.__doc__ = f"The image with its frequencies multiplied: {power}."
    return by_frequency
