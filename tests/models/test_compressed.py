"""The compressed file of SqueezeNet: decoded as by loops, and every kind of damage refused."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
from pathlib import Path

import numpy as np
import pytest
from reference import public_net_loops as loops

import deconvviz as dv
from deconvviz import catalog
from deconvviz.errors import WeightsError
from deconvviz.models import _compressed, public_weights, squeezenet

KERNELS = [(3, 2, 5, 5), (4, 3, 1, 1), (5, 4, 3, 3)]


def compress(seed: int = 1, kernels: list[tuple[int, int, int, int]] = KERNELS) -> bytes:
    """A file with random codes and gaps; the number of codes is odd in one convolution, even in another."""
    rng = np.random.default_rng(seed)
    head, body = b"", b""
    for kernel in kernels:
        gaps = rng.integers(0, 16, math.prod(kernel))
        count = int(np.searchsorted(np.cumsum(gaps + 1), math.prod(kernel), side="right"))
        padded = np.append(gaps[:count], [0] * (count % 2)).astype(np.uint8)
        head += np.uint32(count).tobytes()
        body += rng.standard_normal(256 + kernel[0]).astype("<f4").tobytes()
        body += rng.integers(0, 256, count, np.uint8).tobytes() + (padded[::2] | padded[1::2] << 4).tobytes()
    return head + body


@pytest.mark.parametrize("seed", range(6))
def test_decoded_as_by_loops(seed: int) -> None:
    data = compress(seed)
    wanted, found = loops.decompress(data, KERNELS), _compressed.decode(data, KERNELS)
    for (weight, bias), (weight_looped, bias_looped), kernel in zip(found, wanted, KERNELS, strict=True):
        assert weight.shape == kernel
        assert weight.dtype == bias.dtype == np.float32
        np.testing.assert_array_equal(weight, weight_looped.astype(np.float32))
        np.testing.assert_array_equal(bias, bias_looped.astype(np.float32))
    assert np.count_nonzero(found[0][0])
    assert (found[0][0] == 0).mean() > 0.5


def test_a_file_cut_anywhere_is_truncated() -> None:
    data = compress()
    for length in (0, 5, 11, 12, 700, len(data) - 1):
        with pytest.raises(WeightsError, match=rf"mine is truncated: {length:,} of [\d,]+ bytes; get the file again"):
            _compressed.decode(data[:length], KERNELS, "mine")


def test_a_file_that_goes_on() -> None:
    with pytest.raises(WeightsError, match="mine goes on after its end"):
        _compressed.decode(compress() + b"?", KERNELS, "mine")


def test_more_weights_than_the_convolution_has() -> None:
    data = np.uint32(151).tobytes() + compress()[4:]
    with pytest.raises(WeightsError, match=r"151 weights of convolution 1 are not 0, which has 150"):
        _compressed.decode(data, KERNELS)


def test_a_weight_behind_the_end() -> None:
    kernel = [(1, 1, 2, 2)]
    data = np.uint32(2).tobytes() + np.zeros(257, "<f4").tobytes() + bytes([7, 9]) + bytes([0x21])
    with pytest.raises(WeightsError, match="a weight lies behind the end"):
        _compressed.decode(data, kernel)


def test_a_file_that_is_not_the_published_one(tmp_path: Path) -> None:
    file = tmp_path / "squeezenet.net"
    cases = {
        675_762: r"is truncated: 675,762 of 675,763 bytes; get it again from https://github.com/songhan",
        675_764: r"is not the published file: 675,764 bytes instead of 675,763",
        675_763: r"has another checksum than the published file: sha256 \w{64} instead of e4ab\w+; the copy is damaged",
    }
    for size, message in cases.items():
        file.write_bytes(bytes(size))
        with pytest.raises(WeightsError, match=message):
            dv.load("squeezenet", weights=file)


@pytest.mark.slow
def test_a_published_file_becomes_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = squeezenet.shapes_of(squeezenet.COMPRESSED.parts)
    kernels = [shape for name, shape in shapes.items() if name.endswith("weight")]
    data = compress(3, kernels)  # type: ignore[arg-type]
    (tmp_path / "any.net").write_bytes(data)
    fake = dataclasses.replace(squeezenet._WEIGHTS, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    monkeypatch.setattr(squeezenet, "_WEIGHTS", fake)
    net = dv.load("squeezenet", weights=tmp_path / "any.net")
    assert net.input_spec is squeezenet.CAFFE
    assert net.labels is not None
    x = np.random.default_rng(2).standard_normal((1, 227, 227, 3), np.float32)
    arrays = squeezenet.decoded(data, squeezenet.COMPRESSED.parts, "any")
    assert list(arrays) == list(shapes)
    looped = dict(zip(shapes, (a for pair in loops.decompress(data, kernels) for a in pair), strict=True))  # type: ignore[arg-type]
    corner = loops.conv(looped, "features.0", x[:, :11, :13].astype(np.float64), 2)
    np.testing.assert_allclose(net.taps(x, ["conv1"])["conv1"][:, :3, :4], corner, atol=1e-4)


@pytest.mark.data
@pytest.mark.slow
def test_the_published_weights_name_imagenet_pictures() -> None:
    from deconvviz.training.classification import measure

    data = Path(os.environ["DECONVVIZ_DATA"])
    weights = public_weights._same_content(data.parent / "weights", squeezenet._WEIGHTS) or public_weights.find(
        catalog.model("squeezenet")
    )
    if weights is None or not (data / "imagenet_samples").is_dir():
        pytest.skip("the compressed weights or imagenet_samples are not here")
    figures = measure(dv.load("squeezenet", weights=weights), data / "imagenet_samples")
    assert figures["images"] == 500
    assert figures["top1"] == pytest.approx(0.638, abs=0.005)
    assert figures["top5"] == pytest.approx(0.866, abs=0.005)
