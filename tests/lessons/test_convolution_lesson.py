"""The first lesson: what it shows is what the loops give, nonsense gets a sentence, and the last picture stays."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import conv_loops
from streamlit.testing.v1 import AppTest

from deconvviz.articles.formulas import FORMULAS
from deconvviz.errors import DeconvvizError
from lessons import convolution as lesson
from lessons._kit.claims import words
from lessons.convolution import cells as first_cells
from lessons.convolution import number_field, photo, picture, questions, scenes, sums
from lessons.convolution import values as typed_values

SLUG = lesson.LESSON.slug
State = lesson.State
MOVED = "1_0_2~0_-3_1"


def states() -> list[lesson.State]:
    """Geometries that fit, with pictures, kernels, switches in turn."""
    found = []
    looks = itertools.cycle(itertools.product(typed_values.PICTURES, typed_values.KERNELS, ("no", "yes"), ("1", "3")))
    for (stride, padding, dilation), (name, kernel, turned, channels) in zip(
        itertools.product((1, 2, 3), (0, 1, 3), (1, 2, 3)), itertools.islice(looks, 0, None, 5), strict=False
    ):
        state = State(name, kernel, stride, padding, dilation, turned, channels)
        try:
            lesson.fit(state)
        except DeconvvizError:
            continue
        height, width = lesson.compute(state).z.shape[1:3]
        found.append(replace(state, cell=(height - 1, width // 2), tap=(1, 2)))
    return [
        *found,
        State(kernel="own", w=MOVED, padding=1, cell=(3, 2), tap=(1, 1)),
        State(picture="camera", stride=3, padding=2, turned="yes", kernel="numbered", cell=(40, 2), tap=(1, 0)),
    ]


STATES = states()
every_state = pytest.mark.parametrize("state", STATES, ids=lambda s: "-".join(map(str, vars(s).values())))


def looped(state: lesson.State) -> np.ndarray:
    """z by the slow loops; the kernel turned by hand."""
    x = typed_values.picture(state.picture, state.x, state.depth)
    w = typed_values.kernel(state.kernel, state.w, state.depth)
    if state.turned == "yes":
        w = np.array([[w[-1 - i, -1 - j] for j in range(w.shape[1])] for i in range(w.shape[0])])
    pads = ((state.padding,) * 2,) * 2
    return conv_loops.conv(x, w, (state.stride,) * 2, pads, (state.dilation,) * 2, 1)


def numbers(latex: str) -> tuple[float, float]:
    """(the sum of the products, the result) of an equation on screen."""
    plain = re.sub(r"\\color\{#\w+\}|\\;|[{}&]|\\begin\w*|\\end\w*", "", latex).replace(r"\cdot", "*")
    _, terms, result = plain.split("=")
    pairs = re.findall(r"\(?(-?[\d.]+)\)?\s*\*\s*\(?(-?[\d.]+)\)?", terms)
    return sum(float(a) * float(b) for a, b in pairs), float(re.findall(r"-?[\d.]+", result)[0])


def test_most_geometries_are_looked_at() -> None:
    assert len(STATES) > 20
    assert {state.channels for state in STATES} == {"1", "3"}
    assert {state.turned for state in STATES} == {"no", "yes"}


@pytest.mark.sampled(10, check=7)
@every_state
def test_the_output_is_that_of_the_loops(state: lesson.State) -> None:
    np.testing.assert_array_equal(lesson.compute(state).z, looped(state))


@pytest.mark.sampled(10, check=10)
@every_state
def test_the_proofs_hold(state: lesson.State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


@every_state
def test_every_traced_window_adds_up_to_its_cell(state: lesson.State) -> None:
    arrays = lesson.compute(state)
    z = looped(state)[0, :, :, 0]
    cells = list(np.ndindex(*z.shape))
    for cell in cells[:: 1 + len(cells) // 200]:
        assert sums.products(arrays, cell).sum() == z[cell]
    np.testing.assert_array_equal(sums.every_sum(arrays), z)
    assert sums.output_size(arrays) == z.shape


@every_state
def test_the_numbers_in_the_formulas_are_those_of_the_arrays(state: lesson.State) -> None:
    arrays = lesson.compute(state)
    z = arrays.z[0, state.cell[0], state.cell[1], 0]
    whole = picture.whole_sum(arrays, state.cell)
    if state.depth == 1:
        assert numbers(whole) == (z, z)
    else:
        parts = [float(part) for part in re.findall(r"-?\d+(?=\)? [+=])", re.sub(r"\{\\color\{#\w+\}", "", whole))]
        assert sum(parts[-3:]) == z
    out = re.findall(r"\+ 1 = (\d+)", picture.sizes(arrays))
    assert [int(n) for n in out] == list(arrays.z.shape[1:3])
    shown = picture.one_product(arrays, state.cell, state.tap)
    (i, j), (r, c) = (map(int, re.findall(rf"{name}_{{(-?\d+),(-?\d+)", shown)[0]) for name in "wx")
    weight, value = arrays.given[i, j, 0, 0], np.pad(arrays.x[0, :, :, 0], 9)[r + 9, c + 9]
    assert weight * value == sums.products(arrays, state.cell)[(*state.tap, 0)]
    made = sums.products(arrays, state.cell)[state.tap]
    assert [float(n) for n in re.findall(r"= (-?[\d.]+)(?: |$)", shown)] == made.tolist()


def test_a_wrong_kernel_output_or_size_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(kernel="numbered")
    arrays = lesson.compute(state)
    monkeypatch.setattr(lesson, "compute", lambda _: replace(arrays, given=arrays.given[::-1]))
    assert lesson.traced(state) > 0.1
    monkeypatch.setattr(lesson, "compute", lambda _: replace(arrays, z=arrays.z[:, 1:]))
    assert lesson.size(state) == 1
    monkeypatch.setattr(sums, "scipy_convolution", lambda x, w, g: looped(state)[0, :, :, 0])
    assert lesson.turned_kernel(state) > 0.1


def test_the_turned_kernel_is_not_the_kernel_unless_it_looks_the_same() -> None:
    for kernel, same in (("numbered", False), ("edge", False), ("blur", True)):
        straight, turned = (lesson.compute(State(kernel=kernel, turned=word)).z for word in ("no", "yes"))
        assert np.array_equal(straight, turned) == same


def test_one_pixel_shows_the_kernel() -> None:
    z = lesson.compute(State(picture="pixel", kernel="numbered", turned="yes")).z[0, :, :, 0]
    np.testing.assert_array_equal(z[1:3, 1:4], typed_values.kernel("numbered", "", 1)[:, :, 0, 0])
    assert np.count_nonzero(z) == 6


def test_less_than_a_stride_does_not_move_along() -> None:
    assert lesson.moved(State(stride=2), 2) == lesson.moved(State(stride=1), 1) == 0
    assert lesson.moved(State(stride=2), 1) > 0.1


def test_slices_read_their_own_channel() -> None:
    x = typed_values.picture("corner", "", 3)
    for channel in range(3):
        w = np.zeros((1, 1, 3))
        w[0, 0, channel] = 1
        z = lesson.compute(State(channels="3", kernel="own", w=typed_values.to_text(w))).z
        np.testing.assert_array_equal(z[..., 0], x[..., channel])
    assert len({x[..., c].tobytes() for c in range(3)}) == 3


cells = st.integers(-9999, 9999).map(lambda n: n / 100)


@pytest.mark.slow
@given(st.integers(1, 3), st.integers(1, 4), st.sampled_from([1, 3]), st.data())
def test_cells_survive_the_link(height: int, width: int, channels: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(cells, min_size=height * width * channels, max_size=height * width * channels))
    array = np.array(values).reshape(height, width, channels)
    text = typed_values.to_text(array)
    assert re.fullmatch(r"[0-9.~_-]+", text)
    np.testing.assert_array_equal(typed_values.from_text(text), array)


@pytest.mark.slow
@given(st.text(max_size=12))
def test_any_text_is_a_number_or_a_sentence(text: str) -> None:
    try:
        number = typed_values.read_number(text)
    except DeconvvizError as error:
        sentence = str(error)
        assert "is not a number that fits a cell" in sentence
    else:
        assert -100 < number < 100


@pytest.mark.parametrize("text", ["", "abc", "1e3", "nan", "inf", "100", "1.234", "--1", "1 2", "- 1", "٣x"])
def test_nonsense_in_a_cell_is_refused(text: str) -> None:
    with pytest.raises(DeconvvizError, match=f"“{re.escape(text)}” is not a number"):
        typed_values.edited(np.zeros((2, 3, 1)), (1, 2, 0), text)


def test_an_edited_cell_is_the_only_one_that_changes() -> None:
    x = typed_values.picture("corner", "", 3)[0]
    changed = typed_values.picture("own", typed_values.edited(x, (1, 4, 2), "−7.5"), 3)[0]
    assert changed[1, 4, 2] == -7.5
    assert np.count_nonzero(changed != x) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1_2~3", "do not form a rectangle"),
        ("1_2", "1 × 2 × 1 cells; it needs 6 × 7"),
        ("1_x", "“x” is not a number"),
        ("~", "“” is not a number"),
    ],
)
def test_a_picture_that_cannot_be_read_says_why(text: str, reason: str) -> None:
    with pytest.raises(DeconvvizError, match=reason):
        typed_values.picture("own", text, 1)


def test_a_kernel_that_is_too_large_says_why() -> None:
    with pytest.raises(DeconvvizError, match="1 × 10 × 1 cells; it may have 9 × 9"):
        typed_values.kernel("own", "_".join("1" * 10), 1)
    with pytest.raises(DeconvvizError, match="spans 3 × 11 cells, but the padded picture has only 8 × 9"):
        lesson.fit(State(kernel="own", w="1_0_2_1_1_0~0_-3_1_0_2_1", padding=1, dilation=2))


def test_the_message_of_a_bad_cell_keeps_the_value_of_the_picture() -> None:
    grid = picture.kernel(lesson.compute(State()))
    bad = first_cells.Bad("w", 0, (1, 2), "abc", "why")
    assert first_cells.message(grid, bad)["cells"][1][2] == ["abc", -1.0, "bad", 1, 2]
    assert first_cells.message(grid, replace(bad, channel=1)) == first_cells.message(grid)


def test_a_photograph_is_shown_on_a_scale_that_is_printed() -> None:
    arrays = lesson.compute(State(picture="camera"))
    z = arrays.z[0, :, :, 0]
    made = photo.scaled(z, photo.is_signed(arrays))
    assert made.signed
    assert made.ends == (-np.abs(z).max(), 0, np.abs(z).max())
    assert {tuple(colour) for colour in made.rgb[z == 0]} == {(247, 247, 247)}
    blurred = lesson.compute(State(picture="camera", kernel="blur"))
    grey = photo.scaled(blurred.z[0, :, :, 0], photo.is_signed(blurred))
    assert not grey.signed
    assert grey.ends[0] == 0
    assert grey.ends[2] == blurred.z.max()


@pytest.mark.parametrize("cell", [(0, 0), (43, 43), (20, 7)])
def test_the_close_look_shows_the_window(cell: tuple[int, int]) -> None:
    arrays = lesson.compute(State(picture="cat", stride=3, padding=2, dilation=2))
    part, (top, left, height, width) = photo.close(arrays, cell)
    n = len(part)
    rows = slice(round(top * n), round((top + height) * n), 2)
    columns = slice(round(left * n), round((left + width) * n), 2)
    np.testing.assert_array_equal(part[rows, columns], sums.window(arrays, cell)[:, :, 0])


@pytest.mark.parametrize(
    "state", [State(), State(turned="yes", channels="3", stride=2), State(picture="coins", kernel="own", w=MOVED)]
)
def test_the_code_on_the_page_makes_the_picture(state: lesson.State) -> None:
    made: dict[str, np.ndarray] = {}
    assert "lessons" not in lesson.call(state)
    exec(lesson.call(state), made)
    np.testing.assert_array_equal(made["z"], lesson.compute(state).z)


@pytest.mark.parametrize("state", [state for state in STATES if not state.is_photograph][::5], ids=str)
def test_what_lights_up_with_a_cell_adds_up_to_it(state: lesson.State) -> None:
    arrays = lesson.compute(state)
    z, moving = looped(state)[0, :, :, 0], picture.motion(arrays, state.cell)
    assert moving.steps[moving.rest[0]].at[1:] == state.cell
    padded = np.pad(arrays.x[0], ((9, 9), (9, 9), (0, 0)))
    for step in moving.steps:
        total = 0.0
        for term in step.terms:
            total += np.prod([value for _, value in term.factors])
            products = 0.0
            for (plane, r, c), (kernel, i, j) in zip(term.cells[::2], term.cells[1::2], strict=True):
                assert kernel == plane + 1
                products += padded[r + 9, c + 9, plane // 2] * arrays.given[i, j, plane // 2, 0]
            assert products == np.prod([value for _, value in term.factors])
        assert total == step.value == z[step.at[1:]] == step.sets[0][1]


def latex(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.value for element in test.latex)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    text = typed_values.edited(typed_values.picture("flat", "", 1)[0], (0, 0, 0), "-4.5")
    link = {"picture": "own", "x": text, "kernel": "own", "w": MOVED, "stride": "2", "cell": "0,0", "tap": "1,1"}
    test = open_page(SLUG, lang=language, **link)
    state = State("own", "own", 2, x=text, w=MOVED, cell=(0, 0), tap=(1, 1))
    arrays = lesson.compute(state)
    assert picture.whole_sum(arrays, (0, 0)) in latex(test)
    assert picture.one_product(arrays, (0, 0), (1, 1)) in latex(test)
    assert numbers(picture.whole_sum(arrays, (0, 0))) == (-4.5 + 2 - 3 + 1, -4.5)


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"stride": "0"}, "Stride 0 is not possible"),
        ({"stride": "-1"}, "Stride -1 is not possible"),
        ({"stride": "abc"}, "Stride abc is not possible"),
        ({"padding": "4"}, "Padding 4 is not possible"),
        ({"dilation": "0"}, "Dilation 0 is not possible"),
        ({"dilation": "3"}, "spans 7 × 7 cells, but the padded picture has only 6 × 7"),
        ({"picture": "own", "x": "1_2_x"}, "“x” is not a number"),
        ({"kernel": "own", "w": "1_2~"}, "“” is not a number"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_says_why_and_the_first_picture_is_there(
    link: dict[str, str], sentence: str, open_page: Callable[..., AppTest]
) -> None:
    test = open_page(SLUG, **link)
    assert [sentence in error.value for error in test.error] == [True]
    assert picture.whole_sum(lesson.compute(State()), State.cell) in latex(test)


@pytest.mark.slow
def test_the_last_picture_that_worked_stays(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="blur", stride="2", cell="1,1")
    shown = picture.whole_sum(lesson.compute(State(kernel="blur", stride=2)), (1, 1))
    assert shown in latex(test)
    test.number_input("stride-shown").set_value(0).run()
    assert "Stride 0 is not possible" in test.error[0].value
    assert shown in latex(test)
    test.number_input("stride-shown").set_value(1).run()
    assert not test.error
    assert shown not in latex(test)


def test_switches_work_beside_a_number_that_cannot_be(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, stride="0", turned="yes", channels="3")
    state = State(turned="yes", channels="3")
    assert picture.whole_sum(lesson.compute(state), State.cell) in latex(test)
    assert picture.symbols(lesson.compute(state)) in latex(test)


@pytest.mark.deep
@pytest.mark.parametrize("cell", ["99,99", "abc", "-1,2", "9999999,0"])
def test_a_cell_in_a_link_that_does_not_exist_is_no_error(cell: str, open_page: Callable[..., AppTest]) -> None:
    assert "z_{" in latex(open_page(SLUG, cell=cell, tap=cell, channels="7", turned="perhaps"))


def test_typed_cells_make_an_own_picture_and_nonsense_is_kept_apart(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson.st, "session_state", {})
    told = lesson.events(State())
    told.edit("x", 0, (0, 0), "5")
    assert lesson.st.session_state["picture"] == "own"
    assert lesson.st.session_state["x"].startswith("5_0_0")
    told.edit("w", 0, (1, 1), "five")
    assert lesson.st.session_state[lesson.BAD][0].text == "five"
    assert "kernel" not in lesson.st.session_state
    told.edit("w", 0, (1, 1), "-0.5")
    assert lesson.BAD not in lesson.st.session_state
    assert lesson.st.session_state["w"] == "1_0_-1~2_-0.5_-2~1_0_-1"
    told.press("turned")
    told.press("channels")
    told.pick("tap", (2, 1))
    assert [lesson.st.session_state[name] for name in ("turned", "channels", "tap")] == ["yes", "3", "2,1"]


@pytest.mark.deep
def test_a_link_without_a_scene_opens_what_it_always_opened(open_page: Callable[..., AppTest]) -> None:
    for link, sign in (
        ({"picture": "camera", "cell": "28,66"}, "z_{28,66}"),
        ({"channels": "3"}, "w_{1,0,2}"),
        ({"picture": "pixel", "kernel": "numbered", "turned": "yes", "cell": "1,2", "tap": "1,1"}, "z_{1,2}"),
    ):
        test = open_page(SLUG, **link)
        assert test.subheader[0].value == lesson.LESSON.scenes[-1].title
        assert sign in latex(test)
        assert not test.error


@pytest.mark.slow
def test_what_is_chosen_in_a_scene_stays_in_its_link(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG)
    test.session_state["cell"] = "0,1"
    test.run()
    assert "".join(test.query_params["scene"]) == "1", "the link of a chosen cell opens the same scene"
    assert "z_{0,1}" in latex(test)
    test = open_page(SLUG, scene="2")
    test.selectbox("kernel-shown").set_value("blur").run()
    assert ["".join(test.query_params[name]) for name in ("scene", "kernel")] == ["2", "blur"]
    test.button("turn-scene-Right").click().run()
    assert "kernel" not in test.query_params, "a scene begins as it was designed"
    assert "stride-shown" in {field.key for field in test.number_input}


@pytest.mark.slow
def test_a_scene_shows_its_own_state_and_offers_only_its_controls(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, scene="3")
    assert picture.whole_sum(lesson.compute(State(stride=2)), (1, 1)) in latex(test)
    assert {field.key for field in test.number_input} >= {"stride-shown", "padding-shown"}
    assert "dilation-shown" not in {field.key for field in test.number_input}
    assert [box.key for box in test.selectbox] == []


@pytest.mark.slow
def test_a_question_comes_before_the_picture_that_answers_it(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, scene="5")
    before, after = (lesson.compute(State(name, "numbered")) for name in ("corner", "pixel"))
    assert picture.whole_sum(before, (1, 2)) in latex(test)
    guess = scenes.one_pixel()
    assert (guess.answer, scenes.flat().answer) == ("turned", "0")
    test.pills[0].set_value("same").run()
    assert guess.reasons["same"] in test.error[0].value
    test.pills[0].set_value("turned").run()
    assert guess.reasons["turned"] in test.success[0].value
    assert picture.whole_sum(after, (1, 2)) in latex(test)


def test_the_printed_formulas_of_this_lesson_are_here(open_page: Callable[..., AppTest]) -> None:
    shown = [element.value.strip("$ \n") for element in open_page(SLUG).latex]
    for formula, slug in words.LESSONS.items():
        assert (FORMULAS[formula].printed_latex in shown) == (slug == SLUG)


def test_a_number_outside_its_range_is_repeated() -> None:
    with pytest.raises(DeconvvizError, match=r"no -3, 1 to 9\. The last picture"):
        number_field.within(-3, 1, 9, "no {given}, 1 to {high}.")


def _looped_answer(kind: str, question: questions.Question) -> tuple[int, ...]:
    """The answer again, by the loops, from what the question shows."""
    if kind == "size":
        n, m, k, j, s, p, d = (int(number) for number in re.findall(r"\d+", question.prompt))
        spans = [(taps - 1) * d + 1 for taps in (k, j)]
        return tuple(len(range(0, size + 2 * p - span + 1, s)) for size, span in zip((n, m), spans, strict=True))
    x, w = (plane.values for plane in question.picture[0].planes[:2])
    x, w = x[None, :, :, None], w[:, :, None, None]
    if kind == "reader":
        changed = x.copy()
        (cell,) = question.picture[0].planes[0].frame
        changed[0, cell[0], cell[1], 0] += 1
        one, two = (conv_loops.conv(y, w, (2, 2), ((1, 1), (1, 1)), (1, 1), 1)[0, :, :, 0] for y in (x, changed))
        np.testing.assert_array_equal(question.picture[0].planes[2].values, one)
        ((row, column),) = np.argwhere(one != two)
        return int(row), int(column)
    z = conv_loops.conv(x, w, (1, 1), ((0, 0), (0, 0)), (1, 1), 1)[0, :, :, 0]
    row, column = (int(n) for n in re.findall(r"row (\d), column (\d)", question.prompt)[0])
    return (int(z[row, column]),)


@pytest.mark.parametrize("kind", questions.QUESTIONS)
@pytest.mark.parametrize("seed", range(8))
def test_answers_are_those_of_the_loops(kind: str, seed: int) -> None:
    question = questions.QUESTIONS[kind][1](seed)
    assert question.answer == _looped_answer(kind, question)
