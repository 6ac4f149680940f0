"""The lesson on adjoint and inverse: proofs hold, claims are measured, and the verdict follows from the numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import numpy as np
import practice
import pytest
from reference import inverse_loops
from streamlit.testing.v1 import AppTest

from lessons import inverse as lesson
from lessons._kit.draw import image_row
from lessons.inverse import questions, scenes

SLUG = lesson.LESSON.slug
State = lesson.State
STATES = [State("camera", kernel, noise) for kernel, noise in itertools.product(lesson.KERNELS, ("0", "5"))]
every_state = pytest.mark.parametrize("state", STATES, ids=str)


@pytest.mark.slow
@every_state
def test_the_proofs_hold(state: lesson.State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


@pytest.mark.sampled(3)
@pytest.mark.slow
@every_state
def test_a_wrong_kernel_would_be_noticed(state: lesson.State, monkeypatch: pytest.MonkeyPatch) -> None:
    right = lesson.matrix(state)
    monkeypatch.setattr(lesson.inverse, "blur_matrix", lambda k, size: 1.01 * inverse_loops.matrix(k, size))
    assert lesson.matrix(state) > 1e-3 > right


def test_blur_on_a_part_is_that_of_the_loops() -> None:
    x = lesson.photograph("cat")[:8, :11]
    for _, k in lesson.KERNELS.values():
        np.testing.assert_allclose(lesson.inverse.blur(x, k), inverse_loops.blur(x, k), atol=1e-12)


@pytest.mark.parametrize("name", lesson.PICTURES)
def test_photographs_are_grey_and_small(name: str) -> None:
    plane = lesson.photograph(name)
    assert plane.shape == lesson.SIZE
    assert min(lesson.SIZE) >= 192, "what the argument rests on is more than a stamp"
    assert 1.5 * lesson.SIZE[1] >= lesson.WIDTH
    assert 0 <= plane.min() < 0.4 < plane.max() <= 1


def test_the_spectrum_names_its_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson.plot, "is_dark", lambda: False)
    drawing = lesson.spectrum(np.linspace(1, 0, 1000))
    assert all(f">{words}</text>" in drawing for words in ("frequencies, strongest first", "what is left of each", "1"))


def test_only_the_shift_is_undone_by_its_adjoint() -> None:
    away = {kernel: lesson.not_inverse(State(kernel=kernel)) for kernel in lesson.KERNELS}
    assert away.pop("shift") < 1e-9
    assert min(away.values()) > 0.1


def test_layers_with_equal_singular_values_are_undone() -> None:
    blur, filters, orthonormal, moved = lesson.layers().values()
    assert min(blur, filters) > 0.1
    assert max(orthonormal, moved) < 1e-6


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["box", "gauss", "motion"])
def test_the_adjoint_never_wins_and_wiener_brings_back_what_little_there_is(kernel: str) -> None:
    for picture in lesson.PICTURES:
        found = lesson.decibels(picture, kernel)
        assert all(a < w for a, w in zip(found["adjoint"], found["wiener"], strict=True))
        assert all(a < y for a, y in zip(found["adjoint"][:3], found["y"][:3], strict=True))
    back = lesson.brought_back(State(kernel=kernel, noise="0"))
    assert back["adjoint"] < 0.03 < back["wiener"]


def test_noise_costs_wiener_decibels() -> None:
    found = lesson.decibels("camera", "box")["wiener"]
    assert list(found) == sorted(found, reverse=True)
    assert found[0] - found[-1] > 3


def test_the_code_on_the_page_makes_the_pictures() -> None:
    for kernel, noise in (("motion", "5"), ("gauss", "0"), ("shift", "0.1")):
        state, made = State("cat", kernel, noise), {}
        exec(lesson.call(state), made)
        for name, plane in lesson.compute(state).items():
            np.testing.assert_allclose(made[name], plane, rtol=1e-9, atol=1e-12, err_msg=f"{name} of {state}")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="shift", noise="0", picture="coins", lang=language)
    assert not test.exception
    percent = "0 % away" if language == "en" else "相差 0 %"
    labels = [str(block.proto.popover.label) for block in test.get("popover")]
    assert any(percent in label for label in labels)
    shown = "holds" if language == "en" else "成立"
    assert sum(shown in text for text in practice.verdicts(test)) == 3


def test_the_questions_of_the_scenes_are_answered_by_shifting_and_adding() -> None:
    """The blur of nine cells as a sum of shifted pictures, its adjoint as the sum of those shifted back."""
    x = lesson.photograph("camera")
    y = sum(np.roll(x, -i, axis=1) for i in range(-4, 5)) / 9
    back = sum(np.roll(y, i, axis=1) for i in range(-4, 5)) / 9
    assert scenes.closer().answer == "farther"
    assert ((back - x) ** 2).mean() > 1.05 * ((y - x) ** 2).mean()
    assert scenes.lost_share().answer == "none"
    noise = np.random.default_rng(1).standard_normal(x.shape)
    times = np.real(np.fft.ifft2(np.fft.fft2(noise) / _nine(x.shape))).std()
    assert 3 < times < 30
    assert scenes.divided_noise().answer == "10"


def _nine(size: tuple[int, int]) -> np.ndarray:
    """By how much the mean of nine neighbours in a row makes each wave smaller; 1 where it takes it away."""
    angles = 2 * np.pi * np.arange(size[1]) / size[1]
    gains = sum(np.cos(i * angles) for i in range(-4, 5)) / 9
    return np.broadcast_to(np.where(np.abs(gains) < 1e-9, 1, gains), size)


def test_lost_frequencies_are_black_and_stay_black() -> None:
    """Eight columns of frequencies fit nine cells a whole number of times; in x they are not black."""
    planes, gone = lesson.compute(State(noise="0")), lesson.lost(State())
    height, width = lesson.SIZE
    columns = [width // 2 + f for f in range(-width // 2, width // 2) if f and 9 * f % width == 0]
    assert np.flatnonzero(gone.any(axis=0)).tolist() == columns
    assert gone.sum() == 8 * height
    assert lesson.magnitudes(planes["x"])[gone].mean() > 0.3
    for way in ("y", "adjoint", "wiener"):
        assert lesson.magnitudes(planes[way])[gone].max() == 0, way
    assert lesson.magnitudes(planes["adjoint"]).mean() < lesson.magnitudes(planes["y"]).mean()
    noisy = lesson.magnitudes(lesson.compute(State())["divide"])
    weak = (np.abs(np.fft.fftshift(_nine(lesson.SIZE))) < 0.05) & ~gone
    assert noisy[weak].mean() > 1.15 * noisy[~weak & ~gone].mean(), "what was dark is bright"


@pytest.mark.slow
def test_dividing_is_best_without_noise_and_worst_with_a_little() -> None:
    found = lesson.decibels("camera", "motion")
    assert max(found, key=lambda way: found[way][0]) in ("divide", "wiener")
    assert min(found, key=lambda way: found[way][2]) == "divide"
    assert found["divide"][2] < found["y"][2] - 5
    shift = lesson.decibels("camera", "shift")
    assert shift["adjoint"][0] == 99


def test_the_table_marks_the_best_way() -> None:
    found = AppTest.from_function(_table).run()
    assert not found.exception
    assert image_row.grey(np.ones((2, 3))) != image_row.grey(np.zeros((2, 3)))


def _table() -> None:
    from lessons._kit.draw import image_row

    image_row.table("PSNR", ["0", "1"], [("a", (1.0, 2.0)), ("b", (3.0, 1.0))], 0)


@pytest.mark.parametrize("seed", range(8))
def test_the_lost_are_the_zeros_of_the_loops(seed: int) -> None:
    question = questions.lost(seed)
    n, k = (int(number) for number in re.findall(r"\d+", question.prompt)[:2])
    values = np.linalg.svd(inverse_loops.matrix(np.full((1, k), 1 / k), (1, n)), compute_uv=False)
    assert question.answer == (int((values < 1e-9).sum()),)


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_the_pictures_are_told_apart_by_what_they_hold(seed: int) -> None:
    """Blurred once more, edges are weakest; divided by K, noise is strongest."""
    question = questions.which_way(seed)
    edges = [float(np.abs(np.diff(np.asarray(one.source)[:, :, 0].astype(float))).mean()) for one in question.choices]
    assert question.answer == (edges.index(min(edges)) + 1, edges.index(max(edges)) + 1)
