"""Backprop by hand through a chain network: layer by layer with stored switches and transposed filters.

`vjp` lets JAX differentiate the rewritten program. This computation never differentiates: it reads the chain off the
traced program, runs forward with the operators of `deconvviz.ops` and backward by hand, unpool, rectify, filter
(Zeiler and Fergus). The two share no derivative, so a mistake in one of them shows as a difference.

Source: zeiler2014visualizing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz.network.trace.jaxpr import Equation, is_literal
from deconvviz.ops.conv import ConvGeometry, conv, conv_adjoint
from deconvviz.ops.pool import avg_pool, avg_pool_adjoint, max_pool, max_unpool
from deconvviz.ops.rectify import backward as rectifier_backward
from deconvviz.ops.rectify import backward_by
from deconvviz.types import Size

#: One step forward, ``forward(c, x) -> (y, memory)``, and backward, ``backward(c, memory, g, rule) -> g below``; the
#: rule by its name, or by its place in `RULES` as a traced number.
Forward = Callable[[Any, Any], tuple[Any, Any]]
Backward = Callable[[Any, Any, Any, Any], Any]
_NHWC, _HWIO = (0, 3, 1, 2), (3, 2, 0, 1)


@dataclass(frozen=True, eq=False)
class Slide:
    """How the window of a step slides: what it takes to work on a part of a map alone (`windowed`).

    Attributes:
      span: rows and columns of a window.
      stride: rows and columns per step.
      before: padding above and to the left.
      below: (height, width, channels) of the map below.
      forward: the step on a part that brings its padding along.
      backward: the step's adjoint onto an unpadded part of a given size.
      padding: the value that stands around the map below.
    """

    span: Size
    stride: Size
    before: Size
    below: tuple[int, int, int]
    forward: Forward
    backward: Callable[[Size], Backward]
    padding: float = 0.0


@dataclass(frozen=True, eq=False)
class Step:
    """One operation of a chain, forward and backward.

    Attributes:
      name: the layer that it belongs to, or its kind.
      kind: in the backward pass: "filter", "unpool", "rectify", "bias", "scale", "spread", "shape", "copy",
        "dense".
      forward: ``forward(c, x) -> (y, memory)``; c is the step's constant (a kernel, say) or None.
      backward: ``backward(c, memory, g, rule) -> g below``.
      constant: the array c.
      slide: for steps that slide a window.
    """

    name: str
    kind: str
    forward: Forward
    backward: Backward
    constant: Any = None
    slide: Slide | None = None


@dataclass(frozen=True, eq=False)
class SignalStep:
    """The signal after one step of the backward pass.

    Attributes:
      name: the layer just passed.
      kind: what was done there (`Step.kind`), or "start".
      signal: (h, w, c) or (c,), what came out below.
      obeyed: for "rectify": share of the non-zero signal that was let through, by its absolute sum; else None.
    """

    name: str
    kind: str
    signal: np.ndarray
    obeyed: float | None = None


@dataclass(frozen=True, eq=False)
class Chain:
    """The steps from the model input up to one layer."""

    steps: tuple[Step, ...]

    @property
    def constants(self) -> tuple[Any, ...]:
        """The arrays of all steps, to be passed through jit as arguments."""
        return tuple(step.constant for step in self.steps)

    def forward(self, constants: Sequence[Any], x: Any) -> tuple[Any, list[Any]]:
        """Forward, keeping what the backward pass needs (switches, inputs of rectifiers)."""
        memories = []
        for step, constant in zip(self.steps, constants, strict=True):
            x, memory = step.forward(constant, x)
            memories.append(memory)
        return x, memories

    def backward(self, constants: Sequence[Any], memories: Sequence[Any], g: Any, rule: str) -> Any:
        """Backward by the rule, from the layer to the model input."""
        for step, constant, memory in zip(reversed(self.steps), reversed(constants), reversed(memories), strict=True):
            g = step.backward(constant, memory, g, rule)
        return g

    def backward_trace(
        self, x: Any, seed: Callable[[Any], Any], rule: str, recorded: tuple[Any, list[Any]] | None = None
    ) -> list[SignalStep]:
        """The signal after every step, the filmstrip of a reconstruction, from the layer to the model input.

        Args:
          x: (1, H, W, C) model input.
          seed: makes the signal that starts from the layer's value.
          rule: a backward rule.
          recorded: what `forward` returned for x; computed now if left out.
        """
        value, memories = recorded or self.forward(self.constants, x)
        signals = [seed(value)]
        for step, memory in zip(reversed(self.steps), reversed(memories), strict=True):
            signals.append(step.backward(step.constant, memory, signals[-1], rule))
        return self.strip([np.asarray(g)[0] for g in signals])

    def strip(self, signals: Sequence[np.ndarray]) -> list[SignalStep]:
        """The steps that change a signal: its start, and what came out below every filter, pool and rectifier.

        Args:
          signals: (h, w, c) or (c,), at the layer and then below every step, down to the model input.
        """
        trace = [SignalStep("start", "start", signals[0])]
        for step, before, g in zip(reversed(self.steps), signals, signals[1:], strict=False):
            if step.kind in ("bias", "shape", "copy"):
                continue
            passed = None
            if step.kind == "rectify":
                arrived = float(np.abs(before).sum())
                passed = float(np.abs(g).sum()) / arrived if arrived else 0.0
            trace.append(SignalStep(step.name, step.kind, g, passed))
        return trace


class NoAdjoint(Exception):
    """Why a layer cannot be reached by adjoints written by hand; the message is a sentence for the reader."""


def value_of(atom: Any, values: dict[Any, Any]) -> Any:
    """A constant of the program, on the device once for all: a literal, or what `fold` found."""
    return jnp.asarray(atom.val, atom.aval.dtype) if is_literal(atom) else jnp.asarray(values[atom])


def _one_place(value: Any) -> Any:
    """A map that is the same at every place (a bias, spread out by the program) as one place, (1, 1, 1, C)."""
    if value.ndim != 4:
        return value
    everywhere = np.asarray(value)  # on the device each shape would be a program to compile
    place = everywhere[:1, :1, :1].copy()  # a view would hold all of it
    return jax.device_put(place) if (everywhere == place).all() else value


def make_step(item: Equation, signal: Any, others: list[Any], label: str) -> Step:
    """The step of an equation with one signal; a label that ends in "\\0relu" marks a rectifier.

    Raises:
      NoAdjoint: if there is no hand-written adjoint.
    """
    name, _, relu = label.partition("\0")
    if relu:
        return Step(name, "rectify", lambda _, z: (jnp.maximum(z, 0), z), _rectify_backward)
    build = _STEPS.get(item.primitive)
    step = build(item.eqn, signal, others, name) if build else None
    if step is None:
        raise NoAdjoint(f"{item.primitive} in {name} has no hand-written adjoint")
    return step


def _rectify_backward(_: Any, z: Any, g: Any, rule: Any) -> Any:
    """The rule, for one or many signals of the same image."""
    by = rectifier_backward if isinstance(rule, str) else backward_by
    return by(rule, jnp.broadcast_to(z, g.shape), g)


def _conv(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    p = eqn.params
    numbers = p["dimension_numbers"]
    plain = (numbers.lhs_spec, numbers.rhs_spec, numbers.out_spec) == (_NHWC, _HWIO, _NHWC)
    if not plain or eqn.invars[0] is not signal or set(p["lhs_dilation"]) != {1} or p["batch_group_count"] != 1:
        return None
    top, left = ((int(low), int(high)) for low, high in p["padding"])
    if min(*top, *left) < 0:
        return None
    geometry = ConvGeometry(tuple(p["window_strides"]), (top, left), tuple(p["rhs_dilation"]), p["feature_group_count"])
    size, bare = (signal.aval.shape[1], signal.aval.shape[2]), replace(geometry, padding=0)
    span = geometry.extent((others[0].shape[0], others[0].shape[1]))
    return Step(
        name, "filter",
        lambda w, x: (conv(x, w, geometry), None),
        lambda w, _, g, rule: conv_adjoint(g, w, geometry, size),
        others[0],
        Slide(span, geometry.strides, (top[0], left[0]), signal.aval.shape[1:],
              lambda w, x: (conv(x, w, bare), None),
              lambda part: lambda w, _, g, rule: conv_adjoint(g, w, bare, part)),
    )  # fmt: skip


def _max_pool(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    window = _window(eqn)
    if window is None:
        return None
    size, (span, stride, pads) = (signal.aval.shape[1], signal.aval.shape[2]), window
    return Step(
        name, "unpool",
        lambda _, x: max_pool(x, *window),
        lambda _, s, g, rule: _each(max_unpool, g, s, size),
        slide=Slide(span, stride, (pads[0][0], pads[1][0]), signal.aval.shape[1:],
                    lambda _, x: max_pool(x, span, stride),
                    lambda part: lambda _, s, g, rule: max_unpool(g, s, part), -np.inf),
    )  # fmt: skip


def _sum_pool(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    window = _window(eqn)
    if window is None:
        return None
    size, (span, stride, pads) = (signal.aval.shape[1], signal.aval.shape[2]), window
    count = span[0] * span[1]
    return Step(
        name, "spread",
        lambda _, x: (avg_pool(x, *window) * count, None),
        lambda _, m, g, rule: avg_pool_adjoint(g, *window, input_size=size) * count,
        slide=Slide(span, stride, (pads[0][0], pads[1][0]), signal.aval.shape[1:],
                    lambda _, x: (avg_pool(x, span, stride) * count, None),
                    lambda part: lambda _, m, g, rule: avg_pool_adjoint(g, span, stride, 0, input_size=part) * count),
    )  # fmt: skip


def _window(eqn: Any) -> tuple[tuple[int, int], tuple[int, int], tuple[tuple[int, int], tuple[int, int]]] | None:
    """(window, stride, padding) of a pooling over rows and columns of an NHWC map, else None."""
    p = eqn.params
    size, stride, padding = p["window_dimensions"], p["window_strides"], p["padding"]
    outer = len(size) == 4 and all((size[d], stride[d], tuple(padding[d])) == (1, 1, (0, 0)) for d in (0, 3))
    dilated = set(p.get("base_dilation") or (1,)) | set(p.get("window_dilation") or (1,))
    if not outer or dilated != {1}:
        return None
    (top, bottom), (left, right) = padding[1:3]
    return (size[1], size[2]), (stride[1], stride[2]), ((top, bottom), (left, right))


def _each(unpool: Callable[..., Any], g: Any, switches: Any, size: tuple[int, int]) -> Any:
    """Unpool one or many signals of the same image with that image's switches."""
    return unpool(g, jnp.broadcast_to(switches, g.shape), size)


