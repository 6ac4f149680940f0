"""Notebook: receptive fields."""

# %% [markdown]
# # Which pixels can a unit see?
# One layer widens the window by (k − 1) steps, and a step of a deeper layer is a product of the strides below it.

# %%
import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.checks.coding import check_task
from deconvviz.ops import ConvGeometry, conv

LAYERS = [(3, 2), (3, 1), (2, 2), (3, 1)]  # (kernel, stride), from the picture upwards

# %% [markdown]
# ## Task 1: by the formula


# %%
def my_field(layers: list[tuple[int, int]]) -> tuple[int, int]:
    """(rows that a unit of the last layer sees, pixels between neighbouring units)."""
    raise NotImplementedError


# %%
def network(x: jax.Array, layers: list[tuple[int, int]]) -> jax.Array:
    """Convolutions whose weights are all 1: every pixel that can count does."""
    for k, s in layers:
        x = conv(x, jnp.ones((k, k, 1, 1)), ConvGeometry(stride=s))
    return x


def field_error() -> float:
    """Difference from what the derivative of the network shows."""
    image = jnp.zeros((1, 40, 40, 1))
    gradients = [jax.grad(lambda x, r=r: network(x, LAYERS)[0, r, 0, 0])(image)[0, :, 0, 0] for r in (0, 1)]
    rows = [np.flatnonzero(np.asarray(one)) for one in gradients]
    size, step = my_field(LAYERS)
    return abs(size - len(rows[0])) + abs(step - (rows[1][0] - rows[0][0]))


check_task(
    "task 1", field_error, 0, "Begin with size 1 and step 1, and go upwards: size += (k - 1) * step, then step *= s."
)

# %% [markdown]
# ## Task 2: by experiment
# Find the field of a function without looking into it: change one pixel at a time and see whether the unit changes.


# %%
def my_measurement(unit, size: int) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    """First and last row that changes `unit(picture)`, a number; the picture is (size, size)."""
    raise NotImplementedError


# %%
def measurement_error() -> float:
    """Difference from the derivative."""

    def unit(picture: np.ndarray) -> float:
        return float(network(jnp.asarray(picture, jnp.float32)[None, :, :, None], LAYERS[:2])[0, 1, 2, 0])

    first, last = my_measurement(unit, 13)
    return abs(first - 2) + abs(last - 8)


check_task(
    "task 2", measurement_error, 0, "Begin with zeros; a column in the middle is enough only if the unit sees it."
)
