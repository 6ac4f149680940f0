"""The forms that every backward rule leaves alone: normalization, softmax, attention, gates, guards.

They bend the signal on their way, by a square, a root, an exponential. Whether such a value belongs to one of them is
told by what reads it: `is_part_of_a_form` follows it up to where it becomes a factor or a shift that is spread out over
an axis, or is divided by its own sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from deconvviz.network import _compat
from deconvviz.network.trace.jaxpr import is_literal
from deconvviz.network.trace.pooling import summed_over
from deconvviz.network.trace.values import (
    ADDS,
    CONTRACTIONS,
    EXPONENTIALS,
    MOVES,
    OPENED,
    REDUCTIONS,
    SUMS,
    View,
    is_even,
    is_square,
    number_of,
    reduces,
    spread_of,
    spreads_over,
)  # fmt: skip

#: Between scores and the logarithm of the sum of their exponentials.
_OF_SCORES = {"log", "abs", "add", "sub", "max", "select_n"}


@dataclass(frozen=True)
class _Follow:
    """How far the forward way of a bent value was followed: from which equation, past what."""

    start: int
    even: bool
    exponential: bool
    logarithm: bool = False
    summed: bool = False
    negated: bool = False


def is_guard(view: View, eqn: Any) -> bool:
    """A selection by what does not depend on the image, by what is finite, or by a spread-out statistic."""
    chooser = eqn.invars[0]
    if is_literal(chooser) or chooser not in view.live or chooser in view.fixed:
        return True
    if view.known[chooser].finite:
        return True
    cases = [a for a in view.moving(eqn) if a is not chooser]
    if chooser.aval.shape == ():  # one choice for whole arrays
        return all(len(view.known[a].entries.single) < len(a.aval.shape) for a in cases)
    return bool(cases) and all(spreads_over(view, chooser, a) for a in cases)


def is_product_of_forms(view: View, eqn: Any) -> bool:
    """Normalization and gates: a factor that is spread out over the other, or a root of sums of squares."""
    a, b = eqn.invars
    if view.known[b].squares != view.known[a].squares and eqn.primitive.name in ("mul", "div"):
        factor = b if view.known[b].squares else a
        if factor is b or eqn.primitive.name == "mul":
            return True
    return spreads_over(view, b, a) or spreads_over(view, a, b)


def is_attention(view: View, index: int) -> bool:
    """A sum of a signal weighted by a softmax, or the scores that go into one, or a gate along the axes of another."""
    eqn = view.equations[index].eqn
    if any(_is_softmax(view, a) for a in view.moving(eqn)) or gate_of(eqn) is not None:
        return True
    return _becomes_scores(view, eqn.outvars[0], set())


def gate_of(eqn: Any) -> Any | None:
    """The operand of a product of two arrays that is one number along axes of the other that stay; None if none is."""
    if eqn.primitive.name != "dot_general":
        return None
    contract, batch = eqn.params["dimension_numbers"]
    free = [
        any(n > 1 for d, n in enumerate(atom.aval.shape) if d not in contract[side] and d not in batch[side])
        for side, atom in enumerate(eqn.invars)
    ]
    return eqn.invars[free.index(False)] if free[0] != free[1] else None


def _widens(eqn: Any, value: Any) -> bool:
    """Is a value multiplied by weights along axes of size 1 alone, as in a resize of one number?"""
    if eqn.primitive.name != "dot_general":
        return False
    side = 0 if eqn.invars[0] is value else 1
    return all(value.aval.shape[d] == 1 for d in eqn.params["dimension_numbers"][0][side])


def is_log_softmax(view: View, variable: Any) -> bool:
    """Is the value scores less the logarithm of the sum of their exponentials?"""
    while (index := view.makers.get(variable)) is not None:
        item = view.equations[index]
        moving = view.moving(item.eqn)
        if item.primitive == "sub" and len(moving) == 2:
            if spreads_over(view, moving[1], moving[0]) and _is_log_of_sum(view, moving[1]):
                return _shares(view, moving[1], moving[0])
            variable = moving[0]  # less the largest score, in two steps
        elif item.primitive in MOVES and len(moving) == 1:
            variable = moving[0]
        else:
            return False
    return False


def is_quotient_softmax(view: View, variable: Any) -> bool:
    """Is the value exponentials divided by their sum, moved about at most?"""
    while (index := view.makers.get(variable)) is not None:
        item = view.equations[index]
        moving = view.moving(item.eqn)
        if item.primitive == "div" and len(moving) == 2:
            above, below = moving
            return _is_exp(view, above) and spreads_over(view, below, above) and descends_from_exp(view, below)
        if item.primitive not in MOVES or len(moving) != 1:
            return False
        variable = moving[0]
    return False


def _is_exp(view: View, variable: Any) -> bool:
    while (index := view.makers.get(variable)) is not None:
        item, moving = view.equations[index], view.moving(view.equations[index].eqn)
        if item.primitive not in MOVES or len(moving) != 1:
            return item.primitive in EXPONENTIALS
        variable = moving[0]
    return False


def _shares(view: View, shift: Any, value: Any) -> bool:
    """Do both rest on one array of scores, the value by moves, and by sums and differences alone?"""
    scores, front = set(), [value]
    while front:
        variable = number_of(view, front.pop())
        scores.add(variable)
        index = view.makers.get(variable)
        if index is not None and view.equations[index].primitive in MOVES | {"add", "sub"}:
            moving = view.moving(view.equations[index].eqn)
            front += moving[:1]
    front, visited = [shift], set()
    while front:
        variable = number_of(view, front.pop())
        if variable in scores:
            return True
        index = view.makers.get(variable)
        if index is None or variable in visited:
            continue
        visited.add(variable)
        if view.equations[index].primitive in MOVES | REDUCTIONS | EXPONENTIALS | _OF_SCORES:
            front += view.moving(view.equations[index].eqn)
    return False


def _is_softmax(view: View, variable: Any) -> bool:
    """Is the value a quotient by a sum of its own numerator's exponentials, moved about at most?"""
    while (index := view.makers.get(variable)) is not None:
        item = view.equations[index]
        moving = view.moving(item.eqn)
        if item.primitive in ("div", "mul") and len(moving) == 2:
            return any(descends_from_exp(view, a) for a in moving)
        selects = item.primitive == "select_n" and is_guard(view, item.eqn)
        linear = item.primitive in MOVES | CONTRACTIONS or item.primitive in ("mul", "div", "add") or selects
        if item.primitive in EXPONENTIALS:
            return True  # weights that are divided by their sum afterwards
        if not linear or len(moving) != 1:
            return False
        variable = moving[0]
    return False


