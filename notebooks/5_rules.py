"""Notebook: four rules at a rectifier."""

# %% [markdown]
# # What happens to a signal at a rectifier?
# Forward, a rectifier computes max(z, 0). Backward, three rules differ in what they look at: the gradient at z,
# DeconvNet at the signal g, guided backpropagation at both.

# %%
import numpy as np

from deconvviz.checks.coding import check_task
from deconvviz.ops import ConvGeometry, backward, conv, conv_adjoint

random = np.random.default_rng(0)
z, g = random.standard_normal((2, 50)).astype(np.float32)

# %% [markdown]
# ## Task 1: the rules


# %%
def my_rule(name: str, z: np.ndarray, g: np.ndarray) -> np.ndarray:
    """What leaves the rectifier downwards, for "gradient", "deconvnet" or "guided"."""
    raise NotImplementedError


# %%
def rules_error() -> float:
    """Largest difference from the library."""
    names = ("gradient", "deconvnet", "guided")
    return float(max(np.abs(my_rule(name, z, g) - np.asarray(backward(name, z, g))).max() for name in names))


check_task("task 1", rules_error, 0, "[z > 0] is 1 where the forward value was positive; g is rectified like a map.")

# %% [markdown]
# ## Task 2: DeconvNet through two layers
# The network is `a1 = relu(conv(x, w1))`, `a2 = relu(conv(a1, w2))`. Start at one unit of a2 with its value, everything
# else 0, and send it down to the pixels. Use
# `conv_adjoint(g, w, ConvGeometry(), (rows, columns))`, where rows and columns are those of the result.

# %%
x = random.standard_normal((1, 9, 9, 1)).astype(np.float32)
w1 = random.standard_normal((3, 3, 1, 4)).astype(np.float32)
w2 = random.standard_normal((3, 3, 4, 2)).astype(np.float32)
a1 = np.maximum(conv(x, w1), 0)
a2 = np.maximum(conv(a1, w2), 0)


# %%
def my_deconvnet(start: np.ndarray) -> np.ndarray:
    """From a signal on a2, (1, 5, 5, 2), to one on x, (1, 9, 9, 1)."""
    raise NotImplementedError


# %%
def deconvnet_error() -> float:
    """Largest difference from the library, relative."""
    start = np.zeros_like(a2)
    unit = np.unravel_index(a2.argmax(), a2.shape)
    start[unit] = a2[unit]
    middle = backward("deconvnet", a1, conv_adjoint(backward("deconvnet", a2, start), w2, ConvGeometry(), (7, 7)))
    wanted = np.asarray(conv_adjoint(middle, w1, ConvGeometry(), (9, 9)))
    return float(np.abs(my_deconvnet(start) - wanted).max() / np.abs(wanted).max())


check_task(
    "task 2",
    deconvnet_error,
    1e-5,
    "Rectify, filter with w2, rectify, filter with w1. The first rectifier is easily forgotten.",
)
