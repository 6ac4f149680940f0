"""ReLU and ReLU6 in other spellings, ``(x + abs(x)) / 2`` or ``x - min(x, 0)``, written as the maximum that they are.

What a program makes of one signal, entry by entry, by sums, numbers, absolute values, maxima, comparisons and
selections is a function of straight pieces. Such functions are followed exactly, not at some numbers: where one is
``c max(s (z - t), 0)`` with s = 1 or -1, bounded from above or not, and holds a bend that is no `trace.rectifiers` by
itself, its last equation is replaced by that maximum. A threshold ``z [z > t]`` and a leaky ReLU are none.
Sums, maxima and minima by a function of the author's own (`lax.reduce`, `lax.reduce_window`) get their plain form, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz.network import _compat
from deconvviz.network.trace.jaxpr import Equation, Flat, is_floating, is_literal
from deconvviz.network.trace.rectifiers import activation_call, survey

#: Two numbers are one if they differ by less than this, relative to their size: constants are rounded to float32.
_CLOSE = 1e-6
#: A function of more pieces than this is not followed.
_MOST = 12
#: What changes no entry.
_COPIES = {"copy", "copy_p", "convert_element_type", "optimization_barrier", "reduce_precision"}
_COMPARED: Mapping[str, Callable[[float], bool]] = {
    "gt": lambda d: d > 0, "ge": lambda d: d >= 0, "lt": lambda d: d < 0, "le": lambda d: d <= 0,
    "eq": lambda d: d == 0, "ne": lambda d: d != 0,
}  # fmt: skip
_LOGIC: Mapping[str, Callable[..., bool]] = {
    "and": lambda a, b: bool(a and b), "or": lambda a, b: bool(a or b), "xor": lambda a, b: bool(a) != bool(b),
    "not": lambda a: not a,
}  # fmt: skip
_BENDS = {"abs", "min", "max", "sign", "select_n", "clamp", *_COMPARED}
#: How two numbers are combined, and the number that this begins with -> a reduction, and the same in windows.
_REDUCTIONS: Mapping[tuple[str, float], tuple[Callable[..., Any], Callable[..., Any]]] = {
    ("add", 0.0): (lax.reduce_sum, lax.add), ("max", -np.inf): (lax.reduce_max, lax.max),
    ("min", np.inf): (lax.reduce_min, lax.min),
}  # fmt: skip
#: (slope, value at 0) of a straight piece.
Line: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Pieces:
    """A function of one number that is straight between its breaks.

    Attributes:
      breaks: in rising order.
      lines: before, between and behind them.
      at: its values at the breaks themselves.

    >>> ramp = Pieces((0.0,), ((0.0, 0.0), (1.0, 0.0)), (0.0,))
    >>> ramp(-2.0), ramp(0.0), ramp(3.0)
    (0.0, 0.0, 3.0)
    """

    breaks: tuple[float, ...] = ()
    lines: tuple[Line, ...] = ((1.0, 0.0),)
    at: tuple[float, ...] = ()

    def __call__(self, z: float) -> float:
        """The value at z."""
        for t, value in zip(self.breaks, self.at, strict=True):
            if z == t:
                return value
        slope, offset = self.lines[sum(t < z for t in self.breaks)]
        return slope * z + offset

    @property
    def is_straight(self) -> bool:
        return not self.breaks

    @property
    def is_level(self) -> bool:
        """Has it a derivative of 0 wherever it has one?"""
        return all(slope == 0 for slope, _ in self.lines)

    def broken_at(self, more: Iterable[float]) -> Pieces:
        """The same function with more breaks."""
        breaks: list[float] = []
        for t in sorted({*self.breaks, *more}):
            if t in self.breaks or not any(_close(t, other) for other in (*breaks, *self.breaks)):
                breaks.append(t)
        ends = [*breaks, None]
        lines = tuple(self.lines[sum(t < _between(low, high) for t in self.breaks)]
                      for low, high in zip([None, *breaks], ends, strict=True))  # fmt: skip
        return Pieces(tuple(breaks), lines, tuple(self(t) for t in breaks))

    def simplified(self) -> Pieces:
        """The same function without breaks at which nothing breaks."""
        plain = []
        for n, (t, value) in enumerate(zip(self.breaks, self.at, strict=True)):
            (slope, offset), after = self.lines[n], self.lines[n + 1]
            if not (_alike((slope, offset), after, t) and _close(value, slope * t + offset)):
                plain.append(n)
        lines = tuple(self.lines[n] for n in (*plain, len(self.breaks)))
        return Pieces(tuple(self.breaks[n] for n in plain), lines, tuple(self.at[n] for n in plain))


@dataclass(frozen=True)
class _Ramp:
    """``scale * min(max(side * (z - start), 0), height)``; without a height it rises for ever."""

    scale: float
    side: int
    start: float
    height: float | None


@dataclass(frozen=True)
class _Value:
    """A value as a function of a signal.

    Attributes:
      source: the variable of the signal; None for a plain number.
      pieces: the function.
      plain: is every bend in it a rectifier that is known as one already?
    """

    source: Any
    pieces: Pieces
    plain: bool = True


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= _CLOSE * max(abs(a), abs(b), 1e-30)


def _alike(a: Line, b: Line, t: float) -> bool:
    return _close(a[0], b[0]) and abs(a[0] * t + a[1] - b[0] * t - b[1]) <= _CLOSE * max(
        abs(a[1]), abs(a[0] * t), 1e-30
    )


def _between(low: float | None, high: float | None) -> float:
    """A number between two ends, of which one or both may be missing."""
    if low is None or high is None:
        return 0.0 if low == high else low + 1 + abs(low) if low is not None else (high or 0.0) - 1 - abs(high or 0.0)
    return (low + high) / 2


def _constant(number: float) -> Pieces:
    return Pieces(lines=((0.0, float(number)),))


def _together(*functions: Pieces) -> list[Pieces]:
    """The functions with the breaks of all."""
    breaks: list[float] = []
    for t in sorted({t for f in functions for t in f.breaks}):
        if not breaks or not _close(t, breaks[-1]):
            breaks.append(t)
    moved = [
        replace(f, breaks=tuple(next((b for b in breaks if b == t or _close(b, t)), t) for t in f.breaks))
        for f in functions
    ]
    return [f.broken_at(breaks) for f in moved]


def _piecewise(lines: Callable[..., Line | None], values: Callable[..., float], *functions: Pieces) -> Pieces | None:
    """A function made of others piece by piece; None where a piece is not straight or there are too many."""
    same = _together(*functions)
    made = [lines(*each) for each in zip(*(f.lines for f in same), strict=True)]
    if any(line is None for line in made) or len(made) > _MOST:
        return None
    at = tuple(float(values(*each)) for each in zip(*(f.at for f in same), strict=True))
    return Pieces(same[0].breaks, tuple(line for line in made if line is not None), at).simplified()


def _crossed(f: Pieces, g: Pieces) -> tuple[Pieces, Pieces]:
    """Both with a break wherever they cross."""
    f, g = _together(f, g)
    ends = [None, *f.breaks, None]
    crossings = []
    for n, ((a, b), (c, d)) in enumerate(zip(f.lines, g.lines, strict=True)):
        if a != c:
            t, low, high = (d - b) / (a - c), ends[n], ends[n + 1]
            inside = (low is None or t > low) and (high is None or t < high)
            if inside and not any(end is not None and _close(t, end) for end in (low, high)):
                crossings.append(t)
    return f.broken_at(crossings), g.broken_at(crossings)


def _by_difference(choose: Callable[[float, Any, Any], Any], f: Pieces, g: Pieces) -> Pieces | None:
    """Of two lines or values ``choose(difference, one, other)``, where it depends on the sign of the difference."""
    f, g = _crossed(f, g)
    ends, lines = [None, *f.breaks, None], []
    for n, (one, other) in enumerate(zip(f.lines, g.lines, strict=True)):
        z = _between(ends[n], ends[n + 1])
        lines.append(choose((one[0] - other[0]) * z + one[1] - other[1], one, other))
    at = [choose(0.0 if _close(a, b) else a - b, a, b) for a, b in zip(f.at, g.at, strict=True)]
    if len(lines) > _MOST:
        return None
    level = [line if isinstance(line, tuple) else (0.0, float(line)) for line in lines]
    return Pieces(f.breaks, tuple(level), tuple(map(float, at))).simplified()


def _product(a: Line, b: Line) -> Line | None:
    if a[0] and b[0]:
        return None
    factor, line = (a[1], b) if not a[0] else (b[1], a)
    return factor * line[0], factor * line[1]


def _quotient(a: Line, b: Line) -> Line | None:
    return None if b[0] or not b[1] else (a[0] / b[1], a[1] / b[1])


def _selected(chooser: Pieces, *cases: Pieces) -> Pieces | None:
    if not chooser.is_level:
        return None
    return _piecewise(
        lambda which, *lines: lines[int(which[1])], lambda which, *values: values[int(which)], chooser, *cases
    )


def _larger(difference: float, one: Any, other: Any) -> Any:
    return one if difference >= 0 else other


def _smaller(difference: float, one: Any, other: Any) -> Any:
    return one if difference <= 0 else other


def _applied(eqn: Any, f: Sequence[Pieces]) -> Pieces | None:
    """What an equation makes of functions of one signal; None where that is no function of straight pieces."""
    name = eqn.primitive.name
    if name in _COPIES or (name == "stop_gradient" and f[0].is_level):
        whole = name == "convert_element_type" and jnp.issubdtype(eqn.outvars[0].aval.dtype, jnp.integer)
        return None if whole and not f[0].is_level else f[0]
    if name in ("add", "add_any", "sub"):
        sign = -1 if name == "sub" else 1
        return _piecewise(lambda a, b: (a[0] + sign * b[0], a[1] + sign * b[1]), lambda a, b: a + sign * b, *f)
    if name == "neg":
        return _piecewise(lambda a: (-a[0], -a[1]), lambda a: -a, *f)
    if name == "mul":
        return _piecewise(_product, lambda a, b: a * b, *f)
    if name == "div":
        return _piecewise(_quotient, lambda a, b: a / b if b else np.nan, *f)
    if name == "max":
        return _by_difference(_larger, *f)
    if name == "min":
        return _by_difference(_smaller, *f)
    if name == "clamp":
        low = _by_difference(_larger, f[1], f[0])
        return low and _by_difference(_smaller, low, f[2])
    if name == "abs":
        negative = _piecewise(lambda a: (-a[0], -a[1]), lambda a: -a, f[0])
        return negative and _by_difference(_larger, f[0], negative)
    if name == "sign":
        return _by_difference(lambda d, a, b: float(np.sign(d)), f[0], _constant(0))
    if name in _COMPARED:
        compared = _COMPARED[name]
        return _by_difference(lambda d, a, b: float(compared(d)), *f)
    if name in _LOGIC and all(each.is_level for each in f) and eqn.outvars[0].aval.dtype == bool:
        logic = _LOGIC[name]
        return _piecewise(lambda *a: (0.0, float(logic(*(v for _, v in a)))), lambda *a: float(logic(*a)), *f)
    if name == "select_n":
        return _selected(*f)
    return f[0] if name == "integer_pow" and eqn.params["y"] == 1 else None


def _ramp(f: Pieces) -> _Ramp | None:
    """The function as a ReLU or ReLU6 of its signal, else None."""
    if len(f.breaks) not in (1, 2):
        return None
    largest = max(abs(slope) for slope, _ in f.lines)
    level = [abs(slope) <= _CLOSE * largest for slope, _ in f.lines]

    def zero(value: float, t: float) -> bool:  # max(z, 1e-12) is none, nor is max(min(z, 6), 1e-6)
        return abs(value) <= largest * (_CLOSE * abs(t) + 1e-12 * max(map(abs, f.breaks)))

    rises = [n for n, flat in enumerate(level) if not flat]
    if len(rises) != 1 or not all(
        zero(slope * t + offset - value, t)
        for t, value, sides in zip(f.breaks, f.at, zip(f.lines, f.lines[1:], strict=False), strict=True)
        for slope, offset in sides
    ):
        return None
    (at,), low, high = rises, f.lines[0], f.lines[-1]
    slope = f.lines[at][0]
    height = f.breaks[1] - f.breaks[0] if len(f.breaks) == 2 else None
    if at == 1 and zero(low[1], f.breaks[0]) and level[0]:
        return _Ramp(slope, 1, f.breaks[0], height)
    if at == len(f.lines) - 2 and zero(high[1], f.breaks[-1]) and level[-1]:
        return _Ramp(-slope, -1, f.breaks[-1], height)
    return None


def spelled_out(flat: Flat, known: Mapping[Any, float] | None = None) -> Flat:
    """The program with each rectifier of another spelling as a maximum with 0 (and a minimum, where it is bounded).

    Args:
      flat: the program.
      known: variables known to be a constant (`trace.rectifiers.constants`).
    """
    flat = replace(flat, equations=tuple(map(_plain_reduction, flat.equations)))
    if not any(item.primitive in _BENDS for item in flat.equations):
        return flat
    surveyed = survey(flat.equations, known)
    native = {**surveyed.rectifiers, **surveyed.clamps, **surveyed.ceilings}
    values: dict[Any, _Value] = {v: _Value(None, _constant(number)) for v, number in (known or {}).items()}
    new: list[Equation] = []
    replaced = False
    for index, item in enumerate(flat.equations):
        new.append(item)
        value = _followed(item, values)
        if value is None:
            continue
        if index in native:
            value = replace(value, plain=_of(native[index], values).plain)
        bent = not value.plain and is_floating(item.out)
        ramp = _ramp(value.pieces) if bent else None
        if bent and (operand := _unchanged(item, value, values)) is not None:
            new[-1:], value = _traced(item, operand, jnp.copy), replace(value, plain=True)
            replaced = True
        elif ramp is not None:
            new[-1:] = _written(item, value.source, ramp, values)
            value, replaced = replace(value, plain=True), True
        values[item.out] = value
    return replace(flat, equations=_without_unread(new, flat)) if replaced else flat


def _plain_reduction(item: Equation) -> Equation:
    """A reduction by a function as the one of that name, where there is one."""
    eqn, p = item.eqn, item.eqn.params
    if item.primitive not in ("reduce", "reduce_window") or len(eqn.invars) != 2 or not is_literal(eqn.invars[1]):
        return item
    combined = _compat.combined_by(p)
    reduction = _REDUCTIONS.get((combined[0], float(eqn.invars[1].val))) if len(combined) == 1 else None
    if reduction is None:
        return item
    whole, pairwise = reduction
    window = ("window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation")

    def function(x: jax.Array) -> jax.Array:
        if item.primitive == "reduce":
            return whole(x, p["dimensions"])
        start = np.asarray(eqn.invars[1].val, x.dtype)[()]
        return lax.reduce_window(x, start, pairwise, *(p[name] for name in window))

    operand = eqn.invars[0]
    made = _compat.traced(function, jax.ShapeDtypeStruct(operand.aval.shape, operand.aval.dtype)).jaxpr.eqns
    if len(made) != 1:
        return item
    return replace(item, eqn=made[0].replace(invars=[operand], outvars=list(eqn.outvars), source_info=eqn.source_info))


def _of(atom: Any, values: Mapping[Any, _Value]) -> _Value:
    """What is known of an operand; a signal of its own where that is nothing."""
    if is_literal(atom):
        number = jnp.ndim(atom.val) == 0 and np.isrealobj(atom.val)
        return _Value(None, _constant(float(atom.val))) if number else _Value(atom, Pieces())
    return values.get(atom) or _Value(atom, Pieces())


def _followed(item: Equation, values: Mapping[Any, _Value]) -> _Value | None:
    """The result of an equation as a function of a signal, or as a plain number; None where it is neither."""
    eqn = item.eqn
    if len(eqn.outvars) != 1 or not eqn.invars or activation_call(item) is not None:
        return None
    operands = [_of(a, values) for a in eqn.invars]
    if any(is_literal(each.source) for each in operands):  # complex, or an array
        return None
    sources = {each.source for each in operands if each.source is not None}
    if eqn.primitive.name in ("broadcast_in_dim", "reshape") and not sources:
        return operands[0]
    shapes = {a.aval.shape for a, each in zip(eqn.invars, operands, strict=True) if each.source is not None}
    if len(sources) > 1 or (shapes and shapes != {item.out.aval.shape}):
        return None
    if not all(np.isfinite(v) for each in operands for line in each.pieces.lines for v in line):
        return None
    pieces = _applied(eqn, [each.pieces for each in operands])
    if pieces is None:
        return None
    source = next(iter(sources), None)
    moving = {a for a, each in zip(eqn.invars, operands, strict=True) if each.source is not None}
    linear = eqn.primitive.name in {"add", "add_any", "sub", "neg", "mul", "div", "integer_pow", *_COPIES}
    plain = pieces.is_straight or (linear and len(moving) == 1 and all(each.plain for each in operands))
    return _Value(source, pieces, plain)


def _unchanged(item: Equation, value: _Value, values: Mapping[Any, _Value]) -> Any | None:
    """The operand of which an equation is a copy: ``abs(relu(x))`` is no second rectifier."""
    for atom in item.eqn.invars:
        known = None if is_literal(atom) else values.get(atom)
        same = known is not None and known.plain and (known.source, known.pieces) == (value.source, value.pieces)
        if same and (atom.aval.shape, atom.aval.dtype) == (item.out.aval.shape, item.out.aval.dtype):
            return atom
    return None


def _written(item: Equation, source: Any, ramp: _Ramp, values: Mapping[Any, _Value]) -> list[Equation]:
    """The equations of a ramp in place of the one that ends it, from the last straight form of its signal that fits."""
    shape, dtype = item.out.aval.shape, item.out.aval.dtype
    for variable, value in reversed(list(values.items())):
        fits = value.source is source and value.pieces.is_straight and (variable.aval.shape, variable.aval.dtype) == (
            shape, dtype)  # fmt: skip
        (slope, offset), *_ = value.pieces.lines
        if fits and slope and abs(slope * ramp.start + offset) <= _CLOSE * max(abs(offset), abs(slope)):
            source, size = variable, abs(slope)
            ramp = _Ramp(ramp.scale / size, ramp.side * (1 if slope > 0 else -1), 0.0,
                         None if ramp.height is None else ramp.height * size)  # fmt: skip
            break

    def number(value: float) -> Any:
        return np.asarray(value, dtype)[()]

    def function(z: jax.Array) -> jax.Array:
        z = z.astype(dtype) if abs(ramp.start) <= 1e-30 else z.astype(dtype) - number(ramp.start)
        z = lax.max(z if ramp.side > 0 else -z, number(0.0))
        z = z if ramp.height is None else lax.min(z, number(ramp.height))
        return z if _close(ramp.scale, 1.0) else z * number(ramp.scale)

    return _traced(item, source, function)


def _traced(item: Equation, source: Any, function: Callable[[jax.Array], jax.Array]) -> list[Equation]:
    """The equations of a function of a variable in place of one equation."""
    body = _compat.traced(function, jax.ShapeDtypeStruct(source.aval.shape, source.aval.dtype)).jaxpr
    names = {body.invars[0]: source, body.outvars[0]: item.out}
    written = []
    for eqn in body.eqns:
        names.update({v: _compat.new_variable(v.aval) for v in eqn.outvars if v not in names})
        operands = [a if is_literal(a) else names[a] for a in eqn.invars]
        made = eqn.replace(invars=operands, outvars=[names[v] for v in eqn.outvars], source_info=item.eqn.source_info)
        written.append(replace(item, eqn=made))
    return written


def _without_unread(equations: Sequence[Equation], flat: Flat) -> tuple[Equation, ...]:
    """The equations without those entry by entry ones whose results nothing reads any more."""
    before = {a for item in flat.equations for a in item.eqn.invars if not is_literal(a)}
    results = {v for item in flat.equations for v in item.eqn.outvars if v not in before}
    read = {a for a in flat.outputs if not is_literal(a)}
    plain = []
    for item in reversed(equations):
        outs = item.eqn.outvars
        if any(v in read or v in results for v in outs) or not outs or item.eqn.effects:
            plain.append(item)
            read.update(a for a in item.eqn.invars if not is_literal(a))
    return tuple(plain[::-1])
