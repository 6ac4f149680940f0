"""The digit classifier of Flax's NNX tutorial, written anew: a module instance at the top of a script.

Source: https://github.com/google/flax, docs_nnx/mnist_tutorial.md
"""

from typing import Any

from flax import nnx


class Digits(nnx.Module):
    """Two convolutions, each averaged, and two dense layers; 28 x 28 grey, ten classes."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 32, (3, 3), rngs=rngs)
        self.conv2 = nnx.Conv(32, 64, (3, 3), rngs=rngs)
        self.linear1 = nnx.Linear(7 * 7 * 64, 256, rngs=rngs)
        self.drop = nnx.Dropout(0.025, rngs=rngs)
        self.linear2 = nnx.Linear(256, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        for conv in (self.conv1, self.conv2):
            x = nnx.avg_pool(nnx.relu(conv(x)), (2, 2), (2, 2))
        x = self.drop(self.linear1(x.reshape(len(x), -1)))
        return self.linear2(nnx.relu(x))


model = Digits(rngs=nnx.Rngs(0))
