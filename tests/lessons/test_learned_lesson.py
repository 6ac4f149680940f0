"""The lesson on learned inversion: its pictures, its errors, what each check would notice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from reference import metric_loops
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz.data import samples
from deconvviz.models import inverters
from lessons import learned_inversion as lesson
from lessons._kit.run import pictures, shipped
from lessons.learned_inversion import questions, run, scenes

State = lesson.State


@pytest.mark.slow
def test_the_page_shows_what_the_library_answers() -> None:
    found = run.shown("coffee", "relu4", "none")
    wanted = dv.invert(dv.load("caltech"), samples.load("coffee"), "relu4", method="learned")
    np.testing.assert_allclose(found.picture, wanted.image, atol=1e-5)
    assert found.pixels == pytest.approx(wanted.image_error, rel=1e-5)
    assert found.features == pytest.approx(wanted.feature_error, rel=1e-4)
    flat = np.broadcast_to(found.mean, found.photograph.shape)
    assert found.baseline == pytest.approx(metric_loops.normalized_error(flat, found.photograph), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("state", [State("cat", "relu6"), State("rocket", "relu4")])
def test_the_claims_hold(state: lesson.State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


def test_errors_by_hand_are_those_of_the_slow_twin() -> None:
    draw = np.random.default_rng(2)
    found, wanted = draw.random((5, 7, 3)), draw.random((5, 7, 3))
    assert run.by_hand(found, wanted) == pytest.approx(metric_loops.normalized_error(found, wanted), rel=1e-12)
    assert run.normalized_error(found, wanted) == pytest.approx(run.by_hand(found, wanted), rel=1e-12)


@pytest.mark.slow
def test_an_error_that_is_reported_wrongly_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "by_hand", lambda found, wanted: 1.001 * run.normalized_error(found, wanted))
    assert [check.holds for check in lesson.checks(State("cat", "relu6"))] == [False, False, True, True]


def test_a_decoder_that_peeks_at_the_picture_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    real = dv.invert

    def peeking(network: dv.Network, image: np.ndarray, layer: str, method: str) -> dv.Inversion:
        found = real(network, image, layer, method=method)
        found.image[0, 0, 0] += 1e-3 * float(np.mean(image))
        return found

    monkeypatch.setattr(dv, "invert", peeking)
    assert run.three_ways("camera", "relu6") > 1e-5


def test_a_decoder_worse_than_the_mean_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "medians", lambda layer: (0.3, 0.2))
    check = lesson.checks(State("cat", "relu6"))[3]
    assert (check.holds, check.error) == (False, pytest.approx(0.1))


def test_another_half_changes_that_half() -> None:
    plain, swapped = (run.shown("astronaut", "relu4", change) for change in ("none", "swap"))
    other = run.shown("cat", "relu4", "none")
    moved = np.abs(swapped.picture - plain.picture).mean((0, 2))
    assert moved[:32].max() < 1e-5  # far from the seam nothing knows of it
    assert np.abs(swapped.picture - other.picture).mean((0, 2))[-32:].max() < 1e-5
    assert moved[64:].mean() > 0.05
    silent = run.changed("astronaut", "relu4", "silent")
    assert (np.abs(silent).max((0, 1)) == 0).sum() >= 64


def test_sizes_are_those_of_the_arrays() -> None:
    decoder = run.decoder("relu4")
    assert decoder.sizes == ((16, 16, 128), (16, 16, 64), (16, 16, 64), (32, 32, 48), (128, 128, 3))
    assert decoder.sizes[-1] == run.shown("cat", "relu4", "none").picture.shape


def test_the_call_gives_the_picture(capsys: pytest.CaptureFixture[str]) -> None:
    state = State("camera", "relu6")
    names: dict[str, object] = {}
    exec(lesson.call(state), names)
    np.testing.assert_allclose(names["picture"], run.shown("camera", "relu6", "none").picture, atol=1e-5)
    assert str(names["found"].image_error) in capsys.readouterr().out  # type: ignore[attr-defined]


def test_the_mean_is_the_best_answer() -> None:
    values = np.array([3.0, 3.0, 9.0])
    guesses = [float(np.square(values - guess).sum()) for guess in range(10)]
    assert questions.best_answer(values) == int(np.argmin(guesses)) == 5


def test_the_story_opens_with_answers_that_come_with_the_package() -> None:
    """`test_shipped` measures their errors again."""
    for scene in scenes.SCENES[:-1]:
        state = State(**scene.values | scene.then)
        assert state.change != "none" or run.beforehand(state.image, state.layer, state.change) is not None
    kept, fresh = run.beforehand("cat", "relu6", "none"), run.shown("cat", "relu6", "none")
    assert np.abs(kept.picture - fresh.picture).max() <= 1.01 / 255
    assert (kept.pixels, kept.baseline) == (pytest.approx(fresh.pixels, rel=1e-3), pytest.approx(fresh.baseline))
    assert kept.features == pytest.approx(fresh.features, rel=1e-2)
    assert run.beforehand("cat", "relu6", "swap") is run.searched("coffee", "relu6", "none") is None
    assert run.searched("cat", "relu6", "none")[1:] == tuple(shipped.facts()["optimize/relu6"][:2])


def test_the_scenes_say_what_was_measured() -> None:
    assert all(run.decoder(layer).about["training_images"] > 2000 for layer in run.layers()), "thousands"
    assert (scenes.deeper().answer, scenes.against_search().answer) == ("2", "search")
    assert scenes.errors("learned", "relu6")[0] > 100 * scenes.errors("optimize", "relu6")[0], "differ a lot"
    assert shipped.facts()["optimize/relu6"][2] == 512
    assert run.other_of(scenes.IMAGE) != scenes.IMAGE == pictures.sample(scenes.IMAGE).id


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["relu2", "relu5"])
def test_refined_answers_are_what_the_scene_says(layer: str) -> None:
    scene = next(scene for scene in scenes.SCENES if scene.title == "First the guess, then the steps")
    assert "less than a tenth" in scene.text
    falls, moves, detail = [], [], []
    for image in run.PHOTOGRAPHS:
        first, refined = run.answered(image, layer), run.refined(image, layer)
        assert refined.step == 160
        falls.append(refined.feature_error / first.feature_error)
        moves.append(refined.image_error / first.image_error)
        detail.append(steps_between_neighbours(refined.image) / steps_between_neighbours(first.image))
    assert np.median(falls) < 0.1, "of most photographs"
    assert max(moves) < 1.1, "hardly another error"
    assert np.median(detail) > 1, "more detail"


def steps_between_neighbours(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image, axis=0)).mean() + np.abs(np.diff(image, axis=1)).mean())


@pytest.mark.parametrize("seed", range(4))
def test_the_pictures_of_the_question_are_those_of_their_makers(seed: int) -> None:
    question = questions.maker(seed)
    deep = max(layer for layer in questions.DEPTHS if layer in question.prompt)
    for number, method in zip(question.answer, ("learned", "optimize"), strict=True):
        assert question.choices[number - 1].source is shipped.arrays()[f"{method}/{deep}"]
    assert len(question.mistakes) == 15, "every other answer has its reason"


@pytest.mark.slow
def test_a_link_opens_its_state(open_page: Callable[..., AppTest]) -> None:
    page = open_page(lesson.LESSON.slug, image="cat", layer="relu6", change="swap")
    assert not page.exception
    shown = " ".join(element.proto.body for element in page.get("html"))
    assert "Made from the changed relu6" in shown
    assert all(name in shown for name in inverters.layers(dv.load("caltech")))
