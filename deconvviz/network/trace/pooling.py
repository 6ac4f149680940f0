"""Max pooling that is not written as a window operation, and its backward pass to the first maximum.

``x.reshape(n, h/2, 2, w/2, 2, c).max((2, 4))``, the maximum of patches, of stacked slices, or of slices in a chain of
``jnp.maximum`` are all max pooling. JAX's derivative of them shares a signal among equal maxima (after a ReLU, among
all cells of a dark window), while ``lax.reduce_window`` and every unpooling send it to the first. Here they all do:
first in the order in which the program lists the cells, reading order for a window. The forward values stay as they
are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.network import _compat
from deconvviz.network.trace.geometry import Field
from deconvviz.network.trace.jaxpr import Equation, is_literal, needed

#: Between the cells of one array and their maximum, these only pick and arrange.
_PICKS = {"slice", "reshape", "squeeze", "broadcast_in_dim", "expand_dims", "transpose", "copy", "rev", "pad"}
_CARRIES_ON = {"broadcast_in_dim", "reshape", "squeeze", "expand_dims", "copy", "max", "stop_gradient"}
_SUMS = {"reduce_sum", "reduce_window_sum", "cumsum"}
_REGROUPS = {"reshape", "squeeze", "expand_dims"}
#: These leave the number of axes and their order, those of `_REGROUPS` and two more aside.
_MOVES = _REGROUPS | {
    "broadcast_in_dim", "transpose", "copy", "copy_p", "convert_element_type", "reduce_precision", "slice", "pad",
    "rev", "optimization_barrier", "sharding_constraint", "concatenate", "dynamic_slice", "tile",
}  # fmt: skip


class Pools:
    """The maxima over positions of a flat program, and those that a softmax subtracts.

    Attributes:
      cells: index of a ``reduce_max`` or ``reduce_min`` over positions.
      windows: index of a ``reduce_window`` by `max` that starts from a number other than minus infinity.
      pairs: index of a ``max`` of two arrays, both picked from one array.
      shifts: index of one whose difference to its operand only goes into an exponential: its signal is zero.
    """

    def __init__(self, equations: Sequence[Equation], live: set[Any], fields: Mapping[Any, Field]) -> None:
        self._equations, self._live, self._fields = equations, live, fields
        self._makers = {v: n for n, item in enumerate(equations) for v in item.eqn.outvars}
        self.cells: set[int] = set()
        self.windows: set[int] = set()
        self.pairs: set[int] = set()
        self.shifts: set[int] = set()
        for index, item in enumerate(equations):
            ins = item.eqn.invars
            if item.primitive in ("reduce_max", "reduce_min") and self._moves(ins[0]):
                # Softmax does not change with what is subtracted from all its scores, so the signal into this maximum
                # is zero, and it is no activation that a rule could object to.
                if self._is_shift(index):
                    self.shifts.add(index)
                elif self._over_positions(item.eqn):
                    self.cells.add(index)
            elif item.primitive == "reduce_window" and self._moves(ins[0]) and _is_maximum(item.eqn):
                self.windows.add(index)
            elif item.primitive == "max" and all(map(self._moves, ins)):
                root = self._root(ins[0])
                if ins[0].aval.shape == ins[1].aval.shape and root is self._root(ins[1]):
                    self.pairs.add(index)

    def _moves(self, atom: Any) -> bool:
        return not is_literal(atom) and atom in self._live and jnp.issubdtype(atom.aval.dtype, jnp.floating)

    def _over_positions(self, eqn: Any) -> bool:
        """Does the maximum run over positions of a map only: rows, columns, cells, patches, stacked slices?"""
        x, axes = eqn.invars[0], [a for a in eqn.params["axes"] if eqn.invars[0].aval.shape[a] > 1]
        tracks = self._fields[x].tracks if x in self._fields else (None,) * len(x.aval.shape)
        # An axis that runs along rows or columns is known from the receptive fields; the maximum over channels (maxout)
        # has the same primitive and is no pooling.
        if axes and all(tracks[a] is not None for a in axes):
            return True
        if len(axes) == 1 and self._is_stack(x, axes[0]):
            return True
        return len(axes) == 1 and self._from_patches(x, axes[0])

    def _is_stack(self, x: Any, axis: int) -> bool:
        eqn = self._maker(x)
        if eqn is None or eqn.primitive.name not in ("stack", "concatenate"):
            return False
        joined = eqn.primitive.name == "concatenate"
        if eqn.params["dimension" if joined else "axis"] != axis or any(map(is_literal, eqn.invars)):
            return False
        roots = {self._root(part) for part in eqn.invars}
        # Slices of size one put side by side are stacked; wider ones would mix positions with what lies beside them.
        single = not joined or all(part.aval.shape[axis] == 1 for part in eqn.invars)
        return single and len(roots) == 1 and not roots & set(eqn.invars)

    def _from_patches(self, x: Any, axis: int) -> bool:
        """Is x a reshape (c k) -> (c, k) of what `lax.conv_general_dilated_patches` gave?"""
        eqn = self._maker(x)
        while eqn is not None and eqn.primitive.name in ("reshape", "transpose", "copy"):
            eqn = self._maker(eqn.invars[0])
        return eqn is not None and patch_size(self._equations, eqn) == x.aval.shape[axis]

    def _maker(self, atom: Any) -> Any:
        index = None if is_literal(atom) else self._makers.get(atom)
        return None if index is None else self._equations[index].eqn

    def _root(self, atom: Any) -> Any:
        """The array from which this one is picked, by slices of positions, maxima of such, reshapes."""
        while (index := None if is_literal(atom) else self._makers.get(atom)) is not None:
            eqn, name = self._equations[index].eqn, self._equations[index].primitive
            ins = [a for a in eqn.invars if not is_literal(a) and a in self._live]
            picks = name in _PICKS and len(ins) == 1 and self._picks_positions(name, eqn)
            joins = name == "concatenate" and bool(ins) and len({self._root(a) for a in ins}) == 1
            if index in self.pairs or picks or joins:
                atom = ins[0]
            else:
                break
        return atom

    def _picks_positions(self, name: str, eqn: Any) -> bool:
        """A slice must not choose channels: the maximum of two halves of the channels is no pooling."""
        x = eqn.invars[0]
        if name not in ("slice", "rev") or x not in self._fields:
            return name != "slice"
        out, tracks = eqn.outvars[0].aval.shape, self._fields[x].tracks
        turned = set(eqn.params.get("dimensions", ()))
        return all((n == m and d not in turned) or tracks[d] is not None
                   for d, (n, m) in enumerate(zip(x.aval.shape, out, strict=True)))  # fmt: skip

    def _is_shift(self, index: int) -> bool:
        x, front, ends = self._equations[index].eqn.invars[0], {self._equations[index].out}, []
        for item in self._equations[index + 1 :]:
            ins = item.eqn.invars
            if not any(not is_literal(a) and a in front for a in ins):
                continue
            if item.primitive in _CARRIES_ON and sum(not is_literal(a) for a in ins) == 1:
                front.update(item.eqn.outvars)
            elif item.primitive == "sub" and any(a is x for a in ins):
                ends.append(item.out)
            else:
                return False
        axes = set(self._equations[index].eqn.params["axes"])
        return bool(ends) and all(self._only_scores(end, axes) for end in ends)

    def _readers(self, value: Any) -> list[int]:
        return [n for n, item in enumerate(self._equations) if any(a is value for a in item.eqn.invars)]

    def _only_scores(self, value: Any, axes: set[int]) -> bool:
        """Is a softmax over these axes taken of a value, or of what is left of it less a maximum, and nothing else?"""
        readers = self._readers(value)
        for index in readers:
            item = self._equations[index]
            within = summed_over(lambda v: [self._equations[n] for n in self._readers(v)], item.out, axes)
            shifted = item.primitive == "sub" and item.eqn.invars[0] is value and self._only_scores(item.out, axes)
            exponential = item.primitive in ("exp", "exp2") and within
            if not (exponential or shifted or self._is_shift_of(index, value)):
                return False
        return bool(readers)

    def _is_shift_of(self, index: int, value: Any) -> bool:
        item = self._equations[index]
        return item.primitive in ("reduce_max", "reduce_min") and item.eqn.invars[0] is value and self._is_shift(index)


def reduced_axes(eqn: Any) -> set[int]:
    """The axes along which a reduction puts entries together."""
    p = eqn.params
    if "window_dimensions" in p:
        return {d for d, n in enumerate(p["window_dimensions"]) if n > 1}
    return set(p["axes"]) if "axes" in p else {p["axis"]}


def summed_over(readers: Callable[[Any], Sequence[Equation]], value: Any, axes: set[int] | None) -> bool:
    """Are a value's entries added up along some of these axes alone, however they were moved in between?

    Args:
      readers: the equations that read a value.
      value: the value.
      axes: of it; None where it is not known which they have become.
    """
    for item in readers(value):
        if item.primitive in _SUMS and (axes is None or not reduced_axes(item.eqn) <= axes):
            return False
        if item.primitive not in _MOVES:
            continue
        moved = axes
        if axes is not None and item.primitive == "transpose":
            moved = {n for n, d in enumerate(item.eqn.params["permutation"]) if d in axes}
        elif axes is not None and item.primitive == "broadcast_in_dim":
            moved = {item.eqn.params["broadcast_dimensions"][d] for d in axes}
        elif item.primitive in _REGROUPS and item.out.aval.shape != value.aval.shape:
            moved = None
        if not summed_over(readers, item.out, moved):
            return False
    return True


def _is_maximum(eqn: Any) -> bool:
    """Is this window operation a maximum of one floating array and a plain number?"""
    x, start = eqn.invars[0], eqn.invars[-1]
    floating = jnp.issubdtype(x.aval.dtype, jnp.floating)
    plain = len(eqn.invars) == 2 and is_literal(start)
    return floating and plain and _compat.combined_by(eqn.params) == ["max"]


def patch_size(equations: Sequence[Equation], eqn: Any) -> int:
    """Cells per patch if a convolution only cuts out patches (its kernel is one-hot and no weight), else 0."""
    if eqn.primitive.name != "conv_general_dilated":
        return 0
    kernel, dim = _pattern(equations, eqn.invars[1]), eqn.params["dimension_numbers"].rhs_spec[0]
    if kernel is None:
        return 0
    # `lax.conv_general_dilated_patches` is a convolution with a kernel of zeros and single ones that it writes into the
    # program; a trained kernel comes in as an argument and cannot be mistaken for it.
    taps = np.moveaxis(kernel, dim, 0).reshape(kernel.shape[dim], -1)
    one_hot = bool(((taps != 0).sum(1) == 1).all()) and bool((taps.sum(1) == 1).all())
    return taps.shape[0] // eqn.params["feature_group_count"] if one_hot else 0


def _pattern(equations: Sequence[Equation], kernel: Any) -> np.ndarray | None:
    """The value of a kernel that rests on nothing but numbers written into the program, else None."""
    if is_literal(kernel) or not any(kernel is v for item in equations for v in item.eqn.outvars):
        return None
    eqns = [equations[i].eqn for i in needed(equations, [kernel])]
    produced = {v for eqn in eqns for v in eqn.outvars}
    free = [a for eqn in eqns for a in eqn.invars if not is_literal(a) and a not in produced]
    if not eqns or free:
        return None
    with jax.ensure_compile_time_eval():
        return np.asarray(_compat.callable_of(_compat.empty_jaxpr(), [], eqns, [kernel])()[0])


def first_maximum(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    """``x.max(axes)`` whose signal goes down to the first maximum in reading order alone (NaN wins over numbers).

    >>> x = jnp.array([[2.0, 5.0], [5.0, 1.0]])
    >>> jax.grad(lambda x: first_maximum(x, (0, 1)))(x).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    return _first_maximum(tuple(sorted(axes)))(x)


