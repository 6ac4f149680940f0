"""The backward pass of many units, each worked out within its receptive field only.

Below a unit at position i of a layer, signal can lie on one window of each map and nowhere else. All units of a layer
have windows of the same size; only their origins differ, by ``step * i + low``. So the signals of many units are one
batch of small windows: filters, unpooling and rectifiers work on these, with the forward state (switches, signs)
cut to the same places. What a filter puts on the padding around a map is dropped, as the adjoint demands. Where a
window is as large as its map, the backward pass goes on over the whole map.

The numbers are those of `explicit.Chain.backward`, up to the order of additions.

Source: zeiler2014visualizing
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.network.backward.explicit import Chain, Step
from deconvviz.types import Size

#: Bytes that one batch of windows may take; more units are done one batch after another.
BATCH_BYTES = 32_000_000
#: Multiplications that a forward pass within one field must save to be worth a program of its own: some milliseconds.
MIN_SAVED_FLOPS = 500_000_000
_ELEMENTWISE = ("rectify", "bias", "scale", "copy")


@dataclass(frozen=True)
class Window:
    """The windows on one map.

    Attributes:
      map: (height, width) of the map.
      size: rows and columns of every window.
      step, low: the window of the unit at index i starts at ``step * i + low``, per axis; maybe outside the map.
      margin: ((above, below), (left, right)), how far windows hang over the map at most.
    """

    map: Size
    size: Size
    step: Size
    low: Size
    margin: tuple[tuple[int, int], tuple[int, int]]

    def origins(self, index: Any) -> Any:
        """(units, 2) first row and column of the windows of units at (units, 2) positions."""
        return index * np.asarray(self.step, np.int32) + np.asarray(self.low, np.int32)


@dataclass(frozen=True)
class Plan:
    """The windows above every step of a chain, and those on the model input; None where the whole map is at work.

    Attributes:
      windows: from the model input up.
      units_at_once: how many units fit into `BATCH_BYTES`, a power of two.
      saved_flops: multiplications of the forward pass that one unit at a given place can do without.
    """

    windows: tuple[Window | None, ...]
    units_at_once: int
    saved_flops: int


def plan_windows(chain: Chain, top: Size) -> Plan | None:
    """Where the windows lie under a map of (height, width), or None if a step of the chain cannot work on a part.

    >>> plan_windows(Chain(()), (5, 7)).windows[0].size
    (1, 1)
    """
    here: Window | None = Window(top, (1, 1), (1, 1), (0, 0), ((0, 0), (0, 0)))
    windows, most, saved_flops = [here], 1, 0
    for step in reversed(chain.steps):
        saved_flops += _saved_flops(step, here)
        if here is not None and step.slide is not None:
            here = _below(here, step, top)
            area = step.slide.below[:2] if here is None else here.size
            most = max(most, area[0] * area[1] * step.slide.below[2])
        elif here is not None and step.kind not in _ELEMENTWISE:
            return None
        windows.append(here)
    fit = max(1, BATCH_BYTES // (4 * most))
    return Plan(tuple(reversed(windows)), min(64, 1 << (fit.bit_length() - 1)), saved_flops)


def _saved_flops(step: Step, above: Window | None) -> int:
    """Multiplications of a filter outside the windows."""
    if above is None or step.kind != "filter":
        return 0
    return math.prod(step.constant.shape) * (math.prod(above.map) - math.prod(above.size))


def _below(above: Window, step: Step, top: Size) -> Window | None:
    """The windows under a step that slides one; None once the window is as large as the map."""
    slide = step.slide
    assert slide is not None
    axes = []
    for a in (0, 1):
        size = (above.size[a] - 1) * slide.stride[a] + slide.span[a]
        scale, low = above.step[a] * slide.stride[a], above.low[a] * slide.stride[a] - slide.before[a]
        last = scale * (top[a] - 1) + low + size
        axes.append((size, scale, low, (max(0, -low), max(0, last - slide.below[a]))))
    (height, width), (rows, columns), (first, left), (vertical, sideways) = zip(*axes, strict=True)
    if height >= slide.below[0] and width >= slide.below[1]:
        return None
    return Window(slide.below[:2], (height, width), (rows, columns), (first, left), (vertical, sideways))


def forward(chain: Chain, plan: Plan, single: bool = False) -> Callable[..., tuple[Any, tuple[Any, ...]]]:
    """``run(constants, x, index) -> (value, memories)``, keeping what the backward pass needs by any rule.

    Of a rectifier that is the sign of its input, a byte a number.

    Args:
      chain, plan: of the backward pass that follows.
      single: True works out the windows of the units at `index` only, (units, 1, 1, C); False the whole layer.
    """

    def run(constants: Sequence[Any], x: Any, index: Any) -> tuple[Any, tuple[Any, ...]]:
        memories: list[Any] = []
        # One unit at a known place: only its field is computed. For many units the fields overlap so much that the
        # whole maps are cheaper, and which position is the strongest is known only after a whole forward pass.
        x = _cut(x, index, plan.windows[0]) if single and plan.windows[0] is not None else x
        for step, constant, below, above in zip(
            chain.steps, constants, plan.windows[:-1], plan.windows[1:], strict=True
        ):
            if single and below is not None and above is not None:
                x, memory = _part_forward(step, constant, x, index, below, above)
            else:
                x, memory = step.forward(constant, x)
                x = _cut(x, index, above) if single and above is not None else x
            # No rule asks a rectifier for more than the sign, and a byte a number makes the memories of a large network
            # fit: of VGG-16 they would be 54 MB otherwise.
            memories.append(memory > 0 if step.kind == "rectify" else memory)
        return x, tuple(memories)

    return run


def backward(chain: Chain, plan: Plan, depth: int, single: bool = False) -> Callable[..., Any]:
    """The last of `signals` alone, as a tuple of one: what arrives at the model input."""
    run = signals(chain, plan, depth, single)
    return lambda *arguments: (run(*arguments)[-1],)


def signals(chain: Chain, plan: Plan, depth: int, single: bool = False) -> Callable[..., list[Any]]:
    """``run(rule, constants, memories, channels, index, strengths) -> signals``, at the layer and below every step.

    Args of the result: the rule's place in `RULES`; the memories of `forward`; of each unit the channel (units,) out of
    `depth`, the position (units, 2) and the strength (units,) with which its signal starts. It returns
    (units, n, m, C) each: the windows on a map, or whole maps where those of the plan are None.
    """

    def run(
        rule: Any, constants: Sequence[Any], memories: Sequence[Any], channels: Any, index: Any, strengths: Any
    ) -> list[Any]:
        g = (jax.nn.one_hot(channels, depth, dtype=strengths.dtype) * strengths[:, None])[:, None, None, :]
        every = [g]
        for i in reversed(range(len(chain.steps))):
            step, memory, below, above = chain.steps[i], memories[i], plan.windows[i], plan.windows[i + 1]
            if below is not None and above is not None:
                memory = memory if single else _part_memory(step, memory, index, below, above)
                g = _part_backward(step, constants[i], memory, g, index, rule, below, above)
            else:  # below, a window would be as large as its map: from here on whole maps, and no more cutting
                g = g if above is None else _placed(g, index, above)
                g = step.backward(constants[i], memory, g, rule)
            every.append(g)
        return every

    return run


def _part_forward(step: Step, constant: Any, x: Any, index: Any, below: Window, above: Window) -> tuple[Any, Any]:
    """One step forward on windows alone; around the map stands what the step's padding holds."""
    if step.slide is None:
        return step.forward(_constant(constant, index, above), x)
    # The step pads nothing here: its padding is part of the window. What was computed there by the layers below is no
    # value of the network and has to be put back to the padding's, 0 or (for a maximum) minus infinity.
    return step.slide.forward(constant, _on_map(x, index, below, step.slide.padding))


