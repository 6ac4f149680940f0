"""Can I trust it?: the shuffled maps come from the programs of the page, in the background, and say what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz.checks.audit.randomize import random_weights
from deconvviz.checks.randomization import rank_correlation, strength
from deconvviz.types import Unit
from lessons._kit.run import engine, jobs, networks, pictures
from lessons.laboratory import run, trust

UNIT = Unit("pool1", 5, 8, 9)
SCRIPT = """
from lessons import laboratory

laboratory.render()
"""


@pytest.fixture(scope="module")
def loaded() -> networks.Loaded:
    return networks.load("caltech")


@pytest.fixture(autouse=True)
def empty_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SHORT", jobs.JobQueue(max_running=1, max_remembered=8))


def in_view(test: AppTest, unit: Unit = UNIT) -> jobs.Job[run.Cascade]:
    """What the browser says once the section is in view: the work that it asks for."""
    test.session_state[trust._ASKED] = f"{networks.load('caltech').identity} {pictures.sample('cat').digest} {unit!r}"
    job: jobs.Job[run.Cascade] = test.run().session_state[trust._JOB]
    return job


def slider(test: AppTest) -> dict[str, Any]:
    """What the slider moves over."""
    (found,) = [part for part in test.get("bidi_component") if "-lab-shuffle" in part.proto.id]
    return json.loads(found.proto.json)


@pytest.mark.slow
def test_each_step_is_the_map_of_the_shuffled_network(loaded: networks.Loaded) -> None:
    """Another computation: a network of its own with the shuffled weights, mapped by the library."""
    picture = pictures.sample("cat")
    seen = list(run.cascade(loaded, picture, UNIT))
    found = seen[-1]
    assert [len(one.steps) for one in seen] == [1, 2]
    assert found.is_done
    assert found.shuffled == ((), ("conv1",))
    image = pictures.fitted(loaded, picture).model
    top, left, bottom, right = run.box_of(loaded.network, UNIT)
    weights = random_weights(loaded.network, ["conv1"])
    maps = [
        dv.reconstruct(network, image, UNIT, "guided", start="one", prove=False).map[top:bottom, left:right]
        for network in (loaded.network, loaded.network.with_weights(weights))
    ]
    for step, map in zip(found.steps, maps, strict=True):
        np.testing.assert_allclose(step["guided"].levels, 127 * map / np.abs(map).max(), atol=0.51)
    assert found.steps[0]["guided"].likeness == pytest.approx(1)
    assert found.steps[1]["guided"].likeness == rank_correlation(strength(maps[1]), strength(maps[0]))


def test_the_other_unit_is_active_at_the_same_place(loaded: networks.Loaded) -> None:
    picture = pictures.sample("cat")
    found = next(run.cascade(loaded, picture, UNIT))
    assert found.other is not None
    other, maps = found.other
    assert (other.layer, other.row, other.column) == ("pool1", 8, 9)
    assert other.channel != 5
    assert engine.forward(loaded, picture).maps["pool1"][8, 9, other.channel] != 0
    assert maps["deconvnet"].likeness is not None


def test_a_step_waits_for_what_somebody_waits_for(loaded: networks.Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(run.compiled, "give_way", asked.append)
    list(run.cascade(loaded, pictures.sample("cat"), UNIT))
    assert asked == [run.PATIENCE] * 2


@pytest.mark.slow
def test_the_page_shows_what_is_there_and_asks_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Iterator[run.Cascade]] = []
    compute = run.cascade

    def first_step_only(*given: Any) -> Iterator[run.Cascade]:
        held.append(compute(*given))
        yield next(held[0])

    monkeypatch.setattr(run, "cascade", first_step_only)
    test = AppTest.from_string(SCRIPT, default_timeout=240)
    test.query_params["unit"] = "pool1:5,8,9"
    test.run()
    assert test.session_state[trust._JOB] is None, "nothing is computed for who does not look"
    assert slider(test)["steps"] == []
    job = in_view(test)
    assert job.wait(60)
    test.run()
    shown = slider(test)
    assert not shown["done"]
    assert [step["value"] for step in shown["steps"]] == ["1.00"]
    assert shown["labels"] == [
        "The network as it is: none of 1 layers shuffled",
        "1 of 1 layers shuffled, down to conv1",
    ]
    job.latest = next(held[0])
    test.run()
    shown = slider(test)
    assert shown["done"]
    assert len(shown["steps"]) == 2
    assert not test.exception


@pytest.mark.deep
def test_covering_is_done_on_request_and_kept_to_the_receptive_field(loaded: networks.Loaded) -> None:
    test = AppTest.from_string(SCRIPT, default_timeout=240)
    test.query_params["unit"] = "pool1:5,8,9"
    test.run()
    assert in_view(test).wait(60)
    test.run()
    assert "Covered" not in str([part.proto.body for part in test.get("html")])
    test.button("lab-cover").click().run()
    assert not test.exception
    assert "Covered" in str([part.proto.body for part in test.get("html")])
    falls = run.occlusion(loaded, pictures.sample("cat"), UNIT)
    top, left, bottom, right = run.box_of(loaded.network, UNIT)
    assert falls.shape == (bottom - top, right - left)
    assert falls.any()


@pytest.mark.parametrize(
    ("likeness", "words"),
    [
        (None, "no signal arrives"),
        (0.9, "Much the same map"),
        (0.4, "In part the same map"),
        (-0.1, "Another map"),
    ],
)
def test_a_number_says_what_it_means(likeness: float | None, words: str) -> None:
    assert words in trust._meaning(likeness)


@pytest.mark.slow
def test_a_unit_that_is_left_is_not_computed_to_its_end() -> None:
    test = AppTest.from_string(SCRIPT, default_timeout=240)
    test.query_params["unit"] = "pool1:5,8,9"
    test.run()
    first = in_view(test)
    test.number_input("channel-shown").set_value(6).run()
    assert test.session_state[trust._JOB] is None
    assert in_view(test, Unit("pool1", 6, 8, 9)) is not first
    assert first.wait(60)
    assert first.done or first.stopped
