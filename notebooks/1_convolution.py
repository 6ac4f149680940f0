"""Notebook: convolution by hand."""

# %% [markdown]
# # What does a convolution compute?
# A kernel lies on a window of the picture. Each number is multiplied by the weight on it, and the sum of the products
# is one cell of the output. Networks do not flip the kernel. Here you write it yourself.

# %%
import numpy as np

from deconvviz.checks.coding import check_task
from deconvviz.ops import ConvGeometry, conv

random = np.random.default_rng(0)

# %% [markdown]
# A picture has the axes (batch, rows, columns, channels), a kernel (rows, columns, channels in, channels out).

# %%
x = random.standard_normal((1, 7, 8, 2)).astype(np.float32)
w = random.standard_normal((3, 2, 2, 4)).astype(np.float32)
print(conv(x, w, ConvGeometry(stride=2, padding=1)).shape)

# %% [markdown]
# ## Task 1: how many rows?
# A kernel of `k` rows with dilation `d` spans `(k - 1) d + 1` rows. The padding adds `p` rows of zeros above and below.


# %%
def output_rows(n: int, k: int, stride: int, padding: int, dilation: int) -> int:
    """Rows of the output of a picture with n rows."""
    raise NotImplementedError


# %%
def rows_error() -> float:
    """Largest difference from the library over many geometries."""
    worst = 0
    for n, k, s, p, d in [(7, 3, 1, 0, 1), (8, 3, 2, 1, 1), (9, 2, 3, 0, 2), (11, 3, 2, 2, 3), (6, 5, 4, 3, 1)]:
        wanted = ConvGeometry(s, p, d).output_size((n, n), (k, k))[0]
        worst = max(worst, abs(output_rows(n, k, s, p, d) - wanted))
    return worst


check_task("task 1", rows_error, 0, "Count the steps that fit into the padded rows, rounded down, then add one window.")

# %% [markdown]
# ## Task 2: the convolution itself
# No padding, no dilation. Loop over the cells of the output.


# %%
def my_conv(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    """x (rows, columns, channels in), w (k rows, k columns, channels in, channels out) -> the output."""
    raise NotImplementedError


# %%
def conv_error() -> float:
    """Largest difference from the library."""
    wanted = np.asarray(conv(x, w, ConvGeometry(stride=2)))[0]
    return float(np.abs(my_conv(x[0], w, 2) - wanted).max())


check_task("task 2", conv_error, 1e-5, "Row r of the output reads rows stride * r to stride * r + k - 1 of x.")
