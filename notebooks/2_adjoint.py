"""Notebook: the adjoint of a strided convolution."""

# %% [markdown]
# # How does a signal get back through a convolution?
# A convolution is linear in its picture: z = A x. Its adjoint Aᵀ takes a signal on the output back to the input and is
# defined by one equation, for all x and y: ⟨A x, y⟩ = ⟨x, Aᵀ y⟩. The **dot test** draws x and y at random and compares
# the two sides. It needs no matrix, and a wrong adjoint fails it almost surely.

# %%
import numpy as np

from deconvviz.checks.coding import check_task
from deconvviz.ops import ConvGeometry, conv_map

random = np.random.default_rng(0)
STRIDE, SIZE = 2, (7, 9)
w = random.standard_normal((3, 2, 1, 1)).astype(np.float32)
A = conv_map(w, ConvGeometry(stride=STRIDE), SIZE)
print("output:", A.output_shape, "dot test of the library:", A.dot_test())

# %% [markdown]
# ## Task 1: write the adjoint and pass the dot test
# Each cell of y lays the kernel, times its value, on the window that it was computed from. Stamps that overlap add up.


# %%
def my_adjoint(y: np.ndarray, w: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """The signal y (rows, columns) taken back through a kernel w (k rows, k columns) to a picture of that size."""
    raise NotImplementedError


# %%
def dot_test() -> float:
    """How far the two sides of the definition are apart, as a share of the norms."""
    x, y = random.standard_normal(A.input_shape), random.standard_normal(A.output_shape)
    back = my_adjoint(y[0, :, :, 0], w[:, :, 0, 0], STRIDE, SIZE)
    if back.shape != SIZE:
        raise ValueError(f"the adjoint leads to {SIZE}, yours to {back.shape}")
    z = np.asarray(A(x.astype(np.float32)), np.float64)
    gap = abs((z * y).sum() - (x[0, :, :, 0] * back).sum())
    return float(gap / (np.linalg.norm(z) * np.linalg.norm(y)))


check_task(
    "task 1", dot_test, 1e-5, "Rows that no window reads stay 0: their number is lost in the division by the stride."
)

# %% [markdown]
# ## Task 2: the same as a matrix
# Find A by sending unit pictures through the convolution: column j is what pixel j gives. Then Aᵀ is its transpose.


# %%
def my_matrix(forward, inputs: int, outputs: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The matrix (outputs, inputs) of a linear function that takes and returns flat vectors."""
    raise NotImplementedError


# %%
def matrix_error() -> float:
    """Largest difference from the matrix of the library."""
    wanted = A.dense()

    def forward(flat: np.ndarray) -> np.ndarray:
        return np.asarray(A(flat.reshape(A.input_shape).astype(np.float32))).ravel()

    return float(np.abs(my_matrix(forward, wanted.shape[1], wanted.shape[0]) - wanted).max())


check_task("task 2", matrix_error, 1e-6, "np.eye(inputs) holds all unit pictures.")
