"""Networks of any shape by loops: layers as data, up with what has to be remembered, down by a rule. NumPy only.

A network is a list of layers; a layer is a dictionary with its "kind". Branches hold lists of their own. Every kind is
written out by its definition; where no closed form is shorter than its proof (attention, layer norm, smooth
activations), the backward pass is the transposed Jacobian measured by central differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reference import conv_loops, pool_loops, rectify_loops

Layer = dict[str, Any]
Function = Callable[[np.ndarray], np.ndarray]
ONE = (1, 1)
NONE = ((0, 0), (0, 0))


def conv(w: np.ndarray, b: Any = 0, stride: Any = ONE, pads: Any = NONE, dilation: Any = ONE, groups: int = 1) -> Layer:
    """A convolution and its bias."""
    return {"kind": "conv", "w": w, "b": b, "stride": stride, "pads": pads, "dilation": dilation, "groups": groups}


def pool(kind: str, window: Any, stride: Any = None, pads: Any = NONE) -> Layer:
    """ "max_pool" or "avg_pool"."""
    return {"kind": kind, "window": window, "stride": stride or window, "pads": pads}


def up(layers: list[Layer], x: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """The last layer's value and what each layer has to remember.

    >>> up([{"kind": "relu"}, {"kind": "scale", "by": 2.0, "shift": 1.0}], np.array([[-1.0, 3.0]]))[0].tolist()
    [[1.0, 7.0]]
    """
    memories = []
    for layer in layers:
        x, memory = _UP[layer["kind"]](layer, x)
        memories.append(memory)
    return x, memories


def down(layers: list[Layer], memories: list[Any], g: np.ndarray, rule: str) -> np.ndarray:
    """The signal below, biases left out, every maximum sent to the first cell that had it.

    >>> layers = [{"kind": "relu"}, {"kind": "scale", "by": 2.0, "shift": 1.0}]
    >>> down(layers, up(layers, np.array([[-1.0, 3.0]]))[1], np.array([[1.0, -1.0]]), "deconvnet").tolist()
    [[2.0, 0.0]]
    """
    for layer, memory in zip(reversed(layers), reversed(memories), strict=True):
        g = _DOWN[layer["kind"]](layer, memory, g, rule)
    return g


def _conv_up(layer: Layer, x: np.ndarray) -> Any:
    y = conv_loops.conv(x, layer["w"], layer["stride"], layer["pads"], layer["dilation"], layer["groups"])
    return y + layer["b"], x.shape[1:3]


def _conv_down(layer: Layer, size: Any, g: np.ndarray, rule: str) -> np.ndarray:
    sizes = (layer["stride"], layer["pads"], layer["dilation"], layer["groups"])
    return conv_loops.conv_adjoint(g, layer["w"], *sizes, size)


def _transposed_up(layer: Layer, x: np.ndarray) -> Any:
    """Each entry stamps the kernel (rows, columns, in, out) into an output of the given size."""
    w, (sh, sw), (height, width) = layer["w"], layer["stride"], layer["size"]
    y = np.zeros((x.shape[0], height, width, w.shape[3]))
    for i, j, p, q in np.ndindex(x.shape[1], x.shape[2], w.shape[0], w.shape[1]):
        if i * sh + p < height and j * sw + q < width:
            y[:, i * sh + p, j * sw + q] += x[:, i, j] @ w[p, q]
    return y, x.shape


def _transposed_down(layer: Layer, shape: Any, g: np.ndarray, rule: str) -> np.ndarray:
    w, (sh, sw) = layer["w"], layer["stride"]
    back = np.zeros(shape)
    for i, j, p, q in np.ndindex(shape[1], shape[2], w.shape[0], w.shape[1]):
        if i * sh + p < g.shape[1] and j * sw + q < g.shape[2]:
            back[:, i, j] += g[:, i * sh + p, j * sw + q] @ w[p, q].T
    return back


def _relu_down(layer: Layer, z: np.ndarray, g: np.ndarray, rule: str) -> np.ndarray:
    below_top = z < layer.get("top", np.inf)
    return rectify_loops.backward(rule, z, np.where(below_top, g, 0.0))


def _max_up(layer: Layer, x: np.ndarray) -> Any:
    y, switches = pool_loops.max_pool(x, layer["window"], layer["stride"], layer["pads"])
    return y, (switches, x.shape[1:3])


def _avg(layer: Layer) -> tuple[Any, ...]:
    return layer["window"], layer["stride"], layer["pads"], True


def _peak_up(layer: Layer, x: np.ndarray) -> Any:
    """The largest value of each map."""
    y, switches = pool_loops.max_pool(x, x.shape[1:3], ONE, NONE)
    return y[:, 0, 0], (switches, x.shape[1:3])


def _mean_down(layer: Layer, shape: Any, g: np.ndarray, rule: str) -> np.ndarray:
    spread = np.zeros(shape)
    for i, j in np.ndindex(shape[1], shape[2]):
        spread[:, i, j] = g / (shape[1] * shape[2])
    return spread


def _residual_up(layer: Layer, x: np.ndarray) -> Any:
    y, memories = up(layer["layers"], x)
    return x + y, memories


def _concat_up(layer: Layer, x: np.ndarray) -> Any:
    parts = [up(part, x) for part in layer["parts"]]
    return np.concatenate([y for y, _ in parts], axis=-1), [(y.shape[-1], m) for y, m in parts]


def _concat_down(layer: Layer, memory: Any, g: np.ndarray, rule: str) -> np.ndarray:
    start, total = 0, 0.0
    for part, (channels, memories) in zip(layer["parts"], memory, strict=True):
        total = total + down(part, memories, g[..., start : start + channels], rule)
        start += channels
    return np.asarray(total)


def _repeat_up(layer: Layer, x: np.ndarray) -> Any:
    rows, columns = layer["times"]
    y = np.zeros((x.shape[0], x.shape[1] * rows, x.shape[2] * columns, x.shape[3]))
    for i, j in np.ndindex(y.shape[1], y.shape[2]):
        y[:, i, j] = x[:, i // rows, j // columns]
    return y, x.shape


def _repeat_down(layer: Layer, shape: Any, g: np.ndarray, rule: str) -> np.ndarray:
    rows, columns = layer["times"]
    back = np.zeros(shape)
    for i, j in np.ndindex(g.shape[1], g.shape[2]):
        back[:, i // rows, j // columns] += g[:, i, j]
    return back


def measured_adjoint(f: Function, x: np.ndarray, g: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The transposed Jacobian of f at x times g, column by column, by central differences.

    >>> measured_adjoint(lambda x: x**2, np.array([3.0]), np.array([2.0])).round(6).tolist()
    [12.0]
    """
    back = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        shift = np.zeros_like(x)
        shift[place] = step
        back[place] = ((f(x + shift) - f(x - shift)) / (2 * step) * g).sum()
    return back


