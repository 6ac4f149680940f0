"""The layers of any traced JAX function, found without touching it.

`trace` runs the function once on an abstract image, opens the calls, and names every value that a person would call
a layer: convolutions (with their bias), rectifiers, pools, dense layers, sums, concatenations. Names come from the
scopes that the program opened (``jax.named_scope``, Flax modules); where there are none, from kind and number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from deconvviz.errors import NetworkError
from deconvviz.network import geometry, rules
from deconvviz.network._jaxpr import Equation, Flat, dependent, flatten, is_literal, needed
from deconvviz.types import Array, Layer

_POOL_SUMS = {"reduce_window_sum": "avg_pool", "reduce_sum": "mean"}
_CONSTANT_STEPS = {"add", "sub", "mul", "div"}


@dataclass(frozen=True, eq=False)
class Node:
    """A layer and where its value lives in the program."""

    layer: Layer
    variable: Any
    field: geometry.Field

    @property
    def permutation(self) -> tuple[int, ...] | None:
        """Order of dimensions that brings the value to (batch, rows, columns, channels); None if it is no map."""
        axes, rank = self.field.axes(), len(self.field.tracks)
        if set(axes) != {0, 1} or rank != 4:
            return None
        rest = [d for d in range(rank) if d not in axes.values()]
        return rest[0], axes[0], axes[1], rest[1]


@dataclass(frozen=True, eq=False)
class Program:
    """A traced function: its flat equations, what depends on the input, and its layers in execution order."""

    flat: Flat
    live: frozenset[Any]
    nodes: tuple[Node, ...]
    input_size: tuple[int, int]
    output_shapes: tuple[tuple[int, ...], ...]

    def path_to(self, variable: Any) -> list[Equation]:
        """The equations that a value rests on."""
        return [self.flat.equations[i] for i in needed(self.flat.equations, [variable])]


def trace(function: Callable[[Any], Any], shape: tuple[int, int, int, int]) -> Program:
    """Trace ``function`` on a float32 image batch of this (N, H, W, C) shape and find its layers.

    Raises:
      NetworkError: if the function cannot be traced, or its result does not depend on the image.
    """
    image = jax.ShapeDtypeStruct(shape, jax.numpy.result_type(float))
    try:
        with jax.default_matmul_precision("highest"):
            closed, output = jax.make_jaxpr(function, return_shape=True)(image)
    except NetworkError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0][:300]
        raise NetworkError(
            f"the function cannot be traced on an image batch of shape {shape} (batch, height, width, channels): "
            f"{type(error).__name__}: {first}. Give a pure JAX function of one such array, with its weights closed "
            "over, in inference mode, and the size that it expects as input_spec=InputSpec(size=(height, width))"
        ) from error
    flat = flatten(closed, rules.is_relu_call)
    live = dependent(flat.equations, flat.input)
    if not any(not is_literal(o) and o in live for o in flat.outputs):
        raise NetworkError("the function's result does not depend on the image: is its argument used?")
    fields = geometry.follow(flat.equations, flat.input)
    nodes = _find_nodes(flat, live, fields)
    shapes = tuple(tuple(leaf.shape) for leaf in jax.tree.leaves(output))
    return Program(flat, frozenset(live), nodes, (shape[1], shape[2]), shapes)


def kind_of(item: Equation, live: set[Any], is_rectifier: bool) -> str | None:
    """The kind of layer that an equation computes, or None if nobody would call it one."""
    name = item.primitive
    inputs = [a for a in item.eqn.invars if not is_literal(a) and a in live]
    if not inputs:
        return None
    if is_rectifier:
        return "relu"
    if name == "conv_general_dilated":
        return "conv" if len(inputs) == 1 else None
    if name == "dot_general":
        return "dense" if len(inputs) == 1 else "matmul"
    if name == "reduce_window_max":
        return "max_pool"
    if name in _POOL_SUMS:
        return _POOL_SUMS[name]
    if name == "reduce_max":
        return "max"
    if name in ("scan", "while", "cond", "custom_vjp_call", "pallas_call"):
        return "custom" if name.startswith(("custom", "pallas")) else name
    if len(inputs) > 1:
        return {"add": "add", "concatenate": "concat", "mul": "multiply"}.get(name)
    return None


def _find_nodes(flat: Flat, live: set[Any], fields: dict[Any, geometry.Field]) -> tuple[Node, ...]:
    matched = rules.match(flat.equations)
    users = Counter(a for item in flat.equations for a in item.eqn.invars if not is_literal(a))
    users.update(o for o in flat.outputs if not is_literal(o))
    found: list[tuple[str, Equation, Any]] = []
    taken: set[int] = set()
    for index, item in enumerate(flat.equations):
        if index in taken:
            continue
        kind = kind_of(item, live, index in matched)
        if kind is None:
            kind = _activation_or_norm(flat.equations, index, live, taken)
        if kind is not None and item.out.aval.ndim in (2, 4):
            found.append((kind, item, _last_of_layer(flat.equations, index, kind, live, users, taken)))
    found = _end_with_output(flat, found)
    names = _names([(kind, item.scope) for kind, item, _ in found])
    return tuple(
        Node(_layer(name, kind, variable, fields[variable]), variable, fields[variable])
        for name, (kind, _, variable) in zip(names, found, strict=True)
    )


def _activation_or_norm(equations: Sequence[Equation], index: int, live: set[Any], taken: set[int]) -> str | None:
    """Activations without a rectifier rule, and runs of per-channel scales and shifts (batch norm in inference)."""
    item = equations[index]
    call = rules.activation_call(item)
    if call:
        last = index
        while last + 1 < len(equations) and rules.activation_call(equations[last + 1]) == call:
            last += 1
        taken.update(range(index + 1, last + 1))
        return call[0]
    if not any(not is_literal(a) and a in live for a in item.eqn.invars):
        return None
    if rules.objection(item, live):
        return item.primitive
    if _is_constant_step(item, live) and item.out.aval.ndim == 4:
        return "batch_norm" if _per_channel_run(equations[index:], live) >= 2 else None
    return None


def _per_channel_run(equations: Sequence[Equation], live: set[Any]) -> int:
    """How many scales and shifts by arrays follow one another from the first equation on."""
    signal, run = None, 0
    for item in equations:
        if not any(not is_literal(a) and a in live for a in item.eqn.invars):
            continue
        arrays = [a for a in item.eqn.invars if a.aval.size > 1]
        if not _is_constant_step(item, live) or len(arrays) < 2 or (run and not any(a is signal for a in arrays)):
            break
        signal, run = item.out, run + 1
    return run


def _is_constant_step(item: Equation, live: set[Any]) -> bool:
    """One addition, subtraction, product or quotient of the signal with something that is not the signal."""
    signals = [a for a in item.eqn.invars if not is_literal(a) and a in live]
    return item.primitive in _CONSTANT_STEPS and len(signals) == 1


def _last_of_layer(
    equations: Sequence[Equation], index: int, kind: str, live: set[Any], users: Counter[Any], taken: set[int]
) -> Any:
    """The variable that holds the layer's output: after the bias of a convolution, the division of a mean, ..."""
    item = equations[index]
    if kind in rules.ACTIVATIONS:
        last = index
        while last + 1 in taken and rules.activation_call(equations[last + 1]) == rules.activation_call(item):
            last += 1
        return equations[last].out
    steps = {"conv": {"add"}, "dense": {"add"}, "avg_pool": {"div", "mul"}, "mean": {"div", "mul"},
             "batch_norm": _CONSTANT_STEPS}.get(kind, set())  # fmt: skip
    limit = 1 if kind != "batch_norm" else 8
    signal = item.out
    for later_index in range(index + 1, len(equations)):
        later = equations[later_index]
        if limit == 0 or users[signal] != 1:
            break
        if not any(a is signal for a in later.eqn.invars):
            continue
        if later.primitive not in steps or not _is_constant_step(later, live) or later.scope != item.scope:
            break
        taken.add(later_index)
        signal, limit = later.out, limit - 1
    return signal


