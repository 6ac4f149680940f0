"""What on the path of a signal is neither linear nor of a form that every backward rule leaves alone.

A rectifier rule is exact where everything but the rectifiers is linear in the signal. So it is not activations that are
looked up in a list, but what may pass:

- operations linear in the signal, and products and quotients with what does not depend on it;
- max pooling (`trace.pooling`) and the rectifiers themselves (`trace.rectifiers`);
- normalization: ``x / f(s)`` and ``x * f(s)``, where s is reduced from the signal over an axis and spread out along it
  again, or is a window's or channel mix's sum of squares (local response normalization);
- softmax ``exp(x) / sum(exp(x))`` and ``x - log(sum(exp(x)))``, and attention: sums of a signal weighted by a softmax,
  and the scores that go into one;
- gates: a factor that is spread out over an axis along which the signal varies (squeeze and excitation);
- guards against NaN and infinity, and selections by what does not depend on the signal.

Everything else that a signal goes through is objected to, whatever it is called: `objections`. Several rectifiers of
one and the same signal that are added up again (``relu(x) - a relu(-x)``, ``x + relu(x)``) are an activation of their
own, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvviz.network import _compat
from deconvviz.network.trace import curves
from deconvviz.network.trace.jaxpr import Equation, carrying, is_literal, needed
from deconvviz.network.trace.pooling import Pools
from deconvviz.network.trace.rectifiers import Survey, activation_call

#: Linear in each operand by itself and in all together: they move, copy, add up or drop entries.
_MOVES = {
    "broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "rev", "pad", "slice", "concatenate", "stack",
    "split", "copy", "copy_p", "convert_element_type", "reduce_precision", "optimization_barrier", "device_put",
    "sharding_constraint", "mesh_cast", "reshard", "real", "imag", "complex", "conj", "tie_in", "stop_gradient",
}  # fmt: skip
_SUMS = {"reduce_sum", "reduce_window_sum", "cumsum", "fft"}
_ADDS = {"add", "add_any", "sub", "neg"}
#: Linear in the first operand (and in an update), as long as the places do not depend on the signal.
_PICKS = {"gather": 1, "dynamic_slice": 1, "dynamic_update_slice": 2, "scatter": None, "scatter-add": None}
#: Products: linear as long as one operand only depends on the signal.
_CONTRACTIONS = {"dot_general", "conv_general_dilated"}
_REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_window_sum", "reduce_window_max",
               "reduce_window", "reduce_window_min", "cumsum", "cummax", "cumlogsumexp"}  # fmt: skip
_EQUAL = {"eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "xor", "is_finite"}
#: Inner programs that are opened and looked into by whoever calls `objections`.
_OPENED = {"scan", "while", "cond"}
#: What a reader calls it.
_NAMES = {"logistic": "sigmoid", "integer_pow": "power", "square": "power", "pow": "power"}
#: Of several objections to one activation the first of these names it best.
_TELLING = ("erf", "erfc", "tanh", "logistic", "abs", "log1p", "expm1", "exp", "clamp", "select_n", "max", "min")


@dataclass(frozen=True, eq=False)
class Curve:
    """An activation that takes a signal entry by entry.

    Attributes:
      signal: the variable that goes in.
      result: the one that comes out.
      indices: the equations between the two.
    """

    signal: Any
    result: Any
    indices: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Objection:
    """One activation that no rectifier rule is defined for.

    Attributes:
      index: of the equation that names it.
      name: in the field's words, "sigmoid" or "a product of two signals".
      curve: the activation as a function of one signal, entry by entry; None where it is none.
    """

    index: int
    name: str
    curve: Curve | None = None


@dataclass(eq=False)
class _Trail:
    """What is known of a value that depends on the image.

    Attributes:
      spread: axes along which it only varies by what does not depend on the image.
      origin: the value that it is an entry by entry function of, itself where it is none.
      curved: whether that function holds a rectifier or something else that bends.
      reduced: reduced over an axis, and worked on entry by entry since.
      squares: sums of squares or absolute values, worked on entry by entry since.
      dead: no derivative flows into it.
      finite: an indicator of what is NaN, infinite or neither.
    """

    spread: frozenset[int] = frozenset()
    origin: Any = None
    curved: bool = False
    reduced: bool = False
    squares: bool = False
    dead: bool = False
    finite: bool = False


@dataclass(frozen=True)
class _Follow:
    """How far the forward way of a bent value was followed: from which equation, past a reduction, past a logarithm."""

    start: int
    even: bool
    exponential: bool
    logarithm: bool = False
    summed: bool = False


@dataclass(eq=False)
class _Scene:
    """A program, what of it is live, what carries a signal, and what is known of its values."""

    equations: Sequence[Equation]
    live: set[Any]
    carried: set[Any]
    targets: set[Any]
    surveyed: Survey
    pools: Pools
    trails: dict[Any, _Trail] = field(default_factory=dict)
    makers: dict[Any, int] = field(default_factory=dict)
    held: set[Any] = field(default_factory=set)
    readers: dict[Any, list[int]] = field(default_factory=dict)
    numbers: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index in self.path():
            item = self.equations[index]
            self.makers.update((v, index) for v in item.eqn.outvars)
            for atom in item.eqn.invars:
                if not is_literal(atom):
                    self.readers.setdefault(atom, []).append(index)

    def path(self) -> Sequence[int]:
        """Indices of the equations that the targets rest on; of all where there are no targets."""
        return needed(self.equations, self.targets) if self.targets else range(len(self.equations))

    def outs(self, index: int) -> list[Any]:
        """The results of an equation that depend on the image."""
        return [v for v in self.equations[index].eqn.outvars if v in self.trails]

    def signal_of(self, eqn: Any) -> list[Any]:
        """The results that a signal comes down through."""
        return [v for v in eqn.outvars if v in self.carried and _floating(v)]

    def readers_of(self, value: Any) -> list[int]:
        """The equations that read a value and through which a signal comes down to it."""
        return [i for i in dict.fromkeys(self.readers.get(value, ())) if self.signal_of(self.equations[i].eqn)]

    def moving(self, eqn: Any) -> list[Any]:
        """The operands that depend on the image, each as often as it stands there; not those held fixed."""
        return [a for a in eqn.invars if not is_literal(a) and a in self.live and a not in self.held]

    def signals(self, eqn: Any) -> list[Any]:
        """Those of them that a signal goes down to."""
        return [a for a in self.moving(eqn) if a in self.carried and not self.trails[a].dead]


def objections(
    equations: Sequence[Equation], live: set[Any], targets: Sequence[Any], surveyed: Survey, pools: Pools
) -> list[Objection]:
    """What a signal that starts from the targets meets and no rectifier rule is defined for, in execution order.

    Args:
      equations: a flat program; what its targets do not rest on is left out.
      live: its variables that depend on the image.
      targets: where the signal starts; besides, from whatever nothing reads.
      surveyed: its rectifiers, which are no objections.
      pools: its max poolings, which are none either.
    """
    ends = {t for t in targets if not is_literal(t)}
    scene = _Scene(equations, live, carrying(equations, targets), ends, surveyed, pools)
    result: dict[Any, list[Objection]] = {}
    for index in scene.path():
        item = equations[index]
        # What an author holds fixed by `stop_gradient` is a constant to every signal.
        if item.primitive == "stop_gradient" or not scene.moving(item.eqn):
            scene.held.update(v for v in item.eqn.outvars if v in live)
            continue
        _learn(scene, index)
        outs = scene.signal_of(item.eqn)
        if not outs or not scene.signals(item.eqn) or _passes(scene, index):
            continue
        call = activation_call(item)
        key = call or scene.trails[outs[0]].origin
        result.setdefault(key, []).append(Objection(index, call[0] if call else _name(scene, index)))
    # Whether a bent value is a norm's, a softmax's or a gate's is known only when its readers are.
    chosen = []
    for group in result.values():
        bent = [each for each in group if not _tolerated(scene, each.index)]
        if bent:
            first = min(bent, key=lambda each: (_rank(equations[each.index].primitive), each.index))
            indices = [each.index for each in bent]
            candidates = _curves(scene, equations[first.index].out, min(indices), max(indices))
            names = [_known(scene, curve) for curve in candidates]
            best = next((n for n, name in enumerate(names) if name), 0)
            name = (activation_call(equations[first.index]) is None and names and names[best]) or first.name
            chosen.append(Objection(first.index, name, candidates[best] if candidates else None))
    return sorted(chosen, key=lambda each: each.index)


def _curves(scene: _Scene, value: Any, first: int, last: int) -> list[Curve]:
    """The activation that a bent value is part of, with more and more of the scales and shifts around it.

    Args:
      scene: the program.
      value: that something bends.
      first, last: indices of the first and the last equation that bends the same signal.
    """
    signal = scene.trails[value].origin
    if signal is value or signal is _number(scene, value):
        index = scene.makers[value]  # one operation of its own: a call, a sort, a product with another signal
        moving = scene.moving(scene.equations[index].eqn)
        single = len(moving) == 1 and moving[0].aval.shape == value.aval.shape and _by_itself(scene.equations[index])
        return [Curve(moving[0], value, (index,))] if single else []
    own = scene.makers.get(signal)
    members = [i for i in scene.path() if i != own and any(scene.trails[v].origin is signal for v in scene.outs(i))]
    result: list[Curve] = []
    for count, index in enumerate(members, start=1):
        inside = set(members[:count])
        inner = {signal, *(v for i in inside for v in scene.outs(i) if i != index)}
        later = {i for i in members[count:] if any(a in inner for a in scene.moving(scene.equations[i].eqn))}
        read = {i for v in inner - {signal} for i in scene.readers.get(v, ())} - inside
        # Complete where nothing beyond takes more of it than its last result, and before it is bent once more.
        if index > last and _bends(scene, index):
            break
        if index >= last and not later and not read and not inner & scene.targets:
            out = scene.equations[index].out
            within = [members[n] for n in needed([scene.equations[i] for i in members], [out])]
            result += _narrowed(scene, Curve(signal, out, tuple(within)), first)
    return result


def _narrowed(scene: _Scene, curve: Curve, first: int) -> list[Curve]:
    """The same from every value before its first bend that all of it goes through, the last one first."""
    starts = [curve]
    for count, index in enumerate(curve.indices, start=1):
        value, above = scene.equations[index].out, curve.indices[count:]
        before = {curve.signal, *(v for i in curve.indices[:count] for v in scene.outs(i) if v is not value)}
        alone = not any(a in before for i in above for a in scene.moving(scene.equations[i].eqn))
        if index < first and alone and above:
            starts.append(Curve(value, curve.result, above))
    return starts[::-1]


def _known(scene: _Scene, curve: Curve) -> str | None:
    return curves.name_of(_whole(scene, curve), curve.signal, curve.result)


def _whole(scene: _Scene, curve: Curve) -> list[Any]:
    """The equations of an activation, with those of its constants in front."""
    fixed = [
        a for i in curve.indices for a in scene.equations[i].eqn.invars if not is_literal(a) and a not in scene.live
    ]
    before = needed(scene.equations, fixed) if fixed else []
    return [scene.equations[i].eqn for i in (*before, *curve.indices)]


def _by_itself(item: Equation) -> bool:
    """An operation entry by entry, or a call whose derivative is its author's."""
    return item.primitive in _ENTRYWISE or item.primitive in _compat.CUSTOM


