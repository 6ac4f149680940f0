"""The lesson on generation: its pictures, its numbers, what each check would notice."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from reference import generation_loops, upsample_loops
from streamlit.testing.v1 import AppTest

from deconvviz.data import samples
from deconvviz.tasks.generation import DECODER, predict
from deconvviz.tasks.generation.evaluate import DRAWN
from lessons import generation as lesson
from lessons.generation import picture, questions, run, scenes

State = lesson.State


@pytest.mark.deep
@pytest.mark.parametrize(
    "state",
    [
        State(view="rebuild", decoder="transposed3"),
        State(view="walk", wanted="airplanes", first="-2", second="3", decoder="resize"),
        State(view="draw", wanted="Motorbikes", seed="20", decoder="subpixel"),
    ],
)
def test_the_claims_hold(state: lesson.State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


@pytest.mark.slow
def test_the_numbers_by_hand_are_those_of_the_slow_twins() -> None:
    seen = lesson.shown(State(view="rebuild", image="astronaut"))
    slow = generation_loops.kl(seen.mean[None], seen.log_variance[None])[0]
    assert run.kl_by_hand(seen) == pytest.approx(slow, rel=1e-9)
    found = run.decode(seen.mean[None], "transposed4")[0]
    noise = run.model().noise
    hand = run.likelihood_by_hand(found[:3, :5], seen.square[:3, :5], noise)
    twin = generation_loops.log_likelihood(found[None, :3, :5], seen.square[None, :3, :5], noise)[0]
    assert hand == pytest.approx(twin, rel=1e-9)
    likelihood, kl = run.bound(seen, "transposed4")
    assert likelihood == pytest.approx(run.likelihood_by_hand(found, seen.square, noise), rel=1e-5)
    assert kl == pytest.approx(slow, rel=1e-5)


@pytest.mark.slow
def test_a_wrong_divergence_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    real = run.kl_by_hand
    monkeypatch.setattr(run, "kl_by_hand", lambda seen: 1.2 * real(seen))
    by_hand, by_draws, *rest = lesson.checks(State())
    assert not by_hand.holds
    assert not by_draws.holds
    assert all(check.holds for check in rest)


@pytest.mark.slow
def test_a_decoder_that_is_no_adjoint_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    real = run.first_layer

    def flipped(seen: run.Coded, decoder: str) -> tuple[np.ndarray, np.ndarray]:
        written, adjoint = real(seen, decoder)
        return written[:, ::-1], adjoint

    monkeypatch.setattr(run, "first_layer", flipped)
    assert lesson.adjoint(State()) > 0.1


def test_draws_without_a_seed_turn_red(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = run.model().codes
    monkeypatch.setattr(run, "drawn", lambda label, seed: codes.draw(12, seed=0, label=label))
    assert lesson.same_pixels(State(view="draw")) == float("inf")
    draw = np.random.default_rng(0)
    monkeypatch.setattr(run, "drawn", lambda label, seed: draw.normal(size=(12, codes.means.shape[1])))
    assert lesson.same_pixels(State(view="draw")) > 0.01


def test_a_strip_that_misses_its_ends_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    real = run.strip
    monkeypatch.setattr(run, "strip", lambda one, other: 0.9 * real(one, other))
    assert lesson.ends(State(view="rebuild")) > 1e-3


def test_walks_go_along_the_directions_of_the_class() -> None:
    codes = run.model().codes
    index = codes.index("airplanes")
    np.testing.assert_allclose(run.along("airplanes", 0, 0), codes.means[index])
    step = run.along("airplanes", 2, 0) - codes.means[index]
    away = np.linalg.solve(codes.factors[index], step)
    assert float(away @ away) == pytest.approx(4, rel=1e-4), "two standard deviations"
    assert run.share_of_directions("airplanes")[0] > run.share_of_directions("airplanes")[1] > 0


def test_the_pattern_is_that_of_the_slow_twin() -> None:
    picture = np.random.default_rng(0).random((6, 8, 3))
    slow = upsample_loops.checkerboard_energy((picture - picture.mean(axis=(0, 1)))[None], 2)
    assert run.pattern(picture) == pytest.approx(slow, rel=1e-6)


@pytest.mark.deep
def test_uneven_overlap_is_seen_in_the_first_weights() -> None:
    code = run.drawn("Faces_easy", 0)[:1]
    shares = {name: run.pattern(run.decode(code, name, trained=False)[0]) for name in picture.DECODERS}
    assert shares["transposed3"] > 3 * shares["resize"]
    assert shares["transposed3"] > 3 * shares["subpixel"], "it begins as nearest neighbours"


@pytest.mark.slow
@pytest.mark.parametrize("view", ["rebuild", "walk", "between", "draw"])
def test_the_call_gives_the_picture(view: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    state = State(view=view, wanted="Motorbikes", first="1", second="-2", seed="3")
    names: dict[str, object] = {}
    exec(lesson.call(state, run.gallery(state.image)), names)
    if view == "walk":
        code = run.along("Motorbikes", 1, -2)
        wanted = run.decode(code[None], state.decoder)[0]
        np.testing.assert_allclose(names["picture"], wanted, atol=1e-5)
        return
    found = names["found"]
    assert isinstance(found, predict.Generated)
    if view == "rebuild":
        assert found.picture.shape == samples.load(state.image).shape
    elif view == "draw":
        np.testing.assert_allclose(found.codes, run.drawn("Motorbikes", 3))
    else:
        assert len(found.codes) == predict.STEPS


def test_questions_read_their_answers_from_arrays() -> None:
    for seed in range(20):
        question = questions.overlap(seed)
        taps = int(re.findall(r"with (\d+) taps", question.prompt)[0])
        counts = upsample_loops.overlap_counts(30, taps, 2, 0)[taps:-taps]
        assert question.answer == (max(counts), min(counts))
        assert (max(counts) == min(counts)) == (taps % 2 == 0)


def test_what_the_scenes_say_is_what_was_measured() -> None:
    told = {scene.title: scene for scene in scenes.SCENES}
    figures = run.model().about["figures"]
    right = round(DRAWN * figures["drawn"][DECODER]["of_class"]["Faces_easy"])
    assert f"{right} of {DRAWN} drawn faces" in told["Twelve new faces"].text
    assert figures["real"]["of_class"]["Motorbikes"] == 1
    motorbikes = told["Motorbikes, and their name"]
    assert "every validation photograph of a motorbike rightly" in motorbikes.text
    assert motorbikes.ask is not None
    asked = motorbikes.ask()
    assert asked.answer == "half"
    opinion = figures["opinions"]["caltech"]
    assert f"{round(DRAWN * opinion['drawn']['Motorbikes'])} of {DRAWN} drawn" in asked.reasons["half"]
    assert opinion["drawn"] == figures["drawn"][DECODER]["of_class"]
    assert run.model().about["recipe"]["sharpened"], "beside a critic"
    assert "beside a critic" in told["What a code costs"].text
    assert f"{figures['rebuilt'][DECODER]['psnr']:.1f} dB" in told["A photograph goes in"].text
    assert (
        f"{run.SIDE**2 * 3:,} numbers in, {run.model().codes.means.shape[1]} out" in told["A photograph goes in"].text
    )
    upsamplers = told["What enlarging adds"]
    assert upsamplers.ask is not None
    assert upsamplers.ask().answer == "transposed4"


def test_nothing_that_is_drawn_is_a_copy() -> None:
    """Drawn pictures are as far from the nearest training picture as new photographs are that are as smooth."""
    for far in run.model().about["figures"]["nearest"].values():
        assert min(far["drawn"][0], far["unseen"][0]) > 0.1
        assert far["drawn"][1] > 0.95 * far["rebuilt"][1]


@pytest.mark.deep
def test_the_upsamplers_on_the_page_differ_as_its_question_says() -> None:
    """The picture after the question shows what the figures over all drawn pictures say."""
    code = lesson.code_of(State(view="upsamplers"))
    first, trained = (
        {name: run.pattern(run.decode(code[None], name, trained)[0]) for name in picture.DECODERS}
        for trained in (False, True)
    )
    assert max(first, key=first.__getitem__) == "transposed4"
    assert max(trained.values()) < 1e-3 < 0.05 < first["transposed3"]


def test_far_codes_are_those_far_from_the_middle() -> None:
    for seed in range(4):
        question = questions.spread(seed)
        away = [float(name) for name in re.findall(r"text\{([\d.]+)", question.worked)]
        nearest, farthest = question.answer
        assert (away[nearest - 1], away[farthest - 1]) == (min(away), max(away))
        assert max(away) / min(away) == pytest.approx(8, rel=0.05), "the same draw, 0.5 and 4 times"
        assert f"picture {farthest} is {max(away):.1f} standard" in question.mistakes[farthest, farthest]


@pytest.mark.deep
def test_a_link_opens_its_state(open_page: Callable[..., AppTest]) -> None:
    page = open_page(lesson.LESSON.slug, view="draw", wanted="airplanes", seed="4")
    assert not page.exception
    shown = " ".join(element.proto.body for element in page.get("html"))
    assert "of 12 by their class, airplane." in shown
    assert shown.count("<figure>") >= 12 + 8, "twelve drawn; the first of them by four decoders, in the evidence"
    page = open_page(lesson.LESSON.slug, view="walk", first="2")
    assert not page.exception
    assert "+2 and 0 standard deviations" in " ".join(element.proto.body for element in page.get("html"))
