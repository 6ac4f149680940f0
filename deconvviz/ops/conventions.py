"""How libraries call their transposed convolution: the same numbers in, what comes out, and how to get the adjoint.

All of them spread the signal by the stride, pad it, and slide a kernel over it. They differ in what their padding
means, in the order of the kernel's axes, and in whether they turn it. `CONVENTIONS` holds one record a call;
`same_numbers` calls it with the numbers of the forward convolution, `as_adjoint` with those that make it the adjoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from deconvviz.errors import GeometryError
from deconvviz.ops import _transposed_calls as calls
from deconvviz.ops._sizes import Pads, read_map, read_pair
from deconvviz.ops.adjoint_views import pad_or_crop
from deconvviz.ops.conv import ConvGeometry
from deconvviz.types import Array, Size

_KEEP: Pads = ((0, 0), (0, 0))
#: Layout of a call's kernel -> axes of the forward kernel in that order; I are the channels that go into the call.
_AXES = {"HWIO": (0, 1, 3, 2), "HWOI": (0, 1, 2, 3), "IOHW": (3, 2, 0, 1)}
_CODE = {"HWIO": "w.swapaxes(2, 3)", "HWOI": "w", "IOHW": "w.transpose(3, 2, 0, 1)"}


@dataclass(frozen=True)
class Convention:
    """One convention of calling a transposed convolution.

    Attributes:
      library: whose it is.
      name: the call.
      layout: axes of its kernel, I the channels that go into the call (those of the signal), O those that come out.
      turns: whether the call turns the kernel by 180 degrees.
      padding: what it takes: "added" to the spread signal, (before, after) a side; that of the "forward" convolution,
        likewise; one "number" an axis; or the words "valid" and "same".
      formula: documented number of output rows; n, k, s, d, p, o are rows in, kernel, stride, dilation, padding
        (p1 + p2 both sides together), output padding.
      rows: the same as a function of (n, k, s, d, padding, output padding or None).
      function: (signal, kernel, stride, dilation, padding, output padding or None) -> what comes out.
    """

    library: str
    name: str
    layout: Literal["HWIO", "HWOI", "IOHW"]
    turns: bool
    padding: Literal["added", "forward", "number", "valid", "same"]
    formula: str
    rows: Callable[[int, int, int, int, Any, int | None], int]
    function: Callable[..., Array]


@dataclass(frozen=True)
class Arguments:
    """What a call gets besides signal, stride and dilation.

    Attributes:
      turned: whether the kernel is turned by hand.
      padding: as the library takes it.
      output_padding: rows and columns added at the end; None: not given.
      crop: ((top, bottom), (left, right)) to cut from what comes out.
    """

    turned: bool
    padding: Any
    output_padding: Size | None = None
    crop: Pads = _KEEP


def output_size(convention: Convention, arguments: Arguments, signal: Size, kernel: Size, how: ConvGeometry) -> Size:
    """(height, width) that the library documents, before anything is cropped.

    >>> torch = CONVENTIONS["torch"]
    >>> output_size(torch, Arguments(False, (1, 1), (1, 0)), (4, 5), (3, 3), ConvGeometry(stride=2))
    (8, 9)
    """
    words = isinstance(arguments.padding, str)
    paddings = [arguments.padding] * 2 if words else arguments.padding
    extra = arguments.output_padding or (None, None)
    sizes = zip(signal, kernel, how.strides, how.dilations, paddings, extra, strict=True)
    height, width = (convention.rows(*axis) for axis in sizes)
    return height, width


def run(convention: Convention, arguments: Arguments, g: Array, w: Array, how: ConvGeometry) -> np.ndarray:
    """What a call gives.

    Args:
      convention: of `CONVENTIONS`.
      arguments: of `same_arguments` or `adjoint_arguments`.
      g: (N, H', W', O) signal.
      w: (kh, kw, I, O) kernel of the forward convolution; it is put into the order that the call wants.
      how: stride and dilation; its padding is not read.

    Returns:
      (N, height, width, I).

    Raises:
      GeometryError: the library refuses this, nothing would come out, or there are groups.
    """
    g, w = read_map("g", g), read_map("w", w, "height, width, channels in, channels out")
    if how.groups != 1:
        raise GeometryError(f"conventions are compared without groups; got groups={how.groups}")
    size = output_size(convention, arguments, (g.shape[1], g.shape[2]), (w.shape[0], w.shape[1]), how)
    if min(size) < 1:
        raise GeometryError(
            f"{convention.library} {convention.name} would give {size[0]} x {size[1]} rows and columns: "
            f"the padding {arguments.padding} leaves nothing"
        )
    kernel = (w[::-1, ::-1] if arguments.turned else w).transpose(_AXES[convention.layout])
    options = how.strides, how.dilations, arguments.padding, arguments.output_padding
    y = convention.function(g, kernel, *options)
    (top, bottom), (left, right) = arguments.crop
    return pad_or_crop(y, ((-top, -bottom), (-left, -right)))


def same_arguments(convention: Convention, how: ConvGeometry, input_size: int | Size, kernel: Size) -> Arguments:
    """The numbers of the forward convolution, as they are: the kernel unturned, the padding that `conv` had.

    Raises:
      GeometryError: the library takes one padding for both sides of an axis, and they differ.
    """
    pads = how.resolve(input_size, kernel)
    if convention.padding in ("valid", "same"):
        return Arguments(False, convention.padding)
    if convention.padding == "number":
        if any(lo != hi for lo, hi in pads):
            raise GeometryError(
                f"{convention.library} {convention.name} takes one padding for both sides; got padding={pads}"
            )
        return Arguments(False, (pads[0][0], pads[1][0]))
    return Arguments(False, pads)


def adjoint_arguments(convention: Convention, how: ConvGeometry, input_size: int | Size, kernel: Size) -> Arguments:
    """The arguments with which the call is the adjoint of `conv`: equal to `conv_adjoint`.

    Per axis ``lost = (n + lo + hi - ke) mod s``. Added padding is ``(ke - 1 - lo, ke - 1 - hi + lost)``; forward
    padding ``(lo, hi - lost)``; one number is lo = hi with ``output_padding=lost``; else all stamps are kept and what
    landed on the padding is cut off. What would be negative is cut off too.

    Source: dumoulin2016guide

    >>> adjoint_arguments(CONVENTIONS["torch"], ConvGeometry(stride=2, padding=1), (8, 9), (3, 3))
    Arguments(turned=False, padding=(1, 1), output_padding=(1, 0), crop=((0, 0), (0, 0)))
    """
    pads, added = how.resolve(input_size, kernel), how.adjoint_pads(input_size, kernel)
    by_hand = not convention.turns
    crop: Pads = (_cut(added[0]), _cut(added[1]))
    if convention.padding == "added":
        return Arguments(by_hand, (_positive(added[0]), _positive(added[1])), crop=crop)
    spans = how.extent(kernel)
    if convention.padding == "forward":
        rows, columns = (
            (ke - 1 - before, ke - 1 - after) for ke, (before, after) in zip(spans, map(_positive, added), strict=True)
        )
        return Arguments(by_hand, (rows, columns), crop=crop)
    lost_rows, lost_columns = (
        after - (ke - 1 - hi) for ke, (_, hi), (_, after) in zip(spans, pads, added, strict=True)
    )
    if convention.padding == "number" and all(lo == hi for lo, hi in pads):
        return Arguments(by_hand, (pads[0][0], pads[1][0]), (lost_rows, lost_columns))
    return Arguments(by_hand, (0, 0) if convention.padding == "number" else "valid", (lost_rows, lost_columns), pads)


def _positive(added: tuple[int, int]) -> tuple[int, int]:
    return max(added[0], 0), max(added[1], 0)


def _cut(added: tuple[int, int]) -> tuple[int, int]:
    return max(-added[0], 0), max(-added[1], 0)


def same_numbers(convention: Convention, g: Array, w: Array, how: ConvGeometry, input_size: int | Size) -> np.ndarray:
    """What a call gives with the numbers of the forward convolution.

    Raises:
      GeometryError: as `run` and `same_arguments`.

    >>> g, w = np.ones((1, 2, 2, 1)), np.ones((3, 3, 1, 1))
    >>> same_numbers(CONVENTIONS["jax"], g, w, ConvGeometry(padding=1), (2, 2)).shape
    (1, 2, 2, 1)
    """
    return run(convention, same_arguments(convention, how, input_size, (w.shape[0], w.shape[1])), g, w, how)


def as_adjoint(convention: Convention, g: Array, w: Array, how: ConvGeometry, input_size: int | Size) -> np.ndarray:
    """What a converted call gives: the adjoint of `conv`, as `conv_adjoint`.

    Raises:
      GeometryError: as `run`.

    >>> g, w = np.ones((1, 1, 2, 1)), np.ones((2, 2, 1, 1))
    >>> as_adjoint(CONVENTIONS["keras"], g, w, ConvGeometry(), (2, 3))[0, :, :, 0].tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    size = read_pair("input_size", input_size)
    return run(convention, adjoint_arguments(convention, how, size, (w.shape[0], w.shape[1])), g, w, how)


