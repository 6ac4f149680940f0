"""Backprop by hand through networks that branch: residual sums and concatenations.

Where branches meet in a sum, the signal passes to both; where they were put side by side, each gets its own channels;
where a value had been used twice, the two signals that come back add up. Everything else is a `Step` of a chain.

Source: zeiler2014visualizing
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvviz.network.backward.explicit import Chain, NoAdjoint, Step, make_step, value_of
from deconvviz.network.trace.jaxpr import Equation, fold, is_literal
from deconvviz.network.trace.rectifiers import match
from deconvviz.network.trace.trace import Node, Program


@dataclass(frozen=True, eq=False)
class Join:
    """Several values made into one: ``forward(values) -> value``, ``backward(g) -> one signal for each``."""

    name: str
    kind: str
    forward: Callable[..., Any]
    backward: Callable[[Any], Sequence[Any]]


@dataclass(frozen=True, eq=False)
class Part:
    """An operation and the values it takes, by number: 0 is the model input, k what part k - 1 made."""

    operation: Step | Join
    sources: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """The operations from the model input up to one layer, in execution order; the last one makes the layer."""

    parts: tuple[Part, ...]

    @property
    def meeting(self) -> str:
        """Where signals meet last, as a sentence: why this is no chain."""
        last = next(part.operation for part in reversed(self.parts) if isinstance(part.operation, Join))
        return f"two signals meet at {last.kind} in {last.name}: the network is no chain there"

    @property
    def constants(self) -> tuple[Any, ...]:
        """The arrays of all operations."""
        return tuple(p.operation.constant if isinstance(p.operation, Step) else None for p in self.parts)

    def forward(self, constants: Sequence[Any], x: Any) -> tuple[Any, list[Any]]:
        """Forward, keeping what the backward pass needs (switches, inputs of rectifiers)."""
        values, memories = [x], []
        for part, constant in zip(self.parts, constants, strict=True):
            inputs = [values[i] for i in part.sources]
            if isinstance(part.operation, Join):
                value, memory = part.operation.forward(*inputs), None
            else:
                value, memory = part.operation.forward(constant, inputs[0])
            values.append(value)
            memories.append(memory)
        return values[-1], memories

    def backward(self, constants: Sequence[Any], memories: Sequence[Any], g: Any, rule: str) -> Any:
        """Backward by the rule, from the layer to the model input."""
        return deque(self.signals(constants, memories, g, rule), maxlen=1)[0][1]

    def signals(
        self, constants: Sequence[Any], memories: Sequence[Any], g: Any, rule: str
    ) -> Iterator[tuple[int, Any]]:
        """The number of every value (see `Part`) and the signal that arrives there, from the layer down to 0."""
        signals: list[Any] = [None] * len(self.parts) + [g]
        for k in reversed(range(len(self.parts))):
            operation, sources, here = self.parts[k].operation, self.parts[k].sources, signals.pop()
            yield k + 1, here
            if isinstance(operation, Join):
                below = operation.backward(here)
            else:
                below = [operation.backward(constants[k], memories[k], here, rule)]
            for source, signal in zip(sources, below, strict=True):
                signals[source] = signal if signals[source] is None else signals[source] + signal
        yield 0, signals[0]


def explicit_graph(program: Program, node: Node) -> Chain | Graph:
    """Read the operations between the model input and a layer off the traced program: a chain where nothing branches.

    Raises:
      NoAdjoint: if one of them has no hand-written adjoint; the message is a sentence for the reader.
    """
    flat, operands = program.flat, match(program.flat.equations)
    names = {n.variable: n.layer.name for n in program.nodes}
    targets, path = {node.variable}, []
    name = node.layer.name
    for index in reversed(range(len(flat.equations))):
        item = flat.equations[index]
        if not targets.intersection(item.eqn.outvars):
            continue
        name = next((names[v] for v in item.eqn.outvars if v in names), name)
        signals = [a for a in item.eqn.invars if not is_literal(a) and a in program.live]
        if index in operands:
            signals = [operands[index]]
        if not signals:
            raise NoAdjoint("the layer does not depend on the image")
        targets.update(signals)
        path.append((item, index in operands, signals, name))
    others = [a for item, relu, signals, _ in path if not relu for a in item.eqn.invars if a not in signals]
    values = fold(flat, others)
    number, parts = {flat.input: 0}, []
    for item, relu, signals, label in reversed(path):
        parts.append(Part(_operation(item, relu, signals, values, label), tuple(number[a] for a in signals)))
        number[item.out] = len(parts)
    steps = tuple(part.operation for part in parts if isinstance(part.operation, Step))
    return Chain(steps) if len(steps) == len(parts) else Graph(tuple(parts))


def _operation(item: Equation, relu: bool, signals: list[Any], values: dict[Any, Any], name: str) -> Step | Join:
    if len(signals) > 1:
        make = _JOINS.get(item.primitive)
        join = make(item.eqn, signals, name) if make else None
        if join is None:
            many = "two" if len(signals) == 2 else str(len(signals))
            raise NoAdjoint(f"{many} signals meet at {item.primitive} in {name}, which has no hand-written adjoint")
        return join
    others = [] if relu else [value_of(a, values) for a in item.eqn.invars if a is not signals[0]]
    return make_step(item, signals[0], others, f"{name}\0relu" if relu else name)


def _sum(eqn: Any, signals: list[Any], name: str) -> Join | None:
    if any(a.aval.shape != eqn.outvars[0].aval.shape for a in signals) or len(eqn.invars) != 2:
        return None
    sign = -1 if eqn.primitive.name == "sub" else 1
    return Join(name, eqn.primitive.name, lambda a, b: a + sign * b, lambda g: (g, sign * g))


def _concatenate(eqn: Any, signals: list[Any], name: str) -> Join | None:
    axis = eqn.params["dimension"]
    if axis == 0 or len(signals) != len(eqn.invars):
        return None
    ends = np.cumsum([a.aval.shape[axis] for a in signals])[:-1]
    return Join(
        name, eqn.primitive.name, lambda *parts: jnp.concatenate(parts, axis), lambda g: jnp.split(g, ends, axis)
    )


_JOINS: dict[str, Callable[[Any, list[Any], str], Join | None]] = {
    "add": _sum, "add_any": _sum, "sub": _sum, "concatenate": _concatenate,
}  # fmt: skip
