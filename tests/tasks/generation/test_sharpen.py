"""Decoders that learn on beside a critic: who gets which slope, what stays, what comes out, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from PIL import Image

from deconvviz.errors import TrainingError
from deconvviz.tasks._shared import weights
from deconvviz.tasks.generation import DECODERS, card, train
from deconvviz.tasks.generation.network import Autoencoder, make
from deconvviz.tasks.generation.sharpen import Against, Critic, Looks, Pair, hinge

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def two_decoders() -> Iterator[None]:
    """Two of the four decoders, for the compiler's sake."""
    every = dict(DECODERS)
    for name in ("transposed3", "resize"):
        del DECODERS[name]
    yield
    DECODERS.clear()  # in their order again
    DECODERS.update(every)


@pytest.fixture(scope="module")
def batch() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(4)
    return draw.random((3, 64, 64, 3)).astype(np.float32), np.array([0, 1, 1])


@pytest.fixture(scope="module")
def slopes(batch: tuple[np.ndarray, np.ndarray]) -> Any:
    """(weight of the critic's word) -> the slopes of all arrays by name, and the figures."""
    looks = Looks(batch[0])
    pair = Pair(Autoencoder(4, 2, rngs=nnx.Rngs(0)), Critic(looks.channels, 2, rngs=nnx.Rngs(1)))
    graph, params, rest = nnx.split(pair, nnx.Param, ...)

    @jax.jit
    def of(judged: Any, felt: Any) -> Any:
        loss = Against(looks, 0.08, felt, judged)
        return jax.grad(lambda p: loss(nnx.merge(graph, p, rest, copy=True), batch, jax.random.key(0)), has_aux=True)(
            params
        )

    def named(judged: float, felt: float = 1.0) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        slope, figures = of(judged, felt)
        leaves = jax.tree_util.tree_leaves_with_path(slope)
        arrays = {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}
        return arrays, {name: float(value) for name, value in figures.items()}

    return named


def test_each_of_the_two_gets_the_slopes_of_its_own_part(slopes: Any) -> None:
    (plain, figures), (judged, _) = slopes(0.0), slopes(0.7)
    for name, slope in plain.items():
        if "critic" in name:
            np.testing.assert_allclose(judged[name], slope, atol=1e-6, err_msg="what it is weighed by is not its own")
        elif "decoders" in name and "kernel" in name:
            assert np.abs(judged[name] - slope).max() > 0, "the decoder hears it"
        elif "decoders" not in name and "spread" not in name:
            assert np.abs(judged[name]).max() == 0, f"the encoder stays: {name}"
    assert any(np.abs(slope).max() > 0 for name, slope in plain.items() if "critic" in name)
    assert set(figures) == {"squares", "felt", "judged", "critic"}


def test_the_parts_are_those_of_a_slow_twin(batch: tuple[np.ndarray, np.ndarray]) -> None:
    """Squared error, distance in layers and hinge, picture by picture."""
    looks, (images, classes) = Looks(batch[0]), batch
    net = Autoencoder(4, 2, rngs=nnx.Rngs(0))
    critic = Critic(looks.channels, 2, rngs=nnx.Rngs(1))
    key = jax.random.key(0)
    _, figures = Against(looks, 0.08, 1.0, 0.5)(Pair(net, critic), batch, key)
    noise = np.asarray(jax.random.normal(key, (3, 4)))
    means, factors = np.asarray(net.class_means[...]), np.asarray(net.class_factors[...])
    codes = jnp.asarray(np.stack([means[c] + factors[c] @ n for c, n in zip(classes, noise, strict=True)]))
    twice, slow = np.concatenate([classes, classes]), []
    for name in net.decoders:
        made, drawn = (net.decode(code, name) for code in (net.encode(images)[0], codes))
        squares = sum(float(((a - b) ** 2).sum()) for a, b in zip(np.asarray(made), images, strict=True)) / images.size
        pairs = zip(looks(made), looks(images), strict=True)
        apart = np.mean([float(np.mean((np.asarray(a) - np.asarray(b)) ** 2)) for a, b in pairs])
        shown = jnp.concatenate([made, drawn])
        against = [np.asarray(one) for one in critic(looks(shown), shown, twice)]
        slow.append(
            (squares, apart, -np.mean([one.mean() for one in against]), np.mean([_below(-one) for one in against]))
        )
    squares, apart, judged, found = np.mean(slow, axis=0)
    wanted = np.mean([_below(np.asarray(one)) for one in critic(looks(images), jnp.asarray(images), classes)])
    assert float(figures["squares"]) == pytest.approx(squares, rel=1e-4)
    assert float(figures["felt"]) == pytest.approx(apart, rel=1e-3)
    assert float(figures["judged"]) == pytest.approx(judged, abs=1e-3)
    assert float(figures["critic"]) == pytest.approx(wanted + found, rel=1e-3)
    assert float(hinge([jnp.array([2.0, 0.5])])) == 0.25


def _below(scores: np.ndarray) -> float:
    """Mean of what is missing to 1."""
    return float(np.mean([max(0.0, 1 - float(score)) for score in scores.ravel()]))


@pytest.mark.deep
def test_decoders_go_on_and_the_encoder_stays(tmp_path: Path) -> None:
    draw, root = np.random.default_rng(3), tmp_path / "pictures"
    for label in ("bars", "discs"):
        (root / label).mkdir(parents=True)
        for number in range(7):
            picture = draw.integers(0, 255, (36, 30, 3), np.uint8)
            Image.fromarray(picture).save(root / label / f"image_{number:04d}.png")
    train.train(root, tmp_path / "first", progress=False, epochs=1, batch=5, latents=3)
    figures = train.train(root, tmp_path / "sharp", progress=False, epochs=1, batch=5, start=tmp_path / "first")
    assert np.isfinite(figures["psnr"])
    first = weights.load("generation", "pixels", make, tmp_path / "first")
    sharp = weights.load("generation", "sharpened", make, tmp_path / "sharp")
    assert np.array_equal(first.half.kernel[...], sharp.half.kernel[...])
    kernels = [net.decoders["transposed4"][0] for net in (first, sharp)]
    ends = [jax.tree.leaves(nnx.state(layer, nnx.Param))[-1] for layer in kernels]
    assert not np.array_equal(*ends)
    text = card.card(tmp_path / "sharp" / "weights.safetensors")
    assert "--start RUN --epochs 1 --seed 0" in text
    with pytest.raises(TrainingError, match="knows bars, discs, and the folder holds bars"):
        train.train(root, tmp_path / "other", progress=False, batch=2, classes="bars", start=tmp_path / "first")
