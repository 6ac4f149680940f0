"""The lesson on convolution and its adjoint: what it shows is what the arrays are, and wrong ways turn red."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import practice
import pytest
from reference import conv_loops
from streamlit.testing.v1 import AppTest

from deconvviz.articles.formulas import FORMULAS
from deconvviz.errors import GeometryError
from deconvviz.ops import ConvGeometry, conv
from deconvviz.ops.conventions import CONVENTIONS
from lessons import adjoint as lesson
from lessons._kit.draw import planes
from lessons._kit.numbers import toy_arrays
from lessons._kit.numbers.taps import window
from lessons.adjoint import adjoint_variants, back_views, convention_table, meter, picture, scenes
from lessons.adjoint.back_views import Chosen

SLUG = lesson.LESSON.slug
State = lesson.State


def states() -> list[lesson.State]:
    """Every geometry that the controls offer and that fits, with every kernel; some output cell of each."""
    found = []
    for kernel, stride, padding, dilation in itertools.product(toy_arrays.KERNELS, (1, 2, 3), (0, 1, 2), (1, 2, 3)):
        state = State(kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        try:
            size = state.geometry.output_size(toy_arrays.SIZE, toy_arrays.kernel(kernel).shape[:2])
        except GeometryError:
            continue
        found.append(replace(state, cell=(size[0] - 1, size[1] // 2), back=(4, 1)))
    return found


STATES = states()
SOME = STATES[::7]
FEW = STATES[3::19]
VIEWS = list(adjoint_variants.VIEWS)
WRONG = [way for way in adjoint_variants.VARIANTS if way != "adjoint"]
#: A state of each wrong way in which it is wrong.
SEEN_WRONG = {
    "turned": State(way="turned"),
    "padding": State(way="padding"),
    "rounded": State(way="rounded", kernel="edge", stride=2),
    "channels": State(way="channels"),
}


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


@pytest.mark.sampled(9, check=7)
@pytest.mark.parametrize("state", SOME, ids=str)
def test_the_planes_are_those_of_the_loops(state: lesson.State) -> None:
    arrays = lesson.compute(state)
    geometry = state.geometry
    pads = geometry.resolve(toy_arrays.SIZE, arrays.w.shape[:2])
    z = conv_loops.conv(arrays.x, arrays.w, geometry.strides, pads, geometry.dilations, 1)
    np.testing.assert_array_equal(arrays.z, z)
    back = conv_loops.conv_adjoint(z, arrays.w, geometry.strides, pads, geometry.dilations, 1, toy_arrays.SIZE)
    np.testing.assert_array_equal(arrays.back, back)


@pytest.mark.sampled(9, check=9)
@pytest.mark.parametrize("state", SOME, ids=str)
def test_the_sums_on_screen_are_the_cells_of_the_planes(state: lesson.State) -> None:
    arrays = lesson.compute(state)
    products, shown = numbers(picture.forward_sum(arrays, state.geometry, state.cell))
    assert products == shown == arrays.z[0, *state.cell, 0]
    products, shown = numbers(picture.backward_sum(arrays, state.geometry, state.back))
    assert products == shown == arrays.back[0, *state.back, 0]


def test_a_wrong_sum_would_be_noticed() -> None:
    arrays = lesson.compute(State())
    wrong = replace(arrays, w=arrays.w[::-1])
    assert numbers(picture.forward_sum(wrong, State().geometry, (2, 2)))[0] != arrays.z[0, 2, 2, 0]


def test_the_stamp_of_one_cell_lies_in_its_frame() -> None:
    state = State(picture="pixel", signal="cell", cell=(3, 3))
    arrays = lesson.compute(state)
    taps = window((3, 3), (2, 3), state.geometry, toy_arrays.SIZE)
    assert arrays.g.sum() == arrays.z[0, 3, 3, 0] != 0
    np.testing.assert_array_equal(
        [arrays.back[0, *tap.input, 0] for tap in taps], arrays.z[0, 3, 3, 0] * arrays.w[:, :, 0, 0].ravel()
    )
    assert np.count_nonzero(arrays.back) == len(taps)


@pytest.mark.sampled(6, check=1)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("state", FEW, ids=str)
def test_proofs_hold_for_the_adjoint_in_every_view(state: lesson.State, view: str) -> None:
    assert all(check.holds for check in lesson.checks(replace(state, view=view)))
    assert lesson.sides(replace(state, view=view)).agree


def test_every_view_runs_its_own_code() -> None:
    assert len({lesson.function(State(view=view)) for view in VIEWS}) == 3


@pytest.mark.slow
@pytest.mark.parametrize("way", WRONG)
def test_wrong_ways_turn_red(way: str) -> None:
    assert not any(check.holds for check in lesson.checks(SEEN_WRONG[way]))
    assert not lesson.sides(SEEN_WRONG[way]).agree


@pytest.mark.sampled(7, check=1)
@pytest.mark.parametrize("way", WRONG)
@pytest.mark.parametrize("state", FEW, ids=str)
def test_the_meter_never_disagrees_with_the_proofs(state: lesson.State, way: str) -> None:
    state = replace(state, way=way)
    held = {check.holds for check in lesson.checks(state)}
    assert held == {lesson.sides(state).agree}


@pytest.mark.deep
def test_channels_that_are_not_swapped_are_never_right_by_luck() -> None:
    held = [lesson.sides(replace(state, way="channels")).agree for state in SOME]
    assert held
    assert not any(held)


def test_the_meter_shows_both_numbers_and_the_gap() -> None:
    text = meter.to_html(meter.Sides(30.0, -10.0, 99.0, (6, 7), (6, 7)))
    assert "margin-left: 25%; width: 75%" in text
    assert "margin-left: 0%; width: 25%" in text
    assert ">30<" in text
    assert ">−10<" in text
    assert "differ by 40." in text
    assert "The two agree." in meter.to_html(meter.Sides(3.0, 3.0, 9.0, (6, 7), (6, 7)))
    text = meter.to_html(meter.Sides(3.0, None, 9.0, (6, 7), (5, 7)))
    assert "no product: By is 5 × 7, x is 6 × 7" in text


def test_a_wrong_way_fails_by_the_loops_too() -> None:
    for way, state in SEEN_WRONG.items():
        arrays = lesson.compute(state)
        pads = state.geometry.resolve(toy_arrays.SIZE, arrays.w.shape[:2])
        right = conv_loops.conv_adjoint(arrays.g, arrays.w, *(state.geometry.strides, pads, (1, 1)), 1, toy_arrays.SIZE)
        np.testing.assert_array_equal(arrays.right, right)
        assert not np.array_equal(arrays.back, right), way


def test_rounding_down_loses_the_row_that_no_window_reached() -> None:
    arrays = lesson.compute(SEEN_WRONG["rounded"])
    assert arrays.right.shape[1:3] == (6, 7)
    assert arrays.back.shape[1:3] == (5, 7)
    np.testing.assert_array_equal(arrays.back, arrays.right[:, :5])
    assert all(check.holds for check in lesson.checks(State(way="rounded", stride=2)))


@pytest.mark.sampled(10, check=8)
@pytest.mark.parametrize("way", ["adjoint", *WRONG])
@pytest.mark.parametrize("state", FEW, ids=str)
def test_zero_insertion_shows_what_the_way_really_is(state: lesson.State, way: str) -> None:
    arrays = lesson.compute(replace(state, way=way))
    if not arrays.back.size:
        assert way == "padding"
        return
    how = adjoint_variants.insertion(way, arrays.g, arrays.w, state.geometry, toy_arrays.SIZE)
    made = conv(how.inner, how.kernel, ConvGeometry(1, how.pads, state.geometry.dilation))
    np.testing.assert_array_equal(made, arrays.back)


@pytest.mark.parametrize("state", FEW, ids=str)
def test_the_products_of_zero_insertion_are_those_of_the_planes(state: lesson.State) -> None:
    state = replace(state, view="zeros")
    arrays = lesson.compute(state)
    value = float(arrays.back[0, *state.back, 0])
    at = Chosen(state.cell, state.back, "adjoint", "zeros")
    spread, kernel, result = picture.rows(arrays, state.geometry, at)[1].planes
    window = sorted(spread.touched)
    height, width = spread.values.shape
    read = [spread.values[r, c] if 0 <= r < height and 0 <= c < width else 0.0 for r, c in window]
    assert np.vdot(read, kernel.values) == value == result.values[state.back]
    assert not any(spread.values[cell] for cell in spread.quiet)
    products, shown = numbers(
        back_views.insertion_sum(arrays.g, arrays.w, state.geometry, state.back, toy_arrays.SIZE, value)
    )
    assert products == shown == value
    if spread.chosen is not None:
        assert spread.values[spread.chosen] == arrays.g[0, *state.cell, 0]


@pytest.mark.sampled(check=3)
@pytest.mark.parametrize("way", ["adjoint", "turned", "padding", "rounded"])
def test_the_matrix_on_screen_is_the_way_back(way: str) -> None:
    state = replace(SEEN_WRONG.get(way, State(kernel="edge", stride=2)), view="matrix")
    arrays = lesson.compute(state)
    made = lesson.matrix(state) @ arrays.g.ravel()
    np.testing.assert_array_equal(made.reshape(arrays.back.shape), arrays.back)


def test_wrong_cells_are_struck_out_and_counted() -> None:
    for way in ("turned", "channels"):
        state = State(way=way)
        arrays = lesson.compute(state)
        rows = picture.rows(arrays, state.geometry, Chosen((2, 2), (2, 2), way))
        back = rows[1 if way == "turned" else 2].planes[2 if way == "turned" else 0]
        differs = {(int(r), int(c)) for r, c in np.argwhere(arrays.back[0, :, :, 0] != arrays.right[0, :, :, 0])}
        assert set(back.wrong) == differs != set()
        assert f"{len(differs)}" in back.title
    rows = picture.rows(lesson.compute(State()), State().geometry, Chosen((2, 2), (2, 2)))
    assert not rows[1].planes[2].wrong


def test_a_wrong_size_is_in_the_title() -> None:
    state = SEEN_WRONG["rounded"]
    rows = picture.rows(lesson.compute(state), state.geometry, Chosen((1, 1), (2, 2), "rounded"))
    assert rows[1].planes[2].title == "what comes back, 5 × 7, not 6 × 7"


@pytest.mark.parametrize("key", CONVENTIONS)
def test_the_table_says_what_each_library_gives(key: str) -> None:
    state = State(kernel="edge", stride=2)
    arrays = lesson.compute(state)
    line = convention_table.measure(key, arrays.g, arrays.w, state.geometry, toy_arrays.SIZE)
    assert line.converted == 0
    assert line.error > 0, "6 rows are not a whole number of strides: every call needs its conversion"
    text = convention_table.to_html([line], toy_arrays.SIZE)
    assert f"{line.size[0]} × {line.size[1]}" in text
    assert "other size" in text or "away" in text
    assert "kernel=w" in text
    sizes = {"jax": (5, 7), "torch": (5, 7), "keras": (7, 9), "keras-same": (6, 8)}
    assert line.size == sizes.get(key, line.size)


def test_the_table_says_what_keras_refuses() -> None:
    state = State(stride=2, dilation=2)
    arrays = lesson.compute(state)
    line = convention_table.measure("keras", arrays.g, arrays.w, state.geometry, toy_arrays.SIZE)
    assert line.size is None
    text = convention_table.to_html([line], toy_arrays.SIZE)
    assert "refused" in text
    assert "no stride with dilation" in text


def test_torch_is_right_as_it_is_where_nothing_is_lost() -> None:
    arrays = lesson.compute(State(stride=2))
    line = convention_table.measure("torch", arrays.g, arrays.w, State(stride=2).geometry, toy_arrays.SIZE)
    assert line.error == 0
    assert ">equal<" in convention_table.to_html([line], toy_arrays.SIZE)


def test_a_wrong_size_is_infinitely_wrong() -> None:
    errors = [check.error for check in lesson.checks(State(way="padding", padding=0, kernel="edge"))]
    assert errors == [math.inf] * 3


def test_a_kernel_that_looks_the_same_turned_hides_the_mistake() -> None:
    assert all(check.holds for check in lesson.checks(State(way="turned", kernel="blur")))


def test_the_padding_of_the_way_there_is_right_by_luck_for_three_taps_and_one_row() -> None:
    assert all(check.holds for check in lesson.checks(State(way="padding", kernel="edge", padding=1)))


def test_only_the_single_one_is_undone() -> None:
    away = {kernel: lesson.not_inverse(State(kernel=kernel)) for kernel in toy_arrays.KERNELS}
    assert away.pop("single") == 0
    assert min(away.values()) > 0.1


def test_rows_that_nobody_reads_come_back_as_zero() -> None:
    back = lesson.compute(State(picture="flat", stride=3, padding=0)).back[0, :, :, 0]
    assert not back[2].any()
    assert not back[5].any()
    assert back[[0, 1, 3, 4]].any(axis=1).all()


@pytest.mark.sampled(3, check=3)
@pytest.mark.parametrize(
    "state",
    [State(signal="cell", stride=2), *(State(view=view) for view in VIEWS), *SEEN_WRONG.values()],
    ids=str,
)
def test_the_code_on_the_page_makes_the_picture(state: lesson.State) -> None:
    made: dict[str, np.ndarray] = {}
    assert "lessons" not in lesson.call(state)
    exec(lesson.call(state), made)
    np.testing.assert_array_equal(made["back"], lesson.compute(state).back)


@pytest.mark.parametrize(
    "state", [State(), State(kernel="edge", stride=3, padding=0), State(kernel="numbered", dilation=2, signal="cell")]
)
def test_the_stamps_of_the_motion_add_up_to_what_comes_back(state: lesson.State) -> None:
    arrays = lesson.compute(state)
    at = back_views.Chosen(state.cell, state.back)
    moving = picture.stamps(arrays, state.geometry, at)
    assert moving is not None
    total = np.zeros(toy_arrays.SIZE)
    for step in moving.steps[: moving.count]:
        for (_, r, c), value, _ in step.sets:
            total[r, c] = value
    np.testing.assert_allclose(total, arrays.back[0, :, :, 0], atol=1e-4)
    made = {step.at[1:]: step for step in moving.steps if step.at[0] == picture.BACK}
    for cell, step in made.items():
        assert sum(np.prod([v for _, v in term.factors]) for term in step.terms) == pytest.approx(total[cell], abs=1e-4)
    assert {moving.steps[n].at[1:] for n in moving.rest} == {state.cell, state.back}
    assert picture.stamps(arrays, state.geometry, replace(at, way="turned")) is None


def latex(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.value for element in test.latex)


@pytest.mark.slow
def test_a_link_opens_its_state(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="edge", stride="2", cell="1,2", back="3,4")
    state = State(kernel="edge", stride=2, cell=(1, 2), back=(3, 4))
    assert picture.forward_sum(lesson.compute(state), state.geometry, (1, 2)) in latex(test)
    assert picture.backward_sum(lesson.compute(state), state.geometry, (3, 4)) in latex(test)


@pytest.mark.deep
@pytest.mark.parametrize("cell", ["99,99", "abc", "1", "-1,2", "1,2,3", "9999999,0"])
def test_a_cell_in_a_link_that_does_not_exist_is_no_error(cell: str, open_page: Callable[..., AppTest]) -> None:
    assert "z_{" in latex(open_page(SLUG, cell=cell, stride="x"))


@pytest.mark.slow
def test_a_kernel_that_does_not_fit_says_so_and_keeps_the_picture(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="edge", cell="0,1")
    before = latex(test)
    test.segmented_control("padding-shown").set_value("0").run()
    test.segmented_control("dilation-shown").set_value("3").run()
    assert "spans 7 rows, but the padded picture has 6" in test.error[0].value
    state = State(kernel="edge", padding=0, cell=(0, 1))
    assert picture.forward_sum(lesson.compute(state), state.geometry, (0, 1)) in latex(test) != before
    test.segmented_control("dilation-shown").set_value("1").run()
    assert not test.error


def test_the_scenes_say_what_the_loops_say() -> None:
    ones = np.ones((1, 6, 7, 1)), np.ones((2, 3, 1, 1)), (1, 1), ((1, 1), (1, 1)), (1, 1), 1
    taps = conv_loops.conv_adjoint(np.ones_like(conv_loops.conv(*ones)), *ones[1:], toy_arrays.SIZE)[0, :, :, 0]
    asked = scenes.at_the_corner()
    assert (asked.answer, "reach the corner" in asked.prompt) == (str(int(taps[0, 0])), True)
    assert f"{taps[2, 2]:.0f} cells of g reach row 2, column 2" in asked.prompt
    blind = [name for name in scenes.hidden_turn().options if not _is_moved_by_turning(toy_arrays.kernel(name))]
    assert [scenes.hidden_turn().answer] == blind
    away = {name: lesson.not_inverse(State(kernel=name)) for name in scenes.undone().options}
    assert scenes.undone().answer == min(away, key=away.__getitem__)


def _is_moved_by_turning(w: np.ndarray) -> bool:
    return not np.array_equal(w, w[::-1, ::-1])


def test_the_last_scene_asks_for_what_can_be_found() -> None:
    """The padding of the forward pass is hidden at padding 1, a size rounded down wherever no row is left over."""
    hidden = {way for way in WRONG if lesson.sides(State(way=way, kernel="corner")).agree}
    assert hidden == {"padding", "rounded"}
    assert lesson.sides(State(way="rounded", kernel="corner", stride=3, padding=0)).agree == (
        (6 - 3) % 3 + (7 - 3) % 3 == 0
    )
    assert not lesson.sides(State(way="rounded", kernel="corner", stride=2)).agree
    away = {kernel: lesson.not_inverse(State(picture="flat", kernel=kernel)) for kernel in toy_arrays.KERNELS}
    assert set(sorted(away, key=away.__getitem__)[:3]) == {"single", "numbered", "blur"}


@pytest.mark.slow
def test_a_click_moves_the_frames(open_page: Callable[..., AppTest]) -> None:
    rows = picture.rows(lesson.compute(State()), State().geometry, Chosen((0, 0), (2, 2)))
    assert sorted(rows[0].planes[0].frame) == [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 1)]
    assert rows[0].planes[2].chosen == (0, 0)
    test = open_page(SLUG)
    test.session_state["cell"] = "0,0"
    assert "z_{0,0}" in latex(test.run())


@pytest.mark.slow
def test_words_say_whether_a_proof_holds(open_page: Callable[..., AppTest]) -> None:
    for way, word, other in (("adjoint", "holds", "fails"), ("turned", "fails", "holds")):
        labels = practice.verdicts(open_page(SLUG, way=way))
        assert sum(word in label for label in labels) == 3
        assert not any(other in label for label in labels)


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_a_way_back_that_ends_in_nothing_says_so(view: str, open_page: Callable[..., AppTest]) -> None:
    state = State(kernel="blur", dilation=3, way="padding")
    assert lesson.compute(state).back.size == 0
    rows = picture.rows(lesson.compute(state), state.geometry, Chosen((1, 1), (2, 2), "padding", view))
    assert rows[1].title == "Backward: nothing; with this padding the kernel does not fit the signal"
    assert not open_page(SLUG, kernel="blur", dilation="3", way="padding", view=view).exception


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("way", ["adjoint", "rounded", "channels"])
def test_every_view_of_every_way_opens(view: str, way: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, view=view, way=way, kernel="edge", stride="2")
    assert not test.exception
    assert ("A_{k,m}" in latex(test)) == (view == "matrix" and way == "adjoint")


def test_the_printed_formulas_and_the_table_are_there(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG)
    shown = [element.value.strip("$ \n") for element in test.latex]
    for key in ("F000.1", "F001.1", "F002.2", "F003.1"):
        assert FORMULAS[key].printed_latex in shown
    assert any("PyTorch and Keras" in block.label for block in test.expander)


@pytest.mark.slow
def test_a_link_to_the_table_opens_the_evidence_around_it(open_page: Callable[..., AppTest]) -> None:
    for link, is_open in (({"libraries": "true"}, True), ({}, False)):
        (evidence,) = (block for block in open_page(SLUG, **link).expander if block.label.startswith("Evidence"))
        assert evidence.proto.expanded == is_open


@pytest.mark.slow
def test_a_wrong_way_that_is_right_says_what_to_change(open_page: Callable[..., AppTest]) -> None:
    assert "Take a 3 × 3 kernel and stride 2." in open_page(SLUG, way="rounded").info[0].value
    assert not open_page(SLUG, way="rounded", kernel="edge", stride="2").info


@pytest.mark.deep
def test_cells_show_whole_numbers_whole() -> None:
    assert [planes.number(value) for value in (3.0, -3.0, 0.126, -0.001)] == ["3", "−3", "0.13", "0"]