def _rank(primitive: str) -> int:
    return _TELLING.index(primitive) if primitive in _TELLING else len(_TELLING)


def _name(scene: _Scene, index: int) -> str:
    """What an equation that bends the signal is called."""
    item = scene.equations[index]
    eqn, name = item.eqn, item.primitive
    signals = scene.moving(eqn)
    if name in _compat.CUSTOM or any(_compat.program_in(value) is not None for value in eqn.params.values()):
        body = next((b for b in map(_compat.program_in, eqn.params.values()) if b is not None), None)
        written = body and name in _compat.CUSTOM | {"pallas_call"} and _compat.function_name(body.jaxpr)
        return written or name
    if index in scene.surveyed.powers:
        return "power of a rectified signal"
    if name == "reduce_max":
        return "max over channels"
    if name in ("max", "min"):
        zero = any(is_literal(a) and jnp.ndim(a.val) == 0 and a.val == 0 for a in eqn.invars)
        return f"{name} of two signals" if len(signals) == 2 else f"{name} with {'zero' if zero else 'a constant'}"
    if name == "select_n":
        return "a selection by the signal itself"
    if name in ("mul", *_CONTRACTIONS):
        return "a product of two signals"
    if name == "div":
        return "a quotient by the signal"
    if name in _ADDS:
        return "a sum of several rectified forms of one signal"
    if name in _PICKS:
        return f"{name} at places that depend on the signal"
    return _NAMES.get(name, name)