def descends_from_exp(view: View, variable: Any) -> bool:
    """Does the value come from an exponential by moves, sums and quotients alone?"""
    front = [variable]
    while front:
        index = view.makers.get(front.pop())
        if index is None:
            continue
        item = view.equations[index]
        if item.primitive in EXPONENTIALS:
            return True
        if item.primitive in MOVES | SUMS | {"add", "div", "max", "abs", "select_n"}:
            front += view.moving(item.eqn)
    return False


def _becomes_scores(view: View, variable: Any, visited: set[Any]) -> bool:
    """Is an exponential taken of every use of the value, after linear operations alone?"""
    readers = view.readers_of(variable)
    if not readers or variable in view.targets:
        return False
    for index in readers:
        item = view.equations[index]
        if item.primitive in EXPONENTIALS or index in view.pools.shifts:
            continue
        out = item.eqn.outvars[0]
        if out in visited:
            continue
        visited.add(out)
        linear = item.primitive in MOVES | ADDS | {"mul", "div", "select_n", "dot_general", "conv_general_dilated"}
        if not linear or not _passes_alone(view, index) or not _becomes_scores(view, out, visited):
            return False
    return True


def _passes_alone(view: View, index: int) -> bool:
    """Linear in the one operand that depends on the image; a shift by a maximum of its own counts as linear."""
    item = view.equations[index]
    if item.primitive in ADDS:
        return True
    if item.primitive == "select_n":
        return is_guard(view, item.eqn)
    return len(view.moving(item.eqn)) == 1


def is_part_of_a_form(view: View, index: int) -> bool:
    """Does everything that reads a bent value make it a norm's, a softmax's or a gate's?"""
    item = view.equations[index]
    if len(item.eqn.outvars) != 1 or item.primitive in _compat.CUSTOM or item.primitive in OPENED:
        return False
    if any(_compat.program_in(value) is not None for value in item.eqn.params.values()):
        return False
    if item.primitive in ("floor", "ceil", "round", "sign"):
        return False
    if item.primitive in ("reduce_max", "reduce_min"):
        return _cancels(view, index) or _pooled_for_a_gate(view, index)
    even = item.primitive in ("square", "abs") or (item.primitive in ("integer_pow", "mul") and is_even(item.eqn))
    reduced = view.known[item.out].reduced
    exponential = item.primitive in EXPONENTIALS  # of pooled scores it is no sum of exponentials yet
    start = _Follow(index, even, exponential, item.primitive == "log" and reduced, reduced and not exponential)
    return _ends_well(view, item.out, start, set())


