"""The lesson on the matrix of a convolution: the matrix on screen is that of the loops, and each count is counted."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from reference import conv_loops, matrix_loops
from scipy.linalg import toeplitz
from streamlit.testing.v1 import AppTest

from deconvviz.errors import GeometryError
from deconvviz.ops import ConvGeometry
from lessons import matrix as lesson
from lessons._kit.numbers import toy_arrays
from lessons.matrix import entries as matrix_entries
from lessons.matrix import picture, scenes

SLUG = lesson.LESSON.slug
State = lesson.State


def states() -> list[lesson.State]:
    """Every geometry that the controls offer and that fits, with every kernel; some row, weight and column of each."""
    found = []
    for kernel, stride, padding, dilation in itertools.product(toy_arrays.KERNELS, (1, 2, 3), (0, 1, 2), (1, 2, 3)):
        state = State(kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        try:
            size = state.geometry.output_size(toy_arrays.SIZE, state.kernel_size)
        except GeometryError:
            continue
        found.append(replace(state, cell=(size[0] - 1, size[1] // 2), tap=(0, 2), back=(4, 1)))
    return found


SOME = states()[::7]
some_states = pytest.mark.parametrize("state", SOME, ids=str)


def loops(state: lesson.State) -> np.ndarray:
    """A of a state, by asking of every entry."""
    w, geometry = toy_arrays.kernel(state.kernel)[:, :, 0, 0], state.geometry
    pads = geometry.resolve(toy_arrays.SIZE, state.kernel_size)
    return matrix_loops.matrix(w, toy_arrays.SIZE, geometry.strides, pads, geometry.dilations)


@some_states
def test_the_matrix_is_that_of_the_loops(state: lesson.State) -> None:
    np.testing.assert_array_equal(
        matrix_entries.dense(toy_arrays.kernel(state.kernel), state.geometry, toy_arrays.SIZE), loops(state)
    )


@pytest.mark.sampled(check=16)
@some_states
def test_the_matrix_times_the_picture_is_the_convolution_of_the_loops(state: lesson.State) -> None:
    view, geometry = lesson.compute(state), state.geometry
    pads = geometry.resolve(toy_arrays.SIZE, state.kernel_size)
    z = conv_loops.conv(view.x, view.w, geometry.strides, pads, geometry.dilations, 1)
    np.testing.assert_array_equal(view.z, z)
    np.testing.assert_array_equal(loops(state) @ view.x.ravel(), z.ravel())


@pytest.mark.parametrize("sizes", [((3, 4), (5, 7)), ((2, 3), (6, 5)), ((1, 4), (3, 8))])
def test_without_padding_the_matrix_is_toeplitz_blocks_of_toeplitz_bands(sizes: tuple) -> None:
    (kh, kw), (height, width) = sizes
    w = np.random.default_rng(3).standard_normal((kh, kw)).astype(np.float32)
    out_h, out_w = height - kh + 1, width - kw + 1
    bands = []
    for i in range(kh):
        first_row = np.concatenate([w[i], np.zeros(width - kw)])
        bands.append(toeplitz([w[i, 0], *[0] * (out_w - 1)], first_row))
    zero = np.zeros_like(bands[0])
    blocks = [[bands[r - u] if 0 <= r - u < kh else zero for r in range(height)] for u in range(out_h)]
    a = matrix_entries.dense(w[:, :, None, None], ConvGeometry(), (height, width))
    np.testing.assert_array_equal(a, np.block(blocks))


@some_states
def test_each_weight_stands_as_often_as_the_formula_says(state: lesson.State) -> None:
    kh, kw = state.kernel_size
    numbered = np.arange(1, 1 + kh * kw).reshape(kh, kw)
    geometry = state.geometry
    pads = geometry.resolve(toy_arrays.SIZE, (kh, kw))
    a = matrix_loops.matrix(numbered, toy_arrays.SIZE, geometry.strides, pads, geometry.dilations)
    down, across = matrix_entries.axis_counts((kh, kw), geometry, toy_arrays.SIZE)
    counted = Counter(a[a != 0].astype(int).tolist())
    for (i, n_down), (j, n_across) in itertools.product(enumerate(down), enumerate(across)):
        assert counted[numbered[i, j]] == n_down * n_across
    assert len(counted) <= kh * kw
    assert len(np.unique(loops(state)[loops(state) != 0])) <= kh * kw


@pytest.mark.parametrize("padding", [0, 1, ((0, 2), (1, 0)), "SAME"])
@pytest.mark.parametrize(("stride", "dilation"), [((1, 2), (3, 1)), ((3, 1), (1, 2)), ((2, 3), (2, 1))])
def test_counts_hold_for_pairs_and_uneven_padding(padding: object, stride: tuple, dilation: tuple) -> None:
    geometry, size, kernel = ConvGeometry(stride, padding, dilation), (9, 8), (3, 2)  # type: ignore[arg-type]
    entries = Counter(entry.tap for entry in matrix_entries.entries(kernel, geometry, size))
    down, across = matrix_entries.axis_counts(kernel, geometry, size)
    assert {(i, j): down[i] * across[j] for i in range(3) for j in range(2) if down[i] * across[j]} == entries


@pytest.mark.sampled(9, check=5)
@some_states
def test_proofs_hold(state: lesson.State) -> None:
    assert all(check.holds for check in lesson.checks(state))


def test_a_matrix_with_row_and_column_swapped_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    right = matrix_entries.entries

    def shifted(*arguments: object) -> list[matrix_entries.Entry]:
        return [replace(entry, column=(entry.column + 1) % 42) for entry in right(*arguments)]  # type: ignore[arg-type]

    monkeypatch.setattr(matrix_entries, "entries", shifted)
    assert lesson.product(State()) > 0.01
    assert lesson.two_computations(State()) > 0.01


def test_a_wrong_count_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_entries, "axis_counts", lambda *_: ([7, 7], [7, 7, 7]))
    assert lesson.sharing(State()) > 0.01


def test_growth_is_the_size_of_a_real_matrix() -> None:
    layer = matrix_entries.growth((3, 2), ConvGeometry(2, 1), (7, 9))
    w = np.arange(1, 7).reshape(3, 2)
    a = matrix_loops.matrix(w, (7, 9), (2, 2), ((1, 1), (1, 1)), (1, 1))
    assert (layer.rows, layer.columns, layer.entries) == (*a.shape, a.size)
    assert (layer.places, layer.weights) == (np.count_nonzero(a), 6)


def test_the_second_layer_of_vgg_would_fill_41_terabytes() -> None:
    layer = lesson.weighed(State(kernel="edge"))[-1]
    cells = 224 * 224 * 64
    assert (layer.weights, layer.entries) == (3 * 3 * 64 * 64, cells**2)
    assert layer.places == 64 * 64 * (3 * 224 - 2) ** 2
    assert lesson.memory(layer.entries) == "41.2 TB"
    shown = lesson.growth_table(State(kernel="edge"))
    assert "36\u202f864" in shown
    assert "1.03 · 10<sup>13</sup>" in shown


def products(latex: str) -> tuple[float, float]:
    """(the sum of the products, the result) of an equation on screen."""
    plain = re.sub(r"\\color\{#\w+\}|\\;|[{}&]|\\begin\w*|\\end\w*", "", latex).replace(r"\cdot", "*")
    *_, terms, result = plain.split("=")
    pairs = re.findall(r"\(?(-?[\d.]+)\)?\s*\*\s*\(?(-?[\d.]+)\)?", terms)
    return sum(float(a) * float(b) for a, b in pairs), float(re.findall(r"-?[\d.]+", result)[0])


@some_states
def test_the_sum_on_screen_is_the_cell(state: lesson.State) -> None:
    view = lesson.compute(state)
    total, shown = products(picture.row_sum(view))
    assert total == shown == view.z[0, *state.cell, 0] == loops(state)[view.row] @ view.x.ravel()


@pytest.mark.sampled(30, check=24)
@some_states
@pytest.mark.parametrize("look", lesson.LOOKS)
def test_what_is_lit_is_a_row_a_weight_or_a_column(state: lesson.State, look: str) -> None:
    view = lesson.compute(replace(state, look=look))
    for entry in view.entries:
        on = {"row": entry.row == view.row, "weight": entry.tap == (0, 2), "column": entry.column == 4 * 7 + 1}
        assert (entry in view.lit) == on.get(look, True)
    message = picture.message(view)
    assert sum(entry[-1] for entry in message["entries"]) == len(view.lit)
    assert len(message["x"]) == 42
    assert len(message["z"]) == view.z.size


def test_the_frames_of_the_planes_are_those_of_the_matrix() -> None:
    x, w, z = picture.rows(lesson.compute(State(cell=(0, 0)))).planes
    assert sorted(x.frame) == [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 1)]
    assert (w.chosen, z.chosen) == (None, (0, 0))
    x, w, z = picture.rows(lesson.compute(State(look="weight", tap=(1, 2)))).planes
    assert w.chosen == (1, 2)
    assert len(x.touched) == len(z.touched) == 36
    x, w, z = picture.rows(lesson.compute(State(look="column", back=(3, 4)))).planes
    assert x.chosen == (3, 4)
    assert sorted(z.touched) == [(3, 3), (3, 4), (3, 5), (4, 3), (4, 4), (4, 5)]


def test_the_code_on_the_page_makes_the_matrix() -> None:
    state = State(kernel="corner", stride=2, dilation=2)
    made: dict[str, np.ndarray] = {}
    assert "lessons" not in lesson.call(state)
    exec(lesson.call(state), made)
    np.testing.assert_array_equal(made["A"], loops(state))
    for name in ("same", "z"):
        np.testing.assert_array_equal(made[name], lesson.compute(state).z.ravel())


def latex(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.value for element in test.latex)


@pytest.mark.slow
def test_a_link_opens_its_state(open_page: Callable[..., AppTest]) -> None:
    for look, write in (
        ("row", picture.row_sum),
        ("weight", picture.weight_count),
        ("column", picture.column_list),
    ):
        test = open_page(SLUG, kernel="edge", stride="2", look=look, cell="1,2", tap="2,0", back="3,4")
        state = State(kernel="edge", stride=2, look=look, cell=(1, 2), tap=(2, 0), back=(3, 4))
        assert write(lesson.compute(state)) in latex(test)


@pytest.mark.deep
@pytest.mark.parametrize("link", [{"cell": "99,99"}, {"tap": "7,7", "look": "weight"}, {"look": "x"}, {"back": "-1"}])
def test_a_link_to_nothing_is_no_error(link: dict[str, str], open_page: Callable[..., AppTest]) -> None:
    assert "A_{" in latex(open_page(SLUG, **link))


@pytest.mark.slow
def test_a_kernel_that_does_not_fit_says_so_and_keeps_the_picture(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="edge", padding="0", cell="0,1")
    before = latex(test)
    test.segmented_control("dilation-shown").set_value("3").run()
    assert "spans 7 × 7 cells, but the padded picture has 6 × 7" in test.error[0].value
    assert latex(test) == before
    test.segmented_control("dilation-shown").set_value("1").run()
    assert not test.error


def test_a_column_that_no_window_reads_says_so() -> None:
    view = lesson.compute(State(stride=3, padding=0, look="column", back=(2, 0)))
    assert not view.lit
    assert "no window reads input cell 2, 0" in picture.meaning(view)


def test_the_scenes_say_what_the_loops_say() -> None:
    numbered = State(kernel="numbered")
    size, pads = toy_arrays.SIZE, ((1, 1), (1, 1))
    a = matrix_loops.matrix(np.arange(1, 10).reshape(3, 3), size, (1, 1), pads, (1, 1))
    asked = scenes.how_often()
    assert asked.answer == str((a == 7).sum()), "7 stands at row 2, column 0 of that kernel"
    assert f"z has {len(a)} cells" in asked.prompt
    column = loops(numbered)[:, 3 * 7 + 3]
    assert column[column != 0].tolist() == [6, 5, 4, 3, 2, 1]
    assert scenes.one_column().answer == "down"
    assert (len(loops(replace(numbered, stride=2))), len(loops(numbered))) == (16, 49)
    first, second = (np.flatnonzero(row == 5)[0] for row in loops(replace(numbered, stride=2))[1:3])
    assert second - first == 2, "one row further down, two columns further to the right"


def test_the_last_scene_asks_for_what_can_be_found() -> None:
    assert not loops(State(stride=3, padding=0)).any(axis=0).all(), "a column that is empty"
    assert len(np.unique(loops(State(padding=2)), axis=0)) < len(loops(State(padding=2))), "two rows that are equal"
    assert loops(State(kernel="edge")).shape == (42, 42)
    assert loops(State(kernel="single", padding=0)).shape == (20, 42), "without padding the border is not copied"


@pytest.mark.slow
def test_the_scene_on_size_shows_the_table_in_the_picture(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, scene="4")
    assert "41.2 TB" in " ".join(block.proto.body for block in test.get("html"))
    assert not test.latex[0].value.startswith(r"\#"), "nothing is counted"
    assert test.text_input("look").value == ""


def test_the_kernel_with_a_single_one_is_the_identity() -> None:
    np.testing.assert_array_equal(lesson.columns("single", State().geometry), np.eye(42))


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_questions_ask_what_the_loops_answer(seed: int) -> None:
    for kind, (_, maker) in lesson.LESSON.questions.items():
        question = maker(seed)
        h, w, kh, kw, s, p = map(int, re.findall(r"\d+", question.prompt)[:6])
        numbered = np.arange(1, 1 + kh * kw).reshape(kh, kw)
        a = matrix_loops.matrix(numbered, (h, w), (s, s), ((p, p), (p, p)), (1, 1))
        if kind == "shape":
            assert question.answer == a.shape
        elif kind == "repetitions":
            assert question.answer == ((a == 1).sum(),)
        else:
            u, v, i, j = map(int, re.findall(r"\d+", question.prompt)[-5:-1])
            assert question.answer == (u * ((w - kw) // s + 1) + v, (s * u + i) * w + s * v + j)
            assert a[question.answer] == numbered[i, j]
            np.testing.assert_array_equal(question.picture[0].planes[0].values, a > 0)
