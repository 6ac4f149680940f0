"""A DeconvNet by loops: up through a list of layers, down by a rule. One image, NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference import conv_loops, pool_loops, rectify_loops

Layer = dict[str, Any]


def up(layers: list[Layer], x: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """The last layer's value and what each layer has to remember."""
    memories: list[Any] = []
    for layer in layers:
        if layer["kind"] == "conv":
            memories.append(x.shape[1:3])
            x = conv_loops.conv(x, layer["w"], layer["stride"], layer["pads"], (1, 1), 1) + layer["b"]
        elif layer["kind"] == "relu":
            memories.append(x)
            x = np.where(x > 0, x, 0)
        else:
            size = x.shape[1:3]
            x, switches = pool_loops.max_pool(x, layer["window"], layer["stride"], layer["pads"])
            memories.append((switches, size))
    return x, memories


def down(layers: list[Layer], memories: list[Any], g: np.ndarray, rule: str) -> np.ndarray:
    """The signal at the image, biases left out, every maximum sent to its switch."""
    for layer, memory in zip(reversed(layers), reversed(memories), strict=True):
        if layer["kind"] == "conv":
            g = conv_loops.conv_adjoint(g, layer["w"], layer["stride"], layer["pads"], (1, 1), 1, memory)
        elif layer["kind"] == "relu":
            g = rectify_loops.backward(rule, memory, g)
        else:
            g = pool_loops.max_unpool(g, *memory)
    return g
