"""The lesson on upsampling: counts on screen are those of loops, patterns appear and vanish where the text says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from reference import upsample_loops
from streamlit.testing.v1 import AppTest

from lessons import upsampling as lesson
from lessons.upsampling import questions, scenes, upsamplers

SLUG = lesson.LESSON.slug
State = lesson.State
STATES = [State(k, s) for k in range(1, 7) for s in (2, 3)]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_planes_are_the_counts_of_the_loops(state: lesson.State) -> None:
    counts = upsample_loops.overlap_counts(lesson.CELLS, state.k, state.s, 0)
    one, two = lesson.rows(state)
    assert one.planes[1].values.tolist() == [counts]
    np.testing.assert_array_equal(two.planes[0].values, np.outer(counts, counts))


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_sum_and_the_frames_are_those_of_the_chosen_cell(state: lesson.State) -> None:
    for r in range(len(state.counts)):
        here = State(state.k, state.s, "ones", (0, r))
        plain = re.sub(r"\\color\{#\w+\}|[{}\\;&]", "", lesson.sums(here))
        pairs = re.findall(rf"{state.s}cdot\s*(\d+)\+\s*(\d+)={r}", plain)
        assert len(pairs) == state.counts[r]
        assert all(state.s * int(u) + int(i) == r and int(i) < state.k for u, i in pairs)
        assert len(lesson.rows(here)[0].planes[0].touched) == state.counts[r]


@pytest.mark.slow
@pytest.mark.parametrize("state", [State(1, 2), State(3, 2), State(4, 2), State(6, 3)], ids=str)
def test_the_proofs_hold(state: lesson.State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


def test_a_wrong_count_would_turn_red(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = lesson.overlap_counts
    monkeypatch.setattr(lesson, "overlap_counts", lambda n, k, s: counted(n, k, s) + (np.arange((n - 1) * s + k) == 3))
    assert lesson.counted(3, 2) > 0.1
    assert lesson.divides(4, 2) == 0
    monkeypatch.setattr(lesson, "overlap_counts", counted)
    monkeypatch.setattr(lesson, "is_even", lambda k, s: k % 2 == 0)
    assert lesson.divides(3, 3) == lesson.divides(4, 3) == 1


def mean(way: str, weights: str, k: int, s: int) -> float:
    return float(np.mean(upsamplers.make(way, weights, k, s).energy))


@pytest.mark.slow
def test_patterns_are_where_the_text_says() -> None:
    assert mean("transposed", "ones", 3, 2) > 0.1
    assert mean("transposed", "ones", 4, 2) < 1e-9
    assert mean("transposed", "random", 4, 2) > 0.1
    assert mean("transposed", "positive", 3, 2) > mean("transposed", "positive", 4, 2) > 0.001
    for weights in upsamplers.WEIGHTS:
        assert max(upsamplers.make("resize", weights, 3, 2).energy) < 1e-9
        assert max(upsamplers.make("icnr", weights, 3, 2).energy) < 1e-9
    assert mean("subpixel", "random", 3, 2) > 0.1
    assert mean("unpool", "ones", 3, 3) > 1e-4


def test_a_real_photograph_shows_the_checkerboard_and_the_one_that_is_resized_first_none() -> None:
    energy = {}
    for way in ("transposed", "resize"):
        shown = upsamplers.enlarged(way, "ones", 3, 2)
        assert shown.shape == (2 * upsamplers.PHOTO - 6, 2 * upsamplers.PHOTO - 6)
        assert shown.std() > 0.1
        energy[way] = upsample_loops.checkerboard_energy(shown[None, 40:72, 40:72, None], 2)
    assert energy["transposed"] > 0.02
    assert energy["resize"] < energy["transposed"] / 10


@pytest.mark.parametrize("way", upsamplers.UPSAMPLERS)
def test_energies_are_those_of_the_waves(way: str) -> None:
    made = upsamplers.make(way, "random", 3, 2)
    assert made.inside.shape[0] % 2 == made.inside.shape[1] % 2 == 0
    expected = upsample_loops.checkerboard_energy(made.inside[None, :, :, None].astype(float), 2)
    assert made.energy[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, k="5", s="3", weights="positive", place="0,6", lang=language)
    assert not test.exception
    assert test.slider("k-shown").value == 5
    assert lesson.sums(State(5, 3, "positive", (0, 6))) in " ".join(element.value for element in test.latex)


@pytest.mark.slow
@pytest.mark.parametrize("link", [{"k": "99"}, {"k": "x", "s": "7"}, {"place": "4,400"}, {"weights": "?"}])
def test_nonsense_in_a_link_is_no_error(link: dict[str, str], open_page: Callable[..., AppTest]) -> None:
    assert not open_page(SLUG, **link).exception


@pytest.mark.slow
def test_the_slider_moves_the_picture_and_a_scene_sets_it(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, scene="4")
    test.slider("k-shown").set_value(4).run()
    assert test.text_input("k").value == "4"
    labels = [str(block.proto.popover.label) for block in test.get("popover")]
    assert any("no checkerboard from overlap" in label for label in labels)
    test.button("turn-scene-Right").click().run()
    assert test.slider("k-shown").value == 4
    assert test.text_input("k").value == "", "there the scene itself puts it at 4"
    assert not test.exception


def test_the_scenes_say_what_the_loops_say() -> None:
    """The questions, and the numbers of the texts."""
    inside = {k: upsample_loops.overlap_counts(3 * k, k, 2, 0)[k:-k] for k in (3, 4, 5)}
    assert [scenes.even_kernel().answer] == [str(k) for k, counts in inside.items() if len(set(counts)) == 1]
    assert set(inside[3]) == {1, 2}
    assert upsample_loops.overlap_counts(lesson.CELLS, 3, 2, 0)[2:7] == [2, 1, 2, 1, 2]
    two = np.outer(inside[3][:2], inside[3][:2])
    assert np.count_nonzero(two == 4) * 4 == two.size
    w = np.random.default_rng(0).standard_normal((4, 4, 1, 1))
    middle = upsample_loops.transposed_conv(np.ones((1, 6, 6, 1)), w, (2, 2), (0, 0))[0, 4:10, 4:10, 0]
    np.testing.assert_allclose(middle, np.tile(middle[:2, :2], (3, 3)))
    assert np.ptp(middle) > 0.1
    assert scenes.random_weights().answer == "blocks"


def test_the_code_on_the_page_makes_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    made: dict[str, Any] = {}
    exec(lesson.call(State()), made)
    assert "[1 1 2 1 2 1 2 1 1]" in capsys.readouterr().out
    for state in (State(), State(k=4, s=3, weights="positive"), State(k=2, weights="random")):
        exec(lesson.call(state), made)
        for way in upsamplers.UPSAMPLERS:
            shown = upsamplers.make(way, state.weights, state.k, state.s).energy
            assert made["energy"][way] == pytest.approx(shown, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_answers_are_those_of_the_loops(seed: int) -> None:
    question = questions.count_at(seed)
    n, k, s, r = map(int, re.findall(r"\d+", question.prompt)[:4])
    assert question.answer == (upsample_loops.overlap_counts(n, k, s, 0)[r],)
    question = questions.even_kernel(seed)
    s, least = map(int, re.findall(r"\d+", question.prompt)[:2])
    assert question.answer == (-(-least // s) * s,)
    assert least % s


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_the_pictures_are_told_apart_by_what_they_hold(seed: int) -> None:
    """An uneven overlap writes a pattern of the stride's period; of the rest, unpooling leaves the most contrast."""
    question = questions.which_upsampler(seed)
    s = int(re.findall(r"enlarged (\d) times", question.prompt)[0])
    shown = [np.asarray(one.source)[:, :, 0].astype(float) for one in question.choices]
    patterns = [one.reshape(72 // s, s, 72 // s, s).mean(axis=(0, 2)).std() for one in shown]
    edges = [np.abs(np.diff(one, axis=1)).mean() for one in shown]
    uneven, unpooled = (number - 1 for number in question.answer)
    assert patterns[uneven] == max(patterns)
    assert edges[unpooled] == max(edge for i, edge in enumerate(edges) if i != uneven)
