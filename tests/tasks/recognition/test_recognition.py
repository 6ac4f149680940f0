"""The small recognition network: folding, training, overfitting, what is written, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from PIL import Image

from deconvviz.data import digits
from deconvviz.errors import DataError, DeconvvizError, TrainingError
from deconvviz.tasks.recognition import TASK, evaluate, network, predict, train
from deconvviz.tasks.recognition.data import Pictures, read

LABELS = [str(digit) for digit in range(10)]


def module(norm: bool) -> network.Recognizer:
    """With statistics and gains as after a training."""
    made = network.make({"labels": LABELS, "norm": norm, "drop": True, "decoder": False, "seed": 3})
    draw = np.random.default_rng(3)
    for name in ("norm1", "norm2") if norm else ():
        layer = getattr(made, name)
        for part, low, high in (("scale", 0.5, 2), ("bias", -1, 1), ("mean", -1, 1), ("var", 0.3, 3)):
            variable = getattr(layer, part)
            variable[...] = jnp.asarray(draw.uniform(low, high, variable.shape), jnp.float32)
    made.eval()
    return made


@pytest.mark.deep
@pytest.mark.parametrize("norm", [False, True])
def test_folding_changes_no_score(norm: bool) -> None:
    made = module(norm)
    x = digits.enlarged(digits.load()[0][:3])
    found = np.asarray(network.forward(network.folded(made), jnp.asarray(x)))
    np.testing.assert_allclose(found, np.asarray(made(jnp.asarray(x))[0]), rtol=1e-4, atol=1e-4)


@pytest.mark.deep
def test_figures_are_those_of_the_definition() -> None:
    params = network.folded(module(False))
    data = read("digits")
    values, classes = data.values[:7], data.classes[:7]
    scores = np.asarray(network.forward(params, jnp.asarray(values)), np.float64)
    wanted = [-np.log(np.exp(row[k]) / sum(np.exp(s) for s in row)) for row, k in zip(scores, classes, strict=True)]
    found = train.figures(params, values, classes)
    assert found["cross_entropy"] == pytest.approx(np.mean(wanted), rel=1e-6)
    assert found["accuracy"] == pytest.approx(
        np.mean([row.argmax() == k for row, k in zip(scores, classes, strict=True)])
    )


def few(count: int = 60) -> Pictures:
    """So many digits."""
    data = read("digits")
    return Pictures(data.values[:count], data.classes[:count], data.labels, False)


@pytest.mark.deep
def test_training_learns_and_is_the_same_from_the_same_seed() -> None:
    setting: dict[str, Any] = {"norm": False, "drop": False, "decoder": True, "pictures": 20}
    setting |= {"epochs": 2, "batch": 10, "seed": 1}
    runs = [list(train.snapshots(few(), **setting)) for _ in range(2)]
    assert [one.step for one in runs[0]] == [0, 1, 2]
    assert runs[0][-1].records[-1]["loss"] < runs[0][0].records[0]["loss"]
    for name, value in runs[0][-1].params.items():
        np.testing.assert_array_equal(value, runs[1][-1].params[name])
    assert set(runs[0][0].records[0]["gradient"]) == set(train.LAYERS)
    assert all(value > 0 for value in runs[0][0].records[0]["gradient"].values())


@pytest.mark.deep
def test_the_gradient_of_the_last_layer_is_that_of_the_formula() -> None:
    """For cross-entropy it is hidden' (p - truth) / n; its length is told over that of the weights."""
    made = train.Run(few(), train.Setting(False, False, False, 20, epochs=1, batch=10))
    state = made.initial()
    values, classes = made._data.values[made._train], made._data.classes[made._train]
    params = made.params(state)
    bare = params | {"logits.kernel": np.eye(128, dtype=np.float32), "logits.bias": np.zeros(128, np.float32)}
    hidden = np.asarray(network.forward(bare, jnp.asarray(values)), np.float64)
    scores = hidden @ params["logits.kernel"] + params["logits.bias"]
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    slope = hidden.T @ (shares - np.eye(10)[classes]) / len(classes)
    wanted = np.linalg.norm(slope) / np.linalg.norm(params["logits.kernel"])
    assert made.measure(state)["gradient"]["logits"] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.deep
