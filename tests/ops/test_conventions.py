"""Conventions of libraries: against their documentation by loops, against Flax's real layers, and as the adjoint."""

from __future__ import annotations

import flax.linen as nn
import jax
import numpy as np
import pytest
from flax import nnx
from jax import lax
from reference import conv_loops, convention_loops

from deconvviz.errors import GeometryError
from deconvviz.ops import ConvGeometry
from deconvviz.ops.conventions import (
    CONVENTIONS,
    Arguments,
    adjoint_arguments,
    as_adjoint,
    as_code,
    output_size,
    run,
    same_arguments,
    same_numbers,
)

SIZE, KERNEL = (9, 8), (3, 2)
#: Strides that divide and that do not, paddings beyond the kernel, dilations; rows unlike columns.
GEOMETRIES = [
    ConvGeometry((2, 3), (1, 1)),
    ConvGeometry(1, (2, 1), (2, 3)),
    ConvGeometry((2, 1), (4, 3), (1, 2)),
    ConvGeometry((3, 4), ((0, 5), (3, 2))),
]
every_key = pytest.mark.parametrize("key", CONVENTIONS)
every_geometry = pytest.mark.parametrize("how", GEOMETRIES, ids=str)


def arrays(how: ConvGeometry) -> tuple[np.ndarray, np.ndarray]:
    """A signal on the output of 4 channels and a kernel from 3 channels, whole numbers."""
    random = np.random.default_rng(5)
    g = random.integers(-4, 5, (2, *how.output_size(SIZE, KERNEL), 4)).astype(np.float32)
    return g, random.integers(-4, 5, (*KERNEL, 3, 4)).astype(np.float32)


def refused(key: str, how: ConvGeometry) -> bool:
    return key.startswith("keras") and max(how.strides) > 1 < max(how.dilations)


def documented(key: str, arguments: Arguments, g: np.ndarray, w: np.ndarray, how: ConvGeometry) -> np.ndarray:
    """What the loops of the library's documentation give."""
    w = w[::-1, ::-1] if arguments.turned else w
    given = how.strides, how.dilations, arguments.padding
    if key == "torch":
        return convention_loops.torch(g, w.transpose(3, 2, 0, 1), *given, arguments.output_padding or (0, 0))
    if key.startswith("keras"):
        return convention_loops.keras(g, w, *given, arguments.output_padding)
    if key == "jax-consistent":
        pads = tuple(
            (ke - 1 - lo, ke - 1 - hi) for ke, (lo, hi) in zip(how.extent(KERNEL), arguments.padding, strict=True)
        )
        return convention_loops.jax(g, w, how.strides, how.dilations, pads, True)
    turning = key.endswith("kernel")
    return convention_loops.jax(g, w if turning else w.swapaxes(2, 3), *given, turning)


def paddings(key: str) -> list[Arguments]:
    """Calls whose padding no way there has."""
    if key == "torch":
        return [Arguments(False, (0, 1), (0, 0)), Arguments(False, (2, 0), (1, 1))]
    if key.startswith("keras"):
        word = "same" if key.endswith("same") else "valid"
        return [Arguments(False, word), Arguments(False, word, (0, 0)), Arguments(False, word, (1, 0))]
    return [Arguments(False, ((0, 1), (1, 0))), Arguments(True, ((2, 0), (0, 1)))]


@pytest.mark.sampled(11, check=3)
@every_key
@pytest.mark.parametrize("kernel", [(3, 2), (4, 5), (1, 3)])
def test_a_call_gives_what_its_documentation_says(key: str, kernel: tuple[int, int]) -> None:
    random, how = np.random.default_rng(8), ConvGeometry((2, 3))
    g, w = random.standard_normal((2, 4, 5, 3)), random.standard_normal((*kernel, 2, 3))
    for arguments in paddings(key):
        if key == "jax-consistent" or min(output_size(CONVENTIONS[key], arguments, (4, 5), kernel, how)) < 1:
            continue
        expected = documented(key, arguments, g, w, how)
        got = np.asarray(run(CONVENTIONS[key], arguments, g, w, how))
        assert got.shape[1:3] == output_size(CONVENTIONS[key], arguments, (4, 5), kernel, how)
        np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.sampled(check=11)
@every_key
@every_geometry
def test_the_numbers_of_the_way_there_give_what_the_documentation_says(key: str, how: ConvGeometry) -> None:
    convention, (g, w) = CONVENTIONS[key], arrays(how)
    symmetric = all(lo == hi for lo, hi in how.resolve(SIZE, KERNEL))
    if refused(key, how) or (key == "torch" and not symmetric):
        with pytest.raises(GeometryError, match=r"stride and dilation at once|one padding for both sides"):
            same_numbers(convention, g, w, how, SIZE)
        return
    arguments = same_arguments(convention, how, SIZE, KERNEL)
    expected = documented(key, arguments, g, w, how)
    np.testing.assert_array_equal(same_numbers(convention, g, w, how, SIZE), expected)
    signal = (g.shape[1], g.shape[2])
    assert output_size(convention, arguments, signal, KERNEL, how) == expected.shape[1:3]


