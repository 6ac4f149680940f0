"""The lesson on deconvolution in 2010: its sentences are what its arrays say, and its questions are computed apart."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from deconvviz.models import caltech
from deconvviz.ops.sparse import SparseCode
from lessons import sparse_code as lesson
from lessons.sparse_code import State, questions, run, scenes


def test_the_scenes_say_what_is_measured() -> None:
    state = State()
    code, picture = run.code(state).code, run.photograph(state.image)
    assert (code.size, picture.size, code.shape[-1]) == (32768, 12288, 32)
    assert round(100 * run.missing(run.once(state.image), state.image)) == 69
    assert scenes.how_much_is_missing().answer == "quarter"
    assert scenes.after_the_search().answer == "fewer"
    assert np.all(run.responses(state.image) != 0), "every number of the answers is in use"
    assert np.mean(code != 0) < 0.5, "of the code, fewer than half"
    dear = run.code(State(weight=run.WEIGHTS[-1]))
    assert float(run.WEIGHTS[-1]) == 10 * float(run.WEIGHTS[0]), "ten times the price"
    assert (round(100 * float(dear.nonzero[-1])), round(100 * float(dear.residual[-1]))) == (4, 55)


def test_one_strength_of_what_is_sent_back_is_the_best() -> None:
    image = State.image
    best = run.missing(run.once(image), image)
    assert best < min(run.missing(run.once(image) * factor, image) for factor in (0.98, 1.02))


def test_the_first_step_is_the_network_s_own_convolution() -> None:
    """Without its bias, at half the size."""
    params = {**caltech.load_params(), "conv1.bias": np.zeros(32, np.float32)}
    kernel, x = np.asarray(params["conv1.kernel"], np.float64), run.photograph("cat")[0].astype(np.float64)
    window = x[2 * 7 - 2 : 2 * 7 + 4, 2 * 9 - 2 : 2 * 9 + 4]
    np.testing.assert_allclose(
        run.responses("cat")[0, 7, 9], np.einsum("ijc,ijck->k", window, kernel), rtol=1e-4, atol=1e-4
    )


def test_a_wrong_code_turns_checks_red(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(weight="0.5")
    assert all(check.holds for check in lesson.checks(state))
    true = run.codes(state.image, state.weight)
    wrong = tuple(SparseCode(one.code * 1.01, one.objective[::-1], one.residual, one.nonzero) for one in true)
    stamped = run.stamped(state)
    monkeypatch.setattr(run, "codes", lambda *_: wrong)
    monkeypatch.setattr(run, "stamped", lambda _: stamped)
    assert [check.holds for check in lesson.checks(state)] == [True, False, False, False]


@pytest.mark.slow
def test_the_code_on_the_page_makes_the_picture_with_the_library_alone() -> None:
    state, made = State(image="coffee", steps="10"), dict[str, np.ndarray]()
    code = lesson.call(state)
    assert "lessons" not in code
    exec(code, made)
    np.testing.assert_allclose(made["picture"], run.stamped(state), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_the_exercise_is_computed_apart(seed: int) -> None:
    looked = questions.looked(seed)
    y = run.photograph(State.image)
    shown = [
        np.asarray(Image.fromarray(choice.source).resize((64, 64), 0), np.float64) / 255 for choice in looked.choices
    ]
    spec, colour = caltech.INPUT, run.colour(State.image)
    shares = [
        np.linalg.norm((one - np.array(spec.mean)) / np.array(spec.std) - colour - y) / np.linalg.norm(y)
        for one in shown
    ]
    dear = run.missing(run.stamped(State(weight=run.WEIGHTS[-1])), State.image)
    once = run.missing(run.once(State.image), State.image)
    nearest = [int(np.argmin(np.abs(np.array(shares) - share))) + 1 for share in (once, dear)]
    assert tuple(nearest) == looked.answer
    shrunk = questions.shrunk(seed)
    assert shrunk.slide is not None
    percent = 100 * shrunk.slide.values / shrunk.slide.values.max()
    drawn = (np.asarray(shrunk.given[0].source)[::6, ::6] != 160).any(axis=-1)
    for stop in range(5, 100, 5):
        assert shrunk.is_right((stop,)) == np.array_equal(np.round(percent, 1) >= stop, drawn)