# --- what passes ------------------------------------------------------------------------------------------------------


def _passes(scene: _Scene, index: int) -> bool:
    """Is the equation linear in the signal, or a rectifier, a pooling, an opened program, or a guard?"""
    item, surveyed, pools = scene.equations[index], scene.surveyed, scene.pools
    eqn, name = item.eqn, item.primitive
    if index in surveyed.rectifiers or index in surveyed.clamps or index in surveyed.ceilings:
        return True
    if index in pools.cells or index in pools.windows or index in pools.pairs or index in pools.shifts:
        return True
    moving = scene.moving(eqn)
    if name in _MOVES or name in _SUMS or name == "reduce_window_max" or name in _OPENED:
        return True
    if name in _ADDS:
        return not _recombined(scene, moving)
    if name == "mul":
        return len(moving) == 1 or _is_product_of_forms(scene, eqn)
    if name == "div":
        return (len(moving) == 1 and moving[0] is eqn.invars[0]) or (
            len(moving) == 2 and _is_product_of_forms(scene, eqn)
        )
    if name in _CONTRACTIONS:
        return len(moving) == 1 or _is_attention(scene, index)
    if name in _PICKS:
        linear = _PICKS[name]
        places = eqn.invars[linear:] if linear else eqn.invars[1:2]
        return not any(a is place for place in places for a in moving)
    if name == "select_n":
        return _is_guard(scene, eqn)
    if name in ("max", "min"):
        return _out_of_reach(eqn, moving)
    return name == "integer_pow" and eqn.params["y"] == 1