def _shift(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    if eqn.outvars[0].aval.shape != signal.aval.shape:
        return None
    first, flip = eqn.invars[0] is signal, -1 if eqn.primitive.name == "sub" else 1
    sign = 1 if first else flip
    return Step(
        name, "bias" if sign == 1 else "scale",
        lambda c, x: ((x + flip * c if first else flip * x + c), None),
        lambda c, m, g, rule: sign * g,
        _one_place(others[0]),
    )  # fmt: skip


def _scale(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    divide = eqn.primitive.name == "div"
    if eqn.outvars[0].aval.shape != signal.aval.shape or (divide and eqn.invars[0] is not signal):
        return None
    c = _one_place(others[0])
    if divide:
        return Step(name, "scale", lambda c, x: (x / c, None), lambda c, m, g, rule: g / c, c)
    return Step(name, "scale", lambda c, x: (x * c, None), lambda c, m, g, rule: g * c, c)


def _dense(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    (contracted, w_contracted), (batch, _) = eqn.params["dimension_numbers"]
    if batch or eqn.invars[0] is not signal or 0 in contracted:
        return None
    rank, free = len(signal.aval.shape), len(others[0].shape) - len(w_contracted)
    w_free = [d for d in range(len(others[0].shape)) if d not in w_contracted]
    free_axes = [d for d in range(rank) if d not in contracted]

    def backward(w: Any, _: Any, g: Any, rule: str) -> Any:
        g_free = list(range(len(g.shape) - free, len(g.shape)))
        back = jnp.tensordot(g, w, axes=(g_free, w_free), precision=lax.Precision.HIGHEST)
        order = [*free_axes, *[contracted[w_contracted.index(d)] for d in sorted(w_contracted)]]
        return back.transpose([order.index(d) for d in range(rank)])

    return Step(
        name, "dense",
        lambda w, x: (jnp.tensordot(x, w, axes=(contracted, w_contracted), precision=lax.Precision.HIGHEST), None),
        backward, others[0],
    )  # fmt: skip


def _sum(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    axes, shape = tuple(eqn.params["axes"]), signal.aval.shape
    if 0 in axes:
        return None
    return Step(
        name, "spread",
        lambda _, x: (x.sum(axes), None),
        lambda _, m, g, rule: jnp.broadcast_to(jnp.expand_dims(g, axes), (g.shape[0], *shape[1:])),
    )  # fmt: skip


def _reshape(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    below, above = signal.aval.shape, eqn.outvars[0].aval.shape
    if below[:1] != above[:1] or eqn.outvars[0].aval.size != signal.aval.size:
        return None
    return Step(
        name, "shape",
        lambda _, x: (x.reshape(x.shape[0], *above[1:]), None),
        lambda _, m, g, rule: g.reshape(g.shape[0], *below[1:]),
    )  # fmt: skip


def _transpose(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    order = tuple(eqn.params["permutation"])
    if order[0] != 0:
        return None
    inverse = tuple(order.index(d) for d in range(len(order)))
    return Step(
        name, "shape", lambda _, x: (x.transpose(order), None), lambda _, m, g, rule: g.transpose(inverse)
    )  # fmt: skip


def _pad(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    config = eqn.params["padding_config"]
    if any(low < 0 or high < 0 or inner for low, high, inner in config) or tuple(config[0]) != (0, 0, 0):
        return None
    below = signal.aval.shape
    crop = tuple(slice(low, low + n) for (low, _, _), n in zip(config[1:], below[1:], strict=True))
    return Step(
        name, "shape",
        lambda c, x: (lax.pad(x, c.astype(x.dtype), config), None),
        lambda c, m, g, rule: g[(slice(None), *crop)],
        others[0],
    )  # fmt: skip


def _same(eqn: Any, signal: Any, others: list[Any], name: str) -> Step | None:
    if eqn.outvars[0].aval.dtype != signal.aval.dtype:
        return None
    return Step(name, "copy", lambda _, x: (x, None), lambda _, m, g, rule: g)


_STEPS: dict[str, Callable[[Any, Any, list[Any], str], Step | None]] = {
    "conv_general_dilated": _conv, "reduce_window_max": _max_pool, "reduce_window_sum": _sum_pool, "add": _shift,
    "sub": _shift, "mul": _scale, "div": _scale, "dot_general": _dense, "reduce_sum": _sum, "reshape": _reshape,
    "squeeze": _reshape, "expand_dims": _reshape, "transpose": _transpose, "pad": _pad, "copy": _same,
    "convert_element_type": _same,
}  # fmt: skip