@pytest.mark.sampled(check=21)
@every_key
@every_geometry
def test_a_converted_call_is_the_adjoint(key: str, how: ConvGeometry) -> None:
    convention, (g, w) = CONVENTIONS[key], arrays(how)
    if refused(key, how):
        with pytest.raises(GeometryError, match="no stride and dilation at once"):
            as_adjoint(convention, g, w, how, SIZE)
        return
    expected = conv_loops.conv_adjoint(g, w, how.strides, how.resolve(SIZE, KERNEL), how.dilations, 1, SIZE)
    np.testing.assert_array_equal(as_adjoint(convention, g, w, how, SIZE), expected)


@every_key
def test_every_convention_is_wrong_somewhere_as_it_is(key: str) -> None:
    wrong = 0
    for stride, padding in ((1, 0), (3, 1)):
        how = ConvGeometry(stride, padding)
        g, w = arrays(how)
        right = conv_loops.conv_adjoint(g, w, how.strides, how.resolve(SIZE, KERNEL), (1, 1), 1, SIZE)
        wrong += not np.array_equal(same_numbers(CONVENTIONS[key], g, w, how, SIZE), right)
    assert wrong


@pytest.mark.sampled(check=1)
@pytest.mark.parametrize(("key", "turning"), [("flax", False), ("flax-kernel", True)])
@every_geometry
def test_flax_is_the_real_layers(key: str, turning: bool, how: ConvGeometry) -> None:
    g, w = arrays(how)
    kernel = w if turning else w.swapaxes(2, 3)
    for arguments in (f(CONVENTIONS[key], how, SIZE, KERNEL) for f in (same_arguments, adjoint_arguments)):
        given = kernel[::-1, ::-1] if arguments.turned else kernel
        options = {"padding": arguments.padding, "kernel_dilation": how.dilations, "transpose_kernel": turning}
        linen = nn.ConvTranspose(3, KERNEL, how.strides, use_bias=False, precision="highest", **options)
        layer = nnx.ConvTranspose(4, 3, KERNEL, how.strides, use_bias=False, rngs=nnx.Rngs(0), **options)
        assert layer.kernel[...].shape == given.shape
        layer.kernel[...] = jax.numpy.asarray(given)
        (top, bottom), (left, right) = arguments.crop
        ours = run(CONVENTIONS[key], arguments, g, w, how)
        for y in (linen.apply({"params": {"kernel": given}}, g), layer(g)):
            cropped = y[:, top : y.shape[1] - bottom, left : y.shape[2] - right]
            np.testing.assert_array_equal(ours, cropped)


def test_the_line_of_code_makes_the_adjoint() -> None:
    how = ConvGeometry((2, 3), (1, 4), (2, 1))
    g, w = arrays(how)
    right = conv_loops.conv_adjoint(g, w, how.strides, how.resolve(SIZE, KERNEL), how.dilations, 1, SIZE)
    for key, options in {
        "jax": {},
        "jax-kernel": {"transpose_kernel": True},
        "jax-consistent": {"transpose_kernel": True, "use_consistent_padding": True},
    }.items():
        line = as_code(CONVENTIONS[key], adjoint_arguments(CONVENTIONS[key], how, SIZE, KERNEL))
        call, _, after = line.partition(", then ")
        given = eval(f"dict({call})", {"w": w})
        y = lax.conv_transpose(g, given["kernel"], how.strides, given["padding"], rhs_dilation=how.dilations, **options)
        np.testing.assert_array_equal(eval(f"y{after}", {"y": y}), right)


def test_what_cannot_be_is_refused_in_words() -> None:
    g, w = np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1))
    with pytest.raises(GeometryError, match=r"below stride or dilation; got output_padding=\(2, 0\)"):
        run(CONVENTIONS["torch"], Arguments(False, (0, 0), (2, 0)), g, w, ConvGeometry(2))
    with pytest.raises(GeometryError, match=r"below the stride; got output_padding=\(1, 0\)"):
        run(CONVENTIONS["keras"], Arguments(False, "valid", (1, 0)), g, w, ConvGeometry())
    with pytest.raises(GeometryError, match=r"would give -2 x -2 rows and columns"):
        run(CONVENTIONS["torch"], Arguments(False, (3, 3)), g, w, ConvGeometry())
    with pytest.raises(GeometryError, match="without groups; got groups=2"):
        same_numbers(CONVENTIONS["jax"], g, w, ConvGeometry(groups=2), (3, 3))
