"""A network of one's own for deconvviz: trained here, its weights in a safetensors file beside it."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from safetensors.numpy import load_file, save_file

import deconvviz as dv

WEIGHTS = Path(__file__).with_name("mynet.safetensors")


class MyNet(nnx.Module):
    """Scores (N, 4) of images (N, 64, 64, 3) in 0..1."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(3, 8, (5, 5), strides=2, rngs=rngs)
        self.norm1 = nnx.BatchNorm(8, rngs=rngs)
        self.conv2 = nnx.Conv(8, 12, (3, 3), rngs=rngs)
        self.scores = nnx.Linear(12, 4, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.norm1(self.conv1(x)))
        x = nnx.max_pool(x, (2, 2), (2, 2))
        x = nnx.relu(self.conv2(x))
        return self.scores(x.mean((1, 2)))


def save(model: MyNet, file: Path = WEIGHTS) -> None:
    """Write the arrays under their places in the module: conv1.kernel, conv1.bias, ..."""
    state = nnx.to_flat_state(nnx.state(model))
    save_file({".".join(map(str, place)): np.asarray(array[...]) for place, array in state}, file)


def load(file: Path = WEIGHTS) -> MyNet:
    """Read them back; no pickle, so nothing in the file can run."""
    model, stored = MyNet(nnx.Rngs(0)), load_file(file)
    state = nnx.to_flat_state(nnx.state(model))
    new = [(place, array.replace(jnp.asarray(stored[".".join(map(str, place))]))) for place, array in state]
    nnx.update(model, nnx.from_flat_state(new))
    return model


def net(file: Path = WEIGHTS) -> dv.Network:
    """What ``mynet:net`` names: the network in inference mode, what it is fed, and its classes."""
    model = nnx.view(load(file), use_running_average=True)
    return dv.Network.from_nnx(
        model, input_spec=dv.InputSpec(size=(64, 64)), labels=("bird", "cat", "dog", "tree"), name="mynet"
    )


if __name__ == "__main__":
    save(MyNet(nnx.Rngs(1)))  # your training goes before this line
