"""The lesson on receptive fields: theory against the traced program, loops, and measured derivatives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz.network.backward.explicit import Chain
from lessons import fields as lesson
from lessons._kit.draw import formula
from lessons._kit.run import engine, networks, pictures
from lessons.fields import measure, picture, questions, scenes, theory
from lessons.fields.theory import Window

SLUG = lesson.LESSON.slug
State = lesson.State
every_layer = pytest.mark.parametrize("layer", measure.LAYERS)
#: Heights, widths, windows, strides and paddings that all differ.
UNEVEN = (
    Window("a", (3, 5), (2, 1), (1, 3), (23, 29)),
    Window("b", (2, 4), (3, 2), (0, 1), (11, 31)),
    Window("c", (3, 2), (1, 3), (2, 0), (4, 15)),
)
TOP = (4, 5)


def reaching(below: tuple[Window, ...], unit: tuple[int, int]) -> set[tuple[int, int]]:
    """The pixels that lead to a unit, followed window by window, cell by cell."""
    cells = {unit}
    for w in reversed(below):
        cells = {
            (row, column)
            for r, c in cells
            for row in range(r * w.stride[0] - w.before[0], r * w.stride[0] - w.before[0] + w.span[0])
            for column in range(c * w.stride[1] - w.before[1], c * w.stride[1] - w.before[1] + w.span[1])
            if 0 <= row < w.below[0] and 0 <= column < w.below[1]
        }
    return cells


@pytest.mark.parametrize("unit", [(1, 2), (0, 0), (3, 4), (2, 0)])
def test_the_recursion_and_the_ones_are_the_cells_that_lead_there(unit: tuple[int, int]) -> None:
    slow = reaching(UNEVEN, unit)
    paths = theory.paths(UNEVEN, unit, TOP)
    assert {(int(r), int(c)) for r, c in np.argwhere(paths > 0)} == slow
    box = theory.recursion(UNEVEN)[-1].box(unit)
    assert slow <= {(r, c) for r in range(box[0], box[2]) for c in range(box[1], box[3])}
    assert (min(r for r, _ in slow), max(c for _, c in slow)) == (max(box[0], 0), min(box[3], 29) - 1)


def test_the_recursion_in_numbers() -> None:
    last = theory.recursion(UNEVEN)[-1]
    assert last == theory.Field("c", (3 + 2 + 2 * 6, 5 + 3 + 2), (6, 6), (-1 - 12, -3 - 1))


@every_layer
def test_every_layer_is_that_of_the_traced_program(layer: str) -> None:
    network = networks.load("caltech").network
    field = theory.recursion(theory.windows(network, layer))[-1]
    assert field == theory.traced(network, layer)
    assert (field.size, field.step) == (network.layer(layer).receptive_field, network.layer(layer).stride)
    for unit in ((0, 0), (1, 2), (3, 3)):
        assert theory.clipped(field.box(unit), (128, 128)) == network.receptive_box(layer, *unit)


def test_the_offered_layers_are_all_that_slide_a_window() -> None:
    chain = networks.load("caltech").network.chain_to("relu7")
    assert isinstance(chain, Chain)
    assert tuple(step.name for step in chain.steps if step.slide is not None) == measure.LAYERS


@pytest.mark.deep
@pytest.mark.parametrize(
    "state", [State(layer="conv2", at=(1, 126)), State("coffee", "pool2", "2", (90, 30)), State(layer="conv7")], ids=str
)
def test_the_proofs_hold(state: lesson.State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


def _moved(change: Callable[[theory.Field], theory.Field]) -> Callable[..., Any]:
    true = theory.recursion
    return lambda below: [*true(below)[:-1], change(true(below)[-1])]


@pytest.mark.deep
@pytest.mark.parametrize(
    ("change", "red"),
    [
        (lambda f: replace(f, size=(f.size[0] - 2, f.size[1])), (0, 1, 2, 3)),
        (lambda f: replace(f, size=(f.size[0], f.size[1] + 1)), (0, 1)),
        (lambda f: replace(f, first=(f.first[0] + 1, f.first[1])), (0, 1, 2, 3)),
    ],
    ids=["too small", "too large", "moved"],
)
def test_a_wrong_field_turns_its_proofs_red(
    change: Callable[..., Any], red: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theory, "recursion", _moved(change))
    monkeypatch.setattr(engine, "cached", lambda loaded, picture, name, make: make())
    monkeypatch.setattr(measure, "PHOTOS", ("cat",))
    found = lesson.checks(State(layer="conv3"))
    assert tuple(i for i, check in enumerate(found) if not check.holds) == red


@pytest.mark.deep
def test_noise_outside_leaves_every_bit_and_one_pixel_inside_does_not() -> None:
    for state in (State(), State("rocket", "conv2", "3", (20, 100)), State(layer="conv5", at=(10, 10))):
        scene = lesson.compute(state)
        far, near = measure.changed(scene.loaded, scene.picture, scene.unit, scene.box)
        assert far == 0
        assert near > 1e-4


@pytest.mark.deep
def test_a_silent_unit_has_no_derivative_and_the_page_says_so(open_page: Callable[..., AppTest]) -> None:
    scene = next(
        scene
        for row in range(4, 128, 8)
        if not (scene := lesson.compute(State(layer="pool2", at=(row, 60)))).slopes.any()
    )
    assert scene.plane[scene.cell] == 0
    row, column = scene.field.middle(scene.cell)
    test = open_page(SLUG, layer="pool2", at=f"{row},{column}")
    assert not test.exception
    assert "zero" in test.info[0].value


@pytest.mark.deep
@pytest.mark.parametrize("layer", ["conv3", "conv5", "conv7"])
def test_deep_units_use_the_middle_most(layer: str) -> None:
    scene = lesson.compute(State(layer=layer))
    found = measure.effective(scene.loaded, scene.field)
    assert found.energy.sum() == pytest.approx(1)
    assert found.units == len(measure.PHOTOS) * measure.AVERAGED
    margin = (scene.field.size[0] - found.side) // 2
    inner = found.energy[margin : margin + found.side, margin : margin + found.side].sum()
    tighter = found.energy[margin + 1 : -margin - 1, margin + 1 : -margin - 1].sum()
    assert tighter < measure.SHARE <= inner
    assert found.side < 0.85 * scene.field.size[0]


@pytest.mark.slow
def test_pooling_alone_kills_paths() -> None:
    scene = lesson.compute(State(layer="pool1"))
    assert scene.slopes.any()
    assert measure.support(scene.slopes).sum() == 36 < 64


@pytest.mark.deep
def test_the_pixel_stays_when_the_layer_changes() -> None:
    for layer in measure.LAYERS[:-2]:
        scene = lesson.compute(State(layer=layer, at=(60, 44)))
        row, column = scene.field.middle(scene.cell)
        assert max(abs(row - 60), abs(column - 44)) <= scene.field.step[0] / 2 + 1


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("state", [State(), State("coffee", "conv2", "2", (30, 77))])
def test_the_code_on_the_page_makes_the_picture(state: lesson.State) -> None:
    made: dict = {}
    exec(lesson.call(state), made)
    scene = lesson.compute(state)
    np.testing.assert_array_equal(made["support"], measure.support(scene.slopes))
    assert made["box"] == theory.clipped(scene.box, scene.size)


@pytest.mark.slow
def test_the_derivative_is_that_of_the_library() -> None:
    scene = lesson.compute(State(layer="conv2", at=(50, 70)))
    image = pictures.fitted(scene.loaded, scene.picture).model
    found = dv.reconstruct(scene.loaded.network, image, scene.unit, rule="gradient")
    np.testing.assert_allclose(scene.slopes, found.map, atol=1e-6)


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, image="coffee", layer="conv5", rank="2", at="20,90", lang=language)
    assert not test.exception
    scene = lesson.compute(State("coffee", "conv5", "2", (20, 90)))
    assert formula.value(scene.box[0], alone=True) in picture.line(scene)
    assert picture.line(scene) in " ".join(element.value for element in test.latex)


@pytest.mark.deep
def test_wild_links_fall_back(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, image="x", layer="relu9", rank="77", at="999,0")
    assert not test.exception


@pytest.mark.slow
def test_the_scenes_say_what_the_program_says() -> None:
    network = networks.load("caltech").network
    asked = scenes.next_field()
    assert asked.answer == str(network.layer("conv5").receptive_field[0])
    below = network.layer("pool4")
    assert f"sees {below.receptive_field[0]} rows, and neighbours lie {below.stride[0]} pixels" in asked.prompt
    scene = lesson.compute(State(layer="pool1"))
    made = dv.reconstruct(network, pictures.fitted(scene.loaded, scene.picture).model, scene.unit, rule="gradient")
    assert scenes.dead_paths().answer == str(int((made.map != 0).any(axis=-1).sum())) == "36"
    assert scene.field.size == (8, 8)


def test_a_deep_field_is_larger_than_the_picture() -> None:
    sizes = [theory.traced(networks.load("caltech").network, layer).size[0] for layer in measure.LAYERS]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 128 > sizes[0], "so there is a first one, as the last scene asks"


def _share(question: questions.Question, stop: int) -> float:
    """How much of the map is left, in per cent, from the map alone."""
    assert question.slide is not None
    values = question.slide.values
    left = [float(n) for n in values.ravel() if round(100 * float(n) / float(values.max()), 1) >= stop]
    return 100 * sum(left) / float(values.sum())


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(8))
def test_the_threshold_is_right_where_it_leaves_what_is_asked_for(seed: int) -> None:
    question = questions.paths_left(seed)
    wanted = int(re.findall(r"about (\d+) %", question.prompt)[0])
    off = {stop: abs(_share(question, stop) - wanted) for stop in range(5, 100, 5)}
    assert off[question.answer[0]] == min(off.values())
    assert all((off[stop] <= max(5, min(off.values()))) == question.is_right((stop,)) for stop in off)
    assert all(((stop,) in question.mistakes) != question.is_right((stop,)) for stop in off)


def _again(kind: str, question: questions.Question) -> int:
    """The answer again, cell by cell, from the sentence of the question."""
    layers = [
        tuple(map(int, found)) for found in re.findall(r"window (\d+), stride (\d+), padding (\d+)", question.prompt)
    ]
    below = tuple(Window("", (k, 1), (s, 1), (p, 0), (10_000, 1)) for k, s, p in layers)

    def rows(unit: int) -> list[int]:
        return sorted(row for row, _ in reaching(below, (unit, 0)))

    if kind == "next":
        return len(rows(100))
    return rows(int(re.findall(r"unit (\d+)", question.prompt)[0]))[0]


@pytest.mark.sampled(8, check=3)
@pytest.mark.parametrize("kind", ["next", "first"])
@pytest.mark.parametrize("seed", range(8))
def test_answers_are_those_of_the_loops(kind: str, seed: int) -> None:
    question = questions.QUESTIONS[kind][1](seed)
    assert question.answer == (_again(kind, question),)
