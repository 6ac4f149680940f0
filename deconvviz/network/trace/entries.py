"""Of which one number of a signal each entry of a value is a function.

``stack([h, -h])`` has an axis of two along which both entries come from one number of ``h``; a sum, a softmax or a norm
over it is a function of that number, an activation, whatever it looks like. `follow` tells such axes from those along
which the signal varies: each axis of a value is a product of factors, each an axis of one signal (the root) or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from deconvviz.network.trace.jaxpr import is_literal

#: (size, axis of the root); None for what the root does not vary along. An axis of one number that was put in has none;
#: one of the root itself, the channels of a layer that has one, stays an axis of the signal.
Factors: TypeAlias = tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class Entries:
    """Entry (i, j, ...) of a value is a function of one entry of the root.

    Attributes:
      root: a variable.
      axes: of the value, each by its factors, the slowest first.
    """

    root: Any
    axes: tuple[Factors, ...]

    @property
    def single(self) -> frozenset[int]:
        """The axes along which all entries are functions of one and the same number."""
        return frozenset(d for d, factors in enumerate(self.axes) if _is_single(factors))


def own(root: Any) -> Entries:
    """A value as its own root.

    >>> from types import SimpleNamespace as Variable
    >>> own(Variable(aval=Variable(shape=(1, 4)))).axes
    (((1, 0),), ((4, 1),))
    """
    return Entries(root, tuple(((n, d),) for d, n in enumerate(getattr(root.aval, "shape", ()))))


def follow(eqn: Any, entries: Mapping[Any, Entries], entrywise: bool) -> Entries | None:
    """The entries of an equation's first result; None where it is a signal of its own.

    Args:
      eqn: the equation.
      entries: of the operands that depend on the image.
      entrywise: does each entry depend on those at its own place alone?
    """
    places = [n for n, a in enumerate(eqn.invars) if not is_literal(a) and a in entries]
    known, shape = [entries[eqn.invars[n]] for n in places], getattr(eqn.outvars[0].aval, "shape", ())
    if not known or any(each != known[0] for each in known):
        return None
    if entrywise:
        return known[0] if all(eqn.invars[n].aval.shape == shape for n in places) else None
    rule = _RULES.get(eqn.primitive.name)
    axes = rule(eqn, places[0], known[0].axes, tuple(shape)) if rule and _may_follow(eqn, places) else None
    return None if axes is None else replace(known[0], axes=axes)


def _may_follow(eqn: Any, places: Sequence[int]) -> bool:
    """Several operands may depend on the image where they are put together; indices may not."""
    return len(places) == 1 or eqn.primitive.name in ("concatenate", "stack")


def _is_single(factors: Factors) -> bool:
    return all(axis is None for _, axis in factors)


def _nothing(size: int) -> Factors:
    return ((size, None),) if size != 1 else ()


Axes: TypeAlias = tuple[Factors, ...]
Shape: TypeAlias = tuple[int, ...]


def _in_order(below: Axes, before: Sequence[int], after: Sequence[int], touched: Sequence[int]) -> Axes | None:
    """Axes that stay in their order, those touched only if nothing varies along them."""
    axes = [_nothing(after[d]) if d in touched else factors for d, factors in enumerate(below)]
    return tuple(axes) if all(_is_single(below[d]) for d in touched) and len(before) == len(after) else None


def _resized(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    """Slices and pads."""
    before = eqn.invars[0].aval.shape
    pads = eqn.params.get("padding_config", ((0, 0, 0),) * len(before))
    return _in_order(below, before, shape, [d for d, n in enumerate(before) if n != shape[d] or any(pads[d])])


def _same(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes:
    return below


def _broadcast(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes:
    axes = [_nothing(n) for n in shape]
    for source, target in enumerate(eqn.params["broadcast_dimensions"]):
        if eqn.invars[0].aval.shape[source] == shape[target]:
            axes[target] = below[source]
    return tuple(axes)


def _reshape(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    factors, axes = [f for axis in below for f in axis], []
    for size in shape:
        mine: list[tuple[int, int | None]] = []
        if size == 1 and factors and factors[0][0] == 1:
            mine.append(factors.pop(0))
        while size > 1 and factors:
            n, axis = factors.pop(0)
            if n == 1:
                continue
            if n > size and axis is None and n % size == 0:
                factors.insert(0, (n // size, None))
                n = size
            if size % n:
                return None
            mine.append((n, axis))
            size //= n
        axes.append(tuple(mine))
    return tuple(axes)


def _transpose(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes:
    return tuple(below[d] for d in eqn.params["permutation"])


def _concatenate(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    d, axes = eqn.params["dimension"], list(below)
    if _is_single(below[d]):
        axes[d] = _nothing(shape[d])
    elif len({a.aval.shape[d] for a in eqn.invars}) == 1:
        axes[d] = (*_nothing(len(eqn.invars)), *below[d])
    else:
        return None
    return tuple(axes)


def _stack(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes:
    d = eqn.params["axis"]
    return (*below[:d], _nothing(len(eqn.invars)), *below[d:])


def _tile(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes:
    pairs = zip(shape, eqn.invars[0].aval.shape, below, strict=True)
    return tuple((*_nothing(n // old), *factors) for n, old, factors in pairs)


def _rev(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    return _in_order(below, shape, shape, eqn.params["dimensions"])


def _reduce(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    gone = set(eqn.params["axes"])
    rest = tuple(factors for d, factors in enumerate(below) if d not in gone)
    return rest if all(_is_single(below[d]) for d in gone) else None


def _window(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    p, before = eqn.params, eqn.invars[0].aval.shape
    moved = [d for d, n in enumerate(p["window_dimensions"]) if n > 1 or before[d] != shape[d]]
    return _in_order(below, before, shape, moved)


def _cumulative(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    return _in_order(below, shape, shape, [eqn.params["axis"]])


def _dot(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    """One number times weights, however many there are."""
    contract, batch = eqn.params["dimension_numbers"]
    if not all(_is_single(below[d]) for d in contract[which]):
        return None
    axes = [below[d] for d in batch[which]]
    for n, atom in enumerate(eqn.invars):
        free = [d for d in range(len(atom.aval.shape)) if d not in contract[n] and d not in batch[n]]
        axes += [below[d] if n == which else _nothing(atom.aval.shape[d]) for d in free]
    return tuple(axes)


def _conv(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    """By one tap, of one channel each."""
    p, numbers = eqn.params, eqn.params["dimension_numbers"]
    kernel, before = eqn.invars[1].aval.shape, eqn.invars[0].aval.shape
    inner, outer = numbers.lhs_spec[1], numbers.out_spec[1]
    places = list(zip(numbers.lhs_spec[2:], numbers.out_spec[2:], strict=True))
    taps = all(kernel[d] == 1 for d in numbers.rhs_spec[2:]) and all(before[i] == shape[o] for i, o in places)
    groups = p["feature_group_count"]
    one = _is_single(below[inner]) or groups == before[inner]
    if which or not taps or not one or p["batch_group_count"] != 1:
        return None
    axes: list[Factors] = [()] * len(shape)
    for i, o in ((numbers.lhs_spec[0], numbers.out_spec[0]), *places):
        axes[o] = below[i]
    features = shape[outer]
    axes[outer] = _nothing(features) if _is_single(below[inner]) else (*below[inner], *_nothing(features // groups))
    return tuple(axes)


def _gather(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    numbers, before, sizes = eqn.params["dimension_numbers"], eqn.invars[0].aval.shape, eqn.params["slice_sizes"]
    cut = [d for d, n in enumerate(before) if n != sizes[d] or d in numbers.start_index_map]
    if which or numbers.operand_batching_dims or not all(_is_single(below[d]) for d in cut):
        return None
    rest = [d for d in range(len(before)) if d not in numbers.collapsed_slice_dims]
    axes = [_nothing(n) for n in shape]
    for target, d in zip(numbers.offset_dims, rest, strict=True):
        axes[target] = _nothing(shape[target]) if d in cut else below[d]
    return tuple(axes)


def _dynamic_slice(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    return None if which else _resized(eqn, which, below, shape)


def _dynamic_update(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    """Written into an array of numbers."""
    before = eqn.invars[1].aval.shape
    return _in_order(below, before, shape, [d for d, n in enumerate(before) if n != shape[d]]) if which == 1 else None


def _scatter(eqn: Any, which: int, below: Axes, shape: Shape) -> Axes | None:
    """Written into an array of numbers, at places along axes of its own."""
    numbers = eqn.params["dimension_numbers"]
    window = numbers.update_window_dims
    inserted = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    targets = [d for d in range(len(shape)) if d not in inserted]
    if which != 2 or not all(_is_single(factors) for d, factors in enumerate(below) if d not in window):
        return None
    axes = [_nothing(n) for n in shape]
    for d, target in zip(window, targets, strict=True):
        if eqn.invars[2].aval.shape[d] == shape[target]:
            axes[target] = below[d]
        elif not _is_single(below[d]):
            return None
    return tuple(axes)


_RULES: Mapping[str, Callable[[Any, int, Axes, Shape], Axes | None]] = {
    "broadcast_in_dim": _broadcast, "reshape": _reshape, "squeeze": _reshape, "expand_dims": _reshape,
    "transpose": _transpose, "concatenate": _concatenate, "stack": _stack, "tile": _tile, "rev": _rev,
    "slice": _resized, "pad": _resized, "dynamic_slice": _dynamic_slice, "dynamic_update_slice": _dynamic_update,
    "gather": _gather, "scatter": _scatter, "scatter-add": _scatter, "dot_general": _dot,
    "conv_general_dilated": _conv,
    **dict.fromkeys(("reduce_sum", "reduce_max", "reduce_min", "reduce_prod"), _reduce),
    **dict.fromkeys(("reduce_window", "reduce_window_sum", "reduce_window_max", "reduce_window_min"), _window),
    **dict.fromkeys(("cumsum", "cummax", "cummin", "cumprod", "cumlogsumexp"), _cumulative),
    **dict.fromkeys(("device_put", "sharding_constraint", "mesh_cast", "reshard", "real"), _same),
}  # fmt: skip
