"""What is known of the values of a program, as far as it matters to what a signal may pass.

Of each value: along which axes it does not vary with the image, of which other value it is an entry by entry function,
whether that function bends, whether it was reduced over an axis. `learn` works it out equation by equation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.network import _compat
from deconvviz.network.trace import entries
from deconvviz.network.trace.geometry import regrouped
from deconvviz.network.trace.jaxpr import Equation, flatten, is_floating, is_literal, needed
from deconvviz.network.trace.loops import Body, bodies
from deconvviz.network.trace.pooling import Pools, reduced_axes
from deconvviz.network.trace.rectifiers import Survey

#: Linear in each operand by itself and in all together: they move, copy, add up or drop entries.
MOVES = {
    "broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "rev", "pad", "slice", "concatenate", "stack",
    "split", "copy", "copy_p", "convert_element_type", "reduce_precision", "optimization_barrier", "device_put",
    "sharding_constraint", "tile", "mesh_cast", "reshard", "real", "imag", "complex", "conj", "tie_in", "stop_gradient",
}  # fmt: skip
SUMS = {"reduce_sum", "reduce_window_sum", "cumsum", "fft"}
ADDS = {"add", "add_any", "sub", "neg"}
#: Linear in the first operand (and in an update), as long as the places do not depend on the signal.
PICKS = {"gather": 1, "dynamic_slice": 1, "dynamic_update_slice": 2, "scatter": None, "scatter-add": None}
#: Solutions of linear equations: linear in the right-hand side, as long as the matrix does not depend on the signal.
SOLVES = {"triangular_solve", "custom_linear_solve"}
#: Products: linear as long as one operand only depends on the signal.
CONTRACTIONS = {"dot_general", "conv_general_dilated"}
REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_window_sum", "reduce_window_max",
               "reduce_window", "reduce_window_min", "cumsum", "cummax", "cumlogsumexp"}  # fmt: skip
EXPONENTIALS = {"exp", "exp2"}
_EQUAL = {"eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "xor", "is_finite"}
#: Inner programs that are opened and looked into by whoever calls `objections`.
OPENED = {"scan", "while", "cond"}
#: Each entry of the result depends on the entries at its own place alone.
ENTRYWISE = ADDS | {
    "mul", "div", "rem", "max", "min", "pow", "integer_pow", "square", "sqrt", "rsqrt", "cbrt", "exp", "exp2", "log",
    "log1p", "expm1", "tanh", "tan", "sin", "cos", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh",
    "atanh", "logistic", "erf", "erfc", "erf_inv", "lgamma", "digamma", "abs", "sign", "floor", "ceil", "round",
    "select_n", "clamp", "nextafter", "convert_element_type", "stop_gradient", "copy", "copy_p", "reduce_precision",
    "optimization_barrier", *_EQUAL,
}  # fmt: skip


@dataclass(eq=False)
class Known:
    """What is known of a value that depends on the image.

    Attributes:
      spread: axes along which it only varies by what does not depend on the image.
      origin: the value that it is an entry by entry function of, itself where it is none.
      curved: whether that function holds a rectifier or something else that bends.
      source: the value whose entries it holds or is an entry by entry function of, wherever they have been moved.
      bent: whether one of these functions bends.
      joined: several such functions of one entry lie side by side along an axis.
      entries: of which one number of a signal each entry is a function.
      reduced: reduced over an axis along which the signal varies, and worked on entry by entry since.
      squares: sums of squares or absolute values, worked on entry by entry since.
      dead: no derivative flows into it.
      finite: an indicator of what is NaN, infinite or neither.
    """

    spread: frozenset[int] = frozenset()
    origin: Any = None
    entries: Any = None
    curved: bool = False
    source: Any = None
    bent: bool = False
    joined: bool = False
    reduced: bool = False
    squares: bool = False
    dead: bool = False
    finite: bool = False


@dataclass(eq=False)
class View:
    """A program, what of it is live, what carries a signal, and what is known of its values."""

    equations: Sequence[Equation]
    live: set[Any]
    carried: set[Any]
    targets: set[Any]
    surveyed: Survey
    pools: Pools
    known: dict[Any, Known] = field(default_factory=dict)
    makers: dict[Any, int] = field(default_factory=dict)
    fixed: set[Any] = field(default_factory=set)
    readers: dict[Any, list[int]] = field(default_factory=dict)
    numbers: dict[Any, Any] = field(default_factory=dict)
    entering: Mapping[Any, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index in self.path():
            item = self.equations[index]
            self.makers.update((v, index) for v in item.eqn.outvars)
            for atom in item.eqn.invars:
                if not is_literal(atom):
                    self.readers.setdefault(atom, []).append(index)

    def constant(self, atom: Any) -> float | None:
        """The plain number that every entry of a value is, where the program says so; None elsewhere."""
        while not is_literal(atom) and atom not in self.live and (index := self.makers.get(atom)) is not None:
            item = self.equations[index]
            if item.primitive not in ("broadcast_in_dim", "convert_element_type", "copy"):
                return None
            atom = item.eqn.invars[0]
        plain = is_literal(atom) and jnp.ndim(atom.val) == 0 and np.isrealobj(atom.val)
        return float(atom.val) if plain else None

    def path(self) -> Sequence[int]:
        """Indices of the equations that the targets rest on; of all where there are no targets."""
        return needed(self.equations, self.targets) if self.targets else range(len(self.equations))

    def outs(self, index: int) -> list[Any]:
        """The results of an equation that depend on the image."""
        return [v for v in self.equations[index].eqn.outvars if v in self.known]

    def signal_of(self, eqn: Any) -> list[Any]:
        """The results that a signal comes down through."""
        return [v for v in eqn.outvars if v in self.carried and is_floating(v)]

    def readers_of(self, value: Any) -> list[int]:
        """The equations that read a value and through which a signal comes down to it."""
        return [i for i in dict.fromkeys(self.readers.get(value, ())) if self.signal_of(self.equations[i].eqn)]

    def moving(self, eqn: Any) -> list[Any]:
        """The operands that depend on the image, each as often as it stands there; not those held fixed."""
        return [a for a in eqn.invars if not is_literal(a) and a in self.live and a not in self.fixed]

    def signals(self, eqn: Any) -> list[Any]:
        """Those of them that a signal goes down to."""
        return [a for a in self.moving(eqn) if a in self.carried and not self.known[a].dead]


def learn(view: View, index: int) -> None:
    """Work out the trails of an equation's results."""
    item = view.equations[index]
    eqn, name = item.eqn, item.primitive
    moving = view.moving(eqn)
    for atom in moving:
        if atom not in view.known:
            view.known[atom] = view.entering.get(atom) or Known(origin=atom, entries=entries.own(atom), source=atom)
    trails = [view.known[a] for a in moving]
    below = {a: trail.entries for a, trail in zip(moving, trails, strict=True)}
    sources = {t.source for t in trails}
    moved = len(sources) == 1 and (name in MOVES or _entry_by_entry(eqn))
    for out in eqn.outvars:
        origin = _origin(view, eqn, out)
        followed = entries.follow(eqn, below, name in ENTRYWISE) if len(eqn.outvars) == 1 else None
        view.known[out] = Known(
            spread=_spread(view, eqn, out),
            origin=origin,
            entries=followed or entries.own(number_of(view, out)),
            curved=origin is not number_of(view, out) and (bends(view, index) or any(t.curved for t in trails)),
            source=next(iter(sources)) if moved else number_of(view, out),
            bent=moved and (bends(view, index) or any(t.bent for t in trails)),
            joined=moved and (any(t.joined for t in trails) or _joins_forms(view, eqn)),
            reduced=reduces(view, index) or (name not in OPENED and all(t.reduced for t in trails)),
            squares=_sums_squares(view, index, trails, followed is None),
            dead=not is_floating(out) or all(t.dead for t in trails),
            finite=_tells_finite(view, eqn, name, trails),
        )


