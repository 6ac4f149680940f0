"""Files of trained applications: what comes back, what is refused, tiles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import ship_task
from flax import nnx
from safetensors.numpy import load_file, save_file

from deconvviz.errors import WeightsError
from deconvviz.tasks._shared import tiling, weights


class Net(nnx.Module):
    """A convolution and its normalization."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        rngs = nnx.Rngs(3)
        self.conv = nnx.Conv(2, options["width"], (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(options["width"], rngs=rngs)
        self.last = nnx.List([nnx.Linear(options["width"], 1, rngs=rngs)])

    def __call__(self, x: Any) -> Any:
        return self.last[0](self.norm(self.conv(x)))


def make(options: Mapping[str, Any]) -> Net:
    """Its maker."""
    return Net(options)


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, Net]:
    """A run folder, and the module in it."""
    module = Net({"width": 5})
    module(np.random.default_rng(0).normal(3, 2, (2, 4, 6, 2)).astype(np.float32))  # moves the running statistics
    module.eval()
    about = {"options": {"width": 5}, "figures": {"psnr": 30.0}}
    weights.save_run(tmp_path / weights.RUN_FILE, "toy", "wide", module, about)
    return tmp_path, module


@pytest.mark.slow
def test_what_is_loaded_is_what_was_rounded(run: tuple[Path, Net]) -> None:
    folder, module = run
    x = np.random.default_rng(1).normal(size=(1, 5, 7, 2)).astype(np.float32)
    found = weights.load("toy", "wide", make, folder)
    np.testing.assert_array_equal(found(x), weights.rounded(module)(x))
    assert not np.array_equal(found(x), module(x))
    np.testing.assert_allclose(found(x), module(x), atol=2e-2)
    assert found is weights.load("toy", "wide", make, folder)
    np.testing.assert_allclose(weights.jitted(found)(x), found(x), atol=1e-5)
    assert weights.variants("toy", folder)["wide"]["figures"] == {"psnr": 30.0}


class Counted(nnx.Module):
    """A scale that remembers how often it was traced, for which sign."""

    traced: ClassVar[list[str]] = []

    def __init__(self, scale: float) -> None:
        self.scale = nnx.Param(np.float32(scale))

    def both(self, x: Any, sign: str) -> tuple[Any, Any]:
        """The scaled value and its square."""
        self.traced.append(sign)
        y = (-x if sign == "-" else x) * self.scale[...]
        return y, y**2


def test_modules_of_one_make_are_compiled_once() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for scale in (2.0, 5.0):
        for sign in ("-", "+"):
            y, square = weights.jitted(Counted(scale), "both", sign)(x)
            assert isinstance(y, np.ndarray)
            np.testing.assert_allclose(y, scale * (x if sign == "+" else -x))
            np.testing.assert_allclose(square, (scale * x) ** 2)
    assert Counted.traced == ["-", "+"]


def test_statistics_keep_their_range(run: tuple[Path, Net]) -> None:
    arrays = load_file(run[0] / weights.RUN_FILE)
    assert arrays["wide/norm.var"].dtype == np.float32
    assert arrays["wide/conv.kernel"].dtype == np.float16
    assert weights.weights_of(run[0] / weights.RUN_FILE, "wide") == 2 * 9 * 5 + 5 + 4 * 5 + 5 + 1


@pytest.mark.slow
def test_runs_are_packed_once_each(run: tuple[Path, Net], tmp_path: Path) -> None:
    other, packed = tmp_path / "other.safetensors", tmp_path / "packed.safetensors"
    weights.save_run(other, "toy", "narrow", Net({"width": 1}), {"options": {"width": 1}})
    weights.pack("toy", [run[0] / weights.RUN_FILE, other], packed)
    assert list(weights.variants("toy", packed)) == ["wide", "narrow"]
    assert weights.load("toy", "narrow", make, packed).conv.kernel.shape == (3, 3, 2, 1)
    with pytest.raises(WeightsError, match="holds narrow a second time"):
        weights.pack("toy", [other, other], packed)


def test_a_file_packed_again_takes_its_variants_from_the_new_run(run: tuple[Path, Net], tmp_path: Path) -> None:
    packed, newer = tmp_path / "packed.safetensors", tmp_path / "newer.safetensors"
    weights.save_run(packed, "toy", "narrow", Net({"width": 1}), {"options": {"width": 1}})
    weights.pack("toy", [packed, run[0] / weights.RUN_FILE], packed)
    net = Net({"width": 1})
    net.conv.kernel[...] = np.full((3, 3, 2, 1), 7.0)
    weights.save_run(newer, "toy", "narrow", net, {"options": {"width": 1}, "newer": True})
    weights.pack("toy", [packed, newer], packed)
    assert set(weights.variants("toy", packed)) == {"wide", "narrow"}
    assert weights.variants("toy", packed)["narrow"]["newer"]
    assert np.all(load_file(packed)["narrow/conv.kernel"] == 7)
    with pytest.raises(WeightsError, match="holds narrow a second time"):
        weights.pack("toy", [packed, newer, newer], packed)


def test_the_shipped_weights_are_shipped_again_with_what_was_in_them(tmp_path: Path) -> None:
    """A run can be added to them without the folders of the runs before."""
    shipped = weights.shipped("recognition")
    path = ship_task.ship("recognition", [shipped], tmp_path)
    assert list(weights.variants("recognition", path)) == list(weights.variants("recognition"))
    arrays, again = load_file(shipped), load_file(path)
    assert arrays.keys() == again.keys()
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)


def test_what_is_refused(run: tuple[Path, Net], tmp_path: Path) -> None:
    file = run[0] / weights.RUN_FILE
    with pytest.raises(WeightsError, match="did you mean wide"):
        weights.load("toy", "wyde", make, file)
    with pytest.raises(WeightsError, match="of 'toy', not of 'other'"):
        weights.variants("other", file)
    with pytest.raises(WeightsError, match="no such file"):
        weights.variants("toy", tmp_path / "nothing.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        weights.variants("toy", broken)
    save_file({"a": np.zeros(3)}, broken)
    with pytest.raises(WeightsError, match="does not say of which application"):
        weights.variants("toy", broken)
    with pytest.raises(
        WeightsError, match=r"does not fit wide of toy: conv.bias should have shape \(6,\); it has \(5,\)"
    ):
        weights.load("toy", "wide", _wider, file)


def _wider(options: Mapping[str, Any]) -> Net:
    return Net({"width": options["width"] + 1})


@pytest.mark.parametrize(("height", "width"), [(5, 7), (16, 24), (37, 20), (1, 3)])
def test_tiles_are_the_whole(height: int, width: int) -> None:
    from scipy.ndimage import uniform_filter

    picture = np.random.default_rng(height).normal(size=(height, width, 2))
    seen = []

    def run(part: np.ndarray) -> np.ndarray:
        seen.append(part.shape)
        return uniform_filter(part, (1, 5, 5, 1), mode="mirror").repeat(2, 1).repeat(2, 2)

    found = tiling.in_tiles(run, picture, margin=2, multiple=4, scale=2, tile=10)
    wanted = run(np.pad(picture, [(2, 2), (2, 2), (0, 0)], mode="reflect" if height > 1 else "edge")[None])[0]
    np.testing.assert_allclose(found, wanted[4:-4, 4:-4], atol=1e-12)
    assert len(set(seen[:-1])) == 1
    assert all(n % 4 == 0 for n in seen[0][1:3])
