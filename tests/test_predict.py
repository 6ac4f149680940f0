"""`dv.predict` gives probabilities where an output is classes, and says what it is where it is none."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, softmax

import deconvviz as dv
from deconvviz.errors import NetworkError

SPEC = dv.InputSpec(size=(6, 5))
IMAGE = np.random.default_rng(1).random((6, 5, 3)).astype(np.float32)
W = np.random.default_rng(2).standard_normal((3, 4)).astype(np.float32)
SCORES = IMAGE.mean((0, 1)) @ W


def predict(function: Any) -> np.ndarray:
    return dv.predict(dv.Network(function, input_spec=SPEC, name="mine"), IMAGE)


def scores(x: Any) -> Any:
    return x.mean((1, 2)) @ W


def test_scores_are_softmaxed_and_probabilities_stay() -> None:
    np.testing.assert_allclose(predict(scores), softmax(SCORES), rtol=1e-5)
    np.testing.assert_allclose(predict(lambda x: jax.nn.softmax(scores(x))), softmax(SCORES), rtol=1e-5)
    np.testing.assert_allclose(predict(lambda x: scores(x)[:, None, None]), softmax(SCORES), rtol=1e-5)


def test_scores_of_half_precision_are_scores() -> None:
    np.testing.assert_allclose(predict(lambda x: scores(x).astype(jnp.bfloat16)), softmax(SCORES), atol=5e-3)
    np.testing.assert_allclose(
        predict(lambda x: jax.nn.softmax(scores(x)).astype(jnp.bfloat16)), softmax(SCORES), atol=5e-3
    )


@pytest.mark.parametrize("net", [None, "caltech", scores])
def test_what_is_no_network_is_said(net: Any) -> None:
    with pytest.raises(NetworkError, match="a network comes first"):
        dv.predict(net, IMAGE)


def test_labels_of_sigmoids_stay_what_they_are() -> None:
    np.testing.assert_allclose(predict(lambda x: jax.nn.sigmoid(scores(x))), expit(SCORES), rtol=1e-5)
    np.testing.assert_allclose(predict(lambda x: jax.nn.sigmoid(scores(x)[:, :1])), expit(SCORES[:1]), rtol=1e-5)


@pytest.mark.parametrize(("function", "said"), [
    (lambda x: scores(x)[:, :1], f"is one number, {SCORES[0]:.4f}"[:-1]),
    (lambda x: jax.nn.relu(x) @ W, r"has shape \(1, 6, 5, 4\), an answer for every place of a map"),
    (lambda x: jnp.argmax(scores(x), -1) + 0 * x.sum((1, 2, 3)).astype(int), "is of type int32, a choice that was"),
])  # fmt: skip
def test_other_outputs_are_said(function: Any, said: str) -> None:
    with pytest.raises(NetworkError, match=f"the output of mine {said}.*net.run"):
        predict(function)