def _cancels(view: View, index: int) -> bool:
    """A maximum that is subtracted before an exponential and added again behind a logarithm, or norms by division.

    The sum of what comes down to it is zero, since a softmax does not change with what all its scores have in common.
    """
    item = view.equations[index]
    number = number_of(view, item.out)
    fronts = [view.equations[i].out for i in view.path() if number_of(view, view.equations[i].out) is number]
    ends: list[Any] = []
    while fronts:
        value = fronts.pop()
        for reader in view.readers_of(value):
            below = view.equations[reader]
            others = [a for a in view.moving(below.eqn) if a is not value]
            if not others and below.primitive in MOVES | {"max"}:
                fronts.append(below.out)
            elif below.primitive in ("add", "sub") and others and spreads_over(view, value, others[0]):
                ends.append(below.out)
            else:
                return _ends_well(view, item.out, _Follow(index, False, False), set())
    axes = set(item.eqn.params["axes"])
    softmax = bool(ends) and all(_is_shifted_score(view, end, item.out, axes) for end in ends)
    return softmax or _ends_well(view, item.out, _Follow(index, False, False), set())


def _is_shifted_score(view: View, value: Any, shift: Any, axes: set[int]) -> bool:
    """Is a value less a maximum of its own (over these axes) used for a softmax over them or its logarithm alone?

    Or was the maximum taken off again?
    """
    for other in view.moving(view.equations[view.makers[value]].eqn):
        if number_of(view, other) is not number_of(view, shift) and _is_log_of_sum(view, other):
            return True
    readers = view.readers_of(value)
    for index in readers:
        item = view.equations[index]
        others = [a for a in view.moving(item.eqn) if a is not value]
        logarithm = item.primitive in ("add", "sub") and others and _is_log_of_sum(view, others[0])
        moved = item.primitive in MOVES and not others and _is_shifted_score(view, item.out, shift, axes)
        exponential = item.primitive in EXPONENTIALS and summed_over(
            lambda v: [view.equations[i] for i in view.readers_of(v)], item.out, axes
        )
        if not (exponential or logarithm or moved):
            return False
    return bool(readers)


def _is_log_of_sum(view: View, variable: Any) -> bool:
    """Does a value come from the logarithm of a sum of exponentials by moves, and a maximum that is added again?"""
    front = [variable]
    while front:
        index = view.makers.get(front.pop())
        if index is None:
            continue
        item, moving = view.equations[index], view.moving(view.equations[index].eqn)
        if item.primitive == "log":
            return view.known[moving[0]].reduced and descends_from_exp(view, moving[0])
        if item.primitive in MOVES | ADDS | {"select_n"}:
            front += moving
    return False


def _pooled_for_a_gate(view: View, index: int) -> bool:
    """Is a maximum over all channels (or a minimum) used for a gate that is the same for all of them, and nothing else?

    Spatial attention gates a map by its mean and its maximum over the channels. A maximum over some of them, as in
    maxout, is an activation, in a gate as elsewhere.
    """
    eqn = view.equations[index].eqn
    operand, axes = eqn.invars[0], eqn.params["axes"]
    if not reduces(view, index) or len(axes) != 1:
        return False
    front, visited = [view.equations[index].out], set()
    while front:
        value = front.pop()
        readers = view.readers_of(value)
        if value in view.targets or not readers:
            return False
        for reader in readers:
            item = view.equations[reader]
            others = [a for a in view.moving(item.eqn) if a is not value]
            if item.primitive == "mul" and others and spreads_over(view, value, others[0]):
                if others[0].aval.shape != operand.aval.shape or axes[0] not in spread_of(view, value, others[0]):
                    return False
            elif not all(view.known[a].reduced for a in others) or len(item.eqn.outvars) != 1:
                return False
            elif item.out not in visited:
                visited.add(item.out)
                front.append(item.out)
    return True


def _ends_well(view: View, value: Any, state: _Follow, visited: set[Any]) -> bool:
    """Do all readers of a value (bent at ``state.start``) use it as a factor or shift that is spread out?"""
    if (value, state) in visited:
        return True
    visited.add((value, state))
    if value in view.targets:
        return False
    readers = view.readers_of(value)
    return bool(readers) and all(_ends_at(view, i, value, state, visited) for i in readers)


