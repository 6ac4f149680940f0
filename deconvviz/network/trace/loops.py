"""The programs inside an equation: bodies of scan, while and cond, and what flows into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deconvviz.network import _compat
from deconvviz.network.trace.jaxpr import Equation, dependent, is_literal

#: Their derivative belongs to their author, or is of no concern to the signal: never rewritten.
CLOSED = {*_compat.CUSTOM, "pallas_call"}
#: A signal passes through the programs inside these.
LOOPS = ("scan", "while", "cond")


@dataclass(frozen=True, eq=False)
class Body:
    """One program carried by an equation.

    Attributes:
      closed: the program.
      operands: for each of its inputs the operand of the equation, or None where that is not known.
      carried: index of an output -> index of the input that it becomes in the next round.
      sliced: inputs that are one entry of their operand along its first dimension.
      outer: index of an output of the equation -> that of the body.
    """

    closed: _compat.Program
    operands: tuple[Any, ...]
    carried: dict[int, int]
    sliced: frozenset[int] = frozenset()
    outer: dict[int, int] | None = None

    def live(
        self, equations: Sequence[Equation], inputs: Sequence[Any], outputs: Sequence[Any], known: set[Any]
    ) -> Any:
        """The set of variables of the (flat) body that depend on operands in ``known``, round after round."""
        pairs = zip(inputs, self.operands, strict=True)
        start = {v for v, a in pairs if a is None or (not is_literal(a) and a in known)}
        while True:
            live = dependent(equations, *start)
            more = {inputs[i] for o, i in self.carried.items() if not is_literal(outputs[o]) and outputs[o] in live}
            if more <= start:
                return live
            start |= more


def bodies(eqn: Any) -> Iterator[tuple[str, int | None, Body]]:
    """(parameter, place in it, body) for each program that an equation carries."""
    name, p, ins = eqn.primitive.name, eqn.params, tuple(eqn.invars)
    for key, value in p.items():
        parts = list(enumerate(value)) if isinstance(value, tuple | list) else [(None, value)]
        for place, part in parts:
            program = _compat.program_in(part)
            if program is not None:
                yield key, place, _body(name, key, p, ins, program)


def _body(name: str, key: str, p: dict[str, Any], ins: tuple[Any, ...], closed: _compat.Program) -> Body:
    count = len(closed.jaxpr.invars)
    outputs = range(len(closed.jaxpr.outvars))
    if name == "scan":
        fixed, carry = _compat.scan_counts(p)
        return Body(closed, ins, {o: fixed + o for o in range(carry)}, frozenset(range(fixed + carry, count)),
                    {o: o for o in outputs})  # fmt: skip
    if name == "while":
        cond, body = p["cond_nconsts"], p["body_nconsts"]
        if key == "cond_jaxpr":
            return Body(closed, (*ins[:cond], *ins[cond + body :]), {})
        return Body(closed, ins[cond:], {o: body + o for o in outputs}, outer={o: o for o in outputs})
    if name == "cond":
        return Body(closed, ins[1:], {}, outer={o: o for o in outputs})
    if count == len(ins):
        return Body(closed, ins, {}, outer={o: o for o in outputs})
    return Body(closed, (None,) * count, {})


def replace_bodies(eqn: Any, change: Callable[[Body], Any | None]) -> Any:
    """The equation with each body replaced by what ``change`` gives for it (None: left as it is)."""
    params = dict(eqn.params)
    for key, place, body in bodies(eqn):
        new = change(body)
        if new is None:
            continue
        if place is None:
            params[key] = _compat.in_place_of(params[key], new)
        else:
            whole = list(params[key])
            whole[place] = _compat.in_place_of(whole[place], new)
            params[key] = type(params[key])(whole)
    return eqn.replace(params=params)