@functools.cache
def _first_maximum(axes: tuple[int, ...]) -> Callable[[jax.Array], jax.Array]:
    @jax.custom_vjp
    def largest(x: jax.Array) -> jax.Array:
        return jax.lax.reduce_max(x, axes)

    def down(x: jax.Array, g: jax.Array) -> tuple[jax.Array]:
        rest = [d for d in range(x.ndim) if d not in axes]
        order = [*rest, *axes]
        flat = x.transpose(order).reshape(*(x.shape[d] for d in rest), -1)
        place = jnp.argmax(flat, axis=-1, keepdims=True)
        spread = jnp.where(jnp.arange(flat.shape[-1]) == place, g[..., None], jnp.zeros((), g.dtype))
        back = spread.reshape([x.shape[d] for d in order])
        return (back.transpose([order.index(d) for d in range(x.ndim)]),)

    largest.defvjp(lambda x: (largest(x), x), down)
    return largest


def first_minimum(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    """``x.min(axes)``, likewise."""
    return -first_maximum(-x, axes)


@jax.custom_vjp
def first_of_two(a: jax.Array, b: jax.Array) -> jax.Array:
    """``maximum(a, b)`` whose signal goes to a wherever a is not smaller.

    >>> [float(slope) for slope in jax.grad(first_of_two, (0, 1))(2.0, 2.0)]
    [1.0, 0.0]
    """
    return jax.lax.max(a, b)


def _two_down(residuals: tuple[jax.Array, jax.Array], g: jax.Array) -> tuple[jax.Array, jax.Array]:
    a, b = residuals
    first, none = (a >= b) | jnp.isnan(a), jnp.zeros((), g.dtype)
    return jnp.where(first, g, none), jnp.where(first, none, g)


first_of_two.defvjp(lambda a, b: (first_of_two(a, b), (a, b)), _two_down)


@dataclass(frozen=True)
class Window:
    """A window that slides over an array, and the number that its maximum starts from."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    base: tuple[int, ...]
    dilation: tuple[int, ...]
    start: float

    def largest(self, x: jax.Array, start: float) -> jax.Array:
        """The maximum of each window and ``start``."""
        return jax.lax.reduce_window(
            x, np.asarray(start, x.dtype)[()], jax.lax.max, self.size, self.strides, self.padding, self.base,
            self.dilation
        )  # fmt: skip


def window_of(eqn: Any) -> Window:
    """The window of a ``reduce_window``."""
    p, start = eqn.params, float(eqn.invars[1].val)
    pads = tuple((int(low), int(high)) for low, high in p["padding"])
    return Window(p["window_dimensions"], p["window_strides"], pads, p["base_dilation"], p["window_dilation"], start)


@functools.cache
def first_in_window(window: Window) -> Callable[[jax.Array], jax.Array]:
    """Max pooling from a starting number, which JAX cannot differentiate; a signal goes where the number did not win.

    >>> pool = first_in_window(Window((2,), (2,), ((0, 0),), (1,), (1,), 0.0))
    >>> jax.grad(lambda x: pool(x).sum())(jnp.array([0.0, 0.0, -1.0, -2.0])).tolist()
    [1.0, 0.0, 0.0, 0.0]
    """

    @jax.custom_vjp
    def pool(x: jax.Array) -> jax.Array:
        return window.largest(x, window.start)

    def down(x: jax.Array, g: jax.Array) -> tuple[jax.Array]:
        # From minus infinity JAX has the derivative, to the first maximum. Where the starting number is larger than the
        # whole window, no cell made the value, so none gets signal.
        y, pull = jax.vjp(lambda x: window.largest(x, -np.inf), x)
        return pull(jnp.where(y >= window.start, g, jnp.zeros((), g.dtype)))

    pool.defvjp(lambda x: (pool(x), x), down)
    return pool
