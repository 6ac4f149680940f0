"""The digit classifier of Equinox's example, written anew: one image at a time, channels first, a sigmoid among ReLUs.

Source: https://docs.kidger.site/equinox/examples/mnist
"""

from typing import Any

import jax
import jax.numpy as jnp


def model() -> Any:
    """The module; Equinox is imported here, since not every machine has it."""
    import equinox as eqx

    class Digits(eqx.Module):
        layers: list[Any]

        def __init__(self, key: Any) -> None:
            conv, first, second, last = jax.random.split(key, 4)
            self.layers = [eqx.nn.Conv2d(1, 3, kernel_size=4, key=conv), eqx.nn.MaxPool2d(kernel_size=2), jax.nn.relu]
            self.layers += [jnp.ravel, eqx.nn.Linear(1728, 512, key=first), jax.nn.sigmoid]
            self.layers += [eqx.nn.Linear(512, 64, key=second), jax.nn.relu, eqx.nn.Linear(64, 10, key=last)]
            self.layers += [jax.nn.log_softmax]

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x

    return Digits(jax.random.key(0))
