"""Notebook: upsampling and checkerboards."""

# %% [markdown]
# # Where does the checkerboard come from?
# A transposed convolution lays a stamp of `k` cells every `s` cells. Where the stride does not divide the kernel, some
# cells are written to more often than their neighbours: the pattern is there before anything is learned.

# %%
import numpy as np

from deconvviz.checks.coding import check_task
from deconvviz.ops.upsample import overlap_counts, resize_nearest, transposed_conv

print("kernel 3, stride 2:", overlap_counts(6, 3, 2))
print("kernel 4, stride 2:", overlap_counts(6, 4, 2))

# %% [markdown]
# ## Task 1: how often is each cell written to?


# %%
def my_counts(n: int, k: int, s: int) -> np.ndarray:
    """How many of the n stamps of k cells, s apart, cover each cell of the output (no padding)."""
    raise NotImplementedError


# %%
def counts_error() -> float:
    """Largest difference from the library."""
    cases = [(6, 3, 2), (5, 4, 2), (4, 5, 3), (3, 2, 3)]
    for n, k, s in cases:
        if len(my_counts(n, k, s)) != len(overlap_counts(n, k, s)):
            raise ValueError(f"n={n}, k={k}, s={s}: the output has {len(overlap_counts(n, k, s))} cells")
    return float(max(np.abs(my_counts(n, k, s) - overlap_counts(n, k, s)).max() for n, k, s in cases))


check_task("task 1", counts_error, 0, "Stamp i covers cells s * i to s * i + k - 1.")

# %% [markdown]
# ## Task 2: a kernel without the pattern
# Find a kernel for which the transposed convolution with stride 2 is the same as enlarging by repeating each cell.


# %%
def my_kernel() -> np.ndarray:
    """A kernel (rows, columns)."""
    raise NotImplementedError


# %%
def kernel_error() -> float:
    """Largest difference from `resize_nearest`."""
    x = np.random.default_rng(0).standard_normal((1, 4, 5, 1)).astype(np.float32)
    kernel = np.asarray(my_kernel(), np.float32)[:, :, None, None]
    made, wanted = np.asarray(transposed_conv(x, kernel, 2)), np.asarray(resize_nearest(x, 2))
    if made.shape != wanted.shape:
        raise ValueError(f"it makes {made.shape[1:3]} of (4, 5), repeating makes {wanted.shape[1:3]}")
    return float(np.abs(made - wanted).max())


check_task("task 2", kernel_error, 1e-6, "Each cell has to be written to exactly once, by the same weight.")
