"""The lessons on super-resolution and on its last layer: their numbers, and what each check would notice."""

from __future__ import annotations

import numpy as np
import pytest
from reference import metric_loops, super_loops

from deconvviz.tasks.super_resolution import data, evaluate, predict
from lessons import super_resolution, upsampler_lab
from lessons._kit.photo import upload
from lessons._kit.restoration import run as restoration_run
from lessons._kit.run import pictures
from lessons.super_resolution import questions, scenes, sums
from lessons.upsampler_lab import questions as swap_questions
from lessons.upsampler_lab import run


@pytest.fixture(scope="module")
def found() -> restoration_run.Enlarged:
    """A part of a photograph, small and large."""
    photograph = pictures.sample("astronaut")
    part = upload.pixels(photograph)[200:261, 200:282]
    name, module = predict.load(2)
    return restoration_run.enlarged(part, 2, True, module, name)


@pytest.mark.slow
def test_the_figures_are_those_of_the_protocol(found: restoration_run.Enlarged) -> None:
    truth = found.planes["truth"]
    small = super_loops.resize(truth, truth.shape[0] // 2, truth.shape[1] // 2)
    np.testing.assert_array_equal(np.rint(255 * found.planes["small"]), np.rint(255 * np.clip(small, 0, 1)))
    inside = (slice(2, -2), slice(2, -2), None)
    for name in ("bicubic", "network"):
        expected = metric_loops.psnr(found.planes[name][inside], truth[inside])
        assert found.figures[name]["psnr"] == pytest.approx(expected, abs=1e-6)
    assert found.figures["network"]["psnr"] > found.figures["bicubic"]["psnr"]


def test_fine_waves_of_the_truth_are_met_and_those_of_bicubic_are_few(found: restoration_run.Enlarged) -> None:
    measured = restoration_run.waves(found)
    assert measured["network"].right > measured["bicubic"].right
    perfect = dict(found.planes) | {"network": found.planes["truth"]}
    whole = restoration_run.waves(restoration_run.Enlarged(**{**vars(found), "planes": perfect}))["network"]
    assert (whole.energy, whole.right) == (pytest.approx(1), pytest.approx(1))
    flat = restoration_run.fine(np.full((12, 18), 0.4), 3)
    assert np.abs(flat).max() < 1e-12
    stripes = np.tile([0.0, 1.0], 9)[None].repeat(12, 0)
    assert np.abs(restoration_run.fine(stripes, 3)).max() > 1


def test_the_window_is_where_the_gain_is_largest(found: restoration_run.Enlarged) -> None:
    truth, side = found.planes["truth"], restoration_run.WINDOW
    won = (found.planes["bicubic"] - truth) ** 2 - (found.planes["network"] - truth) ** 2
    rows, columns = (n - side + 1 for n in truth.shape)
    sums = {(r, c): won[r : r + side, c : c + side].sum() for r in range(rows) for c in range(columns)}
    assert sums[restoration_run.window(found, "gain")] == pytest.approx(max(sums.values()))
    assert sums[restoration_run.window(found, "loss")] == pytest.approx(min(sums.values()))


@pytest.mark.slow
def test_a_wrong_bicubic_a_wrong_psnr_and_another_layer_turn_red(
    found: restoration_run.Enlarged, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert max(sums.bicubic_error(found), sums.psnr_error(found)) < 1e-9
    assert sums.last_layer_error(found) < 1e-5
    bicubic, figures = data.bicubic, evaluate.figures
    monkeypatch.setattr(data, "bicubic", lambda plane, scale: np.roll(bicubic(plane, scale), 1, axis=0))
    monkeypatch.setattr(evaluate, "figures", lambda a, b, scale: figures(a, b, scale + 1))
    assert sums.bicubic_error(found) > 1e-3
    assert sums.psnr_error(found) > 1e-6
    monkeypatch.setattr(sums, "transposed_conv", lambda x, w, s: sums.np.zeros((1, 40, 40, 1)))
    assert sums.last_layer_error(found) > 0.1


def test_a_grey_photograph_stays_grey_and_as_it_is_has_no_figures() -> None:
    name, module = predict.load(2)
    grey = np.repeat(np.linspace(0, 1, 30 * 34).reshape(30, 34, 1), 3, axis=-1).astype(np.float32)
    shown = restoration_run.enlarged(grey, 2, True, module, name)
    assert np.ptp(shown.network, axis=-1).max() == 0
    alone = restoration_run.enlarged(grey, 2, False, module, name)
    assert alone.figures == {} == restoration_run.waves(alone)
    assert alone.network.shape == (60, 68, 3)
    assert sums.psnr_error(alone) < 1e-9


@pytest.mark.slow
def test_the_sentences_of_the_story_are_those_of_the_arrays() -> None:
    story = " ".join(scene.text for scene in super_resolution.LESSON.scenes)
    shown = {scale: restoration_run.shown(pictures.sample(scenes.IMAGE), scale, True) for scale in (2, 3, 4)}
    bicubic, network = (shown[3].figures[name]["psnr"] for name in ("bicubic", "network"))
    assert f"{bicubic:.1f} and {network:.1f} dB" in story
    assert 10 ** ((bicubic - network) / 10) == pytest.approx(0.5, abs=0.05)
    four, three, two = (f"{100 * restoration_run.waves(shown[n])['network'].right:.0f} %" for n in (4, 3, 2))
    assert f"restores {four}; at three times it was {three}, at two {two}" in story
    grass = restoration_run.waves(restoration_run.shown(pictures.sample("grass"), 3, True))
    net, by = (f"{100 * grass[name].right:.0f} %" for name in ("network", "bicubic"))
    assert f"restores {net} of the lost waves, bicubic {by}" in story
    assert f"{predict.variants()['x3']['pictures']} photographs" in story
    assert {len(predict.load(scale)[1].layers) + 1 for scale in shown} == {15}
    assert "Fifteen small convolutions run on the small picture" in story


@pytest.mark.parametrize("seed", range(24))
def test_the_mean_squared_error_is_whole(seed: int) -> None:
    question = questions.squares(seed)
    wanted, found = (plane.values for plane in question.picture[0].planes)
    assert ((found - wanted) ** 2).mean() == question.answer[0]


@pytest.mark.deep
def test_the_four_last_layers_are_what_the_page_says() -> None:
    blocks = {kind: run.counts(kind, 9) for kind in run.KINDS}
    assert {kind: int(block.max()) for kind, block in blocks.items()} == {
        "transposed": 9, "subpixel": 9, "resize": 81, "unpool": 9,
    }  # fmt: skip
    assert all(block.min() == block.max() for block in blocks.values())
    assert run.counts("transposed", 8).min() < run.counts("transposed", 8).max()
    before = {kind: run.flat(kind, False) for kind in run.KINDS}
    assert before["transposed"].ripple > 100 * max(before["resize"].ripple, before["subpixel"].ripple)
    assert max(run.flat(kind, True).ripple for kind in run.KINDS) < 1


@pytest.mark.deep
def test_a_kernel_rearranged_wrongly_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    assert upsampler_lab.same_layer(upsampler_lab.State()) < 1e-5
    right = run.as_subpixel
    run.same_layer_error.clear()
    monkeypatch.setattr(run, "as_subpixel", lambda kernel: right(kernel)[::-1])
    assert upsampler_lab.same_layer(upsampler_lab.State()) > 1e-3
    run.same_layer_error.clear()


@pytest.mark.slow
def test_the_sentences_of_the_swap_are_those_of_the_arrays() -> None:
    story = " ".join(scene.text for scene in upsampler_lab.LESSON.scenes)
    eight = run.counts("transposed", 8)
    assert (eight.min(), eight.max()) == (4, 9)
    assert "four to nine with 8 × 8 taps" in story
    assert run.counts("resize", 9).max() == 9 * run.counts("transposed", 9).max()
    assert "takes nine times the products" in story
    large = np.random.default_rng(2).random((6, 9))
    blocks = swap_questions.swapped(large)
    for row, column in np.ndindex(large.shape):
        cell, place = np.divmod((row, column), run.SCALE)
        assert blocks[row, column] == large[tuple(run.SCALE * cell + place[::-1])]
