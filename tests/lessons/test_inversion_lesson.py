"""The lesson on inversion: its numbers are those of the loops, nothing runs unasked, a stopped run goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import practice
import pytest
from reference import prior_loops
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz import priors
from lessons import inversion as lesson
from lessons._kit.draw import curves
from lessons._kit.inversion import picture
from lessons._kit.inversion import run as inversion_run
from lessons._kit.run import jobs, shipped
from lessons.inversion import questions, scenes

SLUG = lesson.LESSON.slug
State = lesson.State
STATE = State(layer="relu1")


def test_the_error_by_hand_is_that_of_the_loops() -> None:
    random = np.random.default_rng(3)
    values, target = random.random((2, 3, 4)), random.random((2, 3, 4))
    slow = prior_loops.feature_error(values[None], target[None])
    assert inversion_run.feature_error(values, target) == pytest.approx(slow, rel=1e-12)


@pytest.mark.deep
def test_the_proofs_hold_with_and_without_prior_pixels_and_waves() -> None:
    for state in (STATE, replace(STATE, prior="off", moved="fourier", seed="3")):
        assert [check.name for check in lesson.checks(state) if not check.holds] == []


@pytest.mark.slow
def test_a_wrong_error_and_other_pixels_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    once, again, continued = inversion_run.short(STATE.run)
    assert once.step == continued.step == inversion_run.SHORT
    wrong = replace(once, feature_error=once.feature_error * 1.001)
    monkeypatch.setattr(inversion_run, "shown", lambda run: wrong)
    assert lesson.by_hand(STATE) == pytest.approx(1e-3, rel=1e-3)
    for other in ((once, replace(again, image=again.image + 0.25), continued), (once, again, replace(once, image=0))):
        monkeypatch.setattr(inversion_run, "short", lambda run, other=other: other)
        assert lesson.same_pixels(STATE) >= 0.25


@pytest.mark.slow
def test_a_wrong_variation_and_wrong_waves_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    import jax

    @jax.custom_vjp
    def bent(x: jax.Array) -> jax.Array:
        return real(x)

    real, waves = priors.total_variation, priors.hartley
    bent.defvjp(lambda x: (real(x), x), lambda x, g: (1.01 * g * jax.grad(real)(x),))
    monkeypatch.setattr(priors, "total_variation", bent)
    assert inversion_run.variation_gap() > 1e-3
    monkeypatch.setattr(priors, "hartley", lambda x: 1.01 * waves(x))
    assert inversion_run.wave_gap() > 1e-3


@pytest.mark.slow
def test_another_seed_gives_other_pixels() -> None:
    first, other = (inversion_run.short(replace(STATE, seed=seed).run)[0] for seed in "01")
    assert np.abs(first.image - other.image).max() > 0.05


@pytest.mark.deep
def test_the_terms_of_the_formula_are_those_of_the_loops() -> None:
    found = inversion_run.short(State(layer="relu2").run)[0]
    (tv, rough), (norm, strong) = picture.penalties(found)
    assert (tv, norm) == (3e-3, 1e-3)
    part = found.image[None, :9, :7].astype(np.float64)
    small = replace(found, image=part[0])
    (_, rough_part), (_, strong_part) = picture.penalties(small)
    step = 80 / 255 / 6.5
    assert rough_part == pytest.approx(prior_loops.total_variation(part / step, 2.0), rel=1e-5)
    assert strong_part == pytest.approx(prior_loops.alpha_norm((part - 0.5) / (80 / 255), 6.0), rel=1e-5)
    assert rough > 0
    assert strong > 0
    without = inversion_run.short(State(layer="relu2", prior="off").run)[0]
    assert [weight for weight, _ in picture.penalties(without)] == [0, 0]


@pytest.mark.deep
def test_nothing_runs_unasked_and_a_run_is_shown_stopped_and_continued(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inversion_run, "STEPS", 104)
    link = {"layer": "relu1", "seed": "2", "image": "disc"}
    run = inversion_run.of("disc", "relu1", 2)
    page = open_page(SLUG, **link)
    assert jobs.find(run.key) is None
    assert [button.label for button in page.button if button.key == "invert"] == ["Invert relu1"]
    assert len(badges(page)) == 2
    page.button(key="invert").click().run()
    job = jobs.find(run.key)
    assert job is not None
    job.stop()
    assert job.wait(240)
    job.look()
    page.run()
    assert not page.exception
    if job.stopped:
        assert 0 < job.latest.step <= 104
        page.button(key="job-go-on").click().run()
    assert job.wait(240)
    page.run()
    assert (job.done, job.error, job.latest.step) == (True, None, 104)
    uninterrupted = dv.invert(
        run.loaded.network, inversion_run.pictures.fitted(run.loaded, run.picture).model, "relu1", steps=104, seed=2
    )
    assert np.array_equal(job.latest.image, uninterrupted.image)
    assert len(badges(page)) == 4
    assert all("holds" in badge for badge in badges(page))
    assert "step 104" in " ".join(str(html.proto.body) for html in page.get("html"))
    assert not any(button.key in ("invert", "job-go-on", "job-stop") for button in page.button)


def badges(page: AppTest) -> list[str]:
    """Whether each check holds, and its name."""
    return practice.verdicts(page)


@pytest.mark.slow
def test_the_code_of_the_page_makes_the_picture_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inversion_run, "STEPS", 12)
    state = replace(STATE, prior="off", moved="pixel", seed="1")
    space: dict[str, object] = {}
    exec(lesson.call(state), space)
    *_, expected = inversion_run.snapshots(state.run, 12)
    assert np.array_equal(space["picture"], expected.image)


def test_the_scenes_say_what_was_measured() -> None:
    """The numbers of the text, from the errors that `test_shipped` measures again on the stored pictures."""
    found = {layer: shipped.facts()[f"optimize/{layer}"][:2] for layer in inversion_run.LAYERS}
    assert max(found["relu1"]) < 4e-4
    assert scenes.deeper().answer == "larger"
    assert found["relu7"][0] < 0.03, "can match them well all the same"
    assert found["relu7"][1] > 2 * found["relu4"][1], "a picture that differs"
    run = State(layer="relu7").run
    assert (np.prod(run.loaded.network.layer("relu7").shape), shipped.arrays()["photograph"].size) == (3072, 49152)
    for scene in scenes.SCENES[:-1]:
        assert inversion_run.beforehand(State(**scene.values | scene.then).run) is not None, (
            "no scene searches by itself"
        )


@pytest.mark.parametrize("seed", range(4))
def test_the_pictures_of_the_question_are_those_of_their_layers(seed: int) -> None:
    question = questions.depth(seed)
    sources = [picture.source for picture in question.choices]
    early, deep = (sources[number - 1] for number in question.answer)
    assert any(early is shipped.arrays()[f"optimize/{layer}"] for layer in ("relu1", "relu2"))
    assert deep is shipped.arrays()["optimize/relu7"]
    assert len(question.mistakes) == 15, "every other answer has its reason"


@pytest.mark.parametrize("seed", range(10))
def test_answers_are_those_of_the_loops(seed: int) -> None:
    question = questions.variation(seed)
    plane = question.picture[0].planes[0].values
    assert question.answer == (round(9 * prior_loops.total_variation(plane[None, :, :, None], 2.0)),)
    question = questions.error(seed)
    target, values = (plane.values for plane in question.picture[0].planes)
    assert question.answer[0] / 100 == pytest.approx(prior_loops.feature_error(values, target))


def test_a_curve_is_drawn_with_decades_names_and_words() -> None:
    lines = [curves.Curve("first", [0.5, 0.05, 0.02]), curves.Curve("other", [0.4, None, 0.021], "output", "4 2")]
    page = curves.to_html("Errors", lines, ["a", "b", "c"], dots=True)
    assert 'alt="Errors. first: 0.5 … 0.02; other: 0.4 … 0.021"' in page
    for dark in (False, True):
        drawing = curves.svg(lines, ["a", "b", "c"], dots=True, dark=dark)
        assert ElementTree.fromstring(drawing).tag.endswith("svg")
        assert [f">{power}<" in drawing for power in ("1", "0.1", "0.01")] == [True] * 3
        assert drawing.count("<circle") == 5
    assert curves.to_html("Errors", [curves.Curve("none", [None, None])], []) == ""
