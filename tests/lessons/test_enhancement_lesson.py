"""The lesson of enhancement: numbers of the page against the loops, what its code says, the switches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from reference import inverse_loops, metric_loops
from streamlit.testing.v1 import AppTest

from deconvviz.metrics import psnr
from deconvviz.tasks.enhancement import data, untrained
from lessons import enhancement as lesson
from lessons._kit.run import pictures
from lessons.enhancement import State, picture, questions, run, scenes
from lessons.enhancement.run import Damage

SLUG = lesson.LESSON.slug
#: A picture that is cleaned quickly.
SMALL = State(image="coins", sigma="35")


@pytest.mark.deep
@pytest.mark.parametrize("state", [SMALL, State(image="coins", damage="jpeg", quality="5"), State(damage="none")])
def test_what_is_shown_is_what_the_library_makes(state: State) -> None:
    found = lesson.found_of(state)
    if state.damage == "none":
        np.testing.assert_array_equal(found.given, found.truth)
        assert found.psnr["given"] == float("inf")
    else:
        np.testing.assert_array_equal(found.given, data.damaged(found.truth, **state.done.options))
    part = slice(30), slice(40)
    for name, one in (("cleaned", found.cleaned), ("back", found.back), ("fused", found.fused)):
        assert found.psnr[name] == pytest.approx(psnr(one, found.truth))
        assert metric_loops.psnr(one[part], found.truth[part]) == pytest.approx(psnr(one[part], found.truth[part]))
    assert all(check.holds for check in lesson.checks(state))


@pytest.mark.deep
def test_the_blur_of_the_page_is_that_of_the_loops() -> None:
    plane = lesson.found_of(SMALL).given[:12, :14, 1].astype(np.float64)
    matrix = inverse_loops.matrix(untrained.BLUR, plane.shape)
    back, _ = untrained.there_and_back(plane)
    np.testing.assert_allclose(back.ravel(), matrix.T @ matrix @ plane.ravel(), atol=1e-12)


def test_an_error_by_hand_is_that_of_the_loops() -> None:
    random = np.random.default_rng(3)
    a, b = random.random((5, 7, 3)), random.random((5, 7, 3))
    assert -10 * np.log10(run.mean_squared_by_hand(a, b)) == pytest.approx(metric_loops.psnr(a, b))


@pytest.mark.slow
def test_a_planted_error_turns_a_proof_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "blur_adjoint", lambda y, k: 1.01 * y)
    monkeypatch.setattr(lesson, "psnr", lambda a, b: psnr(a, b) + 0.1)
    held = [check.holds for check in lesson.checks(SMALL)]
    assert held == [False, False, True, True, True]


def test_damage_says_only_what_is_done() -> None:
    assert State().done == Damage(sigma=25)
    assert State(damage="jpeg").done == Damage(quality=10)
    assert State(damage="none").done.options == {}
    assert State(network="add", norm="yes").variant == "add-norm"
    assert State(norm="yes").variant == "main"


@pytest.mark.slow
@pytest.mark.parametrize("state", [SMALL, State(image="coins", damage="none", network="add")])
def test_the_code_on_the_page_runs(
    state: State, capsys: pytest.CaptureFixture[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    exec(lesson.call(state, pictures.sample(state.image)), {})
    numbers = [float(word) for word in capsys.readouterr().out.split()]
    assert len(numbers) == 2
    if state is SMALL:
        assert numbers[1] > numbers[0] + 3


@pytest.mark.deep
def test_what_the_scenes_say_is_what_comes_out() -> None:
    told = {scene.title: scene for scene in scenes.SCENES}
    found = lesson.found_of(State())
    before, after = (f"{found.psnr[name]:.1f}" for name in ("given", "cleaned"))
    assert f"from {before} to {after} dB" in told["Noise goes"].text
    noise = found.psnr["cleaned"] - found.psnr["given"]
    blocks = lesson.found_of(State(image="cat", damage="jpeg")).psnr
    assert 0.5 < blocks["cleaned"] - blocks["given"] < noise, "JPEG: less is gained"
    asked = [scene.ask() for scene in scenes.SCENES if scene.ask is not None]
    assert [guess.answer for guess in asked] == ["less", "cleaned"]
    lost = lesson.found_of(State(sigma="50"))
    top, left = run.worst(lost)
    place = slice(top, top + run.WINDOW), slice(left, left + run.WINDOW)
    lively = [run.liveliness(one[place]) for one in (lost.cleaned, lost.truth, lost.given)]
    assert lively == sorted(lively)
    assert lively[0] < 0.6 * lively[1], "little difference is left"


def test_the_worst_window_is_where_the_error_is() -> None:
    truth = np.zeros((120, 150, 3), np.float32)
    cleaned = truth.copy()
    cleaned[40:100, 60:120] = 0.5
    top, left = run.worst(run.Shown(truth, truth, cleaned, truth, truth, {}))
    assert top <= 40 < 100 <= top + run.WINDOW
    assert left <= 60 < 120 <= left + run.WINDOW
    ramp = np.repeat(np.arange(10)[:, None] / 255, 10, axis=1)[..., None].repeat(3, axis=2)
    assert run.liveliness(ramp) == pytest.approx(0.5), "rows differ by one step, columns by none"


@pytest.mark.slow
def test_a_patch_is_told_by_its_noise() -> None:
    question = questions.patch(1)
    lively = [run.liveliness(np.asarray(one.source)[::3, ::3] / 255) for one in question.choices]
    photograph, network = question.answer
    assert lively[network - 1] < lively[photograph - 1] < max(lively)
    assert f"{lively[network - 1]:.1f} steps" in question.mistakes[network, network]


@pytest.mark.deep
def test_the_switches_of_the_small_networks(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, image="coins")
    keys = [group.key for group in test.get("button_group")]
    assert "norm-shown" not in keys
    test = open_page(SLUG, image="coins", network="concatenate", norm="yes")
    assert not test.exception
    assert "sigma 25 alone" in " ".join(caption.value for caption in test.caption)
    shown = " ".join(str(element.proto.body) for element in test.get("html"))
    assert all(label.split(":")[0] in shown for label in picture.FUSIONS.values())


@pytest.mark.sampled(check=2)
@pytest.mark.parametrize("seed", range(12))
def test_answers_are_those_of_the_loops(seed: int) -> None:
    question = questions.decibels(seed)
    found, wanted = (plane.values for plane in question.picture[0].planes)
    assert found.min() >= 0
    assert found.max() <= 10
    assert question.answer == (
        round(float(((found - wanted) ** 2).sum())), round(metric_loops.psnr(found / 10, wanted / 10)),
    )  # fmt: skip
    question = questions.there_and_back(seed)
    kernel = np.array([[1, 2, 1], [1, 3, 1], [2, 1, 2], [1, 2, 3]][seed % 4])
    both = np.convolve(kernel, kernel[::-1])
    bright = question.answer[0] // int(both[2])
    assert question.answer == (bright * both[2], bright * both[3])
