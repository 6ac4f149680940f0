"""The lesson on small changes: its figures are those of the code, its sentences are what they say."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

import deconvviz as dv
from deconvviz.checks.audit.intervals import interval
from lessons import adversarial as lesson
from lessons.adversarial import State, questions, run, scenes


def test_the_figures_are_of_the_shipped_network_and_whole() -> None:
    known = run.measured()
    assert known["digest"] == dv.load("caltech").digest
    assert set(known["photographs"]) == set(run.PHOTOS)
    for image in run.PHOTOS:
        for radius in run.RADII:
            for kind in run.KINDS:
                assert all(-1 <= run.similarity(image, kind, radius, rule) <= 1 for rule in run.RULES)
                # an L2 norm of so much over 128 x 128 x 3 numbers, each 0.25 of a range of 255 levels
                assert run.levels(image, kind, radius) <= 1.001 * 255 * 0.25 * radius / np.sqrt(128 * 128 * 3)
            assert run.label(image, "map", radius) == run.label(image), "that change leaves the class"


@pytest.mark.deep
@pytest.mark.parametrize("rule", run.RULES)
@pytest.mark.parametrize(("image", "kind"), [("cat", "class"), ("motorcycle", "map"), ("coins", "noise")])
def test_the_code_on_the_page_gives_the_figures_with_the_library_alone(image: str, kind: str, rule: str) -> None:
    """Ten steps carry rounding on: the figures of two compilers are a little apart."""
    state, made = State(image=image, kind=kind, radius="4", rule=rule), dict[str, np.ndarray]()
    code = lesson.call(state)
    assert "lessons" not in code
    exec(code, made)
    before, after = (np.abs(made[name].astype(float)).sum(axis=-1).ravel() for name in ("before", "after"))
    assert scipy.stats.spearmanr(before, after).statistic == pytest.approx(
        run.similarity(image, kind, 4, rule), abs=0.03
    )


@pytest.mark.deep
def test_a_change_too_long_turns_a_check_red(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State()
    assert all(check.holds for check in lesson.checks(state))
    true, x = run.changed(state.image, state.kind, int(state.radius)), run.model_inputs(state.image)
    wrong = dv.checks.adversarial.Attacked(x + 1.01 * (true.input - x), true.before, true.after, 0)
    monkeypatch.setattr(run, "changed", lambda *_: wrong)
    assert [check.holds for check in lesson.checks(state)] == [True, False, True]


def test_the_mean_is_over_the_photographs() -> None:
    each = [run.similarity(image, "class", run.RADII[0], "guided") for image in run.PHOTOS]
    assert run.over_all("class", run.RADII[0], "guided") == interval(each)


@pytest.mark.parametrize("seed", range(8))
def test_the_exercise_is_computed_apart(seed: int) -> None:
    one = questions.by_hand(seed)
    weights = one.picture[0].planes[0].values[0]
    lead = int(one.prompt.split("here it is ")[1].split(".")[0])
    fall, levels = one.answer
    assert fall == max(int(signs @ weights) for signs in np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1).T)
    assert lead - levels * fall < 0 <= lead - (levels - 1) * fall
    harmed = questions.harmed(seed)
    stays, table = (plane.values for plane in harmed.picture[0].planes)
    assert table[harmed.answer] == min(table[cell] for cell in np.ndindex(*table.shape) if stays[cell])
    assert table[harmed.answer] > table.min(), "where the class turned the map changed more"


def test_what_the_scenes_say_is_what_was_measured() -> None:
    short, long = run.RADII
    assert len(run.PHOTOS) == 11
    assert run.label(scenes.FIRST) != run.label(scenes.FIRST, "class", short), "two names"
    assert run.turned("class", short) == 10, "ten of eleven"
    assert all(round(run.levels(image, "class", short), 1) == 0.6 for image in run.PHOTOS), "0.6 levels of 255"
    assert run.turned("noise", short) == 0
    assert scenes.turned_by_noise().answer == "few"
    assert scenes.changes_least().answer == scenes.STEADIEST
    gradient, deconvnet, guided = (run.over_all("class", short, rule) for rule in run.RULES)
    assert gradient.high + 0.1 < min(deconvnet.low, guided.low), "above the gradient's"
    assert gradient.high < 0.5, "another one"
    assert deconvnet.low > 0.5, "stay alike"
    assert min(run.over_all("noise", short, rule).low for rule in run.RULES) > 0.8, "under noise all stay alike"
    assert run.turned("map", long) == 0
    assert run.over_all("map", long, "gradient").high < run.over_all("noise", long, "gradient").low
    assert run.over_all("map", long, "gradient").high < run.over_all("map", long, "deconvnet").low
    assert run.over_all("map", long, "gradient").high < run.over_all("map", long, "guided").low
    assert any(
        run.similarity(image, "class", radius, "guided") > 0.9 and run.label(image) != run.label(image, "class", radius)
        for image in run.PHOTOS
        for radius in run.RADII
    ), "the last scene asks for one"
