"""The step of a classifier: schedule, decay, moving average, and that it learns."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from deconvviz.training.caltech.chain import Chain
from deconvviz.training.caltech.classifier import averaged, make_trainer, schedule_of, scores
from deconvviz.training.caltech.classifier import moved as moved_by
from deconvviz.training.caltech.config import CaltechConfig

RECIPE = CaltechConfig(batch=8, learning_rate=1e-3, warm_up=0.25, average=0.9, dropout=0.0)


def test_schedule_warms_up_and_ends_at_zero() -> None:
    config = CaltechConfig(learning_rate=0.01, stretch=1.0, warm_up=0.1, cool_down=0.0)
    schedule = schedule_of(config).rate(200)
    rates = np.array([schedule(t) for t in range(0, 201, 10)])
    assert rates[0] == 0
    np.testing.assert_allclose(rates[[1, 2, 11, 20]], [0.005, 0.01, 0.005, 0.0], atol=1e-8)
    assert (np.diff(rates[2:]) < 0).all()


def test_a_stretched_cosine_is_the_longer_one_until_it_cools_down() -> None:
    long = schedule_of(CaltechConfig(stretch=1.0, cool_down=0.0)).rate(180)
    short = schedule_of(CaltechConfig(stretch=1.5, cool_down=0.25)).rate(120)
    for step in (0, 5, 50, 90):
        assert float(short(step)) == float(long(step))
    np.testing.assert_allclose([short(105), short(120)], [long(105) / 2, 0.0], rtol=1e-6)


@pytest.mark.slow
def test_only_kernels_decay() -> None:
    optimizer = schedule_of(CaltechConfig(weight_decay=0.5, learning_rate=0.1, warm_up=0.0)).optimizer(10)
    params = {"kernel": jnp.ones(3), "norm": {"scale": jnp.ones(3), "bias": jnp.ones(3)}, "bias": jnp.ones(2)}
    state, still = optimizer.init(params), jax.tree.map(jnp.zeros_like, params)
    for _ in range(2):
        updates, state = optimizer.update(still, state, params)
        params = optax.apply_updates(params, updates)
    assert (params["kernel"] < 1).all()
    assert all((v == 1).all() for v in jax.tree.leaves((params["norm"], params["bias"])))


@pytest.mark.deep
def test_it_learns_and_the_average_follows() -> None:
    trainer = make_trainer(RECIPE, 3, 24)
    rng = np.random.default_rng(0)
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2, 0, 1]]
    images = rng.normal(size=(8, 32, 32, 3)).astype(np.float32) + 2 * targets[:, None, None, :]
    first = state = trainer.initial()
    losses = []
    for _ in range(24):
        before = state
        state, figures = trainer.step(state, (images, targets))
        losses.append(float(figures["loss"]))
    assert losses[-1] < 0.6 * losses[0]
    keep = min(0.9, 25 / 34)
    for old, new, now in zip(
        *(jax.tree.leaves(s) for s in (before["average"], state["average"])),
        jax.tree.leaves(state["parts"]),
        strict=True,
    ):
        np.testing.assert_allclose(new, keep * old + (1 - keep) * now, atol=1e-5)
    assert not np.array_equal(jax.tree.leaves(first["parts"][1])[0], jax.tree.leaves(state["parts"][1])[0])
    folded = {k: jnp.asarray(v) for k, v in averaged(trainer, state).items()}
    assert (scores(folded, images, batch=5).argmax(axis=1) == targets.argmax(axis=1)).mean() > 0.5


def test_pictures_are_moved_within_the_ball_to_where_the_loss_is_larger() -> None:
    config = CaltechConfig(adversarial=0.5)
    net = Chain(4, rngs=nnx.Rngs(0))
    statistics = [np.asarray(value) for value in jax.tree.leaves(nnx.state(net, nnx.BatchStat))]
    images = jnp.asarray(np.random.default_rng(1).normal(size=(4, 64, 64, 3)), jnp.float32)
    targets = jnp.eye(4)

    def loss(x: jax.Array) -> float:
        return float(optax.softmax_cross_entropy(nnx.clone(net)(x), targets).mean())

    moved, again, other = (moved_by(net, images, targets, config, jax.random.key(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(moved, again)
    assert not np.array_equal(moved, other)
    lengths = np.linalg.norm((moved - images).reshape(4, -1), axis=1)
    # 0.5 at 128 pixels is 0.25 at 64, and one unit of model input is a quarter of the range.
    assert (lengths <= 1.0 + 1e-4).all()
    assert (lengths > 0.8).all()
    chance = jax.random.normal(jax.random.key(5), images.shape)
    chance = chance * (1.0 / jnp.linalg.norm(chance.reshape(4, -1), axis=1))[:, None, None, None]
    assert loss(moved) > loss(images) + 5 * abs(loss(images + chance) - loss(images))
    after = jax.tree.leaves(nnx.state(net, nnx.BatchStat))
    assert all(np.array_equal(a, b) for a, b in zip(statistics, after, strict=True))


@pytest.mark.slow
def test_a_step_on_moved_pictures_is_another_one() -> None:
    images = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype(np.float32)
    batch = images, np.eye(4, dtype=np.float32)
    figures = []
    for radius in (0.0, 1.0):
        trainer = make_trainer(dataclasses.replace(RECIPE, adversarial=radius), 4, 10)
        figures.append(float(trainer.step(trainer.initial(), batch)[1]["loss"]))
    assert figures[1] > figures[0]


@pytest.mark.deep
def test_scores_do_not_depend_on_the_batch() -> None:
    trainer = make_trainer(RECIPE, 4, 10)
    folded = {k: jnp.asarray(v) for k, v in averaged(trainer, trainer.initial()).items()}
    images = np.random.default_rng(1).normal(size=(7, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(scores(folded, images, 3), scores(folded, images, 7), atol=1e-5)


@pytest.mark.deep
def test_the_same_seed_gives_the_same_weights() -> None:
    one, other, two = (make_trainer(CaltechConfig(seed=s), 3, 10).initial()["parts"][0] for s in (4, 5, 4))
    equal = [np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)]
    assert all(equal)
    assert not all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))
