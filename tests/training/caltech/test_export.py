"""Files of a run: precision of the snapshots, and that they are read back as written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deconvviz.errors import WeightsError
from deconvviz.models import caltech as network
from deconvviz.training.caltech import export


def weights(seed: int, classes: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in network.shapes(classes).items()}


def test_quantized_values_are_within_half_a_scale() -> None:
    values = weights(0)["conv2.kernel"] * np.geomspace(1e-3, 1e3, 64, dtype=np.float32)
    codes, scale = export.quantize(values)
    assert codes.dtype == np.int8
    assert scale.shape == (64,)
    assert np.abs(codes).max() == 127
    assert (np.abs(codes * scale - values) <= scale / 2 * 1.001).all()


def test_a_channel_of_zeros() -> None:
    codes, scale = export.quantize(np.zeros((3, 3, 2, 5)))
    assert not codes.any()
    assert np.isfinite(scale).all()


def test_weights_are_read_back(tmp_path: Path) -> None:
    wanted = weights(1)
    export.write_weights(tmp_path / "w.safetensors", wanted, list("abcd"), {"top1": 0.5})
    found = network.load_params(tmp_path / "w.safetensors")
    assert network.labels(tmp_path / "w.safetensors") == ("a", "b", "c", "d")
    assert all(value.dtype == np.float32 for value in found.values())
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value.astype(np.float16).astype(np.float32))


def test_the_same_weights_give_the_same_file(tmp_path: Path) -> None:
    for name in "ab":
        export.write_weights(tmp_path / name, weights(1), ["x"], {"b": 1, "a": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_snapshots_are_read_back(tmp_path: Path) -> None:
    records = []
    for epoch in (1, 12):
        export.write_weights(tmp_path / f"{epoch}", weights(epoch), list("abcd"), {})
        records.append({"epoch": epoch, "val_top1": epoch / 20, "val_mean_per_class": epoch / 25})
    file = tmp_path / "s.safetensors"
    export.write_snapshots(file, {12: tmp_path / "12", 1: tmp_path / "1"}, records)
    assert network.snapshots(file) == (network.Snapshot(1, 0.05, 0.04), network.Snapshot(12, 0.6, 0.48))
    for index, epoch in ((0, 1), (1, 12), (-1, 12)):
        found = network.load_snapshot(index, file)
        for name, value in weights(epoch).items():
            np.testing.assert_allclose(found[name], value, atol=np.abs(value).max() / 240)
    with pytest.raises(WeightsError, match=r"holds 2 snapshots, of epochs \[1, 12\]; there is no number 2"):
        network.load_snapshot(2, file)