def _part_backward(
    step: Step, constant: Any, memory: Any, g: Any, index: Any, rule: Any, below: Window, above: Window
) -> Any:  # fmt: skip
    """One step backward on windows alone; what lands on the padding is dropped."""
    if step.slide is None:
        return step.backward(_constant(constant, index, above), memory, g, rule)
    # The adjoint of padding is cropping: signal that a filter sends onto the padding must not go on.
    return _on_map(step.slide.backward(below.size)(constant, memory, g, rule), index, below)


def _part_memory(step: Step, memory: Any, index: Any, below: Window, above: Window) -> Any:
    """A memory of the whole map as one of the windows."""
    if memory is None:
        return None
    part = _cut(memory, index, above)
    return _local(part, index, below) if step.kind == "unpool" else part


def _constant(constant: Any, index: Any, window: Window) -> Any:
    """A step's array, cut to the windows if it is a map itself."""
    is_map = getattr(constant, "ndim", 0) == 4 and constant.shape[1:3] == window.map != (1, 1)
    return _cut(constant, index, window) if is_map else constant


def _cut(values: Any, index: Any, window: Window) -> Any:
    """(units, n, m, C): the windows of a (1, H, W, C) map; zero where they hang over it."""
    # `dynamic_slice` would move a window that hangs over the edge inwards without a word, so the map gets a margin.
    padded = jnp.pad(values[0], (*window.margin, (0, 0)))
    starts = window.origins(index) + np.asarray([before for before, _ in window.margin], np.int32)
    shape = (*window.size, values.shape[3])
    return jax.vmap(lambda start: jax.lax.dynamic_slice(padded, (start[0], start[1], np.int32(0)), shape))(starts)