def entering(body: Body, inputs: Sequence[Any], known: Mapping[Any, Known]) -> dict[Any, Known]:
    """What is known of the inputs of a body, by what flows into them; nothing of what changes from round to round."""
    result: dict[Any, Known] = {}
    firsts: dict[Any, tuple[Any, Any]] = {}
    changing = set(body.carried.values())
    for n, (variable, operand) in enumerate(zip(inputs, body.operands, strict=True)):
        if n in changing or operand is None or is_literal(operand) or operand not in known:
            continue
        trail, sliced = known[operand], n in body.sliced
        # Two that are functions of one value are so inside as well: of the first of them.
        first, same = firsts.setdefault((trail.origin, sliced), (variable, operand))
        curved = operand is not same and (trail.curved or known[same].curved)
        below = replace(trail, origin=first, source=first, curved=curved, bent=curved)
        if sliced:
            axes = replace(trail.entries, axes=trail.entries.axes[1:])
            below = replace(below, spread=frozenset(d - 1 for d in trail.spread if d), entries=axes)
        result[variable] = below
    return result


def _entry_by_entry(eqn: Any) -> bool:
    """Depends each entry on those at its own place alone, also in a map over the first axis?"""
    name = eqn.primitive.name
    if name != "scan":
        return name in ENTRYWISE
    shapes = {v.aval.shape for v in (*eqn.invars, *eqn.outvars) if v.aval.shape}
    (_, _, body), *_ = bodies(eqn)
    if body.carried or len(body.sliced) != len(eqn.invars) or len(shapes) != 1:
        return False
    return all(item.primitive in ENTRYWISE for item in flatten(body.closed, lambda eqn: True).equations)