def _ends_at(view: View, index: int, value: Any, state: _Follow, visited: set[Any]) -> bool:
    """One reader of a bent value."""
    item = view.equations[index]
    eqn, name = item.eqn, item.primitive
    others = [a for a in view.moving(eqn) if a is not value]

    def on(changed: _Follow = state) -> bool:
        return all(_ends_well(view, v, changed, visited) for v in eqn.outvars if not _compat.is_dropped(v))

    if name in _compat.CUSTOM or name in OPENED or any(_compat.program_in(p) is not None for p in eqn.params.values()):
        return False
    if name in REDUCTIONS:
        return on(replace(state, summed=state.summed or reduces(view, index)))
    if name == "neg":
        return on(replace(state, negated=not state.negated))
    if name in CONTRACTIONS:
        if others and gate_of(eqn) is value:
            return True
        if state.even and not others:
            return on(replace(state, summed=True))
        if not others and _widens(eqn, value):
            return on()
        return state.exponential and bool(others) and on()
    if name == "log":
        return on(replace(state, logarithm=state.summed or state.logarithm))
    if not others:
        return on()
    if name in ("mul", "div"):
        other = others[0]
        if spreads_over(view, value, other):
            return True
        squares = view.known[value].squares and not view.known[other].squares
        if squares and (name == "mul" or value is eqn.invars[1]):
            return True
        if state.exponential and not state.summed and _descends_from(view, other, state.start):
            return True
        return on() if spreads_over(view, other, value) or _both_reduced(view, value, other) else False
    if name in ("add", "add_any", "sub"):
        if _is_lowest_of_a_range(view, index, value):
            return True
        if state.logarithm and spreads_over(view, value, others[0]):
            # Scores less the logarithm of their own sum; with a plus, or below another signal, it is a pooled value.
            return (name == "sub") != state.negated and _shares(view, value, others[0])
        other = view.known[others[0]]
        even = state.even and (other.curved or other.squares or is_square(view, others[0]))
        return on() if _both_reduced(view, value, others[0]) or even else False
    if name in ("select_n", "max", "min", "concatenate", "pow", "clamp"):
        guarded = name == "select_n" and (is_guard(view, eqn) or all(_both_reduced(view, value, o) for o in others))
        return on() if guarded or all(_both_reduced(view, value, o) for o in others) else False
    return False


def _is_lowest_of_a_range(view: View, index: int, value: Any) -> bool:
    """Min-max scaling: less the smallest entry, and then divided by the largest less the smallest."""
    item = view.equations[index]
    above = [a for a in view.moving(item.eqn) if a is not value]
    if item.primitive != "sub" or item.eqn.invars[1] is not value or not spreads_over(view, value, above[0]):
        return False
    front = [item.out]
    while front:
        scaled = front.pop()
        readers = view.readers_of(scaled)
        for reader in readers:
            below = view.equations[reader]
            moving = view.moving(below.eqn)
            if below.primitive == "div" and len(moving) == 2 and moving[0] is scaled:
                if not (view.known[moving[1]].reduced and spreads_over(view, moving[1], scaled)):
                    return False
                if not _is_range(view, moving[1], above[0], item.out):
                    return False
            elif below.primitive in MOVES | {"mul"} and len(moving) == 1 and scaled.aval.shape == below.out.aval.shape:
                front.append(below.out)
            elif not (below.primitive == "reduce_max" and _is_range(view, below.out, above[0], item.out)):
                return False
        if not readers:
            return False
    return True


def _is_range(view: View, value: Any, signal: Any, scaled: Any) -> bool:
    """Does a divisor come from the largest entry of a signal, the smallest one taken off before or afterwards?"""
    front, result = [value], set()
    while front:
        index = view.makers.get(front.pop())
        if index is None:
            continue
        item = view.equations[index]
        if item.primitive in ("reduce_max", "reduce_min"):
            operand = number_of(view, item.eqn.invars[0])
            shifted = operand is number_of(view, scaled) and item.primitive == "reduce_max"
            result |= {"reduce_max", "reduce_min"} if shifted else set()
            result |= {item.primitive} if operand is number_of(view, signal) else set()
        elif item.primitive in MOVES | {"add", "sub", "max", "select_n"}:
            front += view.moving(item.eqn)
    return result >= {"reduce_max", "reduce_min"}


def _both_reduced(view: View, value: Any, other: Any) -> bool:
    return view.known[value].reduced and view.known[other].reduced


def _descends_from(view: View, value: Any, start: int) -> bool:
    """Does a value rest on the result of an equation, by moves and sums alone?"""
    source, front = number_of(view, view.equations[start].out), [value]
    while front:
        variable = front.pop()
        if number_of(view, variable) is source:
            return True
        index = view.makers.get(variable)
        if index is not None and view.equations[index].primitive in MOVES | SUMS | {
            "add",
            "max",
            "mul",
            "div",
            "select_n",
        }:
            front += view.moving(view.equations[index].eqn)
    return False
