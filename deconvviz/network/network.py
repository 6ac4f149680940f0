"""`Network`: any JAX function of an image batch, with its layers, taps and backward rules."""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from deconvviz import compiled
from deconvviz.errors import NetworkError, RuleError, nearest
from deconvviz.network._cache import Programs, Store
from deconvviz.network._jit import jit
from deconvviz.network.adopt import arguments, equinox, results
from deconvviz.network.backward.explicit import Chain, NoAdjoint
from deconvviz.network.backward.graph import Graph, explicit_graph
from deconvviz.network.rewrite.rules import CustomRule
from deconvviz.network.trace import geometry
from deconvviz.network.trace.jaxpr import as_function, is_literal
from deconvviz.network.trace.loops import LOOPS
from deconvviz.network.trace.rectifiers import constants
from deconvviz.network.trace.scopes import scoped
from deconvviz.network.trace.trace import Node, Program, permuted, trace
from deconvviz.types import Array, Box, InputSpec, Layer, Size


class Network:
    """A JAX function ``(N, H, W, C) -> outputs`` whose layers are read and sent back from as it is.

    Args:
      function: any traceable function of one float image batch, weights closed over, in inference mode; or a Flax
        NNX module, whose module paths then name the layers.
      input_spec: the size and range that it expects.
      output: which of several results is the network's output: its key in a dict, its place in a tuple, or the keys
        down to it with / between, "heads/0". The first one if None; `about` then says which that is.
      inputs: values of further arguments, by name or in order. They are those of every image of a batch.
      vary: the argument that is the image batch, where there are others: its name, or its place among them.
      labels: names of the outputs, in order.
      name: what to call it.
      about: figures to show beside it (accuracy, number of weights, ...), as text.
      programs: where its compiled programs are kept; networks that differ in their weights alone, the checkpoints of
        a training for example, share them, so that only the first one compiles.
      channel_axis: name of a layer -> which axis of its value, counted with the batch, holds the channels. Needed only
        where nothing in the program tells (`Layer.known_axes`).

    Raises:
      NetworkError: if the function cannot be traced, has no such output or argument, or labels and outputs differ in
        number.

    >>> net = Network(lambda x: jax.nn.relu(x).mean((1, 2)), input_spec=InputSpec(size=(8, 6)))
    >>> [(layer.name, layer.kind, layer.shape) for layer in net.layers]
    [('relu1', 'relu', (8, 6, 3)), ('mean1', 'mean', (3,))]
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        input_spec: InputSpec,
        output: str | int | None = None,
        inputs: Mapping[str, Any] | Sequence[Any] | None = None,
        vary: str | int | None = None,
        labels: Sequence[str] | None = None,
        name: str = "network",
        about: dict[str, str] | None = None,
        programs: Programs | None = None,
        channel_axis: Mapping[str, int] | None = None,
    ) -> None:
        if not callable(function):
            raise NetworkError(f"a network is a function of an image batch; got {type(function).__name__}")
        if not isinstance(input_spec, InputSpec):
            raise NetworkError(
                f"input_spec says what the network is fed, as in InputSpec(size=(224, 224)); got {input_spec!r}"
            )
        compiled.return_blocks()
        function = scoped(function) if isinstance(function, nnx.Module) else function
        function = equinox.scoped(function) if equinox.is_module(function) else function
        if inputs is not None or vary is not None:
            function = arguments.of_image(function, inputs, vary)
        chosen = results.Chosen(function, output)
        self._function: Callable[[Any], Any] = (
            chosen if inputs is None and vary is None else arguments.one_by_one(chosen)
        )
        self.input_spec, self.name, self.about = input_spec, name, dict(about or {})
        self.labels = tuple(labels) if labels is not None else None
        self._channel_axis = dict(channel_axis or {})
        #: Of a network with other weights: whose program it is, and what stands in place of that one's constants.
        self._origin: Network | None = None
        self._weights: tuple[Any, ...] = ()
        self.rules: dict[str, CustomRule] = {}
        self._programs = programs
        self.store = Store(programs=programs, form=self._form)
        outputs = self.program().output_shapes
        program = self.program()
        order = [chosen.name, *(name for name in chosen.names if name != chosen.name)]
        results_of = dict(zip(order, program.flat.outputs, strict=True))
        of_image = [n for n in chosen.names if not is_literal(results_of[n]) and results_of[n] in program.live]
        if output is None and len(of_image) > 1:  # a state that is handed on is no result
            rest = f"the first of {len(of_image)} results ({', '.join(of_image[:8])})"
            self.about.setdefault("output", f"{chosen.name}, {rest}; output=NAME chooses another")
        if self.labels is not None and outputs and outputs[0][-1:] != (len(self.labels),):
            raise NetworkError(
                f"{len(self.labels)} labels for a network whose first output has shape {outputs[0]}: "
                "give one label for each entry of its last axis"
            )

    @classmethod
    def from_nnx(
        cls, module: nnx.Module, *, input_spec: InputSpec, call: Callable[[Any, Any], Any] | None = None, **options: Any
    ) -> Network:
        """A Flax NNX module in inference mode; the module itself is never changed.

        Args:
          module: its paths name the layers.
          input_spec: the size and range that it expects.
          call: how it is called where it takes more than the image batch: ``lambda model, x: model(x, train=False)``.
          options: as of `Network`.
        """
        if not isinstance(module, nnx.Module):
            raise NetworkError(f"from_nnx takes a Flax NNX module; got {type(module).__name__}")
        return cls(module if call is None else scoped(module, call), input_spec=input_spec, **options)

    @classmethod
    def from_linen(cls, module: Any, variables: Any, *, input_spec: InputSpec, **options: Any) -> Network:
        """A Flax Linen module with its variables; keyword arguments of its call go into a partial of your own."""
        return cls(lambda x: module.apply(variables, x), input_spec=input_spec, **options)

    @classmethod
    def from_torch(cls, module: Any, *, input_spec: InputSpec, **options: Any) -> Network:
        """A PyTorch module in evaluation mode, by ``torch.export``; layers are named by its paths, "layer1/0/conv1".

        Weights are copied and the module is never changed. Where it was in training mode, `about` says so.

        Args:
          module: a ``torch.nn.Module`` of one image batch (N, C, H, W).
          input_spec: the size and range that it expects; arrays here stay (N, H, W, C), images and maps alike.
          options: labels, name, about, programs.

        Raises:
          NetworkError: PyTorch is missing, the module cannot be exported, or it uses an operation without a
            counterpart in JAX, which is named with the module that uses it.

        Example::

          net = dv.Network.from_torch(torchvision.models.resnet18(weights="DEFAULT"), input_spec=spec)
        """
        from deconvviz.network.adopt import torch

        function, notes = torch.from_module(module, input_spec)
        options.setdefault("name", type(module).__name__)
        if notes:
            options["about"] = {"mode": " ".join(notes), **(options.get("about") or {})}
        return cls(function, input_spec=input_spec, **options)

    def with_rules(self, rules: Mapping[str, CustomRule]) -> Network:
        """The same network with backward rules of your own for activations that are no rectifiers.

        Args:
          rules: name of an activation, as a refusal or `Coverage.unsupported` gives it -> ``rule(z, g)``: the signal
            below, from what went in and the signal that comes down, all of one shape, in JAX.

        Raises:
          NetworkError, RuleError: what is given is no function; the name is that of a rectifier.

        >>> net = Network(lambda x: jax.nn.gelu(x), input_spec=InputSpec(size=(8, 6)))
        >>> net.with_rules({"gelu": lambda z, g: g}).rules.keys()
        dict_keys(['gelu'])
        """
        for name, rule in rules.items():
            if name in ("relu", "relu6"):
                raise RuleError(
                    f"{name} is a rectifier, which obeys rule=...; rules={{...}} is for other activations, gelu or silu"
                )
            if not callable(rule):
                raise NetworkError(f"the rule for {name} is a function rule(z, g); got {rule!r}")

        def make() -> Network:
            other = copy.copy(self)
            other.rules = dict(rules)
            other.store = Store()
            return other

        network: Network = self.store.get(("rules", tuple(sorted(rules.items(), key=lambda pair: pair[0]))), make)
        return network

    def with_weights(self, weights: Sequence[Any]) -> Network:
        """The same network with other weights. It is not traced again, and what was compiled for either serves both.

        Args:
          weights: in place of the constants of the traced program, ``program().flat.consts``: as many arrays of the
            same shapes. An array that was all zero stays so, and no other becomes it: rules may stand on that.

        Raises:
          NetworkError: another number of arrays, or another shape.

        >>> w = jax.numpy.ones((3, 2))
        >>> net = Network(lambda x: x.mean((1, 2)) @ w, input_spec=InputSpec(size=(8, 6)))
        >>> net.with_weights([2 * w]).run(np.ones((1, 8, 6, 3))).tolist()
        [[6.0, 6.0]]
        """
        flat = self.program().flat
        shapes, new_shapes = (
            [tuple(np.shape(each)) for each in flat.consts],
            [tuple(np.shape(each)) for each in weights],
        )
        if shapes != new_shapes:
            raise NetworkError(f"the weights of {self.name} are arrays of the shapes {shapes}; got {new_shapes}")
        replaced = dataclasses.replace(flat, consts=tuple(weights))
        other = copy.copy(self)
        other.__dict__.pop("digest", None)
        other._origin, other._weights = self, tuple(weights)
        other.store = Store(lender=self.store) if constants(replaced) == constants(flat) else Store()
        return other

    def at_size(self, size: Size) -> Network:
        """The same function of pictures of another size, traced anew, without labels: for a part of a picture.

        Args:
          size: (height, width).

        Raises:
          Exception: whatever the function raises for pictures of that size.
        """

        def make() -> Network:
            if self._origin is not None:
                return self._origin.at_size(size).with_weights(self._weights)
            other = copy.copy(self)
            for known in ("digest", "layers"):
                other.__dict__.pop(known, None)
            other.input_spec = dataclasses.replace(self.input_spec, size=size)
            other.store = Store(programs=self._programs, form=other._form)
            other.program()
            return other

        network: Network = self.store.get(("size", size, _float()), make)
        return network

    def __repr__(self) -> str:
        height, width = self.input_spec.size
        return f"Network({self.name!r}, {height} x {width}, {len(self.layers)} layers)"

    def program(self, batch: int = 1) -> Program:
        """The traced program for a batch size (in the float type that JAX is set to), traced once."""
        shape = (batch, *self.input_spec.size, self.input_spec.depth)

        def make() -> Program:
            if self._origin is None:
                return trace(self._function, shape, self._channel_axis)
            traced = self._origin.program(batch)
            pairs = zip(self._weights, traced.flat.consts, strict=True)
            consts = tuple(new if new is old else jax.numpy.asarray(new, old.dtype) for new, old in pairs)
            return dataclasses.replace(traced, flat=dataclasses.replace(traced.flat, consts=consts))

        program: Program = self.store.get(("program", batch, _float()), make)
        return program

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All layers in execution order."""
        return tuple(node.layer for node in self.program().nodes)

    def layer(self, name: str) -> Layer:
        """The layer of that name.

        Raises:
          NetworkError: if there is none; offers the nearest names.
        """
        return self.node(name, any_axes=True).layer

    def node(self, name: str, batch: int = 1, any_axes: bool = False) -> Node:
        """The layer's place in the traced program.

        Args:
          name: of the layer.
          batch: for how many images the program is.
          any_axes: also where it is not known which axis holds the channels, for whoever takes the value as it lies.

        Raises:
          NetworkError: there is none, offers the nearest names; or nothing tells which axis holds its channels.
        """
        for node in self.program(batch).nodes:
            if node.layer.name == name and (any_axes or node.order is not None):
                return node
            if node.layer.name == name:
                raise NetworkError(
                    f"nothing in {self.name} tells which axis of layer {name} holds the channels: its value is of "
                    f"shape {tuple(node.variable.aval.shape)}. Say which, as in "
                    f"dv.Network(..., channel_axis={{{name!r}: 1}}), or choose a layer below it"
                )
        names = [layer.name for layer in self.layers]
        loops = [layer.name for layer in self.layers if layer.kind in LOOPS]
        inside = f"; layers inside {', '.join(loops)} have no names, only its result has" if loops else ""
        raise NetworkError(f"{self.name} has no layer {name!r}; {nearest(str(name), names)}{inside}")

    def receptive_box(self, layer: str, row: int | None = None, column: int | None = None) -> Box:
        """(top, left, bottom, right) in input pixels that a position of a layer sees, clipped to the image.

        Bottom and right are exclusive. Without a position, and for layers that see everything, the whole image.
        """
        size = self.input_spec.size
        if row is None or column is None:
            return 0, 0, *size
        return geometry.box_of(self.node(layer).field, row, column, size)

    def run(self, x: Array) -> np.ndarray:
        """The network's first output for a model input (N, H, W, C), through the function untouched by any rule."""
        batch = self.checked_input(x)
        program = self.program(batch.shape[0])
        key = ("run", batch.shape[0], batch.dtype.name)
        call = self.store.compiled(key, lambda: jit(as_function(
            program.flat, [item.eqn for item in program.flat.equations], program.flat.outputs[:1])))  # fmt: skip
        return np.asarray(call(program.flat.consts, batch)[0])

    def taps(self, x: Array, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Values of the named layers for a model input: (N, h, w, c) for maps, (N, c) for vectors."""
        batch = self.checked_input(x)
        if not self._same_layers(batch.shape[0]):
            each = [self.taps(image[None], layers) for image in batch]
            return {name: np.concatenate([values[name] for values in each]) for name in layers}
        return self.output_and_taps(batch, layers, output=False)[1]

    def output_and_taps(
        self, x: Array, layers: Sequence[str], output: bool = True
    ) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        """The first output, as `run` gives it, and the values of the named layers, after one forward pass.

        The output need not be a layer: it may be what follows the last one, or one of several heads.

        Args:
          x: (N, H, W, C) model input, with the layers of the program for one image.
          layers: their names.
          output: False leaves it out, and what only it needs.
        """
        batch = self.checked_input(x)
        nodes = [self.node(name, batch.shape[0], any_axes=True) for name in layers]
        flat = self.program(batch.shape[0]).flat
        outputs = list(flat.outputs[:1]) if output else []

        def make() -> Callable[..., Any]:
            run = as_function(flat, [e.eqn for e in flat.equations], [*(n.variable for n in nodes), *outputs])

            def values(consts: Any, x: Any) -> Any:
                each = run(consts, x)
                return [permuted(n, v) for n, v in zip(nodes, each, strict=False)], each[len(nodes) :]

            return jit(values)

        call = self.store.compiled(("taps", tuple(layers), batch.shape[0], batch.dtype.name, output), make)
        values, last = call(flat.consts, batch)
        layer_values = {name: np.asarray(value) for name, value in zip(layers, values, strict=True)}
        return np.asarray(last[0]) if output else None, layer_values

    def _same_layers(self, batch: int) -> bool:
        """Does the program for that many images have the layers of the program for one?"""
        return batch <= 1 or tuple(node.layer for node in self.program(batch).nodes) == self.layers

    def steps_to(self, layer: str) -> Chain | Graph | str:
        """The operations up to a layer, each with its adjoint written by hand; or a sentence: which one has none."""
        node, program = self.node(layer), self.program()

        def make() -> Chain | Graph | str:
            if node.order is not None and node.order[0] < 0:
                return f"layer {layer} has no axis for the batch"
            if self.rules:
                return f"{', '.join(self.rules)} has a backward rule of your own"
            try:
                return explicit_graph(program, node)
            except NoAdjoint as reason:
                return str(reason)

        return self.store.get(("steps", layer, _float()), make)

    def chain_to(self, layer: str) -> Chain | str:
        """The same if nothing branches up to the layer, or the sentence that says why it is no chain."""
        steps = self.steps_to(layer)
        return steps.meeting if isinstance(steps, Graph) else steps

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 over the program and its weights: names the network in caches and recipes."""
        program = self.program()
        digest = hashlib.sha256(str(self.input_spec).encode())
        for layer in self.layers:
            digest.update(repr(layer).encode())
        for value in program.flat.consts:
            array = np.asarray(value) if not jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key) else np.zeros(0)
            digest.update(f"{array.shape}{array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def identity(self) -> str:
        """`digest` and every operation of the traced program: names the network among all that a process has open.

        Numbers within the program count, ``2 * x`` or ``3 * x``; another release of JAX may write it otherwise, so
        files hold the `digest`.
        """
        return str(self.store.get(("identity", _float()), lambda: f"{self.digest} {self._form()}"))

    def _form(self) -> str:
        """SHA-256 over everything that a compiled program depends on: all but the values of the weights.

        Which arrays are all zero belongs to it, since a rule may stand on that (``jnp.maximum(x, zeros)``).
        """

        def make() -> str:
            flat = self.program().flat
            zero = [variable in constants(flat) for variable in flat.constvars]
            kinds = [(v.aval.shape, str(v.aval.dtype)) for v in flat.constvars]
            return hashlib.sha256(f"{flat.jaxpr} {kinds} {zero} {self.layers}".encode()).hexdigest()

        return str(self.store.get(("form", _float()), make))

    def checked_input(self, x: Array) -> np.ndarray:
        """A model input in the float type that JAX is set to.

        Raises:
          NetworkError: if it is no float batch of the network's size.
        """
        batch = np.asarray(x)
        expected = (*self.input_spec.size, self.input_spec.depth)
        if batch.ndim != 4 or batch.shape[1:] != expected or not np.issubdtype(batch.dtype, np.floating):
            raise NetworkError(
                f"{self.name} takes a float batch of shape (N, {expected[0]}, {expected[1]}, {expected[2]}); got shape "
                f"{batch.shape} of {batch.dtype}: deconvviz.data.preprocess.model_input makes one from a picture"
            )
        return batch.astype(_float(), copy=False)


def _float() -> str:
    """The float type that JAX is set to: "float32", or "float64" inside `jax.enable_x64`."""
    return jnp.result_type(float).name
