"""Notebook: pooling, switches, unpooling."""

# %% [markdown]
# # Where did the maximum come from?
# Max pooling keeps the largest value of each window; the switch remembers its place, as one number `row * W + column`.
# Unpooling puts values back on their switches: it is the adjoint of the pooling while the switches are held fixed.

# %%
import numpy as np

from deconvviz.checks.coding import check_task
from deconvviz.ops import avg_pool_adjoint, max_pool, max_unpool

x = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32)
pooled, switches = max_pool(x[None, :, :, None], 3, stride=2)
print(np.asarray(switches)[0, :, :, 0])

# %% [markdown]
# ## Task 1: unpool
# With stride 2 and windows of 3, windows overlap: two may have the same maximum. What lands on one cell adds up.


# %%
def my_unpool(y: np.ndarray, switches: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Values y and their switches, both (rows, columns), back on a plane of that size."""
    raise NotImplementedError


# %%
def unpool_error() -> float:
    """Largest difference from the library, for ones: a cell that two windows chose gets 2."""
    ones = np.ones(pooled.shape, np.float32)
    wanted = np.asarray(max_unpool(ones, switches, x.shape))[0, :, :, 0]
    return float(np.abs(my_unpool(ones[0, :, :, 0], np.asarray(switches)[0, :, :, 0], x.shape) - wanted).max())


check_task("task 1", unpool_error, 0, "plane[i] = value keeps only the last of two values; np.add.at adds both.")

# %% [markdown]
# ## Task 2: the adjoint of a mean
# A mean over windows of `k` by `k`, stride `k`. Its adjoint shares each value out over the window.


# %%
def my_mean_adjoint(y: np.ndarray, k: int) -> np.ndarray:
    """(rows, columns) -> (k * rows, k * columns)."""
    raise NotImplementedError


# %%
def mean_error() -> float:
    """Largest difference from the library."""
    y = np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)
    wanted = np.asarray(avg_pool_adjoint(y[None, :, :, None], 3, input_size=(6, 9)))[0, :, :, 0]
    return float(np.abs(my_mean_adjoint(y, 3) - wanted).max())


check_task("task 2", mean_error, 1e-6, "The weights are those of the mean: 1 / k² each.")
