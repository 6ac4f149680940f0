"""ConvMixer, "Patches Are All You Need?", written anew in Flax Linen, small: GELU everywhere.

Source: https://github.com/locuslab/convmixer, convmixer.py
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn


class Mixer(nn.Module):
    """Patches, then blocks that mix places depthwise around a residual sum, and channels pointwise."""

    width: int = 24
    depth: int = 2

    @nn.compact
    def __call__(self, x: Any, train: bool = False) -> Any:
        def settle(x: Any) -> Any:
            return nn.BatchNorm(use_running_average=not train)(nn.gelu(x))

        x = settle(nn.Conv(self.width, (7, 7), strides=7, padding="VALID")(x))
        for _ in range(self.depth):
            x = x + settle(nn.Conv(self.width, (5, 5), feature_group_count=self.width)(x))
            x = settle(nn.Conv(self.width, (1, 1))(x))
        return nn.Dense(10)(x.mean((1, 2)))


mixer = Mixer()


def net() -> Any:
    """The network with first weights."""
    import deconvviz as dv

    variables = mixer.init(jax.random.key(0), jnp.zeros((1, 56, 56, 3)))
    return dv.Network.from_linen(mixer, variables, input_spec=dv.InputSpec(size=(56, 56)), name="mixer")
