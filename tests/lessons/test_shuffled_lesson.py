"""The lesson on shuffled networks: its figures are those of the code, its sentences are what they say."""

from __future__ import annotations

import itertools

import numpy as np
import practice
import pytest
import scipy

import deconvviz as dv
from deconvviz.checks import randomization
from deconvviz.checks.audit.intervals import interval
from deconvviz.data import samples
from lessons import shuffled as lesson
from lessons.shuffled import LESSON, State, checks, picture, questions, run, scenes


def test_the_figures_are_of_the_shipped_network_and_whole() -> None:
    known = run.measured()
    assert known["digest"] == dv.load("caltech").digest
    assert set(known["similarity"]) == set(known["classes"]) == set(run.PHOTOS)
    for image in run.PHOTOS:
        for rule in run.RULES:
            assert len(run.similarity(image, rule)) == len(known["layers"]) == 9
            assert run.similarity(image, rule)[0] == 1


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("rule", run.RULES)
@pytest.mark.parametrize("image", ["cat", "motorcycle", "coins"])
def test_the_figures_are_what_the_code_gives(image: str, rule: str) -> None:
    """Without the lesson's own functions: from the file of the photograph to SciPy's correlation."""
    network = dv.load("caltech")
    x = dv.api.model_input(network, samples.load(image))
    found = randomization.cascade(network, x, rule, run.seed_of(image))
    first = np.abs(found.maps[0].astype(float)).sum(axis=-1).ravel()
    again = [
        scipy.stats.spearmanr(first, np.abs(one.astype(float)).sum(axis=-1).ravel()).statistic for one in found.maps
    ]
    np.testing.assert_allclose(again, run.similarity(image, rule), atol=1e-5)
    assert found.shuffled[1:] == run.layers()
    assert network.labels[int(network.run(x)[0].argmax())] == run.found_class(image)


@pytest.mark.slow
def test_other_figures_turn_the_first_check_red(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State()
    assert all(check.holds for check in checks(state))
    known = run.measured()
    wrong = {**known["similarity"], "cat": {**known["similarity"]["cat"], "guided": [1.0] * 9}}
    monkeypatch.setattr(run, "measured", lambda: {**known, "similarity": wrong})
    assert [check.holds for check in checks(state)] == [False, True, True]


def test_what_the_scenes_say_is_what_was_measured() -> None:
    of_cat = {rule: run.similarity("cat", rule) for rule in run.RULES}
    assert scenes.least_changed().answer == scenes.STEADIEST == "guided"
    assert scenes.best_in_the_test().answer == run.NOISE
    assert of_cat["gradient"][1] < 0.5  # "The gradient forgets the map at once"
    assert of_cat["guided"][4] > 0.8  # "hardly notices the upper half"
    assert all(a > b for a, b in itertools.pairwise(of_cat["deconvnet"]))  # "fades step by step"
    assert abs(of_cat["deconvnet"][8]) < 0.1  # "nothing is left of DeconvNet's map"
    assert of_cat["guided"][8] < -0.2  # "closer to the opposite order"
    assert len(run.layers()) == 8
    assert len(run.PHOTOS) == 11
    after_one = [run.over_all(rule)[1] for rule in run.RULES]
    after_one.sort(key=lambda one: one.mean)
    assert all(a.high < b.low for a, b in itertools.pairwise(after_one)), "intervals do not overlap"
    assert any(run.similarity(image, "guided")[4] > 0.85 for image in run.PHOTOS), "the last scene asks for one"


def test_noise_is_like_nothing_and_the_mean_is_over_the_photographs() -> None:
    assert max(abs(value) for value in run.noise("cat").similarity[1:]) < 0.03
    steps = np.array([run.similarity(image, "guided") for image in run.PHOTOS])
    assert run.over_all("guided")[3] == interval(steps[:, 3])


def test_the_code_on_the_page_draws_the_noise_with_the_library_alone() -> None:
    code = lesson.call(State(rule=run.NOISE, steps="3"))
    assert "lessons" not in code
    before, last = code.strip().rsplit("\n", 1)
    made: dict[str, object] = {}
    exec(f"{before}\nvalue = {last}", made)
    assert made["value"] == run.noise(State.image).similarity[3]


def test_the_figure_says_its_numbers() -> None:
    shown = picture.curves("cat", "guided", 1, True)
    assert "mean of 11 photographs" in shown
    assert f"{run.over_all('guided')[1].mean:.2f}" in shown


@pytest.mark.parametrize("seed", range(8))
def test_the_exercise_is_computed_apart(seed: int) -> None:
    curves = questions.four_cascades(seed)
    after = [float(practice.heights(choice)[1:].mean()) for choice in curves.choices]
    noise, least = (number - 1 for number in curves.answer)
    assert after[least] == max(after)
    assert abs(1.2 * practice.heights(curves.choices[noise])[1:] - 0.2).max() < 0.05, "no correlation at any step"
    ranks = questions.ranks(seed)
    first, second = (plane.values[0] for plane in ranks.picture[0].planes)
    assert ranks.answer == (round(10 * scipy.stats.spearmanr(first, second).statistic),)
    steepest = questions.steepest(seed)
    values = steepest.picture[0].planes[0].values[0]
    falls = [int(values[k - 1] - values[k]) for k in range(1, 9)]
    assert steepest.answer == (falls.index(max(falls)) + 1, max(falls))


def test_the_section_stands_between_the_network_and_the_work() -> None:
    from lessons._kit.form import page

    assert list(page.SECTIONS) == ["operator", "network", "trust", "work"]
    assert LESSON.section == "trust"
