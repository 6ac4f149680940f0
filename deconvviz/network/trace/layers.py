"""What in a flat program a person would call a layer, how it is named, and how many numbers it holds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from deconvviz.network import _compat
from deconvviz.network.trace import axes, geometry
from deconvviz.network.trace.jaxpr import Equation, Flat, is_literal, needed
from deconvviz.network.trace.loops import CLOSED, LOOPS
from deconvviz.network.trace.pooling import Pools, patch_size
from deconvviz.network.trace.rectifiers import ACTIVATIONS, activation_call, constants, survey

#: Elementwise nonlinearities that only activations use. `exp` and powers stay out: softmax and norms need them.
_NONLINEAR = {"tanh", "logistic", "erf", "erfc", "erf_inv", "log1p", "expm1", "abs", "sign", "clamp", "sin", "cos",
              "floor", "ceil", "round"}  # fmt: skip
#: A bound below the result of these guards a quotient, as in ``x / max(norm(x), eps)``.
_NORMS = {"sqrt", "reduce_sum"}
_CONSTANT_STEPS = {"add", "sub", "mul", "div"}
#: What puts the result of a layer in another order or type.
_ARRANGED = {"reshape", "transpose", "squeeze", "expand_dims", "broadcast_in_dim", "convert_element_type"}
_PLAIN_NAMES = {"select_n": "where", "logistic": "sigmoid", "integer_pow": "power", "square": "power"}
#: These hold no numbers of their own, whatever constants they read.
_BARE = {"relu", "max_pool", "avg_pool", "mean", "sum", "max", "add", "concat", "matmul", "patches"}


@dataclass(frozen=True, eq=False)
class LayerEquations:
    """One layer: its kind, its scopes, the variable of its value, and the equations that it is made of."""

    kind: str
    scope: tuple[str, ...]
    variable: Any
    indices: tuple[int, ...]


class Finder:
    """Walks over a flat program once and collects its layers in execution order."""

    def __init__(
        self, flat: Flat, live: set[Any], fields: dict[Any, geometry.Field], roles: dict[Any, axes.Roles]
    ) -> None:
        self._roles = roles
        self._flat, self._equations, self._live, self._fields = flat, flat.equations, live, fields
        surveyed = survey(flat.equations, constants(flat))
        self._rectifiers = set(surveyed.rectifiers) | set(surveyed.clamps)
        self._bounds, self._powers = surveyed.ceilings, surveyed.powers
        self._pools = Pools(flat.equations, live, fields)
        self._users: Counter[Any] = Counter(a for e in flat.equations for a in e.eqn.invars if not is_literal(a))
        self._users.update(o for o in flat.outputs if not is_literal(o))
        self._taken: set[int] = set()

    def layers(self) -> list[LayerEquations]:
        """All of them; the program's own result is the last, as "output", where it is no other layer."""
        layers = []
        for index, item in enumerate(self._equations):
            if index in self._taken or not item.eqn.outvars:
                continue
            kind = self._kind(index)
            if kind in LOOPS:
                outs = [v for v in item.eqn.outvars if v in self._live and self._is_layer(v)]
                layers += [LayerEquations(kind, item.scope, v, (index,)) for v in outs]
            elif kind is not None:
                indices = self._batched(self._extent(index, kind))
                variable = self._equations[indices[-1]].out
                if self._is_layer(variable):
                    layers.append(LayerEquations(kind, item.scope, variable, indices))
        return self._with_output([self._to_the_end(layer) if _is_alone(layer, layers) else layer for layer in layers])

    def _to_the_end(self, layer: LayerEquations) -> LayerEquations:
        """A layer that bears the name of a scope, with the scales and shifts at the end of it, as of a layer norm."""
        whole, indices, signal = layer, layer.indices, layer.variable
        for index in range(layer.indices[-1] + 1, len(self._equations)):
            item = self._equations[index]
            if self._users[signal] != 1:
                break
            if not any(a is signal for a in item.eqn.invars):
                continue
            arranged = item.primitive in _ARRANGED and item.out.aval.size == signal.aval.size
            if item.scope != layer.scope or not (arranged or self._is_constant_step(item)):
                break
            indices, signal = (*indices, index), item.out
            if self._is_layer(signal):
                whole = replace(layer, variable=signal, indices=indices)
        return whole

    def _batched(self, indices: tuple[int, ...]) -> tuple[int, ...]:
        """A product of matrices of one image gets its batch dimension back in the next step; that is the layer."""
        value = self._equations[indices[-1]].out
        if self._equations[indices[0]].primitive != "dot_general" or self._is_layer(value):
            return indices
        readers = [n for n, item in enumerate(self._equations) if any(a is value for a in item.eqn.invars)]
        if len(readers) == 1:
            reader = self._equations[readers[0]]
            if reader.primitive in ("broadcast_in_dim", "reshape") and reader.out.aval.shape == (1, *value.aval.shape):
                return *indices, readers[0]
        return indices

    def _is_layer(self, variable: Any) -> bool:
        """Maps, and vectors and rows of tokens whose first dimension is the batch."""
        shape, batch = variable.aval.shape, self._flat.input.aval.shape[0]
        tracks = self._fields[variable].tracks if variable in self._fields else ()
        if len(shape) == 4:
            return True
        if len(shape) in (3, 5):  # one and three spatial axes: only where it is known which axis is which
            order = axes.order_of(self._roles.get(variable, (None,) * len(shape)), shape, batch)
            if order is not None and order[0] >= 0 and axes.CHANNELS in self._roles[variable]:
                return True
        batched = len(shape) in (2, 3) and shape[0] == batch and not isinstance(tracks[0], geometry.Track)
        return batched and not isinstance(tracks[-1], geometry.Track)

    def _moving(self, item: Equation) -> list[Any]:
        return [a for a in item.eqn.invars if not is_literal(a) and a in self._live]

    def _kind(self, index: int) -> str | None:
        """The kind of layer that begins at an equation, or None if nobody would call it one."""
        item, name = self._equations[index], self._equations[index].primitive
        call, inputs = activation_call(item), self._moving(item)
        if call and any(self._moving(self._equations[i]) for i in self._same_call(index)):
            return call[0]
        if not inputs:
            return None
        if index in self._rectifiers:
            return "relu"
        if index in self._pools.cells:
            return "max" if self._global(item) else "max_pool"
        if index in self._pools.pairs:
            return None if self._feeds_pair(item.out) else "max_pool"
        if name == "conv_general_dilated" and len(inputs) == 1:
            return "patches" if patch_size(self._equations, item.eqn) else "conv"
        if name == "reduce_sum":
            return self._sum(index)
        plain = {
            "dot_general": "dense" if len(inputs) == 1 else "matmul",
            "reduce_window_max": "max_pool",
            "reduce_window": "max_pool" if index in self._pools.windows else "pool",
            "reduce_window_sum": "avg_pool",
            "reduce_max": None if index in self._pools.shifts else "max",
        }
        if name in plain:
            return plain[name]
        if name in LOOPS:
            return name
        return "custom" if name in CLOSED else self._other(index, inputs)

    def _sum(self, index: int) -> str | None:
        """A sum over the map is a layer, and with the division that follows a mean; a sum over channels is none."""
        item = self._equations[index]
        tracks = self._fields[item.eqn.invars[0]].tracks
        if all(tracks[a] is None for a in item.eqn.params["axes"]):
            return None
        if len(self._extent(index, "mean", take=False)) > 1:
            return "mean"
        return "sum" if self._global(item) else None

    def _other(self, index: int, inputs: list[Any]) -> str | None:
        """Sums and products of signals, activations without a rectifier rule, batch norm in inference."""
        item, name = self._equations[index], self._equations[index].primitive
        if index in self._bounds:
            return None
        bent = _activation(item, self._live) or _constant_bound(item, self._equations, self._live)
        if bent or index in self._powers:
            return _PLAIN_NAMES.get(name, name)
        if len(inputs) > 1:
            return {"add": "add", "concatenate": "concat", "mul": "multiply"}.get(name)
        if self._is_constant_step(item) and item.out.aval.ndim == 4:
            return "batch_norm" if self._per_channel_run(index) >= 2 else None
        return None

    def _global(self, item: Equation) -> bool:
        tracks = self._fields[item.eqn.invars[0]].tracks
        return any(isinstance(tracks[a], geometry.Track) for a in item.eqn.params["axes"])

    def _feeds_pair(self, variable: Any) -> bool:
        readers = [i for i, item in enumerate(self._equations) if any(a is variable for a in item.eqn.invars)]
        return bool(readers) and all(i in self._pools.pairs for i in readers) and variable not in self._flat.outputs

    def _same_call(self, index: int) -> list[int]:
        """The equation and those right behind it that belong to the same named activation."""
        call, last = activation_call(self._equations[index]), index
        while call and last + 1 < len(self._equations) and activation_call(self._equations[last + 1]) == call:
            last += 1
        return list(range(index, last + 1))

    def _per_channel_run(self, start: int) -> int:
        """How many scales and shifts by arrays follow one another from an equation on."""
        signal, run = None, 0
        for item in self._equations[start:]:
            if not self._moving(item):
                continue
            arrays = [a for a in item.eqn.invars if a.aval.size > 1]
            if not self._is_constant_step(item) or len(arrays) < 2 or (run and not any(a is signal for a in arrays)):
                break
            signal, run = item.out, run + 1
        return run

    def _is_constant_step(self, item: Equation) -> bool:
        """One addition, subtraction, product or quotient of the signal with something that is not the signal."""
        return item.primitive in _CONSTANT_STEPS and len(self._moving(item)) == 1

    def _extent(self, index: int, kind: str, take: bool = True) -> tuple[int, ...]:
        """The equations of a layer: with the bias of a convolution, the division of a mean, a ReLU6's bound, ..."""
        if kind in ACTIVATIONS:
            group = self._same_call(index)
            self._taken.update(group)
            return tuple(group)
        steps = {"conv": {"add"}, "dense": {"add"}, "avg_pool": {"div", "mul"}, "mean": {"div", "mul"},
                 "batch_norm": _CONSTANT_STEPS, "relu": {"min"}}.get(kind, set())  # fmt: skip
        indices, signal = [index], self._equations[index].out
        limit = 8 if kind == "batch_norm" else 1
        if kind == "dense" and not self._is_layer(signal):  # ``w @ x`` under vmap: the batch comes last, then first
            steps, limit = {"transpose", "add"}, 2
        for later_index in range(index + 1, len(self._equations)):
            later = self._equations[later_index]
            if limit == 0 or self._users[signal] != 1:
                break
            if not any(a is signal for a in later.eqn.invars):
                continue
            constant = later_index in self._bounds if kind == "relu" else self._is_constant_step(later)
            constant = constant or later.primitive == "transpose"
            if later.primitive not in steps or not constant or later.scope != self._equations[index].scope:
                break
            if take:
                self._taken.add(later_index)
            indices.append(later_index)
            signal, limit = later.out, limit - 1
        return tuple(indices)

    def _with_output(self, layers: list[LayerEquations]) -> list[LayerEquations]:
        output = self._flat.outputs[0]
        if is_literal(output) or output is self._flat.input or any(layer.variable is output for layer in layers):
            return layers
        indices = [i for i, item in enumerate(self._equations) if any(v is output for v in item.eqn.outvars)]
        whole = getattr(output.aval, "ndim", 0) < 2 or output not in self._live
        return layers if whole or not indices else [*layers, LayerEquations("output", (), output, (indices[0],))]


