"""What on the path of a signal is neither linear nor of a form that every backward rule leaves alone.

A rectifier rule is exact where everything but the rectifiers is linear in the signal. So it is not activations that are
looked up in a list, but what may pass:

- operations linear in the signal, linear equations, and products and quotients with what does not depend on it;
- max pooling (`trace.pooling`) and the rectifiers themselves (`trace.rectifiers`);
- normalization: min-max scaling, ``x / f(s)`` and ``x * f(s)``, where s is reduced from the signal over an axis and
  spread out along it again, or is a window's or channel mix's sum of squares (local response normalization);
- softmax ``exp(x) / sum(exp(x))`` and ``x - log(sum(exp(x)))``, and attention: sums of a signal weighted by a softmax,
  and the scores that go into one;
- gates: a factor that is spread out over an axis along which the signal varies (squeeze and excitation), the maximum
  over all channels for one (spatial attention);
- guards against NaN and infinity, and selections by what does not depend on the signal.

An axis counts where the signal varies along it: several entries of one number (``stack([x, -x])``, `trace.entries`) are
no axis to reduce over or to spread a gate along. Everything else that a signal goes through is objected to, whatever it
is called: `objections`. Several rectifiers of one and the same signal that are added up again
(``relu(x) - a relu(-x)``, ``x + relu(x)``) are an activation of their own, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from deconvviz.network import _compat
from deconvviz.network.trace import forms
from deconvviz.network.trace.curves import Curve, curve_of_call, curves_of, known_name
from deconvviz.network.trace.jaxpr import Equation, carrying, is_floating, is_literal
from deconvviz.network.trace.pooling import Pools
from deconvviz.network.trace.rectifiers import Survey, activation_call
from deconvviz.network.trace.values import (
    ADDS,
    CONTRACTIONS,
    EXPONENTIALS,
    MOVES,
    OPENED,
    PICKS,
    SUMS,
    Known,
    View,
    is_solution,
    learn,
    meet,
    number_of,
)

#: What a reader calls it.
_NAMES = {"logistic": "sigmoid", "integer_pow": "power", "square": "power", "pow": "power"}
#: What sorts a signal under a name of its own.
_SORTS = {"median", "quantile", "percentile", "nanmedian", "nanquantile", "nanpercentile"}
#: Of several objections to one activation the first of these names it best.
_TELLING = ("erf", "erfc", "tanh", "logistic", "abs", "log1p", "expm1", "exp", "clamp", "select_n", "max", "min")


#: Operations that put several arrays together.
_JOINS = {"concatenate", "stack", "pad", "dynamic_update_slice", "scatter", "scatter-add"}


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


def view_of(
    equations: Sequence[Equation],
    live: set[Any],
    targets: Sequence[Any],
    surveyed: Survey,
    pools: Pools,
    entering: Mapping[Any, Known] | None = None,
) -> View:
    """A program as `objections` looks at it.

    Args:
      equations: a flat program; what its targets do not rest on is left out.
      live: its variables that depend on the image.
      targets: where the signal starts; besides, from whatever nothing reads.
      surveyed: its rectifiers, which are no objections.
      pools: its max poolings, which are none either.
      entering: what is known of its inputs.
    """
    ends = {t for t in targets if not is_literal(t)}
    return View(equations, live, carrying(equations, targets), ends, surveyed, pools, entering=entering or {})


def objections(view: View) -> list[Objection]:
    """What a signal that starts from the targets meets and no rectifier rule is defined for, in execution order."""
    equations, live = view.equations, view.live
    result: dict[Any, list[Objection]] = {}
    for index in view.path():
        item = equations[index]
        # What an author holds fixed by `stop_gradient` is a constant to every signal.
        if item.primitive == "stop_gradient" or not view.moving(item.eqn):
            view.fixed.update(v for v in item.eqn.outvars if v in live)
            continue
        learn(view, index)
        outs = view.signal_of(item.eqn)
        if not outs or not view.signals(item.eqn) or _passes(view, index):
            continue
        call = activation_call(item)
        key = call or view.known[outs[0]].origin
        result.setdefault(key, []).append(Objection(index, call[0] if call else _name(view, index)))
    # Whether a bent value is a norm's, a softmax's or a gate's is known only when its readers are.
    chosen = []
    for group in result.values():
        bent = [each for each in group if not forms.is_part_of_a_form(view, each.index)]
        if bent:
            first = min(bent, key=lambda each: (_rank(equations[each.index].primitive), each.index))
            chosen.append(_named(view, first, [each.index for each in bent]))
    return sorted(chosen, key=lambda each: each.index)


def _named(view: View, first: Objection, indices: Sequence[int]) -> Objection:
    """An objection with the curve that its name is the name of: a rule of a person's own takes that curve's place."""
    item = view.equations[first.index]
    call = activation_call(item)
    if call is not None and (whole := curve_of_call(view, call)) is not None:
        return Objection(first.index, first.name, whole)
    candidates = curves_of(view, item.out, min(indices), max(indices))
    for curve in candidates:
        if (name := known_name(view, curve)) is not None:
            return Objection(first.index, name, curve)
    if call is not None or not candidates:
        return first
    of_one_number = first.name == _NAMES.get(item.primitive, item.primitive) and len(candidates[0].indices) > 1
    return Objection(first.index, f"an activation with {first.name}" if of_one_number else first.name, candidates[0])


def _rank(primitive: str) -> int:
    return _TELLING.index(primitive) if primitive in _TELLING else len(_TELLING)


def _name(view: View, index: int) -> str:
    """What an equation that bends the signal is called."""
    item = view.equations[index]
    eqn, name = item.eqn, item.primitive
    signals = view.moving(eqn)
    if index in view.surveyed.floors:
        return "a max pooling that starts from a number"
    if name in _compat.CUSTOM or any(_compat.program_in(value) is not None for value in eqn.params.values()):
        body = next((b for b in map(_compat.program_in, eqn.params.values()) if b is not None), None)
        written = body and name in _compat.CUSTOM | {"pallas_call"} and _compat.function_name(body.jaxpr)
        return written or name
    if index in view.surveyed.powers:
        return "power of a rectified signal"
    if name in ("reduce_max", "reduce_window_max"):
        return "max over channels"
    if name in ("reduce_min", "reduce_window_min"):
        return "min over channels"
    if name in ("max", "min"):
        zero = any(is_literal(a) and jnp.ndim(a.val) == 0 and a.val == 0 for a in eqn.invars)
        return f"{name} of two signals" if len(signals) == 2 else f"{name} with {'zero' if zero else 'a constant'}"
    if name == "select_n":
        return "a selection by the signal itself"
    if name == "mul" or (name in CONTRACTIONS and len(signals) > 1):
        return "a product of two signals"
    if name == "div":
        return "a quotient by the signal"
    if (name in ADDS or name in _JOINS) and _is_step(view, signals):
        return "a step of the signal, through which nothing comes down"
    if name in ADDS or (name in SUMS | CONTRACTIONS and len(signals) == 1):
        return "a sum of several rectified forms of one signal"
    if name == "sort":
        return next((call for call, _ in item.calls if call in _SORTS), name)
    if name in PICKS:
        return f"{name} at places that depend on the signal"
    return _NAMES.get(name, name)


def _passes(view: View, index: int) -> bool:
    """Is the equation linear in the signal, or a rectifier, a pooling, an opened program, or a guard?"""
    item, surveyed, pools = view.equations[index], view.surveyed, view.pools
    eqn, name = item.eqn, item.primitive
    if index in surveyed.rectifiers or index in surveyed.clamps or index in surveyed.ceilings:
        return True
    if index in surveyed.floors:
        return False
    if index in pools.cells or index in pools.windows or index in pools.pairs or index in pools.shifts:
        return True
    moving = view.moving(eqn)
    if (name in ADDS or name in _JOINS) and _is_step(view, moving):
        return False
    if name in ADDS:
        return not _recombined(view, moving)
    if (name in SUMS or name in CONTRACTIONS) and len(moving) == 1 and _adds_forms(view, eqn, moving[0]):
        return False
    if name in MOVES or name in SUMS or name in OPENED or is_solution(view, index):
        return True
    if name in ("reduce_window_max", "reduce_window_min"):
        return not view.known[moving[0]].entries.single & _slid(eqn)
    if name == "mul":
        return len(moving) == 1 or any(view.known[a].finite for a in moving) or forms.is_product_of_forms(view, eqn)
    if name == "div":
        return (len(moving) == 1 and moving[0] is eqn.invars[0]) or (
            len(moving) == 2 and forms.is_product_of_forms(view, eqn)
        )
    if name in CONTRACTIONS:
        return len(moving) == 1 or forms.is_attention(view, index)
    if name in PICKS:
        linear = PICKS[name]
        places = eqn.invars[linear:] if linear else eqn.invars[1:2]
        return not any(a is place for place in places for a in moving)
    if name == "select_n":
        return forms.is_guard(view, eqn)
    if name in ("max", "min"):
        return _out_of_reach(view, eqn, moving)
    if name in EXPONENTIALS:
        return forms.is_log_softmax(view, moving[0])
    if name == "log":
        return forms.is_quotient_softmax(view, moving[0])
    return name == "integer_pow" and eqn.params["y"] == 1


def _slid(eqn: Any) -> set[int]:
    """The axes along which a window holds several entries."""
    shape = eqn.invars[0].aval.shape
    return {d for d, n in enumerate(eqn.params["window_dimensions"]) if n > 1 and shape[d] > 1}


def _recombined(view: View, moving: list[Any]) -> bool:
    """Are two functions of one signal added up, entry by entry, of which one bends, as a leaky ReLU does?"""
    if len(moving) < 2 or moving[0] is moving[1] or any(view.known[a].dead for a in moving):
        return False
    first, second = (view.known[a] for a in moving[:2])
    if number_of(view, moving[0]) is number_of(view, moving[1]):
        return False
    if first.origin is second.origin:
        return first.curved or second.curved
    return first.source is second.source and (first.bent or second.bent) and meet(view, *moving[:2])


def _adds_forms(view: View, eqn: Any, operand: Any) -> bool:
    """Does a sum run over several functions of one entry of a signal, of which one bends?"""
    known, name = view.known[operand], eqn.primitive.name
    if not known.joined or name not in ("reduce_sum", "dot_general"):
        return False
    side = 0 if operand is eqn.invars[0] else 1
    axes = eqn.params["axes"] if name == "reduce_sum" else eqn.params["dimension_numbers"][0][side]
    return bool(set(axes) & known.entries.single)


def _is_step(view: View, moving: list[Any]) -> bool:
    """Is one of several values that are put together a step: a comparison, a rounding, an entry that the signal chose?

    Nothing comes down through it, so a map would show the others as if they were all. A statistic may have one, as in
    ``n + (n == 0)``.
    """
    if len(moving) < 2 or all(view.known[a].reduced for a in moving):
        return False
    return any(view.known[a].dead and not view.known[a].finite and is_floating(a) for a in moving)


def _out_of_reach(view: View, eqn: Any, moving: list[Any]) -> bool:
    """A bound beyond all numbers of the signal's type."""
    bound = next((a for a in eqn.invars if a is not moving[0]), None) if len(moving) == 1 else None
    number = None if bound is None else view.constant(bound)
    info = jnp.finfo(moving[0].aval.dtype)
    return number is not None and not float(info.min) < number < float(info.max)