def _joins_forms(view: View, eqn: Any) -> bool:
    """Are several forms of one signal, of which one bends, put side by side along an axis?"""
    moving = view.moving(eqn)
    several = eqn.primitive.name in ("concatenate", "stack") and len({number_of(view, a) for a in moving}) > 1
    return several and any(view.known[a].bent for a in moving)


def meet(view: View, a: Any, b: Any) -> bool:
    """Are two values of one source functions of the same entry of it at a place?"""
    source = view.known[a].source
    if source is not view.known[b].source:
        return False
    first, second = _places(view, a, source), _places(view, b, source)
    if first is None or second is None or first.shape != second.shape:
        return False
    return bool(np.any((first == second) & (first >= 0)))


def _places(view: View, value: Any, source: Any) -> np.ndarray | None:
    """Which entry of the source each entry of a value is a function of; -1 for none, None where it cannot be told."""
    if value is source or number_of(view, value) is number_of(view, source):
        return np.arange(value.aval.size, dtype=np.int32).reshape(value.aval.shape)
    eqn = view.equations[view.makers[value]].eqn if value in view.makers else None
    if eqn is None:
        return None
    moving = view.moving(eqn)
    below = {a: places for a in moving if (places := _places(view, a, source)) is not None}
    if len(below) < len(set(moving)):
        return None
    first = next(iter(below.values()))
    if eqn.primitive.name not in MOVES or eqn.primitive.name in ENTRYWISE | {"complex", "real", "imag", "conj"}:
        alike = all(places.shape == value.aval.shape and np.array_equal(places, first) for places in below.values())
        return first if alike else None
    operands = [below.get(a) if not is_literal(a) else None for a in eqn.invars]
    filled = [
        np.full(a.aval.shape, -1, np.int32) if o is None else o for a, o in zip(eqn.invars, operands, strict=True)
    ]
    try:
        with jax.ensure_compile_time_eval():
            moved = eqn.primitive.bind(*map(jnp.asarray, filled), **eqn.params)
    except Exception:  # whatever another release of JAX does not evaluate here stays untold
        return None
    which = [v is value for v in eqn.outvars].index(True)
    return np.asarray(moved[which] if eqn.primitive.multiple_results else moved)


def reduces(view: View, index: int) -> bool:
    """Does the equation put entries together that are functions of different numbers of the signal?"""
    eqn, known = view.equations[index].eqn, view.known
    if eqn.primitive.name not in REDUCTIONS:
        return False
    operand = next((a for a in eqn.invars if not is_literal(a) and a in known), None)
    if operand is None:
        return False
    return not reduced_axes(eqn) <= known[operand].entries.single


def bends(view: View, index: int) -> bool:
    """Is the equation no affine function of its operands?"""
    item = view.equations[index]
    name, moving = item.primitive, view.moving(item.eqn)
    if name in MOVES or name in SUMS or name in ADDS:
        return False
    if name in ("mul", "div", *CONTRACTIONS):
        return len(moving) > 1 or (name == "div" and moving[0] is not item.eqn.invars[0])
    if name in PICKS or is_solution(view, index):
        return False
    return not (name == "select_n" and not any(a is item.eqn.invars[0] for a in moving))


def is_solution(view: View, index: int) -> bool:
    """Is it the solution of linear equations whose matrix does not depend on the image?"""
    eqn = view.equations[index].eqn
    name = eqn.primitive.name
    if name not in SOLVES:
        return False
    matrix = eqn.invars[: sum(eqn.params["const_lengths"]) if name == "custom_linear_solve" else 1]
    return not any(a is b for a in matrix for b in view.moving(eqn))


