"""The lesson on feature visualization: what it shows is measured, and every switch has its cause."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz.data import samples
from lessons import visualization as lesson
from lessons._kit.run import shipped
from lessons.visualization import questions, scenes
from lessons.visualization import run as visualization_run

SLUG = lesson.LESSON.slug
State = lesson.State
BARE = State(way="waves-bare")
#: Short runs: the page's own first look.
look = visualization_run.first_look


def test_the_objectives_are_those_of_their_formulas() -> None:
    a = np.random.default_rng(5).normal(size=(16, 16, 128))
    assert visualization_run.by_hand(State().run, a) == pytest.approx(a[..., 4].mean())
    assert visualization_run.by_hand(State(objective="neuron").run, a) == pytest.approx(a[8, 8, 4])
    toward = State(objective="direction").run
    v = visualization_run.along(toward)
    assert visualization_run.by_hand(toward, a) == pytest.approx((a @ v).mean() / np.linalg.norm(v))
    one = State("logits", "7").run
    assert one.objective == "class"
    assert visualization_run.by_hand(one, np.arange(102.0)) == 7


@pytest.mark.slow
def test_the_strongest_photograph_is_the_strongest() -> None:
    found = visualization_run.natural(State().run)
    net = dv.load("caltech")
    means = {id: float(dv.activations(net, samples.load(id), "relu4")[..., 4].mean()) for id in samples.SAMPLES}
    assert found.id == max(means, key=lambda id: means[id])
    assert found.value == pytest.approx(means[found.id], rel=1e-5)
    neuron = visualization_run.natural(State(objective="neuron").run)
    assert neuron.value == pytest.approx(
        max(float(dv.activations(net, samples.load(id), "relu4")[..., 4].max()) for id in samples.SAMPLES), rel=1e-5
    )
    top, left, bottom, right = net.receptive_box("relu4", *neuron.place)
    assert neuron.patch.shape == (bottom - top, right - left, 3)


@pytest.mark.deep
def test_without_helps_the_picture_is_finer_and_a_small_move_takes_more_of_it() -> None:
    helped, bare = (look(state.run) for state in (State(), BARE))
    assert visualization_run.fine(bare.image) > 2 * visualization_run.fine(helped.image)
    assert (
        visualization_run.survives(BARE.run, bare.image)
        < 0.75
        < 0.8
        < visualization_run.survives(State().run, helped.image)
    )
    assert bare.activation > helped.activation


@pytest.mark.deep
def test_pixels_left_alone_make_the_finest_noise() -> None:
    pixels = look(State(way="pixels-bare").run)
    assert visualization_run.fine(pixels.image) > 2 * visualization_run.fine(look(BARE.run).image)


@pytest.mark.deep
def test_a_wrong_number_turns_its_proof_red(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State()
    assert lesson.plain_pass(state) < 1e-5
    assert lesson.beaten(state) == 0
    real = visualization_run.by_hand
    monkeypatch.setattr(visualization_run, "by_hand", lambda run, maps: 1.01 * real(run, maps))
    assert lesson.plain_pass(state) > 5e-3
    natural = visualization_run.natural(state.run)
    monkeypatch.setattr(
        visualization_run, "natural", lambda run: visualization_run.Natural("cat", 9.0, None, natural.patch)
    )
    assert lesson.beaten(state) > 0.5


def test_a_dead_unit_says_so_and_stops(monkeypatch: pytest.MonkeyPatch, open_page: Callable[..., AppTest]) -> None:
    monkeypatch.setattr(
        visualization_run, "first_look", lambda run: "channel 5 of relu4 in caltech is dead: it stays at 0"
    )
    test = open_page(SLUG, unit="5")
    assert not test.exception
    assert "channel 5 of relu4 in caltech is dead" in test.warning[0].value
    assert not [button for button in test.button if button.key == "visualize"]


@pytest.mark.deep
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, layer="relu4", unit="17", objective="neuron", lang=language)
    assert not test.exception
    assert test.selectbox("unit-shown").value == "17"
    assert r"f = a_{ijc}" in " ".join(element.value for element in test.latex)


@pytest.mark.deep
def test_a_unit_that_the_layer_does_not_have_falls_back(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, layer="relu4", unit="500", objective="colour", way="up", begin="x")
    assert not test.exception
    assert test.selectbox("unit-shown").value == "4"


@pytest.mark.deep
@pytest.mark.parametrize("state", [State(), State(objective="direction", begin="cat"), State("logits", "3")])
def test_the_code_on_the_page_makes_such_a_picture(state: lesson.State) -> None:
    code = lesson.call(state).replace(f"steps={visualization_run.STEPS}", f"steps={visualization_run.SHORT}")
    made: dict = {}
    exec(code.replace("print(now.step, now.activation)", "pass"), made)
    np.testing.assert_array_equal(made["picture"], look(state.run).image)


@pytest.mark.parametrize("seed", range(4))
def test_the_pictures_of_the_question_have_the_values_it_names(seed: int) -> None:
    """The values are those of `test_shipped`: of the stored pictures, through the network."""
    question = questions.likeness(seed)
    sheet, said = shipped.arrays()["sheet"], shipped.arrays()["sheet/answers"]
    (own,) = [i for i, one in enumerate(sheet) if np.array_equal(one, question.given[0].source)]
    others = [next(i for i, one in enumerate(sheet) if np.array_equal(one, shown.source)) for shown in question.choices]
    values = [float(said[other, own]) for other in others]
    most, least = (values[number - 1] for number in question.answer)
    assert most == max(values) > 1.5 * sorted(values)[-2]
    assert least == min(values) < sorted(values)[1] / 1.5
    assert len(question.mistakes) == 15, "every other answer has its reason"
    assert f"{most:.2f}" in question.mistakes[question.answer[::-1]]


def test_the_scenes_say_what_was_measured() -> None:
    """The numbers of the text, from what `test_shipped` measures again on the stored pictures."""
    kept = {way: State(way=way).run for way in visualization_run.METHODS}
    found = {way: visualization_run.beforehand(run) for way, run in kept.items()}
    left = {way: visualization_run.texture(kept[way], found[way])[1] for way in kept}
    assert scenes.without_help().answer == "higher"
    assert left["pixels-bare"] == pytest.approx(1 / 3, abs=0.03), "two thirds"
    assert left["pixels"] > 0.7
    assert 1 < found["pixels"].activation / found["waves"].activation < 1.2, "a little more"
    made = State("logits", "3").run
    assert visualization_run.beforehand(made).activation > 20 * visualization_run.natural(made).value
    values = visualization_run.beforehand(State(begin="four").run).activations
    assert values[1] == pytest.approx(0.6 * found["waves"].activation, rel=0.05), "the net of scales"
    alike = visualization_run.beforehand(State(begin="alike").run).activations
    assert alike.min() > 0.9 * alike.max()
    for scene in scenes.SCENES[:-1]:
        for set_to in ({}, scene.then):
            run = State(**{**scene.values, **set_to}).run
            assert visualization_run.beforehand(run) is not None, "no scene computes by itself"


def test_either_network_can_be_chosen() -> None:
    plain, robust = (State("logits", "3", way="waves-bare", training=training).run for training in ("plain", "robust"))
    assert (plain.loaded.name, robust.loaded.name) == ("caltech", "caltech-robust")
    made = [visualization_run.beforehand(run) for run in (plain, robust)]
    assert all(one is not None for one in made)
    assert not np.array_equal(made[0].image, made[1].image)
    assert "dv.load('caltech-robust')" in lesson.call(State(training="robust"))


def _again(kind: str, question: questions.Question) -> tuple[int, ...]:
    """The answer again, one number at a time, from what the question shows."""
    if kind == "objective":
        a = question.picture[0].planes[0].values
        return (round(sum(float(x) for x in a.ravel()) / 9), int(a[1, 1]))
    numbers = [int(n) for n in re.findall(r"-?\d+", question.prompt.replace("−", "-"))]
    w, bias = question.picture[0].planes[0].values.ravel(), numbers[2]
    best = max(sum(bit * k for bit, k in zip(f"{n:04b}", w, strict=True) for bit in [int(bit)]) for n in range(16))
    return (int(best) + bias, max(int(best) + bias, 0))


@pytest.mark.parametrize("kind", ["objective", "best"])
@pytest.mark.parametrize("seed", range(9))
def test_answers_are_those_of_trying_everything(kind: str, seed: int) -> None:
    question = questions.QUESTIONS[kind][1](seed)
    assert question.answer == _again(kind, question)