def _recombined(scene: _Scene, moving: list[Any]) -> bool:
    """Are two functions of one signal added up, entry by entry, of which one bends, as a leaky ReLU does?"""
    if len(moving) < 2 or moving[0] is moving[1] or any(scene.trails[a].dead for a in moving):
        return False
    first, second = (scene.trails[a] for a in moving[:2])
    same = first.origin is second.origin and (first.curved or second.curved)
    return same and _number(scene, moving[0]) != _number(scene, moving[1])


def _out_of_reach(eqn: Any, moving: list[Any]) -> bool:
    """A bound beyond all numbers of the signal's type."""
    bound = next((a for a in eqn.invars if a is not moving[0]), None) if len(moving) == 1 else None
    if bound is None or not is_literal(bound) or jnp.ndim(bound.val) != 0:
        return False
    info = jnp.finfo(moving[0].aval.dtype)
    return not float(info.min) < float(bound.val) < float(info.max)


def _is_guard(scene: _Scene, eqn: Any) -> bool:
    """A selection by what does not depend on the image, by what is finite, or by a spread-out statistic."""
    chooser = eqn.invars[0]
    if is_literal(chooser) or chooser not in scene.live or chooser in scene.held:
        return True
    if scene.trails[chooser].finite or chooser.aval.shape == ():
        return True
    cases = [a for a in scene.moving(eqn) if a is not chooser]
    return bool(cases) and all(_spreads_over(scene, chooser, a) for a in cases)


def _spreads_over(scene: _Scene, factor: Any, other: Any) -> bool:
    """Is the factor one number along an axis on which the other value varies?"""
    own = _broadcast_spread(scene, factor, other)
    return bool(own - scene.trails[other].spread) if other in scene.trails else bool(own)


def _broadcast_spread(scene: _Scene, value: Any, other: Any) -> frozenset[int]:
    """The axes along which a value does not vary with the image, those that meet a longer axis included."""
    a, b = value.aval.shape, other.aval.shape
    implicit = {d for d, (n, m) in enumerate(zip(a, b, strict=True)) if n == 1 < m} if len(a) == len(b) else set()
    return scene.trails[value].spread | implicit