def _origin(view: View, eqn: Any, out: Any) -> Any:
    """The value that a result is an entry by entry function of; the result itself where there is not just one."""
    moving = view.moving(eqn)
    if eqn.primitive.name in ENTRYWISE and all(a.aval.shape == out.aval.shape for a in moving):
        origins = {view.known[a].origin for a in moving}
        if len(origins) == 1:
            return origins.pop()
    return number_of(view, out)


def _key(view: View, eqn: Any) -> Any:
    """Equal for two equations that compute the same."""
    operands = tuple(repr(a.val) if is_literal(a) else number_of(view, a) for a in eqn.invars)
    return eqn.primitive.name, repr(sorted((k, repr(v)) for k, v in eqn.params.items())), operands


def number_of(view: View, variable: Any) -> Any:
    """The first of the variables known to hold the same values."""
    index = view.makers.get(variable)
    if index is None or len(view.equations[index].eqn.outvars) != 1:
        return variable
    if any(_compat.program_in(value) is not None for value in view.equations[index].eqn.params.values()):
        return variable
    if variable not in view.numbers:
        view.numbers[variable] = view.numbers.setdefault(_key(view, view.equations[index].eqn), variable)
    return view.numbers[variable]


def _sums_squares(view: View, index: int, trails: list[Known], mixed: bool) -> bool:
    """A sum over neighbours or channels of squares, or an entry by entry function of such sums.

    Args:
      mixed: do entries of the result rest on several numbers of the signal?
    """
    item = view.equations[index]
    name = item.primitive
    moving = view.moving(item.eqn)
    if name in {"reduce_window_sum", "reduce_sum", "cumsum", *CONTRACTIONS}:
        joins = mixed if name in CONTRACTIONS else reduces(view, index)
        return joins and len(moving) == 1 and is_square(view, moving[0])
    if name == "add" and len(moving) == 2:  # of neighbours: two functions of one and the same entry are none
        squares = all(t.squares or is_square(view, a) for t, a in zip(trails, moving, strict=True))
        return squares and trails[0].origin is not trails[1].origin
    if name in ENTRYWISE or name in MOVES:
        return bool(trails) and all(t.squares for t in trails)
    return False


def is_square(view: View, variable: Any) -> bool:
    while (index := view.makers.get(variable)) is not None:
        item = view.equations[index]
        if item.primitive in ("square", "abs") or (item.primitive in ("integer_pow", "mul") and is_even(item.eqn)):
            return True
        moving = view.moving(item.eqn)
        if item.primitive not in MOVES | {"mul", "div", "add"} or len(moving) != 1:
            return False
        variable = moving[0]
    return False


def is_even(eqn: Any) -> bool:
    if eqn.primitive.name == "mul":
        return eqn.invars[0] is eqn.invars[1]
    return eqn.params["y"] % 2 == 0 and eqn.params["y"] > 0


def _tells_finite(view: View, eqn: Any, name: str, trails: list[Known]) -> bool:
    if name == "is_finite":
        return True
    if name in ("eq", "ne", "lt", "le", "gt", "ge"):
        same = eqn.invars[0] is eqn.invars[1] and name in ("eq", "ne")
        return same or any(number is not None and np.isinf(number) for number in map(view.constant, eqn.invars))
    if name in ("and", "or", "not", "convert_element_type", "broadcast_in_dim", "reshape"):
        return bool(trails) and all(t.finite for t in trails)
    return False


def spread_of(view: View, value: Any, other: Any) -> frozenset[int]:
    """The axes along which a value does not vary with the image, those that meet a longer axis included."""
    a, b = value.aval.shape, other.aval.shape
    if not a:
        return frozenset(range(len(b)))
    implicit = {d for d, (n, m) in enumerate(zip(a, b, strict=True)) if n == 1 < m} if len(a) == len(b) else set()
    return view.known[value].spread | implicit


def spreads_over(view: View, factor: Any, other: Any) -> bool:
    """Is the factor one number along an axis on which the other value varies?"""
    spread = spread_of(view, factor, other)
    if other not in view.known:
        return bool(spread)
    return bool(spread - view.known[other].spread - view.known[other].entries.single)


