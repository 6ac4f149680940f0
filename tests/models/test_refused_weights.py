"""One rule for every loader: finite floating point numbers, the arrays that are needed and no other, real files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import nnx
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from deconvviz import storage
from deconvviz.errors import WeightsError
from deconvviz.models import caltech, inverters, planted, watermark
from deconvviz.network import Network
from deconvviz.tasks._shared import weights


class Toy(nnx.Module):
    """One layer, of a file of tasks."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.layers = nnx.List([nnx.Linear(2, options["width"], rngs=nnx.Rngs(0)) for _ in range(options["depth"])])


def toy(options: Mapping[str, Any]) -> Toy:
    """Its maker."""
    return Toy(options)


@dataclass(frozen=True)
class Loader:
    """A kind of file: what reads it, an array of it, and the key of what it says of itself."""

    read: Callable[[Path], Any]
    array: str
    key: str


@pytest.fixture(scope="module")
def net() -> Network:
    """The shipped network."""
    return caltech.build()


@pytest.fixture(scope="module")
def loaders(net: Network) -> dict[str, Loader]:
    """Every loader of safetensors files that people may bring."""
    return {
        "caltech": Loader(caltech.load_params, "conv2.bias", "about"),
        "snapshots": Loader(lambda path: caltech.load_snapshot(0, path), "1.conv2.bias", "about"),
        "inverters": Loader(lambda path: inverters.load(net, "relu4", path), "relu4.stage1.bias", "inverters"),
        "task": Loader(lambda path: weights.load("toy", "one", toy, path), "one/layers.0.bias", "task"),
    }


@pytest.fixture
def good(tmp_path: Path) -> dict[str, Path]:
    """A file of each kind that is read."""
    path = tmp_path / "task.safetensors"
    options = {"width": 5, "depth": 1}
    weights.save_run(path, "toy", "one", Toy(options), {"options": options})
    return {
        "caltech": caltech.WEIGHTS, "snapshots": caltech.SNAPSHOT_FILE, "inverters": inverters.WEIGHTS, "task": path,
    }  # fmt: skip


def said(path: Path) -> dict[str, str]:
    """What a file says of itself."""
    with safe_open(path, "numpy") as file:
        return dict(file.metadata())


KINDS = ("caltech", "snapshots", "inverters", "task")
CHANGES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "NaN": (lambda a: np.where(np.arange(a.size) == 1, np.nan, a).astype(np.float32), "NaN or infinite"),
    "infinite": (lambda a: np.full(a.shape, -np.inf, np.float16), "NaN or infinite"),
    "too large": (lambda a: np.full(a.shape, 1e300), "NaN or infinite"),
    "whole": (lambda a: np.ones(a.shape, np.int64), "holds int64, and weights are floating point"),
    "bool": (lambda a: np.ones(a.shape, np.bool_), "holds bool"),
    "complex": (lambda a: np.ones(a.shape, np.complex64), "holds complex64"),
    "shape": (lambda a: np.ones((*a.shape, 1), np.float32), "should have shape"),
}


