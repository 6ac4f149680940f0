"""One unit as a number of the picture: its values and its backward signals for many pictures, and for other weights.

Weights are arguments of what is compiled, and channel and position are traced numbers, so one program serves every unit
of a layer and every set of weights. Pictures go through in chunks that fit into `MEMORY`.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import NetworkError
from deconvviz.network import units
from deconvviz.network._compat import callable_of
from deconvviz.network._jit import jit
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import OnUnsupported, Rewritten, rewritten
from deconvviz.network.trace.trace import Node, permuted
from deconvviz.ops.rectify import pull_each
from deconvviz.types import Array, Start, Unit, UnitLike

#: Bytes that the values of one chunk of pictures may take, and pictures at once at most.
MEMORY, AT_ONCE = 256_000_000, 8
#: Results that a score holds: the rules' signals and the values, of one picture or two.
KNOWN = 8


@dataclass(frozen=True, eq=False)
class Score:
    """``f(x) = <m, a(x)>``: a the values of the unit's layer, m 1 at the unit and 0 elsewhere.

    A unit without a position is its strongest one on the picture that the score was made for, and stays there.

    Attributes:
      network: whose program it is.
      unit: with its row and column resolved.
      code: channel, row and column as `units.codes` gives them.
      consts: the weights, in the order of the program's constants.
      on_unsupported: what the rules do about activations that are no ReLU.
      codes: those of all units that are explained together, this one's among them.
      known: values and signals of the last pictures that went through alone: several methods ask for the same. Where
        units are explained together, those of the last batches too, for every unit.
    """

    network: Network
    unit: Unit
    code: tuple[int, int, int]
    consts: tuple[Any, ...]
    on_unsupported: OnUnsupported = "refuse"
    codes: tuple[tuple[int, int, int], ...] = ()
    known: OrderedDict[Any, list[np.ndarray]] = field(default_factory=OrderedDict, repr=False)

    @classmethod
    def of(cls, network: Network, x: Array, unit: UnitLike, on_unsupported: OnUnsupported = "refuse") -> Score:
        """The score of a unit, its position resolved on a model input (1, H, W, C).

        Raises:
          NetworkError: no such layer, channel or position, or a value that is no finite number.
        """
        target, batch = Unit.of(unit), network.checked_input(x)
        node = network.node(target.layer)
        code = units.codes(target, node.layer)
        value = network.taps(batch, [node.layer.name])[node.layer.name]
        _, activation, row, column = units.seed(jnp.asarray(value), *code, True)
        units.check_finite(network.name, target, float(activation), 0.0)
        place = (code[0], int(row), int(column))
        if len(node.layer.shape) == 1:
            resolved = replace(target, row=None, column=None)
        elif units.ALL in code:
            resolved = replace(target, row="all", column="all")
        else:
            resolved = replace(target, row=place[1], column=place[2])
        return cls(network, resolved, place, tuple(network.program().flat.consts), on_unsupported)

    @property
    def node(self) -> Node:
        """The unit's layer."""
        return self.network.node(self.unit.layer)

    def with_weights(self, consts: Sequence[Any]) -> Score:
        """The same unit of the network with other weights."""
        # arrays of the device: others would be handed over again at every call
        return replace(self, consts=tuple(map(jnp.asarray, consts)), codes=(), known=OrderedDict())

    def together(self, others: Sequence[Score]) -> list[Score]:
        """This score and others of its layer, so that what one asks of a picture is worked out for all at once.

        Args:
          others: units of the same layer and network, with the same weights.
        """
        family, known = [self, *others], OrderedDict[Any, list[np.ndarray]]()
        codes = tuple(each.code for each in family)
        return [replace(each, codes=codes, known=known) for each in family]

    def values(self, xs: Array) -> np.ndarray:
        """f of each model input of a batch (N, H, W, C): (N,) numbers."""
        values, (channel, row, column) = self.layer_values(xs), self.code
        plane = values if channel == units.ALL else values[..., channel]
        flat = plane.reshape(len(values), -1)
        if units.ALL in (channel, row) or plane.ndim == 1:
            return np.asarray(flat.sum(axis=1))
        return np.asarray(flat[:, row * (plane.shape[-1] if plane.ndim > 2 else 1) + column])

    def layer_values(self, xs: Array) -> np.ndarray:
        """The values of the unit's layer for each model input: (N, h, w, c), or (N, c)."""

        def make() -> Callable[..., Any]:
            layer = self._layer("gradient")
            return jit(jax.vmap(lambda consts, x: (layer(consts, x)[0],), (None, 0)))

        return self._chunked("values", make, xs, ())[0]

    def signals(self, xs: Array, rule: str = "gradient", start: Start = "one") -> tuple[np.ndarray, np.ndarray]:
        """f and the signal that a backward rule brings to each model input: (N,) and (N, H, W, C).

        Args:
          xs: (N, H, W, C) model inputs.
          rule: a backward rule; "gradient" with start "one" gives the derivative of f.
          start: "one" (m goes down) or "activation" (m times the values of the layer).

        Raises:
          RuleError: the rule cannot apply.
        """
        self._rewritten(rule)  # refuses before anything is compiled

        def make() -> Callable[..., Any]:
            layer = self._layer(rule)

            def signals(consts: Any, x: Any, codes: Any, ones: Any) -> Any:
                value, pull = jax.vjp(lambda x: layer(consts, x), x)

                def signal(code: Any) -> Any:
                    mask = units.seed(value, code[0], code[1], code[2], True)[0]
                    return (value * mask).sum(), pull(jnp.where(ones, mask, mask * value))[0]

                return jax.vmap(signal)(codes)

            return jit(jax.vmap(signals, (None, 0, None, None)))

        values, maps = self._mine(self._chunked(self._signal_name(rule), make, xs, self._more(start)))
        units.check_finite(self.network.name, self.unit, float(values.sum()), maps)
        return values, maps

    def signals_at_once(self, x: Array, rules: Sequence[str], start: Start = "one") -> None:
        """Work out `signals` of one model input by several rules with one forward pass, for whoever asks next.

        Raises:
          RuleError: one of the rules cannot apply.
        """
        names = tuple(rules)
        self._rewritten(names)

        def make() -> Callable[..., Any]:
            layer = self._layer(names)

            def signals(consts: Any, x: Any, codes: Any, ones: Any) -> Any:
                value, pull = jax.vjp(lambda x: layer(consts, x), x)

                def signal(code: Any) -> Any:
                    mask = units.seed(value, code[0], code[1], code[2], True)[0]
                    return (value * mask).sum(), pull_each(pull, jnp.where(ones, mask, mask * value), names)

                return jax.vmap(signal)(codes)

            return jit(jax.vmap(signals, (None, 0, None, None)))

        more = self._more(start)
        values, maps = self._chunked(f"signals {names} {self.on_unsupported}", make, x, more)
        batch = self.network.checked_input(x)
        for number, rule in enumerate(names):
            self._remember(self._key(self._signal_name(rule), batch, more), [values, maps[:, :, number]])

    def _more(self, start: Start) -> tuple[Any, ...]:
        """What a program of signals is given after the pictures: the units, and what goes down from them."""
        return np.asarray(self.codes or (self.code,), np.int32), np.bool_(start == "one")

    def _mine(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Of results (N, units, ...) those of this unit."""
        place = self.codes.index(self.code) if self.codes else 0
        return [array[:, place] for array in arrays]

    def _signal_name(self, rule: str) -> str:
        return f"signals {rule} {self.on_unsupported}"

    def layer_signal(
        self, x: Array, layer: str, rule: str = "gradient", start: Start = "one"
    ) -> tuple[np.ndarray, np.ndarray]:
        """A layer's values at one model input and the signal that arrives there: both (h, w, c), or (c,).

        Args:
          x: (1, H, W, C) model input.
          layer: below the unit.
          rule, start: as in `signals`; as they are, the signal is the derivative of f by the layer's values.

        Raises:
          NetworkError: no such layer, or one that the unit does not rest on.
        """
        node, target, flat = self.network.node(layer), self.node, self.network.program().flat
        eqns = self._rewritten(rule).eqns
        if not any(v is node.variable for eqn in eqns for v in eqn.outvars):
            raise NetworkError(
                f"{self.unit.layer} of {self.network.name} does not rest on {layer}: choose a layer below it"
            )

        def make() -> Callable[..., Any]:
            free = [*flat.constvars, flat.input]
            below = callable_of(flat.jaxpr, free, eqns, [node.variable])
            rest = [eqn for eqn in eqns if all(v is not node.variable for v in eqn.outvars)]
            above = callable_of(flat.jaxpr, [*free, node.variable], rest, [target.variable])

            def signal(consts: Any, x: Any, code: Any, ones: Any) -> Any:
                middle = below(*consts, x)[0]
                value, pull = jax.vjp(lambda middle: permuted(target, above(*consts, x, middle)[0]), middle)
                mask = units.seed(value, code[0], code[1], code[2], True)[0]
                return permuted(node, middle)[0], permuted(node, pull(jnp.where(ones, mask, mask * value))[0])[0]

            return jit(signal)

        batch = self.network.checked_input(x)
        key = ("score layer", self.unit.layer, layer, rule, self.on_unsupported, batch.dtype.name)
        call = self.network.store.compiled(key, make)
        outputs = call(self.consts, batch, np.asarray(self.code, np.int32), np.bool_(start == "one"))
        value, slope = (np.asarray(part) for part in outputs)
        units.check_finite(self.network.name, self.unit, 0.0, slope)
        return value, slope

    def _rewritten(self, rule: str | tuple[str, ...]) -> Rewritten:
        """The program up to the unit's layer under a rule, or several, made once."""
        key = ("score rewritten", self.unit.layer, rule, self.on_unsupported, jnp.result_type(float).name)
        program: Rewritten = self.network.store.get(
            key, lambda: rewritten(self.network, self.unit.layer, rule, self.on_unsupported, switches=True)
        )
        return program

    def _layer(self, rule: str | tuple[str, ...]) -> Callable[[Any, Any], Any]:
        """(constants, (H, W, C) picture) -> the layer's values (1, ...), its rectifiers under a rule."""
        node = self.node
        call = self._rewritten(rule).call
        return lambda consts, x: permuted(node, call(consts, x[None])[0])

    def _chunked(
        self, name: str, make: Callable[[], Callable[..., Any]], xs: Array, more: tuple[Any, ...]
    ) -> list[np.ndarray]:
        """The compiled function over a batch: full chunks, then one by one, so that two programs serve every batch."""
        batch = self.network.checked_input(xs)
        asked = self._key(name, batch, more) if len(batch) == 1 or len(self.codes) > 1 else None
        if asked is not None and (cached := self.known.get(asked)) is not None:
            return cached
        size, at = 1 if len(batch) == 1 else self._chunk(), 0
        results: list[Any] = []
        while at < len(batch):
            count = size if len(batch) - at >= size else 1
            key = ("score", name, self.unit.layer, batch.dtype.name, count, *map(np.shape, more))
            call = self.network.store.compiled(key, make)
            results.append([np.asarray(array) for array in call(self.consts, batch[at : at + count], *more)])
            at += count
        arrays = [np.concatenate(parts) for parts in zip(*results, strict=True)]
        if asked is not None:
            self._remember(asked, arrays)
        return arrays

    def _remember(self, asked: Any, arrays: list[np.ndarray]) -> None:
        """What some pictures gave, for the next method or unit that asks."""
        self.known[asked] = arrays
        while len(self.known) > KNOWN:
            self.known.popitem(last=False)

    @staticmethod
    def _key(name: str, batch: np.ndarray, more: tuple[Any, ...]) -> Any:
        asked = tuple(np.asarray(part).tobytes() for part in more)
        return name, batch.dtype.name, hashlib.blake2b(np.ascontiguousarray(batch).data).digest(), batch.shape, asked

    @property
    def bytes_at_once(self) -> int:
        """What the values of the program take for the pictures that go through together."""
        return self._bytes() * self._chunk()

    def _chunk(self) -> int:
        return min(AT_ONCE, max(1, MEMORY // self._bytes()))

    def _bytes(self) -> int:
        """What the values of the program take for one picture, up to the unit."""

        def make() -> int:
            path = self.network.program().path_to(self.node.variable)
            return 8 * sum(math.prod(v.aval.shape) for item in path for v in item.eqn.outvars)

        return max(1, int(self.network.store.get(("score bytes", self.unit.layer), make)))
