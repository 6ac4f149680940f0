"""The recognition network of article 004, 28 x 28, with what lessens overfitting as switches, and as a `Network`.

conv 3 x 3 x 32, ReLU, pool; conv 3 x 3 x 64, ReLU, pool; 128; 10. Batch normalization stands before each ReLU of a map,
dropout before the scores; a decoder of transposed convolutions can give the picture back beside the scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from deconvviz.network import Network, Programs
from deconvviz.training.fold import fold
from deconvviz.types import InputSpec

SIZE = 28
DROPPED = 0.5
INPUT = InputSpec(size=(SIZE, SIZE), mean=(0.0,), std=(1.0,), channels="L", fit="stretch")
#: Shared: networks of this file differ in their weights alone.
_PROGRAMS = Programs()


class Recognizer(nnx.Module):
    """The network in training.

    Args:
      classes: how many scores.
      norm: with batch normalization.
      drop: with dropout before the scores.
      decoder: with a decoder that gives the picture back.
      rngs: of the first weights.
    """

    def __init__(self, classes: int, norm: bool, drop: bool, decoder: bool, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 32, (3, 3), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(32, 64, (3, 3), padding="VALID", rngs=rngs)
        self.dense = nnx.Linear(1600, 128, rngs=rngs)
        self.logits = nnx.Linear(128, classes, rngs=rngs)
        self.drop = drop
        if norm:
            self.norm1, self.norm2 = (
                nnx.BatchNorm(32, momentum=0.9, rngs=rngs),
                nnx.BatchNorm(64, momentum=0.9, rngs=rngs),
            )
        if decoder:
            self.up1 = nnx.ConvTranspose(64, 32, (3, 3), (2, 2), padding="VALID", rngs=rngs)
            self.up2 = nnx.ConvTranspose(32, 1, (8, 8), (2, 2), padding="VALID", rngs=rngs)

    def __call__(
        self, x: jax.Array, key: jax.Array | None = None, switches: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array | None]:
        """(scores, reconstruction or None) of (N, 28, 28, 1).

        Args:
          x: the pictures.
          key: with one dropout is on.
          switches: (norm, drop), 1 on and 0 off, of a module that has both, so that one program trains all settings.
        """
        for conv, norm in ((self.conv1, "norm1"), (self.conv2, "norm2")):
            x = conv(x)
            if hasattr(self, norm):
                plain, x = x, getattr(self, norm)(x)
                x = x if switches is None else jnp.where(switches[0] > 0, x, plain)
            x = nnx.max_pool(jax.nn.relu(x), (2, 2), (2, 2))
        reconstruction = self.up2(jax.nn.relu(self.up1(x))) if hasattr(self, "up1") else None
        hidden = jax.nn.relu(self.dense(x.reshape(len(x), -1)))
        if self.drop and key is not None:
            stay = 1 - DROPPED * (1 if switches is None else switches[1])
            hidden = jnp.where(jax.random.bernoulli(key, stay, hidden.shape), hidden / stay, 0)
        return self.logits(hidden), reconstruction


def all_switches(classes: int, seed: int) -> Recognizer:
    """The module with everything in it, to be trained under switches."""
    return Recognizer(classes, True, True, True, nnx.Rngs(seed))


def pruned_to(module: Recognizer, options: Mapping[str, Any]) -> Recognizer:
    """What the options leave of a module with all switches, as it is stored and used."""
    pruned = make(options)
    arrays = dict(nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat))))
    paths = [path for path, _ in nnx.to_flat_state(nnx.state(pruned, (nnx.Param, nnx.BatchStat)))]
    nnx.update(pruned, nnx.from_flat_state([(path, arrays[path]) for path in paths]))
    pruned.eval()
    return pruned


def make(options: Mapping[str, Any], rngs: nnx.Rngs | None = None) -> Recognizer:
    """The module of its options: "labels", "norm", "drop", "decoder", "seed"."""
    first = rngs or nnx.Rngs(int(options.get("seed", 0)))
    classes = len(options["labels"])
    return Recognizer(classes, bool(options["norm"]), bool(options["drop"]), bool(options["decoder"]), first)


def folded(module: Recognizer) -> dict[str, np.ndarray]:
    """The arrays as the network is used: batch normalization in the kernels and biases, no decoder."""
    arrays = {}
    for name in ("conv1", "conv2", "dense", "logits"):
        layer, norm = getattr(module, name), getattr(module, name.replace("conv", "norm"), None)
        kernel, bias = np.asarray(layer.kernel[...], np.float32), np.asarray(layer.bias[...], np.float32)
        if isinstance(norm, nnx.BatchNorm):
            kernel, bias = fold(kernel, bias, norm)
        arrays[f"{name}.kernel"], arrays[f"{name}.bias"] = kernel, bias
    return arrays


def forward(params: Mapping[str, Any], x: jax.Array) -> jax.Array:
    """Scores of (N, 28, 28, 1)."""
    for i in (1, 2):
        with jax.named_scope(f"conv{i}"):
            x = lax.conv_general_dilated(
                x, params[f"conv{i}.kernel"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            x = x + params[f"conv{i}.bias"]
        with jax.named_scope(f"relu{i}"):
            x = jax.nn.relu(x)
        with jax.named_scope(f"pool{i}"):
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    with jax.named_scope("flatten"):
        x = x.reshape(x.shape[0], -1)
    with jax.named_scope("dense"):
        x = x @ params["dense.kernel"] + params["dense.bias"]
    with jax.named_scope("relu3"):
        x = jax.nn.relu(x)
    with jax.named_scope("logits"):
        return x @ params["logits.kernel"] + params["logits.bias"]


def network(params: Mapping[str, np.ndarray], labels: tuple[str, ...]) -> Network:
    """The network of arrays, as `folded` gives them, as the library looks into networks."""
    arrays = {name: jnp.asarray(value) for name, value in params.items()}
    return Network(
        lambda x: forward(arrays, x), input_spec=INPUT, labels=labels, name="recognition", programs=_PROGRAMS
    )
