"""Notebook: what training does."""

# %% [markdown]
# # What is a gradient for?
# Training makes a loss small by following its gradient downhill. The loss of a classifier with scores s and the right
# class c is −log softmax(s)[c]. Here you derive its gradient, check it, and take steps.

# %%
import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.checks.coding import check_task

random = np.random.default_rng(0)


def loss(scores: np.ndarray, right: int) -> float:
    """Cross-entropy of one example."""
    shifted = scores - scores.max()
    return float(np.log(np.exp(shifted).sum()) - shifted[right])


# %% [markdown]
# ## Task 1: the gradient of the loss
# Derive it on paper first: it is a difference of two vectors that you know.


# %%
def my_gradient(scores: np.ndarray, right: int) -> np.ndarray:
    """The derivative of `loss` by each score."""
    raise NotImplementedError


# %%
def gradient_error() -> float:
    """Largest difference from the derivative that JAX finds."""
    scores = random.standard_normal(6)
    wanted = jax.grad(lambda s: -jax.nn.log_softmax(s)[2])(jnp.asarray(scores, jnp.float32))
    return float(np.abs(my_gradient(scores, 2) - np.asarray(wanted)).max())


check_task("task 1", gradient_error, 1e-5, "softmax(scores), less 1 at the right class.")

# %% [markdown]
# ## Task 2: train
# Two classes of points in the plane, scores = points @ W. Follow the mean gradient of the loss downhill.

# %%
centres = np.repeat([[2, 1], [-2, -1]], 40, axis=0)
points = centres + random.standard_normal((80, 2))
labels = np.repeat([0, 1], 40)


# %%
def my_training(points: np.ndarray, labels: np.ndarray, steps: int, rate: float) -> np.ndarray:
    """The weights W (2, 2) after gradient descent from zeros."""
    raise NotImplementedError


# %%
def training_error() -> float:
    """Largest difference from the same descent by JAX."""

    def mean_loss(weights: jax.Array) -> jax.Array:
        return -jnp.mean(jax.nn.log_softmax(jnp.asarray(points, jnp.float32) @ weights)[np.arange(80), labels])

    step = jax.jit(jax.grad(mean_loss))
    wanted = jnp.zeros((2, 2))
    for _ in range(50):
        wanted = wanted - 0.5 * step(wanted)
    return float(np.abs(my_training(points, labels, 50, 0.5) - np.asarray(wanted)).max())


check_task("task 2", training_error, 1e-3, "The mean over the points, not their sum; all weights move at once.")