_UP: dict[str, Callable[[Layer, np.ndarray], Any]] = {
    "conv": _conv_up,
    "transposed": _transposed_up,
    "relu": lambda layer, z: (np.where(z > 0, np.minimum(z, layer.get("top", np.inf)), 0.0), z),
    "max_pool": _max_up,
    "avg_pool": lambda layer, x: (pool_loops.avg_pool(x, *_avg(layer)), x.shape[1:3]),
    "mean": lambda layer, x: (x.mean((1, 2)), x.shape),
    "peak": _peak_up,
    "dense": lambda layer, x: (x @ layer["w"] + layer["b"], None),
    "scale": lambda layer, x: (x * layer["by"] + layer["shift"], None),
    "flatten": lambda layer, x: (x.reshape(x.shape[0], -1), x.shape),
    "residual": _residual_up,
    "concat": _concat_up,
    "repeat": _repeat_up,
    "measured": lambda layer, x: (layer["f"](x), x),
}
_DOWN: dict[str, Callable[[Layer, Any, np.ndarray, str], np.ndarray]] = {
    "conv": _conv_down,
    "transposed": _transposed_down,
    "relu": _relu_down,
    "max_pool": lambda layer, memory, g, rule: pool_loops.max_unpool(g, *memory),
    "avg_pool": lambda layer, size, g, rule: pool_loops.avg_pool_adjoint(g, *_avg(layer), size),
    "mean": _mean_down,
    "peak": lambda layer, memory, g, rule: pool_loops.max_unpool(g[:, None, None], *memory),
    "dense": lambda layer, _, g, rule: g @ layer["w"].T,
    "scale": lambda layer, _, g, rule: g * layer["by"],
    "flatten": lambda layer, shape, g, rule: g.reshape(shape),
    "residual": lambda layer, memories, g, rule: g + down(layer["layers"], memories, g, rule),
    "concat": _concat_down,
    "repeat": _repeat_down,
    "measured": lambda layer, x, g, rule: measured_adjoint(layer["f"], x, g),
}
