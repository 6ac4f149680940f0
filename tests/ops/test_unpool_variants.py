"""Ways up that are not the adjoint: equal to the loops, linear, and told apart from the adjoint by the dot test."""

from __future__ import annotations

import numpy as np
import pytest
from reference import pool_loops, unpool_loops

from deconvviz.errors import GeometryError
from deconvviz.ops import LinearMap, max_pool, max_unpool, take_switches
from deconvviz.ops.unpool_variants import (
    centre_switches,
    fill_unpool,
    filling_weights,
    overwrite_unpool,
    random_switches,
)

SIZE = (7, 10)
#: window, stride, padding: apart, overlapping, with gaps, padded (one window hangs over each edge).
CASES = [
    ((2, 3), (2, 3), ((0, 0), (0, 0))),
    ((3, 4), (2, 1), ((0, 0), (0, 0))),
    ((2, 1), (3, 2), ((0, 0), (0, 0))),
    ((3, 2), (2, 2), ((1, 1), (0, 1))),
]
every_case = pytest.mark.parametrize(("window", "stride", "pads"), CASES)


def arrays(window: tuple, stride: tuple, pads: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture, its switches, and a signal on its pooled map: 2 images, 3 channels."""
    random = np.random.default_rng(5)
    x = random.standard_normal((2, *SIZE, 3)).astype(np.float32)
    _, switches = max_pool(x, window, stride, pads)
    return x, np.asarray(switches), random.standard_normal(switches.shape).astype(np.float32)


@every_case
def test_centres_are_those_of_the_loops(window: tuple, stride: tuple, pads: tuple) -> None:
    found = centre_switches(SIZE, window, stride, pads)
    np.testing.assert_array_equal(found[0, :, :, 0], unpool_loops.centres(SIZE, window, stride, pads))


@every_case
def test_random_places_lie_in_their_windows_and_reach_every_cell(window: tuple, stride: tuple, pads: tuple) -> None:
    draws = [random_switches(SIZE, window, stride, pads, seed=seed)[0, :, :, 0] for seed in range(80)]
    np.testing.assert_array_equal(draws[3], random_switches(SIZE, window, stride, pads, seed=3)[0, :, :, 0])
    for i, j, cells in pool_loops.windows(SIZE, window, stride, pads):
        assert {divmod(int(draw[i, j]), SIZE[1]) for draw in draws} <= set(cells)
    reached = {divmod(int(draw[0, 0]), SIZE[1]) for draw in draws}
    assert reached == set(next(iter(pool_loops.windows(SIZE, window, stride, pads)))[2])


@pytest.mark.sampled(2)
@pytest.mark.slow
@every_case
def test_overwriting_is_that_of_the_loops(window: tuple, stride: tuple, pads: tuple) -> None:
    _, switches, g = arrays(window, stride, pads)
    np.testing.assert_array_equal(overwrite_unpool(g, switches, SIZE), unpool_loops.overwrite(g, switches, SIZE))


@every_case
@pytest.mark.parametrize("filling", ["nearest", "bilinear"])
def test_filling_is_that_of_the_loops(window: tuple, stride: tuple, pads: tuple, filling: str) -> None:
    _, _, g = arrays(window, stride, pads)
    filled = fill_unpool(g, window, stride, pads, input_size=SIZE, filling=filling)
    slow = unpool_loops.fill(g, window, stride, pads, SIZE, filling == "nearest")
    np.testing.assert_allclose(filled, slow, atol=1e-5)
    for weights in filling_weights(SIZE, window, stride, pads, filling=filling):
        np.testing.assert_allclose(weights.sum(axis=1), 1)


def test_overwriting_equals_adding_only_where_no_maximum_is_shared() -> None:
    _, switches, g = arrays(*CASES[0])
    np.testing.assert_array_equal(overwrite_unpool(g, switches, SIZE), max_unpool(g, switches, SIZE))
    _, switches, g = arrays(*CASES[1])
    assert np.abs(overwrite_unpool(g, switches, SIZE) - max_unpool(g, switches, SIZE)).max() > 0.1


def test_only_adding_at_the_true_switches_passes_the_dot_test() -> None:
    window, stride, pads = CASES[1]
    x, switches, g = arrays(window, stride, pads)
    centre = np.broadcast_to(centre_switches(SIZE, window, stride, pads), switches.shape)
    ways = {
        "adjoint": lambda g: max_unpool(g, switches, SIZE),
        "overwrite": lambda g: overwrite_unpool(g, switches, SIZE),
        "centre": lambda g: max_unpool(g, centre, SIZE),
        "nearest": lambda g: fill_unpool(g, window, stride, pads, input_size=SIZE, filling="nearest"),
    }
    gaps = {
        name: LinearMap(lambda x: take_switches(x, switches), way, x.shape, g.shape).dot_test()
        for name, way in ways.items()
    }
    assert gaps.pop("adjoint") < 1e-6
    assert min(gaps.values()) > 1e-3


@pytest.mark.slow
def test_a_signal_of_another_size_is_refused() -> None:
    with pytest.raises(GeometryError, match=r"g has shape \(1, 2, 2, 1\).*input of 7 x 10 has shape \(1, 3, 5, 1\)"):
        fill_unpool(np.ones((1, 2, 2, 1)), 2, input_size=SIZE, filling="nearest")
    with pytest.raises(GeometryError, match=r"switches from 0 to 70 do not lie in a plane of 7 x 10"):
        overwrite_unpool(np.ones((1, 1, 2, 1)), np.array([0, 70]).reshape(1, 1, 2, 1), SIZE)