def _spread(view: View, eqn: Any, out: Any) -> frozenset[int]:
    """Axes of a result along which it does not vary with the image."""
    name, moving = eqn.primitive.name, view.moving(eqn)
    if not hasattr(out.aval, "shape"):
        return frozenset()
    shape = out.aval.shape
    if name in ENTRYWISE:
        whole = [a for a in moving if len(a.aval.shape) == len(shape)]
        if not whole:
            return frozenset(range(len(shape)))
        common = set(range(len(shape)))
        if name in _EQUAL:  # compared with one number here and another there, a constant makes a pattern
            fixed = [a.aval.shape for a in eqn.invars if a not in moving or is_literal(a)]
            common = {d for d in common if all(len(s) != len(shape) or s[d] == 1 for s in fixed)}
        for atom in whole:
            spread = view.known[atom].spread
            common &= spread | {d for d, (n, m) in enumerate(zip(atom.aval.shape, shape, strict=True)) if n == 1 < m}
        return frozenset(common)
    rule = _SPREADS.get(name)
    if rule is None or len(moving) != 1:
        return frozenset()
    which = next(n for n, a in enumerate(eqn.invars) if a is moving[0])
    return frozenset(rule(eqn, which, view.known[moving[0]].spread, shape))


def _spread_broadcast(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    operand, targets = eqn.invars[0].aval.shape, eqn.params["broadcast_dimensions"]
    new = set(range(len(shape))) - set(targets)
    return new | {t for s, t in enumerate(targets) if s in below or operand[s] != shape[t]}


def _spread_reshape(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    groups = regrouped(eqn.invars[0].aval.shape, shape)
    return {d for before, after in groups for d in after if all(axis in below for axis in before)}


def _spread_reduce(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    rest = [d for d in range(len(eqn.invars[0].aval.shape)) if d not in set(eqn.params["axes"])]
    return {n for n, d in enumerate(rest) if d in below}


def _spread_transpose(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    return {n for n, d in enumerate(eqn.params["permutation"]) if d in below}


def _spread_same_size(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    old = eqn.invars[0].aval.shape
    return {d for d in below if len(old) == len(shape) and old[d] == shape[d]}


def _spread_tile(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    return {d for d, n in enumerate(eqn.invars[0].aval.shape) if d in below or n == 1}


def _spread_gather(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    """Slices keep their axes; the axes of the places are spread where nothing varies along what they were taken of."""
    numbers, old = eqn.params["dimension_numbers"], eqn.invars[0].aval.shape
    if which or numbers.operand_batching_dims:
        return ()
    same = {d for d, n in enumerate(old) if n == 1 or d in below}
    remaining = [d for d in range(len(old)) if d not in set(numbers.collapsed_slice_dims)]
    spread = {o for o, d in zip(numbers.offset_dims, remaining, strict=True) if d in same}
    alike = all(d in same for d in numbers.start_index_map)
    return spread | ({d for d in range(len(shape)) if d not in numbers.offset_dims} if alike else set())


def _spread_dot(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    """A free axis of the operand that depends on the image stays what it was; one number times weights is spread."""
    (contract, batch) = eqn.params["dimension_numbers"]
    alike = all(d in below or eqn.invars[which].aval.shape[d] == 1 for d in contract[which])
    axes: list[tuple[int, int]] = [(0, d) for d in batch[0]]
    for n in (0, 1):
        rank = len(eqn.invars[n].aval.shape)
        axes += [(n, d) for d in range(rank) if d not in contract[n] and d not in batch[n]]
    free = range(len(batch[0]), len(axes))
    return {k for k, (n, d) in enumerate(axes) if (d in below if n == which else alike and k in free)}


def _spread_conv(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    numbers, old = eqn.params["dimension_numbers"], eqn.invars[0].aval.shape
    if which:
        return ()
    pairs = zip((numbers.lhs_spec[0], *numbers.lhs_spec[2:]), (numbers.out_spec[0], *numbers.out_spec[2:]), strict=True)
    return {o for i, o in pairs if i in below and old[i] == shape[o] == 1}


_SPREADS: Mapping[str, Callable[[Any, int, frozenset[int], tuple[int, ...]], Iterable[int]]] = {
    "broadcast_in_dim": _spread_broadcast, "reshape": _spread_reshape, "squeeze": _spread_reshape,
    "expand_dims": _spread_reshape, "reduce_sum": _spread_reduce, "reduce_max": _spread_reduce,
    "reduce_min": _spread_reduce, "transpose": _spread_transpose, "dot_general": _spread_dot,
    "conv_general_dilated": _spread_conv, "pad": _spread_same_size, "slice": _spread_same_size,
    "rev": _spread_same_size, "reduce_window_sum": _spread_same_size, "reduce_window_max": _spread_same_size,
    "cumsum": _spread_same_size, "tile": _spread_tile, "gather": _spread_gather,
}  # fmt: skip
