"""The layers of any traced JAX function, found without touching it.

`trace` runs the function once on an abstract image, opens the calls, and names every value that a person would call
a layer: convolutions (with their bias), rectifiers, pools, dense layers, sums, concatenations. Names come from the
scopes that the program opened (``jax.named_scope``, Flax modules); where there are none, from kind and number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from deconvviz.errors import NetworkError
from deconvviz.network.rewrite import rules
from deconvviz.network.trace import geometry
from deconvviz.network.trace.jaxpr import Equation, Flat, dependent, flatten, is_literal, needed
from deconvviz.network.trace.layers import Finder, LayerEquations, names_of, parameters_of
from deconvviz.network.trace.rectifiers import constants
from deconvviz.types import Array, Layer


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
    """A traced function: its flat equations, what depends on the input, and its layers in execution order.

    Attributes:
      flat: the equations.
      live: the variables that depend on the input.
      nodes: the layers in execution order.
      input_size: (height, width) of the picture.
      output_shapes: of everything that the function returns, in the order of `jax.tree.leaves`.
      fields: what each live variable runs along.
      owners: variable -> name of the layer that its equation is part of.
    """

    flat: Flat
    live: frozenset[Any]
    nodes: tuple[Node, ...]
    input_size: tuple[int, int]
    output_shapes: tuple[tuple[int, ...], ...]
    fields: Mapping[Any, geometry.Field]
    owners: Mapping[Any, str]

    def path_to(self, variable: Any) -> list[Equation]:
        """The equations that a value rests on."""
        return [self.flat.equations[i] for i in needed(self.flat.equations, [variable])]

    def context(self, variable: Any) -> rules.Context:
        """What `rules.rewrite` is to know about the path to a value."""

        def layer_of(item: Equation) -> str | None:
            return next((self.owners[v] for v in item.eqn.outvars if v in self.owners), None)

        return rules.Context(set(self.live), [variable], constants(self.flat), self.fields, layer_of)


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
    fields = geometry.follow(flat.equations, {flat.input: geometry.picture_field()})
    layers = Finder(flat, live, fields).layers()
    names, counts = names_of(layers), parameters_of(layers, flat, live)
    nodes = tuple(_node(n, f, c, fields[f.variable]) for n, f, c in zip(names, layers, counts, strict=True))
    indices = [(name, index) for name, layer in zip(names, layers, strict=True) for index in layer.indices]
    owners = {variable: name for name, index in indices for variable in flat.equations[index].eqn.outvars}
    shapes = tuple(tuple(leaf.shape) for leaf in jax.tree.leaves(output))
    return Program(flat, frozenset(live), nodes, (shape[1], shape[2]), shapes, fields, owners)


def _node(name: str, layer: LayerEquations, parameters: int, field: geometry.Field) -> Node:
    axes, shape = field.axes(), layer.variable.aval.shape
    if set(axes) == {0, 1} and len(shape) == 4:
        rest = [d for d in range(4) if d not in axes.values()]
        shape = (shape[rest[0]], shape[axes[0]], shape[axes[1]], shape[rest[1]])
    stride, receptive = geometry.stride_of(field), geometry.size_of(field)
    return Node(Layer(name, layer.kind, tuple(shape[1:]), stride, receptive, parameters), layer.variable, field)


def permuted(node: Node, value: Array) -> Array:
    """A node's value as (batch, rows, columns, channels) where it is a map, unchanged where it is not."""
    return value if node.permutation is None else value.transpose(node.permutation)
