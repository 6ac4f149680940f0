"""The documented formulas of PyTorch and Keras against the libraries themselves, and their layers as the adjoint."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import numpy as np
import pytest

from deconvviz.ops import ConvGeometry, conv_adjoint
from deconvviz.ops.conventions import CONVENTIONS, Arguments, adjoint_arguments, run, same_arguments

pytestmark = pytest.mark.peers

SIZE, KERNEL = (9, 8), (3, 2)
GEOMETRIES = [
    ConvGeometry(),
    ConvGeometry((2, 3), (1, 0)),
    ConvGeometry((3, 2), (1, 1)),
    ConvGeometry(1, (2, 1), (2, 3)),
    ConvGeometry((2, 1), (4, 3), (1, 2)),
    ConvGeometry((3, 4), ((0, 5), (3, 2))),
]
every_geometry = pytest.mark.parametrize("how", GEOMETRIES, ids=str)


def arrays(how: ConvGeometry) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    g = random.standard_normal((2, *how.output_size(SIZE, KERNEL), 4)).astype(np.float32)
    return g, random.standard_normal((*KERNEL, 3, 4)).astype(np.float32)


def cropped(y: np.ndarray, arguments: Arguments) -> np.ndarray:
    (top, bottom), (left, right) = arguments.crop
    return y[:, top : y.shape[1] - bottom, left : y.shape[2] - right]


def by_torch(g: np.ndarray, w: np.ndarray, how: ConvGeometry, arguments: Arguments) -> np.ndarray:
    """`torch.nn.ConvTranspose2d` itself, back in NHWC."""
    import torch

    extra = arguments.output_padding or (0, 0)
    layer = torch.nn.ConvTranspose2d(
        4, 3, w.shape[:2], how.strides, arguments.padding, extra, bias=False, dilation=how.dilations
    )
    weight = np.ascontiguousarray(w.transpose(3, 2, 0, 1))
    assert layer.weight.shape == weight.shape
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        y = layer(torch.from_numpy(np.ascontiguousarray(g.transpose(0, 3, 1, 2))))
    return cropped(y.numpy().transpose(0, 2, 3, 1), arguments)


def keras() -> Any:
    """Keras on JAX; a test that needs it is skipped where it is not."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed: pip install keras")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


@every_geometry
def test_the_formula_of_torch_is_torch(how: ConvGeometry) -> None:
    torch, (g, w) = CONVENTIONS["torch"], arrays(how)
    calls = [adjoint_arguments(torch, how, SIZE, KERNEL), Arguments(False, (1, 0), (how.strides[0] - 1, 0))]
    if all(lo == hi for lo, hi in how.resolve(SIZE, KERNEL)):
        calls.append(same_arguments(torch, how, SIZE, KERNEL))
    for arguments in calls:
        np.testing.assert_allclose(
            run(torch, arguments, g, w, how), by_torch(g, w, how, arguments), atol=1e-5, err_msg=str(arguments)
        )


@every_geometry
def test_a_converted_torch_layer_is_the_adjoint(how: ConvGeometry) -> None:
    g, w = arrays(how)
    arguments = adjoint_arguments(CONVENTIONS["torch"], how, SIZE, KERNEL)
    np.testing.assert_allclose(by_torch(g, w, how, arguments), conv_adjoint(g, w, how, SIZE), atol=1e-5)


@pytest.mark.parametrize("word", ["valid", "same"])
@pytest.mark.parametrize(
    ("stride", "dilation", "kernel", "extra"),
    [
        ((1, 1), (1, 1), (3, 2), None),
        ((2, 3), (1, 1), (4, 5), None),
        ((3, 2), (1, 1), (1, 3), None),
        ((2, 3), (1, 1), (3, 4), (1, 2)),
        ((3, 2), (1, 1), (5, 2), (0, 1)),
        ((1, 1), (2, 2), (3, 2), None),
    ],
)
def test_the_formula_of_keras_is_keras(word: str, stride, dilation, kernel, extra) -> None:
    layers = keras().layers
    random = np.random.default_rng(6)
    g, w = random.standard_normal((2, 4, 5, 4)), random.standard_normal((*kernel, 3, 4))
    layer = layers.Conv2DTranspose(
        3, kernel, stride, word, output_padding=extra, dilation_rate=dilation, use_bias=False
    )
    layer.build(g.shape)
    layer.set_weights([w])
    key = "keras" if word == "valid" else "keras-same"
    ours = run(CONVENTIONS[key], Arguments(False, word, extra), g, w, ConvGeometry(stride, dilation=dilation))
    theirs = np.asarray(layer(g.astype(np.float32)))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("how", [GEOMETRIES[0], GEOMETRIES[1], GEOMETRIES[2], GEOMETRIES[5]], ids=str)
def test_a_converted_keras_layer_is_the_adjoint(how: ConvGeometry) -> None:
    layers = keras().layers
    g, w = arrays(how)
    arguments = adjoint_arguments(CONVENTIONS["keras"], how, SIZE, KERNEL)
    extra = arguments.output_padding
    layer = layers.Conv2DTranspose(
        3, KERNEL, how.strides, arguments.padding, output_padding=extra, data_format="channels_last", use_bias=False
    )
    layer.build(g.shape)
    layer.set_weights([w])
    np.testing.assert_allclose(cropped(np.asarray(layer(g)), arguments), conv_adjoint(g, w, how, SIZE), atol=1e-5)
