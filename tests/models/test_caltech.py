"""The shipped network: its function against loops, its files, its errors."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import conv_loops, pool_loops
from safetensors.numpy import load_file, save_file

import deconvviz as dv
from deconvviz.errors import WeightsError
from deconvviz.models import caltech


def looped(params: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The chain step by step in NumPy."""
    pooled = (1, 2, 4, 6)
    for i in range(1, 8):
        stride, pad = ((2, 2), (2, 2)) if i == 1 else ((1, 1), (1, 1))
        x = conv_loops.conv(x, params[f"conv{i}.kernel"], stride, (pad, pad), (1, 1), 1) + params[f"conv{i}.bias"]
        x = np.maximum(x, 0)
        if i in pooled:
            x, _ = pool_loops.max_pool(x, (2, 2), (2, 2), ((0, 0), (0, 0)))
    return x.mean(axis=(1, 2)) @ params["logits.kernel"] + params["logits.bias"]


@pytest.mark.slow
def test_the_function_against_loops() -> None:
    params = caltech.load_params()
    x = np.random.default_rng(0).normal(size=(1, 32, 64, 3)).astype(np.float32)
    wanted = looped({name: np.asarray(value, np.float64) for name, value in params.items()}, x.astype(np.float64))
    np.testing.assert_allclose(caltech.forward(params, jnp.asarray(x)), wanted, atol=1e-4 * np.abs(wanted).max())


def test_every_step_has_its_name() -> None:
    params = caltech.load_params()
    text = jax.jit(caltech.forward).lower(params, jnp.zeros((1, 128, 128, 3))).as_text(debug_info=True)
    names = [f"{kind}{i}" for i in range(1, 8) for kind in ("conv", "relu")] + ["pool1", "pool2", "pool4", "pool6"]
    for name in (*names, "global_pool", "logits"):
        assert f"/{name}/" in text


def test_shipped_files_are_small_and_fit() -> None:
    stored = load_file(caltech.WEIGHTS)
    assert {name: value.shape for name, value in stored.items()} == caltech.shapes()
    assert {value.dtype for value in stored.values()} == {np.dtype(np.float16)}
    assert caltech.WEIGHTS.stat().st_size < 2_000_000
    assert caltech.SNAPSHOT_FILE.stat().st_size < 8_000_000


def test_labels_are_the_sorted_classes() -> None:
    labels = caltech.LABELS
    assert len(labels) == len(set(labels)) == 102
    assert list(labels) == sorted(labels)
    assert {"BACKGROUND_Google", "Faces_easy", "yin_yang"} <= set(labels)


@pytest.mark.slow
def test_the_last_snapshot_is_the_shipped_network() -> None:
    epochs = [one.epoch for one in caltech.SNAPSHOTS]
    assert epochs == sorted(epochs)
    assert len(epochs) == 8
    params, last = caltech.load_params(), caltech.load_snapshot(-1)
    for name, value in params.items():
        assert float(jnp.abs(value - last[name]).max()) <= float(jnp.abs(value).max()) / 250
    first = caltech.load_snapshot(0)
    assert float(jnp.abs(first["conv1.kernel"] - last["conv1.kernel"]).max()) > 0.01


@pytest.mark.slow
def test_a_network_of_an_epoch_runs_the_weights_kept_then() -> None:
    x = np.random.default_rng(1).normal(size=(1, 128, 128, 3)).astype(np.float32)
    for index, kept in ((2, f"epoch:{caltech.SNAPSHOTS[2].epoch}"), (-1, Path(f"epoch:{caltech.SNAPSHOTS[-1].epoch}"))):
        net = dv.load("caltech", weights=kept)
        np.testing.assert_allclose(net.run(x), caltech.forward(caltech.load_snapshot(index), x), rtol=1e-4, atol=1e-4)
        assert json.loads(net.about["top1"]) == caltech.SNAPSHOTS[index].top1
        assert net.labels == caltech.LABELS
    known = ", ".join(str(one.epoch) for one in caltech.SNAPSHOTS)
    with pytest.raises(WeightsError, match=r"no weights were kept after epoch 4; .* out of " + known):
        dv.load("caltech", weights="epoch:4")


def test_the_robust_twin_is_the_same_chain_and_its_channels_are_those_of_the_shipped_network() -> None:
    """Its training went on from the shipped weights: no kernel of another number is nearer."""
    plain, robust = caltech.load_params(), caltech.load_params(caltech.ROBUST_WEIGHTS)
    net = dv.load("caltech-robust")
    assert net.labels == caltech.LABELS
    assert net.digest != dv.load("caltech").digest
    for number in range(1, 8):
        flat = (np.asarray(one[f"conv{number}.kernel"]) for one in (plain, robust))
        a, b = (kernel.reshape(-1, kernel.shape[-1]) for kernel in flat)
        cosines = (b / np.linalg.norm(b, axis=0)).T @ (a / np.linalg.norm(a, axis=0))
        assert cosines.argmax(axis=1).tolist() == list(range(a.shape[-1]))


def test_module_constants_are_named() -> None:
    with pytest.raises(AttributeError, match="no attribute 'LABEL'"):
        caltech.LABEL  # noqa: B018


def test_a_file_of_another_network(tmp_path: Path) -> None:
    stored = load_file(caltech.WEIGHTS)
    save_file({**stored, "conv3.kernel": np.zeros((3, 3, 64, 8), np.float16)}, tmp_path / "other.safetensors")
    with pytest.raises(
        WeightsError, match=r"other.safetensors does not fit .* conv3.kernel should have shape \(3, 3, 64, 112\)"
    ):
        caltech.load_params(tmp_path / "other.safetensors")
    stored.pop("logits.bias")
    save_file(stored, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match=r"of its arrays 1 are missing \(logits.bias\)"):
        caltech.load_params(tmp_path / "part.safetensors")


def test_a_truncated_file(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(caltech.WEIGHTS.read_bytes()[:-100])
    for read in (caltech.load_params, caltech.labels):
        with pytest.raises(WeightsError, match=r"cut.safetensors: not a whole safetensors file .*; make them with"):
            read(tmp_path / "cut.safetensors")