def _is_alone(layer: LayerEquations, layers: Sequence[LayerEquations]) -> bool:
    """Has the layer a scope to itself, so that the scope's name is the layer's?"""
    scopes, own = [other.scope for other in layers], layer.scope
    return bool(own) and scopes.count(own) == 1 and not any(s != own and s[: len(own)] == own for s in scopes)


def names_of(layers: Sequence[LayerEquations]) -> list[str]:
    """A unique name for each layer: the scope alone where one layer has it to itself, else kind and number."""
    scopes = [layer.scope for layer in layers]
    while len({s for s in scopes if s}) > 1 and len({s[0] for s in scopes if s}) == 1:
        scopes = [s[1:] for s in scopes]
    names: list[str] = []
    counts: Counter[str] = Counter()
    for layer, scope in zip(layers, scopes, strict=True):
        prefix = "/".join(scope)
        if scope and _is_alone(layer, layers):
            names.append(prefix)
            continue
        stem = f"{prefix}/{layer.kind}" if prefix else layer.kind
        counts[stem] += 1
        names.append(stem if stem == "output" else f"{stem}{counts[stem]}")
    return names


def parameters_of(layers: Sequence[LayerEquations], flat: Flat, live: set[Any]) -> list[int]:
    """How many stored numbers (weights, biases, running statistics) each layer reads; shared ones count each time."""
    stored = set(flat.constvars)
    constant = [item for item in flat.equations if not any(v in live for v in item.eqn.outvars)]
    counts = []
    for layer in layers:
        if layer.kind in _BARE:
            counts.append(0)
            continue
        fixed = {a for i in layer.indices for a in flat.equations[i].eqn.invars
                 if not is_literal(a) and a not in live and a is not layer.variable}  # fmt: skip
        below = [constant[i].eqn for i in needed(constant, fixed)]
        read = fixed | {a for eqn in below for a in eqn.invars if not is_literal(a)}
        arrays = [v for v in read & stored if _is_number(v)]
        counts.append(sum(math.prod(v.aval.shape) for v in arrays))
    return counts