def _local(switches: Any, index: Any, below: Window) -> Any:
    """Switches into the whole map as switches into the windows below; 0 where they are none of a window's own."""
    # A switch points outside its window only at a cell that hangs over the map. No signal arrives there, so any place
    # will do.
    origins = below.origins(index)[:, None, None, None, :]
    rows, columns = switches // below.map[1] - origins[..., 0], switches % below.map[1] - origins[..., 1]
    inside = (rows >= 0) & (rows < below.size[0]) & (columns >= 0) & (columns < below.size[1])
    return jnp.where(inside, rows * below.size[1] + columns, 0)


def _on_map(values: Any, index: Any, window: Window, outside: float = 0.0) -> Any:
    """The windows with another value wherever they hang over the map."""
    if window.margin == ((0, 0), (0, 0)):
        return values
    origins = window.origins(index)
    rows, columns = (origins[:, a, None] + np.arange(window.size[a]) for a in (0, 1))
    inside = ((rows >= 0) & (rows < window.map[0]))[:, :, None] & ((columns >= 0) & (columns < window.map[1]))[:, None]
    return jnp.where(inside[..., None], values, jnp.asarray(outside, values.dtype))


def _placed(g: Any, index: Any, window: Window) -> Any:
    """(units, H, W, C): windows back at their places on the whole map, zero elsewhere."""
    (above, below), (left, right) = window.margin
    height, width = window.map
    canvas = jnp.zeros((height + above + below, width + left + right, g.shape[3]), g.dtype)
    starts = window.origins(index) + np.asarray([above, left], np.int32)
    place = jax.vmap(lambda part, start: jax.lax.dynamic_update_slice(canvas, part, (start[0], start[1], np.int32(0))))
    return place(g, starts)[:, above : above + height, left : left + width]


def whole_maps(window: Window | None, windows: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(units, H, W, C) maps from what lies in windows on them, on the host."""
    if window is None:
        return windows
    maps = np.zeros((len(windows), *window.map, windows.shape[3]), windows.dtype)
    for whole, part, origin in zip(maps, windows, window.origins(index), strict=True):
        first, last = np.maximum(origin, 0), np.minimum(origin + window.size, window.map)
        (top, left), (bottom, right) = first - origin, last - origin
        whole[first[0] : last[0], first[1] : last[1]] = part[top:bottom, left:right]
    return maps