def _is_product_of_forms(scene: _Scene, eqn: Any) -> bool:
    """Normalization and gates: a factor that is spread out over the other, or a root of sums of squares."""
    a, b = eqn.invars
    if scene.trails[b].squares != scene.trails[a].squares and eqn.primitive.name in ("mul", "div"):
        factor = b if scene.trails[b].squares else a
        if factor is b or eqn.primitive.name == "mul":
            return True
    return _spreads_over(scene, b, a) or _spreads_over(scene, a, b)


def _is_attention(scene: _Scene, index: int) -> bool:
    """A sum of a signal weighted by a softmax, or the scores that go into one."""
    eqn = scene.equations[index].eqn
    if any(_is_softmax(scene, a) for a in scene.moving(eqn)):
        return True
    return _becomes_scores(scene, eqn.outvars[0], set())


def _is_softmax(scene: _Scene, variable: Any) -> bool:
    """Is the value a quotient by a sum of its own numerator's exponentials, moved about at most?"""
    while (index := scene.makers.get(variable)) is not None:
        item = scene.equations[index]
        moving = scene.moving(item.eqn)
        if item.primitive in ("div", "mul") and len(moving) == 2:
            return any(_descends_from_exp(scene, a) for a in moving)
        selects = item.primitive == "select_n" and _passes(scene, index)
        linear = item.primitive in _MOVES or item.primitive in ("mul", "div", "add") or selects
        if item.primitive == "exp":
            return True  # weights that are divided by their sum afterwards
        if not linear or len(moving) != 1:
            return False
        variable = moving[0]
    return False


def _descends_from_exp(scene: _Scene, variable: Any) -> bool:
    """Does the value come from an exponential by moves, sums and quotients alone?"""
    front = [variable]
    while front:
        index = scene.makers.get(front.pop())
        if index is None:
            continue
        item = scene.equations[index]
        if item.primitive == "exp":
            return True
        if item.primitive in _MOVES | _SUMS | {"add", "div", "max"}:
            front += scene.moving(item.eqn)
    return False


def _becomes_scores(scene: _Scene, variable: Any, visited: set[Any]) -> bool:
    """Is an exponential taken of every use of the value, after linear operations alone?"""
    readers = scene.readers_of(variable)
    if not readers or variable in scene.targets:
        return False
    for index in readers:
        item = scene.equations[index]
        if item.primitive == "exp" or index in scene.pools.shifts:
            continue
        out = item.eqn.outvars[0]
        if out in visited:
            continue
        visited.add(out)
        linear = item.primitive in _MOVES | _ADDS | {"mul", "div", "select_n", "dot_general", "conv_general_dilated"}
        if not linear or not _passes_alone(scene, index) or not _becomes_scores(scene, out, visited):
            return False
    return True


def _passes_alone(scene: _Scene, index: int) -> bool:
    """Linear in the one operand that depends on the image; a shift by a maximum of its own counts as linear."""
    item = scene.equations[index]
    if item.primitive in _ADDS:
        return True
    if item.primitive == "select_n":
        return _is_guard(scene, item.eqn)
    return len(scene.moving(item.eqn)) == 1


# --- bent values whose form is known ----------------------------------------------------------------------------------


def _tolerated(scene: _Scene, index: int) -> bool:
    """Does everything that reads a bent value make it a norm's, a softmax's or a gate's?"""
    item = scene.equations[index]
    if len(item.eqn.outvars) != 1 or item.primitive in _compat.CUSTOM or item.primitive in _OPENED:
        return False
    if any(_compat.program_in(value) is not None for value in item.eqn.params.values()):
        return False
    if item.primitive in ("floor", "ceil", "round", "sign"):
        return False
    if item.primitive == "reduce_max":
        return _cancels(scene, index)
    even = item.primitive in ("square", "abs") or (item.primitive in ("integer_pow", "mul") and _is_even(item.eqn))
    reduced = scene.trails[item.out].reduced
    start = _Follow(index, even, item.primitive == "exp", item.primitive == "log" and reduced, reduced)
    return _ends_well(scene, item.out, start, set())