def test_a_run_is_written_used_and_measured(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    small, kinds = digits.load()
    for i in range(40):
        (folder / str(kinds[i])).mkdir(parents=True, exist_ok=True)
        ink = np.rint(255 * (1 - small[i].repeat(6, 0).repeat(6, 1))).astype(np.uint8)
        Image.fromarray(ink).save(folder / str(kinds[i]) / f"{i}.png")
    out = tmp_path / "run"
    told = train.train(folder, out, norm="on", drop="on", epochs=1, batch=10)
    assert told["variant"] == "norm-drop"
    found = predict.apply(folder / "7" / f"{int(np.flatnonzero(kinds == 7)[0])}.png", weights=out)
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.map.shape == (28, 28)
    assert np.abs(found.map).max() > 0
    written = predict.write(found, tmp_path / "seen.png")
    with Image.open(written) as picture:
        assert picture.size == (2 * 28 * predict.LARGER, 28 * predict.LARGER)
    figures = evaluate.evaluate(folder, weights=out)
    assert figures["images"] == 40
    assert set(TASK.figures) <= figures.keys()
    with pytest.raises(TrainingError, match="holds a run with another"):
        train.train(folder, out, norm="off", epochs=1, batch=10)


def test_the_shipped_network_knows_the_held_back_digits() -> None:
    found = evaluate.evaluate("digits")
    assert found["images"] == 597
    assert found["accuracy"] > 0.97


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"of one grey, so there is no digit in it"):
        predict.apply(np.full((9, 11), 0.5))
    with pytest.raises(TrainingError, match=r"pictures must be 10 to 41 of this data, or 0 for all; got 3"):
        train.Run(few(), train.Setting(pictures=3))
    with pytest.raises(TrainingError, match="epochs must be above 0; got 0"):
        train.train("digits", tmp_path / "run", epochs=0)
    with pytest.raises(DataError, match=r"no such folder: .*nowhere"):
        train.train(tmp_path / "nowhere", tmp_path / "run")
    net = network.network(network.folded(module(False)), tuple(LABELS))
    with pytest.raises(DeconvvizError, match=r"knows the classes 0, 1, 2, .*; got 'x'"):
        predict.look(net, np.zeros((28, 28)), "x")
    assert not (tmp_path / "run").exists()


@pytest.mark.deep
def test_a_switch_that_is_off_is_as_if_it_were_not_there() -> None:
    """The full module under switches gives the scores of the small one that is kept of it."""
    whole = network.all_switches(10, 3)
    options = {"labels": LABELS, "norm": False, "drop": False, "decoder": False}
    x = jnp.asarray(digits.enlarged(digits.load()[0][:3]))
    small = network.pruned_to(whole, options)
    assert not hasattr(small, "norm1")
    found = whole(x, jax.random.key(1), jnp.zeros(3))[0]
    np.testing.assert_allclose(np.asarray(found), np.asarray(small(x)[0]), rtol=1e-5, atol=1e-6)
    dropped = whole(x, jax.random.key(1), jnp.array([0.0, 1.0, 0.0]))[0]
    assert np.abs(np.asarray(dropped) - np.asarray(found)).max() > 0.01


@pytest.mark.slow
def test_the_decoder_gives_a_picture_of_the_same_size() -> None:
    made = network.make({"labels": LABELS, "norm": False, "drop": False, "decoder": True, "seed": 0})
    given = made(jnp.zeros((2, 28, 28, 1)))[1]
    assert given is not None
    assert given.shape == (2, 28, 28, 1)
    names = {".".join(map(str, path)) for path, _ in nnx.to_flat_state(nnx.state(made, nnx.Param))}
    assert "up1.kernel" in names
