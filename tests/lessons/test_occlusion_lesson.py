"""The lesson on occlusion: its figures are those of the code, its sentences are what they say."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

import deconvviz as dv
from deconvviz.checks.audit.controls import options
from deconvviz.data import samples
from lessons.occlusion import State, checks, picture, questions, run, scenes


def test_the_figures_are_of_the_shipped_network_and_whole() -> None:
    known = run.measured()
    assert known["digest"] == dv.load("caltech").digest
    assert list(known["photographs"]) == sorted(run.PHOTOS)
    for image in run.PHOTOS:
        for cover in run.COVERS:
            assert run.falls(image, cover, 16).shape == (8, 8)
            assert run.falls(image, cover, 32).shape == (4, 4)
        assert all(run.map_of(image, method, 16).shape == (8, 8) for method in run.METHODS)
        assert all(run.map_of(image, method, 32).shape == (4, 4) for method in run.METHODS)


@pytest.mark.deep
@pytest.mark.parametrize("image", ["cat", "motorcycle", "coins"])
def test_the_falls_are_what_the_public_function_gives(image: str) -> None:
    network, photograph = dv.load("caltech"), samples.load(image)
    unit = ("logits", network.labels.index(run.label(image)))
    for cover, side in (("grey", 32), ("blur", 16)):
        found = dv.attribute(network, photograph, unit, "occlusion", patch=side, stride=side, baseline=cover)
        np.testing.assert_allclose(found.pixels[::side, ::side], run.falls(image, cover, side), atol=2e-4)
        assert found.value == pytest.approx(run.score(image), rel=1e-5)


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("method", run.METHODS)
def test_the_maps_are_what_the_public_function_gives(method: str) -> None:
    """Means of squares by a loop; signed where the method says for and against, else strengths."""
    network = dv.load("caltech")
    unit = ("logits", network.labels.index(run.label("coffee")))
    found = dv.attribute(network, samples.load("coffee"), unit, method, **options(network, method))
    signed = dv.catalog.methods()[method].signed
    plane = found.pixels if signed else np.abs(np.asarray(found.map, float)).sum(axis=-1)
    if method == "grad_cam":
        plane = found.pixels
    squares = np.array([[plane[r : r + 16, c : c + 16].mean() for c in range(0, 128, 16)] for r in range(0, 128, 16)])
    scale = np.abs(squares).max()
    np.testing.assert_allclose(run.map_of("coffee", method, 16) / scale, squares / scale, atol=2e-4)


@pytest.mark.slow
def test_other_figures_turn_the_checks_red(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(check.holds for check in checks(State()))
    true = run.falls
    monkeypatch.setattr(run, "falls", lambda *which: true(*which) + 0.01)
    assert not checks(State())[0].holds
    monkeypatch.setattr(run, "falls", true)
    monkeypatch.setattr(run, "agreement", lambda *which: 0.5)
    assert not checks(State())[2].holds


@pytest.mark.slow
def test_the_square_is_covered_and_nothing_else() -> None:
    before, after = run.covered("cat", "grey", 16, None), run.covered("cat", "grey", 16, (2, 3))
    changed = (before != after).any(axis=(0, 3))
    assert changed[32:48, 48:64].mean() > 0.9
    assert changed.sum() == changed[32:48, 48:64].sum()


def test_what_the_scenes_say_is_what_was_measured() -> None:
    assert scenes.nearest().answer == scenes.NEAREST
    assert (
        scipy.stats.spearmanr(run.falls("cat", "grey", 16).ravel(), run.falls("cat", "blur", 16).ravel()).statistic
        < 0.9
    )
    for guess in (scenes.rising(), scenes.same_again(), scenes.agreement_of_all()):
        assert guess.answer in guess.options
    small = run.falls("cat", "grey", 16).reshape(4, 2, 4, 2).sum(axis=(1, 3))
    assert np.abs(small - run.falls("cat", "grey", 32)).max() > 0.1, "four small falls do not add up to the large one"
    assert len(run.PHOTOS) == 11
    means = {method: run.over_all(method, "grey", 16) for method in run.METHODS}
    assert min(one.low for one in means.values()) > 0, "more than chance"
    assert max(one.mean for one in means.values()) < 0.3, "none by much"
    for one in means.values():
        assert all(one.low < other.mean < one.high for other in means.values()), "none stands out"
    fallen = run.falls("cat", "grey", 16)
    assert fallen[3, 4] == fallen.max(), "the scenes open with the largest fall"
    assert fallen[2, 5] < -0.3, "and go on to a square that raises the score"
    agreed = [run.agreement(image, method, "grey", 16) for image in run.PHOTOS for method in run.METHODS]
    assert min(agreed) < 0 < 0.5 < max(agreed), "there is a photograph where they agree, and one where not"


@pytest.mark.slow
def test_gradient_x_input_estimates_the_fall_to_first_order() -> None:
    """Grey is 0 for this network: a small step of a square towards grey moves the score by that share of the sum."""
    network = dv.load("caltech")
    x = dv.api.model_input(network, samples.load("cat"))
    assert not np.any(run.baseline(x, network.input_spec, "grey"))
    summed = run.map_of("cat", "gradient_x_input", 16) * 16 * 16
    top, step = network.labels.index(run.label("cat")), 1e-3
    for row, column in ((2, 2), (6, 4), (3, 5)):
        moved = np.array(x)
        moved[0, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16] *= 1 - step
        fall = float(network.run(x)[0][top] - network.run(moved)[0][top]) / step
        assert fall == pytest.approx(summed[row, column], abs=0.05 * np.abs(summed).max())


def test_the_mean_is_over_all_photographs() -> None:
    each = [run.agreement(image, "guided", "blur", 32) for image in run.PHOTOS]
    assert run.over_all("guided", "blur", 32).mean == pytest.approx(np.mean(each))
    assert set(picture.NAMES) == set(run.METHODS)


@pytest.mark.parametrize("seed", range(8))
def test_the_exercise_is_computed_apart(seed: int) -> None:
    table = questions.table(seed)
    after = table.picture[0].planes[0].values
    row, column, fall = table.answer
    assert after[row, column] == after.min()
    assert f"score is {after[row, column] + fall}." in table.prompt
    witness = questions.witnessed(seed)
    assert witness.slide is not None
    ground, values = witness.slide.ground, witness.slide.values
    framed = {
        (r, c) for r, c in np.ndindex(*values.shape)
        if (ground[16 * r, 16 * c : 16 * c + 16] == 255).all() and (ground[16 * r : 16 * r + 16, 16 * c] == 255).all()
    }  # fmt: skip
    overlap = {}
    for stop in range(5, 100, 5):
        left = {cell for cell in np.ndindex(*values.shape) if round(100 * values[cell] / values.max(), 1) >= stop}
        overlap[stop] = len(left & framed) / len(left | framed)
    assert overlap[witness.answer[0]] == max(overlap.values())
    assert all(witness.is_right((n,)) == (overlap[n] >= max(overlap.values()) - 0.03) for n in overlap)
    one, both = questions.either(seed).answer
    assert 0 < one < both