def _cancels(scene: _Scene, index: int) -> bool:
    """A maximum that is subtracted before an exponential and added again behind a logarithm, or norms by division.

    The sum of what comes down to it is zero, since a softmax does not change with what all its scores have in common.
    """
    item = scene.equations[index]
    number = _number(scene, item.out)
    fronts = [scene.equations[i].out for i in scene.path() if _number(scene, scene.equations[i].out) is number]
    ends: list[Any] = []
    while fronts:
        value = fronts.pop()
        for reader in scene.readers_of(value):
            below = scene.equations[reader]
            others = [a for a in scene.moving(below.eqn) if a is not value]
            if not others and below.primitive in _MOVES | {"max"}:
                fronts.append(below.out)
            elif below.primitive in ("add", "sub") and others and _spreads_over(scene, value, others[0]):
                ends.append(below.out)
            else:
                return _ends_well(scene, item.out, _Follow(index, False, False), set())
    return any(scene.equations[reader].primitive == "exp" for end in ends for reader in scene.readers_of(end))


def _is_even(eqn: Any) -> bool:
    if eqn.primitive.name == "mul":
        return eqn.invars[0] is eqn.invars[1]
    return eqn.params["y"] % 2 == 0 and eqn.params["y"] > 0


def _ends_well(scene: _Scene, value: Any, state: _Follow, visited: set[Any]) -> bool:
    """Do all readers of a value (bent at ``state.start``) use it as a factor or shift that is spread out?"""
    if (value, state) in visited:
        return True
    visited.add((value, state))
    if value in scene.targets:
        return False
    readers = scene.readers_of(value)
    return bool(readers) and all(_ends_at(scene, i, value, state, visited) for i in readers)


def _ends_at(scene: _Scene, index: int, value: Any, state: _Follow, visited: set[Any]) -> bool:
    """One reader of a bent value."""
    item = scene.equations[index]
    eqn, name = item.eqn, item.primitive
    others = [a for a in scene.moving(eqn) if a is not value]

    def on(changed: _Follow = state) -> bool:
        return all(_ends_well(scene, v, changed, visited) for v in eqn.outvars if not _compat.is_dropped(v))

    if name in _compat.CUSTOM or name in _OPENED or any(_compat.program_in(p) is not None for p in eqn.params.values()):
        return False
    if name in _REDUCTIONS:
        return on(_Follow(state.start, state.even, state.exponential, state.logarithm, True))
    if name in _CONTRACTIONS:
        if state.even and not others:
            return on(_Follow(state.start, state.even, state.exponential, state.logarithm, True))
        return state.exponential and bool(others) and on()
    if name == "log":
        return on(_Follow(state.start, state.even, state.exponential, state.summed or state.logarithm, state.summed))
    if not others:
        return on()
    if name in ("mul", "div"):
        other = others[0]
        if _spreads_over(scene, value, other):
            return True
        squares = scene.trails[value].squares and not scene.trails[other].squares
        if squares and (name == "mul" or value is eqn.invars[1]):
            return True
        if state.exponential and not state.summed and _descends_from(scene, other, state.start):
            return True
        return on() if _spreads_over(scene, other, value) or _both_reduced(scene, value, other) else False
    if name in ("add", "add_any", "sub"):
        if state.logarithm and _spreads_over(scene, value, others[0]):
            return True
        even = state.even and scene.trails[others[0]].curved
        return on() if _both_reduced(scene, value, others[0]) or even else False
    if name in ("select_n", "max", "min", "concatenate", "pow", "clamp"):
        guarded = name == "select_n" and (_is_guard(scene, eqn) or all(_both_reduced(scene, value, o) for o in others))
        return on() if guarded or all(_both_reduced(scene, value, o) for o in others) else False
    return False


def _both_reduced(scene: _Scene, value: Any, other: Any) -> bool:
    return scene.trails[value].reduced and scene.trails[other].reduced


def _descends_from(scene: _Scene, value: Any, start: int) -> bool:
    """Does a value rest on the result of an equation, by moves and sums alone?"""
    source, front = _number(scene, scene.equations[start].out), [value]
    while front:
        variable = front.pop()
        if _number(scene, variable) is source:
            return True
        index = scene.makers.get(variable)
        if index is not None and scene.equations[index].primitive in _MOVES | _SUMS | {"add", "max", "mul", "div"}:
            front += scene.moving(scene.equations[index].eqn)
    return False


# --- what is known of a value -----------------------------------------------------------------------------------------


