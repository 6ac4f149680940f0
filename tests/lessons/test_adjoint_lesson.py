"""The lesson on convolution and its adjoint: what it shows is what the arrays are, and wrong ways turn red."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from reference import conv_loops
from streamlit.testing.v1 import AppTest

from deconvviz.errors import GeometryError
from lessons import l03_adjoint as lesson
from lessons._kit import conv_picture, planes, small, walk

SLUG = lesson.LESSON.slug
State = lesson.State


def states() -> list[lesson.State]:
    """Every geometry that the controls offer and that fits, with every kernel; some output cell of each."""
    found = []
    for kernel, stride, padding, dilation in itertools.product(small.KERNELS, (1, 2, 3), (0, 1, 2), (1, 2, 3)):
        state = State(kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        try:
            size = state.geometry.output_size(small.SIZE, small.kernel(kernel).shape[:2])
        except GeometryError:
            continue
        found.append(replace(state, cell=(size[0] - 1, size[1] // 2), back=(4, 1)))
    return found


STATES = states()
SOME = STATES[::7]


def numbers(latex: str) -> tuple[float, float]:
    """(the sum of the products, the result) of an equation on screen."""
    plain = re.sub(r"\\color\{#\w+\}|\\;|[{}&]|\\begin\w*|\\end\w*", "", latex).replace(r"\cdot", "*")
    _, terms, result = plain.split("=")
    value = 0.0
    for a, b in re.findall(r"\(?(-?[\d.]+)\)?\s*\*\s*\(?(-?[\d.]+)\)?", terms):
        value += float(a) * float(b)
    return value, float(re.findall(r"-?[\d.]+", result)[0])


def test_most_geometries_fit() -> None:
    assert 100 < len(STATES) < 6 * 27


@pytest.mark.parametrize("state", SOME, ids=str)
def test_the_planes_are_those_of_the_loops(state: lesson.State) -> None:
    arrays = lesson.compute(state)
    geometry = state.geometry
    pads = geometry.resolve(small.SIZE, arrays.w.shape[:2])
    z = conv_loops.conv(arrays.x, arrays.w, geometry.strides, pads, geometry.dilations, 1)
    np.testing.assert_array_equal(arrays.z, z)
    back = conv_loops.conv_adjoint(z, arrays.w, geometry.strides, pads, geometry.dilations, 1, small.SIZE)
    np.testing.assert_array_equal(arrays.back, back)


@pytest.mark.parametrize("state", SOME, ids=str)
def test_the_sums_on_screen_are_the_cells_of_the_planes(state: lesson.State) -> None:
    arrays = lesson.compute(state)
    products, shown = numbers(conv_picture.forward_sum(arrays, state.geometry, state.cell))
    assert products == shown == arrays.z[0, *state.cell, 0]
    products, shown = numbers(conv_picture.backward_sum(arrays, state.geometry, state.back))
    assert products == shown == arrays.back[0, *state.back, 0]


def test_a_wrong_sum_would_be_noticed() -> None:
    arrays = lesson.compute(State())
    wrong = replace(arrays, w=arrays.w[::-1])
    assert numbers(conv_picture.forward_sum(wrong, State().geometry, (2, 2)))[0] != arrays.z[0, 2, 2, 0]


def test_the_stamp_of_one_cell_lies_in_its_frame() -> None:
    state = State(picture="pixel", signal="cell", cell=(3, 3))
    arrays = lesson.compute(state)
    taps = walk.window((3, 3), (2, 3), state.geometry, small.SIZE)
    assert arrays.g.sum() == arrays.z[0, 3, 3, 0] != 0
    np.testing.assert_array_equal(
        [arrays.back[0, *tap.input, 0] for tap in taps], arrays.z[0, 3, 3, 0] * arrays.w[:, :, 0, 0].ravel()
    )
    assert np.count_nonzero(arrays.back) == len(taps)


@pytest.mark.parametrize("state", SOME, ids=str)
def test_proofs_hold_for_the_adjoint(state: lesson.State) -> None:
    assert all(check.holds for check in lesson.checks(state))


@pytest.mark.parametrize("way", ["turned", "padding"])
def test_wrong_ways_turn_red(way: str) -> None:
    assert not any(check.holds for check in lesson.checks(State(way=way)))


def test_a_wrong_size_is_infinitely_wrong() -> None:
    errors = [check.error for check in lesson.checks(State(way="padding", padding=0, kernel="edge"))]
    assert errors == [math.inf] * 3


def test_a_kernel_that_looks_the_same_turned_hides_the_mistake() -> None:
    assert all(check.holds for check in lesson.checks(State(way="turned", kernel="blur")))


def test_the_padding_of_the_way_there_is_right_by_luck_for_three_taps_and_one_row() -> None:
    assert all(check.holds for check in lesson.checks(State(way="padding", kernel="edge", padding=1)))


def test_only_the_single_one_is_undone() -> None:
    away = {kernel: lesson.not_inverse(State(kernel=kernel)) for kernel in small.KERNELS}
    assert away.pop("single") == 0
    assert min(away.values()) > 0.1


def test_rows_that_nobody_reads_come_back_as_zero() -> None:
    back = lesson.compute(State(picture="flat", stride=3, padding=0)).back[0, :, :, 0]
    assert not back[2].any()
    assert not back[5].any()
    assert back[[0, 1, 3, 4]].any(axis=1).all()


@pytest.mark.parametrize("state", [State(), State(signal="cell", stride=2), State(way="turned"), State(way="padding")])
def test_the_code_on_the_page_makes_the_picture(state: lesson.State) -> None:
    made: dict[str, np.ndarray] = {}
    exec(lesson.call(state), made)
    np.testing.assert_array_equal(made["back"], lesson.compute(state).back)


def latex(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.value for element in test.latex)


def test_a_link_opens_its_state(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="edge", stride="2", cell="1,2", back="3,4")
    state = State(kernel="edge", stride=2, cell=(1, 2), back=(3, 4))
    assert conv_picture.forward_sum(lesson.compute(state), state.geometry, (1, 2)) in latex(test)
    assert conv_picture.backward_sum(lesson.compute(state), state.geometry, (3, 4)) in latex(test)


@pytest.mark.parametrize("cell", ["99,99", "abc", "1", "-1,2", "1,2,3", "9999999,0"])
def test_a_cell_in_a_link_that_does_not_exist_is_no_error(cell: str, open_page: Callable[..., AppTest]) -> None:
    assert "z_{" in latex(open_page(SLUG, cell=cell, stride="x"))


def test_a_kernel_that_does_not_fit_says_so_and_keeps_the_picture(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="edge", cell="0,1")
    before = latex(test)
    test.segmented_control("padding-shown").set_value("0").run()
    test.segmented_control("dilation-shown").set_value("3").run()
    assert "spans 7 rows, but the padded picture has 6" in test.error[0].value
    state = State(kernel="edge", padding=0, cell=(0, 1))
    assert conv_picture.forward_sum(lesson.compute(state), state.geometry, (0, 1)) in latex(test) != before
    test.segmented_control("dilation-shown").set_value("1").run()
    assert not test.error


def test_presets_set_the_controls_and_put_the_others_back(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="edge", dilation="2", way="turned")
    test.button("preset-1").click().run()
    kept = {name: test.text_input(name).value for name in ("picture", "kernel", "stride", "padding", "dilation", "way")}
    assert kept == {"picture": "flat", "kernel": "", "stride": "3", "padding": "0", "dilation": "", "way": ""}
    assert not test.exception


def test_a_click_moves_the_frames(open_page: Callable[..., AppTest]) -> None:
    rows = conv_picture.rows(lesson.compute(State()), State().geometry, (0, 0), (2, 2), "adjoint")
    assert sorted(rows[0].planes[0].frame) == [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 1)]
    assert rows[0].planes[2].chosen == (0, 0)
    test = open_page(SLUG)
    test.session_state["cell"] = "0,0"
    assert "z_{0,0}" in latex(test.run())


def test_words_say_whether_a_proof_holds(open_page: Callable[..., AppTest]) -> None:
    for way, word, other in (("adjoint", "holds", "fails"), ("turned", "fails", "holds")):
        labels = [str(block.proto.popover.label) for block in open_page(SLUG, way=way).get("popover")]
        assert sum(word in label for label in labels) == 3
        assert not any(other in label for label in labels)


def test_cells_show_whole_numbers_whole() -> None:
    assert [planes.number(value) for value in (3.0, -3.0, 0.126, -0.001)] == ["3", "−3", "0.13", "0"]
