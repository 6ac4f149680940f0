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
import numpy as np

from deconvviz.errors import NetworkError
from deconvviz.network.rewrite import rules
from deconvviz.network.trace import axes, geometry
from deconvviz.network.trace.jaxpr import Equation, Flat, dependent, flatten, is_literal, needed
from deconvviz.network.trace.layers import Finder, LayerEquations, names_of, parameters_of
from deconvviz.network.trace.rectifiers import constants
from deconvviz.network.trace.spelled import spelled_out
from deconvviz.types import Array, Layer


@dataclass(frozen=True, eq=False)
class Node:
    """A layer and where its value lives in the program.

    Attributes:
      layer: what it is.
      variable: of its value.
      field: what the value's axes see of the picture.
      order: the value's axes as (batch, places ..., channels), -1 for a batch axis that it does not have; None where it
        cannot be known which is which.
    """

    layer: Layer
    variable: Any
    field: geometry.Field
    order: tuple[int, ...] | None

    @property
    def in_order(self) -> bool:
        """Does the value lie as (batch, places ..., channels) already?"""
        return self.order is None or self.order == tuple(range(len(self.order)))


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

    def context(self, variable: Any, custom_rules: Mapping[str, rules.CustomRule]) -> rules.Context:
        """What `rules.rewrite` is to know about the path to a value, with the backward rules that a person gave."""

        def layer_of(item: Equation) -> str | None:
            return next((self.owners[v] for v in item.eqn.outvars if v in self.owners), None)

        return rules.Context(set(self.live), [variable], constants(self.flat), self.fields, layer_of, custom_rules)


def trace(
    function: Callable[[Any], Any], shape: tuple[int, int, int, int], channel_axis: Mapping[str, int] | None = None
) -> Program:
    """Trace ``function`` on a float32 image batch of this (N, H, W, C) shape and find its layers.

    Args:
      function: of one image batch.
      shape: of the batch.
      channel_axis: name of a layer -> which axis of its value, counted with the batch, holds the channels; for those
        where nothing tells.

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
    flat = spelled_out(flat, constants(flat))
    live = dependent(flat.equations, flat.input)
    if not any(not is_literal(o) and o in live for o in flat.outputs):
        raise NetworkError("the function's result does not depend on the image: is its argument used?")
    fields = geometry.follow(flat.equations, {flat.input: geometry.picture_field()})
    roles = axes.follow(flat.equations, {flat.input: axes.PICTURE})
    layers = Finder(flat, live, fields, roles).layers()
    names, counts = names_of(layers), parameters_of(layers, flat, live)
    channel_axes = channel_axis or {}
    orders = [
        _order(roles[n.variable], n, shape[0], channel_axes.get(name)) for name, n in zip(names, layers, strict=True)
    ]
    nodes = tuple(
        _node(name, layer, count, fields[layer.variable], order)
        for name, layer, count, order in zip(names, layers, counts, orders, strict=True)
    )
    indices = [(name, index) for name, layer in zip(names, layers, strict=True) for index in layer.indices]
    owners = {variable: name for name, index in indices for variable in flat.equations[index].eqn.outvars}
    shapes = tuple(tuple(leaf.shape) for leaf in jax.tree.leaves(output))
    return Program(flat, frozenset(live), nodes, (shape[1], shape[2]), shapes, fields, owners)


def _order(roles: axes.Roles, layer: LayerEquations, batch: int, channel_axis: int | None) -> tuple[int, ...] | None:
    """The order of a layer's axes; an axis that a person named holds the channels, whatever was found."""
    shape = layer.variable.aval.shape
    if channel_axis is not None:
        corrected = [None if role == axes.CHANNELS else role for role in roles]
        corrected[channel_axis] = axes.CHANNELS
        roles = tuple(corrected)
    return axes.order_of(roles, shape, batch)


def _node(
    name: str, layer: LayerEquations, parameters: int, field: geometry.Field, order: tuple[int, ...] | None
) -> Node:
    shape = layer.variable.aval.shape
    rest = shape[1:] if order is None else tuple(shape[d] for d in order[1:])
    stride, receptive = geometry.stride_of(field), geometry.size_of(field)
    return Node(
        Layer(name, layer.kind, tuple(rest), stride, receptive, parameters, order is not None),
        layer.variable, field, order,
    )  # fmt: skip


def permuted(node: Node, value: Array) -> Array:
    """A node's value as (batch, places ..., channels); unchanged where it is not known which axis is which."""
    if node.order is None or node.in_order:
        return value
    if node.order[0] < 0:
        return value[None].transpose([d + 1 for d in node.order])
    return value.transpose(node.order)


def as_in_program(node: Node, value: Array) -> Array:
    """The other way round: an array that lies as `permuted` puts it, with the axes of the program."""
    if node.order is None or node.in_order:
        return value
    places = np.argsort(node.order)
    return value.transpose(places)[0] if node.order[0] < 0 else value.transpose(places)