def _learn(scene: _Scene, index: int) -> None:
    """Work out the trails of an equation's results."""
    item = scene.equations[index]
    eqn, name = item.eqn, item.primitive
    moving = scene.moving(eqn)
    for atom in moving:
        if atom not in scene.trails:
            scene.trails[atom] = _Trail(origin=atom)
    trails = [scene.trails[a] for a in moving]
    for out in eqn.outvars:
        origin = _origin(scene, eqn, out)
        scene.trails[out] = _Trail(
            spread=_spread(scene, eqn, out),
            origin=origin,
            curved=origin is not _number(scene, out) and (_bends(scene, index) or any(t.curved for t in trails)),
            reduced=name in _REDUCTIONS or (name not in _OPENED and all(t.reduced for t in trails)),
            squares=_sums_squares(scene, index, trails),
            dead=not _floating(out) or all(t.dead for t in trails),
            finite=_tells_finite(eqn, name, trails),
        )


def _floating(variable: Any) -> bool:
    dtype = getattr(variable.aval, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.inexact)


def _bends(scene: _Scene, index: int) -> bool:
    """Is the equation no affine function of its operands?"""
    item = scene.equations[index]
    name, moving = item.primitive, scene.moving(item.eqn)
    if name in _MOVES or name in _SUMS or name in _ADDS:
        return False
    if name in ("mul", "div", *_CONTRACTIONS):
        return len(moving) > 1 or (name == "div" and moving[0] is not item.eqn.invars[0])
    if name in _PICKS:
        return False
    return not (name == "select_n" and not any(a is item.eqn.invars[0] for a in moving))


_ENTRYWISE = _ADDS | {
    "mul", "div", "rem", "max", "min", "pow", "integer_pow", "square", "sqrt", "rsqrt", "cbrt", "exp", "exp2", "log",
    "log1p", "expm1", "tanh", "tan", "sin", "cos", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh",
    "atanh", "logistic", "erf", "erfc", "erf_inv", "lgamma", "digamma", "abs", "sign", "floor", "ceil", "round",
    "select_n", "clamp", "nextafter", "convert_element_type", "stop_gradient", "copy", "copy_p", "reduce_precision",
    "optimization_barrier", *_EQUAL,
}  # fmt: skip


def _origin(scene: _Scene, eqn: Any, out: Any) -> Any:
    """The value that a result is an entry by entry function of; the result itself where there is not just one."""
    moving = scene.moving(eqn)
    if eqn.primitive.name in _ENTRYWISE and all(a.aval.shape == out.aval.shape for a in moving):
        origins = {scene.trails[a].origin for a in moving}
        if len(origins) == 1:
            return origins.pop()
    return _number(scene, out)


def _key(scene: _Scene, eqn: Any) -> Any:
    """Equal for two equations that compute the same."""
    operands = tuple(repr(a.val) if is_literal(a) else _number(scene, a) for a in eqn.invars)
    return eqn.primitive.name, repr(sorted((k, repr(v)) for k, v in eqn.params.items())), operands


def _number(scene: _Scene, variable: Any) -> Any:
    """The first of the variables known to hold the same values."""
    index = scene.makers.get(variable)
    if index is None or len(scene.equations[index].eqn.outvars) != 1:
        return variable
    if any(_compat.program_in(value) is not None for value in scene.equations[index].eqn.params.values()):
        return variable
    if variable not in scene.numbers:
        scene.numbers[variable] = scene.numbers.setdefault(_key(scene, scene.equations[index].eqn), variable)
    return scene.numbers[variable]


def _sums_squares(scene: _Scene, index: int, trails: list[_Trail]) -> bool:
    """A sum over neighbours or channels of squares, or an entry by entry function of such sums."""
    item = scene.equations[index]
    name = item.primitive
    if name in {"reduce_window_sum", "reduce_sum", "cumsum", *_CONTRACTIONS}:
        moving = scene.moving(item.eqn)
        return len(moving) == 1 and _is_square(scene, moving[0])
    if name in _ENTRYWISE or name in _MOVES:
        return bool(trails) and all(t.squares for t in trails)
    return False


