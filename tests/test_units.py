"""A unit as a person may write it: a record or a tuple, wherever a unit is taken; a sentence for anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.errors import DeconvvizError, NetworkError
from deconvviz.methods.activation_maximization import goal
from deconvviz.network import reconstruct_units
from deconvviz.network.backward.reconstruct import signal_at

NET = dv.Network(lambda x: jax.nn.relu(2 * x), input_spec=dv.InputSpec(size=(6, 5)))
IMAGE = np.random.default_rng(1).random((6, 5, 3)).astype(np.float32)
TAKERS: dict[str, Callable[[Any], Any]] = {
    "reconstruct": lambda unit: dv.reconstruct(NET, IMAGE, unit).map,
    "reconstruct_many": lambda unit: dv.reconstruct_many(NET, IMAGE, [unit])[0].map,
    "reconstruct_rules": lambda unit: dv.reconstruct_rules(NET, IMAGE, unit)["guided"].map,
    "reconstruct_units": lambda unit: reconstruct_units(NET, IMAGE[None], [unit])[0].map,
    "signal_at": lambda unit: signal_at(NET, IMAGE[None], unit)(IMAGE[None]),
    "goal": lambda unit: goal(NET, unit).weights,
    "visualize": lambda unit: dv.visualize(NET, unit, steps=8).image,
}


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("taker", TAKERS)
def test_a_tuple_is_a_unit(taker: str) -> None:
    take = TAKERS[taker]
    channel = take(dv.Unit("relu1", 1))
    np.testing.assert_array_equal(take(("relu1", 1)), channel)
    place = take(("relu1", np.int64(1), np.int32(2), 3))
    np.testing.assert_array_equal(take(dv.Unit("relu1", 1, 2, 3)), place)
    assert not np.array_equal(channel, place)


@pytest.mark.parametrize("wrong", [7, None, ("relu1",), (), ("relu1", 1, 2, 3, 4), (7, "relu1"), {"layer": "relu1"}])
@pytest.mark.parametrize("taker", TAKERS)
def test_anything_else_gets_a_sentence(taker: str, wrong: Any) -> None:
    with pytest.raises(DeconvvizError, match=r"a unit is a layer's name and a channel.*\('relu3', 7\)") as caught:
        TAKERS[taker](wrong)
    assert str(caught.value).endswith(f"got {wrong!r}")


@pytest.mark.parametrize("taker", TAKERS)
def test_a_tuple_is_checked_like_a_unit(taker: str) -> None:
    with pytest.raises(DeconvvizError, match="row and column go together"):
        TAKERS[taker](("relu1", 1, 2))
    with pytest.raises(NetworkError, match="no layer 'relu7'"):
        TAKERS[taker](("relu7", 1))
    with pytest.raises(NetworkError, match="got channel=3"):
        TAKERS[taker](("relu1", 3))


@pytest.mark.parametrize("wrong", ["relu1", dv.Unit("relu1", 1), 7, None])
def test_many_units_are_a_list(wrong: Any) -> None:
    with pytest.raises(DeconvvizError, match=r"takes a list of units, .*for one unit there is reconstruct; got"):
        dv.reconstruct_many(NET, IMAGE, wrong)
    with pytest.raises(DeconvvizError, match="a unit is a layer's name and a channel"):
        dv.reconstruct_many(NET, IMAGE, ("relu1", 1))
