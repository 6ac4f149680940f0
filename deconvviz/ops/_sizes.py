"""Reading what a caller gave as size, stride or padding, and refusing it in clear words; the checks on arrays."""

from __future__ import annotations

import operator
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from deconvviz.errors import GeometryError
from deconvviz.types import Array, Size

#: ((top, bottom), (left, right)): rows or columns added on each side.
Pads: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
#: What a caller may give as padding; see `read_padding`.
Padding: TypeAlias = int | Size | Pads | str


def whole(value: Any) -> int | None:
    """The value as int if it is a whole number (NumPy's too, but no bool), else None."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def read_pair(name: str, value: Any, least: int = 1) -> Size:
    """A (rows, columns) pair from one whole number or two.

    Raises:
      GeometryError: if it is anything else, or below `least`.

    >>> read_pair("stride", 2), read_pair("stride", [1, 3])
    ((2, 2), (1, 3))
    """
    number = whole(value)
    numbers = [number, number] if number is not None else _pair_of_wholes(value)
    if numbers is None:
        raise GeometryError(f"{name} is one whole number or a pair of them, (rows, columns); got {name}={value!r}")
    if min(numbers) < least:
        raise GeometryError(f"{name} is {least} or more along rows and columns; got {name}={value!r}")
    return numbers[0], numbers[1]


def read_padding(value: Any) -> Pads | str:
    """Explicit ((top, bottom), (left, right)) from the three forms of giving numbers; "SAME" or "VALID" from the words.

    Raises:
      GeometryError: if it is none of them, or something is negative.

    >>> read_padding(1), read_padding((1, 2)), read_padding(((0, 1), (2, 3))), read_padding("same")
    (((1, 1), (1, 1)), ((1, 1), (2, 2)), ((0, 1), (2, 3)), 'SAME')
    """
    if isinstance(value, str) and value.upper() in ("SAME", "VALID"):
        return value.upper()
    number = whole(value)
    axes: list[Any] = [number, number] if number is not None else _items(value)
    pads = [[number, number] if (number := whole(axis)) is not None else _pair_of_wholes(axis) for axis in axes]
    mixed = len({whole(axis) is None for axis in axes}) > 1
    if len(pads) != 2 or mixed or pads[0] is None or pads[1] is None:
        raise GeometryError(
            "padding is one whole number (all four sides), a pair (rows, columns), explicit ((top, bottom), "
            f"(left, right)), 'SAME' or 'VALID'; got padding={value!r}"
        )
    if min(*pads[0], *pads[1]) < 0:
        raise GeometryError(
            f"padding adds rows and columns, so it is 0 or more; got padding={value!r}: "
            "to take some away, slice the input"
        )
    return (pads[0][0], pads[0][1]), (pads[1][0], pads[1][1])


def _items(value: Any) -> list[Any]:
    """The items of a tuple, list or array; nothing for all else."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, tuple | list) else []


def _pair_of_wholes(value: Any) -> list[int] | None:
    """Two whole numbers, or None."""
    numbers = [number for item in _items(value) if (number := whole(item)) is not None]
    return numbers if len(numbers) == 2 == len(_items(value)) else None


def read_map(name: str, value: Array, axes: str = "batch, height, width, channels") -> jax.Array:
    """A 4-D array of real floating numbers; whole numbers become the default floating type.

    Raises:
      GeometryError: if it has not four axes, one of them is empty, or it is not of real numbers.
    """
    array = jnp.asarray(value)
    if array.ndim != 4:
        hint = f": for one image use {name}[None]" if array.ndim == 3 and name != "w" else ""
        raise GeometryError(f"{name} has four axes ({axes}); got shape {array.shape}{hint}")
    if 0 in array.shape:
        raise GeometryError(f"{name} has an empty axis ({axes}); got shape {array.shape}")
    if jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
        return array.astype(float)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise GeometryError(
            f"{name} holds real numbers; got dtype {array.dtype}: pass real and imaginary part one by one"
        )
    return array


def check_shape(name: str, array: jax.Array, expected: tuple[int, ...], why: str) -> None:
    """Refuse an array whose shape is not the expected one.

    Raises:
      GeometryError: naming both shapes and where the expected one comes from.
    """
    if array.shape != expected:
        raise GeometryError(f"{name} has shape {array.shape}, but {why} has shape {expected}")


def resolve_pads(padding: Padding, input_size: Size, window: Size, extent: Size, stride: Size, what: str) -> Pads:
    """Explicit numbers for a padding that may be "SAME" or "VALID", on this input.

    Raises:
      GeometryError: if the window is larger than the padded input; names the axis and all numbers.

    >>> resolve_pads("SAME", (7, 10), (3, 3), (3, 3), (2, 2), "kernel")
    ((1, 1), (0, 1))
    """
    padding = read_padding(padding)
    pads: Pads = ((0, 0), (0, 0))
    if padding == "SAME":
        rows, columns = (same_pads(n, ke, s) for n, ke, s in zip(input_size, extent, stride, strict=True))
        pads = (rows, columns)
    elif not isinstance(padding, str):
        pads = padding
    check_fits(input_size, window, extent, pads, what)
    return pads


def same_pads(n: int, ke: int, s: int) -> tuple[int, int]:
    """Padding of one axis for an output of ceil(n / s): the odd one goes to the end."""
    total = max((-(-n // s) - 1) * s + ke - n, 0)
    return total // 2, total - total // 2


def check_fits(input_size: Size, window: Size, extent: Size, pads: Pads, what: str) -> None:
    """Refuse a window that is larger than the padded input it should slide over."""
    for axis, n, k, ke, (lo, hi) in zip(("rows", "columns"), input_size, window, extent, pads, strict=True):
        if n + lo + hi < ke:
            spread = f", spread over {ke} by its dilation," if ke != k else ""
            raise GeometryError(
                f"the {what} of {k} {axis}{spread} does not fit the input of {n} {axis} padded by {lo} and {hi} "
                f"({n + lo + hi} in all), so there is no output: pad by {ke - n - lo - hi} more "
                f"or take a smaller {what}"
            )