def _is_square(scene: _Scene, variable: Any) -> bool:
    while (index := scene.makers.get(variable)) is not None:
        item = scene.equations[index]
        if item.primitive in ("square", "abs") or (item.primitive in ("integer_pow", "mul") and _is_even(item.eqn)):
            return True
        moving = scene.moving(item.eqn)
        if item.primitive not in _MOVES | {"mul", "div"} or len(moving) != 1:
            return False
        variable = moving[0]
    return False


def _tells_finite(eqn: Any, name: str, trails: list[_Trail]) -> bool:
    if name == "is_finite":
        return True
    if name in ("eq", "ne"):
        same = eqn.invars[0] is eqn.invars[1]
        return same or any(is_literal(a) and jnp.ndim(a.val) == 0 and np.isinf(a.val) for a in eqn.invars)
    if name in ("and", "or", "not", "convert_element_type", "broadcast_in_dim", "reshape"):
        return bool(trails) and all(t.finite for t in trails)
    return False


def _spread(scene: _Scene, eqn: Any, out: Any) -> frozenset[int]:
    """Axes of a result along which it does not vary with the image."""
    name, moving = eqn.primitive.name, scene.moving(eqn)
    if not hasattr(out.aval, "shape"):
        return frozenset()
    shape = out.aval.shape
    if name in _ENTRYWISE:
        whole = [a for a in moving if len(a.aval.shape) == len(shape)]
        if not whole:
            return frozenset(range(len(shape)))
        common = set(range(len(shape)))
        if name in _EQUAL:  # compared with one number here and another there, a constant makes a pattern
            fixed = [a.aval.shape for a in eqn.invars if a not in moving or is_literal(a)]
            common = {d for d in common if all(len(s) != len(shape) or s[d] == 1 for s in fixed)}
        for atom in whole:
            own = scene.trails[atom].spread
            common &= own | {d for d, (n, m) in enumerate(zip(atom.aval.shape, shape, strict=True)) if n == 1 < m}
        return frozenset(common)
    rule = _SPREADS.get(name)
    if rule is None or len(moving) != 1:
        return frozenset()
    which = next(n for n, a in enumerate(eqn.invars) if a is moving[0])
    return frozenset(rule(eqn, which, scene.trails[moving[0]].spread, shape))


def _spread_broadcast(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    operand, targets = eqn.invars[0].aval.shape, eqn.params["broadcast_dimensions"]
    new = set(range(len(shape))) - set(targets)
    return new | {t for s, t in enumerate(targets) if s in below or operand[s] != shape[t]}


def _spread_reshape(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    old, result, i, j = eqn.invars[0].aval.shape, set(), 0, 0
    while i < len(old) or j < len(shape):
        if j < len(shape) and shape[j] == 1 and (i == len(old) or old[i] != 1):
            result.add(j)
            j += 1
            continue
        if i < len(old) and old[i] == 1 and (j == len(shape) or shape[j] != 1):
            i += 1
            continue
        i_end, j_end = i + 1, j + 1
        while (a := int(np.prod(old[i:i_end]))) != (b := int(np.prod(shape[j:j_end]))):
            i_end, j_end = (i_end + 1, j_end) if a < b else (i_end, j_end + 1)
        if all(d in below for d in range(i, i_end)):
            result.update(range(j, j_end))
        i, j = i_end, j_end
    return result


def _spread_reduce(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    rest = [d for d in range(len(eqn.invars[0].aval.shape)) if d not in set(eqn.params["axes"])]
    return {n for n, d in enumerate(rest) if d in below}


def _spread_transpose(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    return {n for n, d in enumerate(eqn.params["permutation"]) if d in below}


def _spread_same_size(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    old = eqn.invars[0].aval.shape
    return {d for d in below if len(old) == len(shape) and old[d] == shape[d]}


def _spread_dot(eqn: Any, which: int, below: frozenset[int], shape: tuple[int, ...]) -> Iterable[int]:
    """A free axis of the operand that depends on the image stays what it was."""
    (contract, batch) = eqn.params["dimension_numbers"]
    axes: list[tuple[int, int]] = [(0, d) for d in batch[0]]
    for n in (0, 1):
        rank = len(eqn.invars[n].aval.shape)
        axes += [(n, d) for d in range(rank) if d not in contract[n] and d not in batch[n]]
    return {k for k, (n, d) in enumerate(axes) if n == which and d in below}


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
    "cumsum": _spread_same_size,
}  # fmt: skip