def _is_number(variable: Any) -> bool:
    return jnp.issubdtype(variable.aval.dtype, jnp.number)


def _constant_bound(item: Equation, equations: Sequence[Equation], live: set[Any]) -> str | None:
    """``max(x, c)`` and ``min(x, c)`` bend the signal, unless c is out of reach or keeps a norm above zero."""
    signals = [a for a in item.eqn.invars if not is_literal(a) and a in live]
    if item.primitive not in ("max", "min") or len(signals) != 1:
        return None
    makers = {other.primitive for other in equations if any(v is signals[0] for v in other.eqn.outvars)}
    bound = next((a for a in item.eqn.invars if a is not signals[0]), None)
    plain = bound is not None and is_literal(bound) and jnp.ndim(bound.val) == 0
    out_of_reach = plain and not _within(float(bound.val), signals[0])  # type: ignore[union-attr]
    guard = item.primitive == "max" and (makers & _NORMS or _is_guard(item))
    return None if out_of_reach or guard else f"{item.primitive} with a constant"


def _is_guard(item: Equation) -> bool:
    """A ``max(0, v)`` that is no rectifier keeps the variance of a normalization above zero."""
    return any(is_literal(a) and jnp.ndim(a.val) == 0 and float(a.val) == 0 for a in item.eqn.invars)


def _within(bound: float, signal: Any) -> bool:
    """Can numbers of the signal's type lie on both sides of the bound?"""
    info = jnp.finfo(signal.aval.dtype)
    return float(info.min) < bound < float(info.max)


def _activation(item: Equation, live: set[Any]) -> str | None:
    """Why an equation on the path is an activation without a rectifier rule, or None if it is none."""
    eqn, name = item.eqn, item.primitive
    if name in CLOSED:
        body = _compat.program_in(eqn.params.get("call_jaxpr") or eqn.params.get("jaxpr"))
        return (body and _compat.function_name(body.jaxpr)) or name
    inputs = [a for a in eqn.invars if not is_literal(a) and a in live]
    if call := activation_call(item):
        return call[0]
    if name in _NONLINEAR:
        return "sigmoid" if name == "logistic" else name
    if name == "select_n" and eqn.invars[0] in live:
        return "a selection by the signal itself"
    if name in ("max", "min") and len(inputs) == 2:
        return f"{name} of two signals"
    if name == "min" and any(is_literal(a) and jnp.ndim(a.val) == 0 and a.val == 0 for a in eqn.invars):
        return "min with zero"
    return None