def as_code(convention: Convention, arguments: Arguments) -> str:
    """The arguments in one line of Python; w is the kernel of the forward convolution, HWIO.

    >>> as_code(CONVENTIONS["keras"], Arguments(False, "valid", (1, 0), ((1, 1), (0, 2))))
    "kernel=w, padding='valid', output_padding=(1, 0), then [:, 1:-1, :-2]"
    """
    kernel = _CODE[convention.layout].replace("w", "w[::-1, ::-1]" if arguments.turned else "w", 1)
    extra = f", output_padding={arguments.output_padding}" if arguments.output_padding else ""
    sides = ", ".join(f"{first or ''}:{-last or ''}" for first, last in arguments.crop)
    after = f", then [:, {sides}]" if arguments.crop != _KEEP else ""
    return f"kernel={kernel}, padding={arguments.padding!r}{extra}{after}"


_ADDED = "(n - 1) s + 1 + p1 + p2 - d (k - 1)"
_FORWARD = "(n - 1) s + 1 - p1 - p2 + d (k - 1)"

#: Key -> how one library calls it.
CONVENTIONS: dict[str, Convention] = {
    "jax": Convention("JAX", "lax.conv_transpose", "HWIO", False, "added", _ADDED, calls.jax_rows, calls.by_jax),
    "jax-kernel": Convention(
        "JAX",
        "lax.conv_transpose, transpose_kernel=True",
        "HWOI",
        True,
        "added",
        _ADDED,
        calls.jax_rows,
        calls.by_jax_turning,
    ),
    "jax-consistent": Convention(
        "JAX",
        "lax.conv_transpose, transpose_kernel=True, use_consistent_padding=True",
        "HWOI",
        True,
        "forward",
        _FORWARD,
        calls.consistent_rows,
        calls.by_jax_consistent,
    ),
    "flax": Convention("Flax", "ConvTranspose", "HWIO", False, "added", _ADDED, calls.jax_rows, calls.by_jax),
    "flax-kernel": Convention(
        "Flax",
        "ConvTranspose, transpose_kernel=True",
        "HWOI",
        True,
        "added",
        _ADDED,
        calls.jax_rows,
        calls.by_jax_turning,
    ),
    "torch": Convention(
        "PyTorch",
        "ConvTranspose2d",
        "IOHW",
        True,
        "number",
        "(n - 1) s - 2 p + d (k - 1) + o + 1",
        calls.torch_rows,
        calls.by_torch,
    ),
    "keras": Convention(
        "Keras",
        "Conv2DTranspose, padding='valid'",
        "HWOI",
        True,
        "valid",
        "n s + max(d (k - 1) + 1 - s, 0), or (n - 1) s + d (k - 1) + 1 + o",
        calls.keras_rows,
        calls.by_keras,
    ),
    "keras-same": Convention(
        "Keras",
        "Conv2DTranspose, padding='same'",
        "HWOI",
        True,
        "same",
        "n s, or (n - 1) s + ke - 2 floor(ke / 2) + o with ke = d (k - 1) + 1",
        calls.keras_rows,
        calls.by_keras,
    ),
}