def _end_with_output(flat: Flat, found: list[tuple[str, Equation, Any]]) -> list[tuple[str, Equation, Any]]:
    """Add the function's own result as last layer "output" where it is no layer already (a softmax, say)."""
    output = flat.outputs[0]
    if is_literal(output) or output is flat.input or any(variable is output for _, _, variable in found):
        return found
    makers = [item for item in flat.equations if any(v is output for v in item.eqn.outvars)]
    return [*found, ("output", Equation(makers[0].eqn, ()), output)] if makers else found


def _names(rows: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    """A unique name for each (kind, scope): the scope alone where one layer has it to itself, else kind and number."""
    scopes = [scope for _, scope in rows]
    while len({s for s in scopes if s}) > 1 and len({s[0] for s in scopes if s}) == 1:
        scopes = [s[1:] for s in scopes]
    names: list[str] = []
    counts: Counter[str] = Counter()
    for (kind, _), scope in zip(rows, scopes, strict=True):
        prefix = "/".join(scope)
        alone = scopes.count(scope) == 1 and not any(s != scope and s[: len(scope)] == scope for s in scopes)
        if scope and alone:
            names.append(prefix)
            continue
        stem = f"{prefix}/{kind}" if prefix else kind
        counts[stem] += 1
        names.append(stem if stem == "output" else f"{stem}{counts[stem]}")
    return names


def _layer(name: str, kind: str, variable: Any, field: geometry.Field) -> Layer:
    axes, shape = field.axes(), variable.aval.shape
    if set(axes) == {0, 1} and len(shape) == 4:
        rest = [d for d in range(4) if d not in axes.values()]
        shape = (shape[rest[0]], shape[axes[0]], shape[axes[1]], shape[rest[1]])
    return Layer(name, kind, tuple(shape[1:]), geometry.stride_of(field), geometry.size_of(field))


def permuted(node: Node, value: Array) -> Array:
    """A node's value as (batch, rows, columns, channels) where it is a map, unchanged where it is not."""
    return value if node.permutation is None else value.transpose(node.permutation)
