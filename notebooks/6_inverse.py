"""Notebook: undoing a blur."""

# %% [markdown]
# # Can a blur be undone?
# A blur multiplies every frequency of the picture by a number K. Where K is nearly 0 the frequency is lost, and
# dividing by K blows up the noise. The Wiener filter weakens what is lost instead of dividing by it.

# %%
import numpy as np

from deconvviz.checks.coding import check_task
from deconvviz.ops.inverse import blur, blur_adjoint, response

random = np.random.default_rng(0)
x = random.random((16, 20))
k = np.array([[0.4, 0.3, 0.15, 0.1, 0.05]])
y = blur(x, k) + 0.01 * random.standard_normal(x.shape)
K = response(k, x.shape)
print("smallest and largest |K|:", np.abs(K).min(), np.abs(K).max())

# %% [markdown]
# ## Task 1: the Wiener filter
# X = conj(K) Y / (|K|² + balance), for each frequency. `np.fft.fft2` and `np.fft.ifft2` take a picture there and back.


# %%
def my_wiener(y: np.ndarray, K: np.ndarray, balance: float) -> np.ndarray:
    """The restored picture, real."""
    raise NotImplementedError


# %%
def wiener_error() -> float:
    """The condition of the minimum, Aᵀ(A u - y) + balance u = 0, for a real u."""
    u = my_wiener(y, K, 0.05)
    if np.iscomplexobj(u):
        raise ValueError("a picture is real: take the real part")
    return float(np.abs(blur_adjoint(blur(u, k) - y, k) + 0.05 * u).max())


check_task("task 1", wiener_error, 1e-9, "Which of the two K is conjugated?")

# %% [markdown]
# ## Task 2: step by step
# Landweber's iteration u ← u + Aᵀ(y − A u) uses the adjoint alone, again and again. Start with zeros.


# %%
def my_landweber(y: np.ndarray, k: np.ndarray, steps: int) -> np.ndarray:
    """The picture after so many steps; `blur(u, k)` is A u, `blur_adjoint(r, k)` is Aᵀ r."""
    raise NotImplementedError


# %%
def landweber_error() -> float:
    """Largest difference from the closed form: each frequency is (1 - (1 - |K|²)^steps) / K of Y."""
    u, steps = my_landweber(y, k, 30), 30
    share = -np.expm1(steps * np.log1p(-np.minimum(np.abs(K) ** 2, 1 - 1e-15)))
    wanted = np.fft.ifft2(np.fft.fft2(y) * share * np.conj(K) / np.maximum(np.abs(K) ** 2, 1e-30)).real
    return float(np.abs(u - wanted).max())


check_task("task 2", landweber_error, 1e-6, "The residual y - A u has to be computed anew in each step.")
