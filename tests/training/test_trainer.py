"""The step that trains every application: a plain twin in NumPy, averages, statistics, slower arrays, resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from deconvviz.errors import DataError
from deconvviz.training import loop
from deconvviz.training.patches import Patches
from deconvviz.training.trainer import Schedule, Trainer

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


class Net(nnx.Module):
    """Normalization and a dense layer."""

    def __init__(self) -> None:
        self.norm = nnx.BatchNorm(3, rngs=nnx.Rngs(0))
        self.body = nnx.Linear(3, 2, rngs=nnx.Rngs(1))
        self.last = nnx.Linear(2, 1, rngs=nnx.Rngs(2))

    def __call__(self, x: Any) -> Any:
        return self.last(self.body(self.norm(x)))


def loss(net: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Squared distance from one."""
    found = net(batch[0])
    return jnp.mean((found - 1) ** 2), {"mean": found.mean()}


@pytest.mark.slow
def test_a_step_of_adam_is_what_the_formula_says() -> None:
    schedule = Schedule(learning_rate=0.1, warm_up=0.25, clip=1e9, weight_decay=0.5)
    fit = Trainer(nnx.Linear(3, 1, rngs=nnx.Rngs(0)), loss, schedule, steps=4)
    state = fit.initial()
    state, _ = fit.step(state, (X,))  # the first step of the warm-up has rate 0
    before = fit.module(state)
    w, b = np.asarray(before.kernel[...], np.float64), np.asarray(before.bias[...], np.float64)
    wrong = 2 * (X @ w + b - 1) / 5
    first_w, first_b = X.T @ wrong, wrong.sum(0)  # the same slope twice: moments are its own and its square
    state, figures = fit.step(state, (X,))
    after = fit.module(state)
    rate = 0.1
    np.testing.assert_allclose(after.kernel[...], w - rate * (np.sign(first_w) + 0.5 * w), rtol=1e-4)
    np.testing.assert_allclose(after.bias[...], b - rate * np.sign(first_b), rtol=1e-4)
    assert float(figures["loss"]) == pytest.approx(float(np.mean((X @ w + b - 1) ** 2)), rel=1e-5)


@pytest.mark.deep
def test_named_arrays_move_slower() -> None:
    moved = {}
    for factor in (1.0, 0.1):
        fit = Trainer(Net(), loss, Schedule(warm_up=0.0, slower=(("last", factor),)), steps=9)
        state = fit.initial()
        first = fit.module(state)
        state, _ = fit.step(fit.step(state, (X,))[0], (X,))
        second = fit.module(state)
        pairs = [(getattr(second, name).bias[...], getattr(first, name).bias[...]) for name in ("body", "last")]
        moved[factor] = [float(jnp.abs(new - old).max()) for new, old in pairs]
    assert moved[0.1][0] == pytest.approx(moved[1.0][0], rel=0.2)
    assert moved[0.1][1] == pytest.approx(0.1 * moved[1.0][1], rel=0.2)


@pytest.mark.deep
def test_statistics_move_and_the_module_uses_them() -> None:
    fit = Trainer(Net(), loss, Schedule(), steps=50)
    state = fit.initial()
    for _ in range(50):
        state, _ = fit.step(state, (X + 7,))
    module = fit.module(state)
    assert float(module.norm.mean[...].mean()) > 2.5
    np.testing.assert_allclose(module(X + 7)[:1], module(X[:1] + 7), atol=1e-6)


@pytest.mark.slow
def test_the_average_follows() -> None:
    fit = Trainer(Net(), loss, Schedule(0.05, average=0.9), steps=40)
    state = fit.initial()
    first = fit.module(state).body.kernel[...]
    for _ in range(40):
        state, _ = fit.step(state, (X,))
    average = fit.module(state).body.kernel[...]
    last = fit.module({**state, "average": ()}).body.kernel[...]
    assert 0 < float(jnp.abs(average - last).max()) < float(jnp.abs(last - first).max())


@pytest.mark.slow
def test_a_run_that_was_cut_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    def plan(epochs: int) -> loop.Plan:
        fit = Trainer(Net(), loss, Schedule(average=0.5), steps=6, seed=3)
        return loop.Plan({"seed": 3}, epochs, fit.initial, fit.step, lambda epoch: [(X * epoch,)] * 2, lambda epoch: 2)

    whole, _ = loop.run(plan(3), tmp_path / "whole", progress=False)
    loop.run(plan(1), tmp_path / "cut", progress=False)
    cut, records = loop.run(plan(3), tmp_path / "cut", progress=False)
    assert [record["epoch"] for record in records] == [1, 2, 3]
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(cut), strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_part_of_every_picture_is_equally_likely() -> None:
    small, large = np.zeros((4, 4, 1)), np.ones((4, 13, 1))
    shown = np.concatenate([batch for batch, _ in Patches([small, large], 4, 50, 20, seed=2).epoch(1)])
    assert shown.mean() == pytest.approx(10 / 11, abs=0.03)


def test_parts_are_turned_and_mirrored_and_never_changed() -> None:
    picture = np.arange(4.0).reshape(2, 2, 1)
    seen = {tuple(part.ravel()) for batch, _ in Patches([picture], 2, 20, 5).epoch(1) for part in batch}
    assert len(seen) == 8
    assert all(sorted(part) == [0, 1, 2, 3] for part in seen)


def test_too_small_pictures_are_refused() -> None:
    with pytest.raises(DataError, match="parts of 5 x 5 pixels; of the pictures, one is 4 x 9"):
        Patches([np.zeros((4, 9, 1))], 5, 1, 1)
    with pytest.raises(DataError, match="there is none"):
        Patches([], 5, 1, 1)