@pytest.mark.sampled(check=14)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", CHANGES)
def test_numbers_that_no_network_has(
    kind: str, change: str, loaders: dict[str, Loader], good: dict[str, Path], tmp_path: Path
) -> None:
    loader, arrays = loaders[kind], load_file(good[kind])
    make, reason = CHANGES[change]
    path = tmp_path / "bad.safetensors"
    save_file({**arrays, loader.array: make(arrays[loader.array])}, path, metadata=said(good[kind]))
    with pytest.raises(WeightsError, match=reason) as refused:
        loader.read(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_too_many_and_too_few(
    kind: str, loaders: dict[str, Loader], good: dict[str, Path], tmp_path: Path
) -> None:
    loader, arrays, path = loaders[kind], load_file(good[kind]), tmp_path / "bad.safetensors"
    loader.read(good[kind])
    extra = loader.array.replace("bias", "biases")
    save_file({**arrays, extra: arrays[loader.array]}, path, metadata=said(good[kind]))
    with pytest.raises(WeightsError, match=r"1 are not expected \(.*biases\)"):
        loader.read(path)
    arrays.pop(loader.array)
    save_file(arrays, path, metadata=said(good[kind]))
    with pytest.raises(WeightsError, match=r"1 are missing \(.*bias\)"):
        loader.read(path)


@pytest.mark.sampled(check=18)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1, 2]", "should be a record"),
        ("{", "not JSON"),
        ('{"a": ' * 900 + "1" + "}" * 900, "nested too deeply"),
        ('{"labels": ' + "[" * 100_000, "nested too deeply"),
        ('{"labels": ' + "9" * 5000 + "}", "a number of 5,000 digits"),
        ('{"labels": 7, "snapshots": [3], "layers": [], "network": 5, "task": [], "variants": 3}', "should be"),
        ('{"labels": [7], "snapshots": 1, "layers": {"relu4": null}, "task": "toy", "variants": {"one": 3}}', "is"),
        ('{"labels": null, "snapshots": [{"epoch": true}], "task": "toy", "variants": {"one": {"options": []}}}', "is"),
    ],
)
def test_what_a_file_says_of_itself(
    kind: str, text: str, reason: str, loaders: dict[str, Loader], good: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "bad.safetensors"
    save_file(load_file(good[kind]), path, metadata={loaders[kind].key: text})
    with pytest.raises(WeightsError, match=reason) as refused:
        loaders[kind].read(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": ' + "[" * 100_000, "9" * 5000])
@pytest.mark.parametrize("read", [watermark.build, lambda path: planted.build("labels", path)])
def test_what_a_file_of_a_planted_network_says_of_itself(
    read: Callable[[Path], Any], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.safetensors"
    save_file(load_file(watermark.WEIGHTS), path, metadata={"about": text})
    with pytest.raises(WeightsError, match=r"not JSON|should be a record|nested too deeply"):
        read(path)


@pytest.mark.parametrize("kind", KINDS)
def test_pipes_devices_and_folders_are_not_waited_for(kind: str, loaders: dict[str, Loader], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in ((tmp_path / "pipe", "device or pipe"), (Path("/dev/zero"), "device or pipe")):
        with pytest.raises(WeightsError, match=reason):
            loaders[kind].read(path)
    with pytest.raises(WeightsError, match=r"folder|no such file"):
        loaders[kind].read(tmp_path)


@pytest.mark.slow
def test_a_header_is_not_read_without_end(
    loaders: dict[str, Loader], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.safetensors"
    many = {f"a{i}": {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]} for i in range(storage.MAX_ARRAYS + 1)}
    text = json.dumps(many).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    for loader in loaders.values():
        with pytest.raises(WeightsError, match="20,001 arrays, where at most 20,000 are read"):
            loader.read(path)
    monkeypatch.setattr(storage, "MAX_HEADER", 1000)
    with pytest.raises(WeightsError, match=r"a header of [0-9,]+ bytes, where at most 1,000 are read"):
        caltech.load_params(path)


def test_numbers_that_numpy_has_no_type_for(loaders: dict[str, Loader], tmp_path: Path) -> None:
    path = tmp_path / "float8.safetensors"
    text = json.dumps({"one/a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0")
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        caltech.load_params(path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"width": 5, "depth": 10**9}, "option depth is 1000000000, where 0 to 256 is read"),
        ({"width": -3, "depth": 1}, "option width is -3"),
        ({"width": float("nan"), "depth": 1}, "option width is nan"),
        ({"width": "wide", "depth": 1}, "its options make no network"),
        ({"width": 5}, r"its options make no network \(KeyError: 'depth'\)"),
        ({"width": 5, "depth": 1, "seeds": [0] * 1001}, "option seeds has 1,001 entries"),
    ],
)
def test_options_are_bounded_before_a_network_is_made(options: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    weights.save_run(path, "toy", "one", Toy({"width": 5, "depth": 1}), {"options": options})
    with pytest.raises(WeightsError, match=reason):
        weights.load("toy", "one", toy, path)


def test_a_network_trained_to_nan_is_not_shown_as_zero(net: Network, tmp_path: Path) -> None:
    """Compiled max pooling drops NaN, so that deeper layers of such a network would show plain zeros."""
    arrays = {name: np.full(a.shape, np.nan, np.float16) for name, a in load_file(caltech.WEIGHTS).items()}
    save_file(arrays, tmp_path / "nan.safetensors", metadata=said(caltech.WEIGHTS))
    with pytest.raises(WeightsError, match=r"3,456 of the 3,456 values of conv1\.kernel are NaN or infinite"):
        caltech.build(tmp_path / "nan.safetensors")
