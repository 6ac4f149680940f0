"""The proofs of the operators on an accelerator: precision HIGHEST (no TF32), 1e-5 in float32, 1e-12 in float64."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from op_cases import BEYOND, GAPS, MIXED, ODD_SAME, OVERLAP, TOLERANCE, ConvCase, PoolCase, relative_error
from reference import conv_loops, pool_loops

from deconvviz.ops import (
    ConvGeometry,
    avg_pool,
    avg_pool_adjoint,
    conv,
    conv_adjoint,
    conv_map,
    conv_vjp,
    max_pool,
    max_unpool,
)

pytestmark = pytest.mark.gpu
#: Layers as networks have them: first layers of AlexNet and VGG, a strided and a grouped one.
LAYERS = [
    ((224, 200), (11, 11, 3, 64), ConvGeometry(4, 2)),
    ((112, 96), (3, 3, 64, 128), ConvGeometry(1, 1)),
    ((57, 50), (3, 3, 128, 96), ConvGeometry(2, "SAME")),
    ((29, 31), (5, 3, 32, 64), ConvGeometry((1, 2), (4, 1), (2, 1), 4)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", [BEYOND, MIXED, ODD_SAME], ids=["beyond", "mixed", "same"])
def test_convolution_and_both_roads_equal_the_loops(case: ConvCase, dtype: type) -> None:
    x, w, g = case.arrays(dtype)
    with jax.enable_x64(True):
        z = conv(x, w, case.geometry)
        explicit = conv_adjoint(g, w, case.geometry, case.size)
        derived = conv_vjp(g, w, case.geometry, case.size)
    tolerance = TOLERANCE[np.dtype(dtype)]
    assert relative_error(z, conv_loops.conv(x, w, *case.loops)) < tolerance
    assert relative_error(explicit, conv_loops.conv_adjoint(g, w, *case.loops, case.size)) < tolerance
    assert relative_error(explicit, derived) < tolerance


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("size", "kernel", "geometry"), LAYERS, ids=["alexnet", "vgg", "strided", "grouped"])
def test_both_roads_agree_on_layers_of_networks(
    size: tuple[int, int], kernel: tuple[int, int, int, int], geometry: ConvGeometry, dtype: type
) -> None:
    random = np.random.default_rng(0)
    w = random.standard_normal(kernel).astype(dtype)
    g = random.standard_normal((2, *geometry.output_size(size, kernel[:2]), kernel[3])).astype(dtype)
    tolerance = TOLERANCE[np.dtype(dtype)]
    with jax.enable_x64(True):
        explicit, derived = conv_adjoint(g, w, geometry, size), conv_vjp(g, w, geometry, size)
        gap = conv_map(w, geometry, size).dot_test(dtype=dtype)
    assert relative_error(explicit, derived) < tolerance
    assert gap < tolerance


@pytest.mark.parametrize("case", [OVERLAP, GAPS], ids=["overlap", "gaps"])
def test_pooling_and_both_ways_back_equal_the_loops(case: PoolCase) -> None:
    """On a GPU unpooling adds in any order, so sums of the same numbers may differ in the last place."""
    x, g = case.arrays(np.float32, tied=True)
    how = (case.window, case.stride, case.pads)
    y, switches = max_pool(x, *how)
    loops_y, loops_switches = pool_loops.max_pool(x, *how)
    np.testing.assert_array_equal(y, loops_y)
    np.testing.assert_array_equal(switches, loops_switches)
    assert (
        relative_error(max_unpool(g, switches, case.size), pool_loops.max_unpool(g, loops_switches, case.size)) < 1e-5
    )
    for include in (True, False):
        mean = avg_pool(x, *how, include)
        back = avg_pool_adjoint(g, *how, input_size=case.size, count_include_pad=include)
        assert relative_error(mean, pool_loops.avg_pool(x, *how, include)) < 1e-5
        assert relative_error(back, pool_loops.avg_pool_adjoint(g, *how, include, case.size)) < 1e-5
