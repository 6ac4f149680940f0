"""Sentences of the lessons, computed: what a text says of mathematics is run, what it must not say is named."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import deconvviz as dv
from deconvviz.articles import claim_measures
from deconvviz.articles.claims import CLAIMS, judge
from deconvviz.articles.formulas import FORMULAS, apart
from deconvviz.checks import randomization
from deconvviz.checks.randomization import rank_correlation
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, conv_map, inverse
from deconvviz.ops.upsample import overlap_counts, resize_nearest
from lessons._kit.claims import card, words
from lessons._kit.form import glossary
from lessons._kit.form.page import Lesson, discover

ROOT = Path(__file__).resolve().parents[2]
LESSONS = {page.slug: page for page in discover() if isinstance(page, Lesson)}


def text(slug: str) -> str:
    """The text of a lesson without the brackets of its terms."""
    lesson = LESSONS[slug]
    return " ".join(scene.text for scene in lesson.scenes).replace("[[", "").replace("]]", "")


def gram(w: np.ndarray, geometry: ConvGeometry, size: tuple[int, int]) -> np.ndarray:
    """A'A of a convolution."""
    a = np.asarray(conv_map(w, geometry, size).dense(), np.float64)
    return a.T @ a


def test_filters_that_mix_cells_can_be_undone() -> None:
    """Haar's four filters mix four cells, and the adjoint gives them back."""
    from lessons.inverse import HAAR

    assert np.count_nonzero(HAAR[..., 0]) == 4
    np.testing.assert_allclose(gram(HAAR, ConvGeometry(2), (6, 8)), np.eye(48), atol=1e-6)
    assert "windows mix nothing" not in text("convolution-and-its-adjoint")
    assert "only where AᵀA is a multiple of the identity" in text("convolution-and-its-adjoint")


def test_equal_singular_values_are_not_enough() -> None:
    """The mean of 2 x 2 at stride 2: twelve singular values, all 1, and x does not come back."""
    a = np.asarray(conv_map(np.full((2, 2, 1, 1), 0.5), ConvGeometry(2), (6, 8)).dense(), np.float64)
    np.testing.assert_allclose(np.linalg.svd(a, compute_uv=False), np.ones(12), atol=1e-6)
    x = np.random.default_rng(0).standard_normal(48)
    assert apart(a.T @ (a @ x), x) > 0.7
    assert "all singular values are equal and there is no null space" in text("adjoint-is-not-inverse")


@pytest.mark.slow
def test_a_tight_frame_is_undone_without_being_orthonormal() -> None:
    pair = [np.array([[0.5, 0.5]]), np.array([[0.5, -0.5]])]
    a = np.concatenate([inverse.blur_matrix(k, (1, 8)) for k in pair])
    np.testing.assert_allclose(a.T @ a, np.eye(8), atol=1e-12)
    assert np.abs(a @ a.T - np.eye(16)).max() > 0.2
    found = claim_measures.inverse(0)
    assert max(found["tight frame"], found["orthonormal"]) < 1e-6 < 0.2 < found["adjoint"]
    assert "only if AᵀA is a multiple of the identity" in words.SENTENCES["C1"]["only if"]


@pytest.mark.parametrize("seed", range(3))
def test_the_corrected_fusion_is_not_the_identity(seed: int) -> None:
    """With y = A x of the first line it would be; b is the picture that is there."""
    formula = FORMULAS["F004.3"]
    given = formula.inputs(seed)
    x, k = given["x"], given["k"]
    y = np.asarray(FORMULAS["F004.1"].corrected(**given))
    identity = x + inverse.blur_adjoint(y - inverse.blur(x, k), k)
    np.testing.assert_allclose(identity, x, atol=1e-6)
    assert apart(np.asarray(formula.corrected(**given)), x) > 0.01
    assert r"(y - A x)" not in formula.corrected_latex
    assert "Landweber" in formula.note == words.REMARKS["F004.3"]
    assert "landweber1951iteration" in formula.sources


def test_the_adjoint_multiplies_by_the_conjugate() -> None:
    """One convention for K everywhere: A multiplies by K, the adjoint by its conjugate."""
    random = np.random.default_rng(1)
    x, k = random.standard_normal((6, 9)), random.standard_normal((3, 3))
    factor = inverse.response(k, x.shape)
    np.testing.assert_allclose(np.fft.fft2(inverse.blur(x, k)), factor * np.fft.fft2(x), atol=1e-10)
    np.testing.assert_allclose(np.fft.fft2(inverse.blur_adjoint(x, k)), np.conj(factor) * np.fft.fft2(x), atol=1e-10)
    assert np.abs(factor.imag).max() > 0.1
    assert "complex conjugate" in text("adjoint-is-not-inverse")
    assert "mirror image" not in text("adjoint-is-not-inverse")
    assert FORMULAS["F004.1"].corrected_latex.endswith("Y = K X")
    assert r"\frac{\overline{K}\,Y}{|K|^2" in FORMULAS["F004.2"].corrected_latex


def test_the_lesson_on_lost_frequencies_opens_with_some() -> None:
    from lessons.inverse import State, compute, lost

    state = State(noise="0")
    gone = np.fft.ifftshift(lost(State()))
    assert gone.sum() > 100
    planes = compute(state)
    energy = {name: (np.abs(np.fft.fft2(plane)[gone]) ** 2).sum() for name, plane in planes.items()}
    assert max(energy["wiener"], energy["adjoint"]) < 1e-9 * energy["x"]
    assert lost(State(kernel="box")).sum() == 0
    assert all(scene.values["noise"] == "0" for scene in LESSONS["adjoint-is-not-inverse"].scenes[:3])


@pytest.mark.deep
def test_in_much_noise_the_adjoint_is_often_closer() -> None:
    from lessons.inverse import KERNELS, NOISE, PICTURES, decibels

    place = list(NOISE).index("5")
    closer = [
        found["adjoint"][place] > found["y"][place]
        for found in (decibels(picture, kernel) for picture in PICTURES for kernel in KERNELS)
    ]
    assert len(closer) == 12
    assert sum(closer) >= 10, "photographs of another size decide the closest two"
    assert "In much noise Aᵀy is often closer than y" in text("adjoint-is-not-inverse")


@pytest.mark.slow
def test_sharp_does_not_mean_known() -> None:
    """Where an early layer's inverter answers sharply it is more wrong, not less, on most photographs."""
    from lessons.learned_inversion import run

    def blocks(plane: np.ndarray) -> np.ndarray:
        height, width = (n // 8 * 8 for n in plane.shape)
        return plane[:height, :width].reshape(height // 8, 8, width // 8, 8).mean(axis=(1, 3)).ravel()

    found = []
    for id in run.PHOTOGRAPHS:
        shown = run.shown(id, "relu2", "none")
        sharp = np.linalg.norm(np.stack(np.gradient(shown.picture.mean(axis=2))), axis=0)
        wrong = ((shown.picture - shown.photograph) ** 2).sum(axis=2)
        found.append(rank_correlation(blocks(sharp), blocks(wrong)))
    assert np.median(found) > 0.3
    said = text("learned-inversion")
    assert "Sharp means known" not in said
    assert "the sharpest places are the most wrong" in said


def test_resizing_first_keeps_even_maps_even_and_leaves_steps_on_a_slope() -> None:
    w = np.random.default_rng(0).standard_normal((1, 3, 1, 1))
    even, slope = np.ones((1, 1, 12, 1)), np.arange(12.0).reshape(1, 1, 12, 1)
    assert np.ptp(np.asarray(conv(resize_nearest(even, 2), w))[0, 0]) < 1e-5
    steps = np.diff(np.asarray(conv(resize_nearest(slope, 2), w))[0, 0, :, 0])
    assert abs(steps[0] - steps[1]) > 0.1
    np.testing.assert_allclose(steps[:-2], steps[2:], atol=1e-5)
    said = text("upsampling-and-checkerboards")
    assert "no pattern, whatever the weights" not in said
    assert "A slope still gets steps" in said


def test_even_overlap_with_other_weights_is_a_checkerboard_too() -> None:
    """Four taps at stride 2: every cell is written to twice, and neighbours still differ."""
    assert set(overlap_counts(12, 4, 2)[3:-3]) == {2}
    w = np.random.default_rng(0).standard_normal((1, 4, 1, 1))
    out = np.asarray(conv_adjoint(np.ones((1, 1, 12, 1)), w, ConvGeometry((1, 2)), (1, 26)))[0, 0, 4:-4, 0]
    np.testing.assert_allclose(out[2:], out[:-2], atol=1e-5)
    assert abs(out[0] - out[1]) > 0.1
    assert "or by taps with other weights" in glossary.TERMS["checkerboard"][1]


def test_positive_signals_cancel_and_their_maps_follow_edges() -> None:
    """Weights have two signs, so two positive signals can add up to nothing; closeness to edges is measured."""
    both = np.asarray(
        conv_adjoint(np.ones((1, 1, 2, 1)), np.array([1.0, -1.0]).reshape(1, 2, 1, 1), ConvGeometry(), (1, 3))
    )
    assert both[0, 0, 1, 0] == 0
    table = json.loads((ROOT / "deconvviz" / "checks" / "audit" / "shipped.json").read_text("utf-8"))["table"]
    edges = {rule: table[rule]["edges"] for rule in dv.RULES}  # mean, and ends of its interval
    assert edges["guided"][1] > max(edges[rule][2] for rule in ("gradient", "linear"))
    said = text("four-rules-at-a-rectifier")
    assert "nothing cancel" not in said
    assert "guided map follows the edges of the photograph more closely than the gradient and the linear map" in said


def test_gradients_of_strided_convolutions_have_checkerboards() -> None:
    """With equal weights the gradient of the sum of the outputs counts how often each input is read."""
    w, geometry = jnp.ones((1, 3, 1, 1)), ConvGeometry((1, 2))
    slope = jax.grad(lambda x: conv(x, w, geometry).sum())(jnp.zeros((1, 1, 9, 1)))
    assert np.asarray(slope).ravel().tolist() == overlap_counts(4, 3, 2).tolist() == [1, 1, 2, 1, 2, 1, 2, 1, 1]
    assert "Gradients have checkerboards too" in text("upsampling-and-checkerboards")


@pytest.mark.slow
def test_a_deconvnet_map_marks_pixels_that_cause_nothing() -> None:
    """The unit's rectifier below is closed: no small change moves the unit, and its map is not zero."""
    down, up = -jnp.ones((1, 1, 3, 1)), jnp.ones((1, 1, 1, 1))

    def forward(x: jax.Array) -> jax.Array:
        dims = ("NHWC", "HWIO", "NHWC")
        x = jax.nn.relu(lax.conv_general_dilated(x, down, (1, 1), "VALID", dimension_numbers=dims))
        return lax.conv_general_dilated(x, up, (1, 1), "VALID", dimension_numbers=dims) + 1.0

    network = dv.Network(forward, input_spec=dv.InputSpec(size=(6, 7)))
    x = np.ones((6, 7, 3), np.float32)
    _, pull = jax.vjp(forward, x[None])
    assert float(jnp.abs(pull(jnp.ones((1, 6, 7, 1)))[0]).max()) == 0
    layer = [layer.name for layer in network.layers if layer.kind == "conv"][-1]
    found = dv.reconstruct(network, x, dv.Unit(layer, 0, 2, 3), rule="deconvnet", start="one")
    assert np.abs(found.map).max() == 1
    home = "".join(file.read_text("utf-8") for file in (ROOT / "lessons" / "home").glob("*.py"))
    assert home
    assert "caused" not in home


def without_pooling() -> dv.Network:
    """Two convolutions and rectifiers, no pooling."""
    random = np.random.default_rng(3)
    first, second = (jnp.asarray(random.standard_normal(s), jnp.float32) for s in ((3, 3, 3, 4), (3, 3, 4, 2)))

    def forward(x: jax.Array) -> jax.Array:
        dims = ("NHWC", "HWIO", "NHWC")
        x = jax.nn.relu(lax.conv_general_dilated(x, first, (1, 1), "VALID", dimension_numbers=dims))
        return jax.nn.relu(lax.conv_general_dilated(x, second, (1, 1), "VALID", dimension_numbers=dims))

    return dv.Network(forward, input_spec=dv.InputSpec(size=(8, 9)))


@pytest.mark.deep
def test_without_switches_deconvnet_does_not_depend_on_the_photograph() -> None:
    network, random = without_pooling(), np.random.default_rng(5)
    pictures = [random.random((8, 9, 3), np.float32) for _ in range(2)]
    unit = dv.Unit(network.layers[-1].name, 1, 2, 3)
    maps = {
        rule: [np.asarray(dv.reconstruct(network, x, unit, rule=rule, start="one").map) for x in pictures]
        for rule in ("deconvnet", "guided")
    }
    np.testing.assert_allclose(*maps["deconvnet"], atol=1e-6)
    assert np.abs(maps["guided"][0] - maps["guided"][1]).max() > 0.1
    said = text("four-rules-at-a-rectifier")
    assert "its map would be the same for every photograph" in said
    assert "no derivative of anything" not in said
    assert "all that tells the methods apart" not in said


def test_the_adjoint_spreads_the_kernel_as_it_is() -> None:
    """The stamp of a single 1 is the kernel unturned; what is gathered is turned."""
    w = np.arange(1.0, 7.0).reshape(2, 3, 1, 1)
    g = np.zeros((1, 3, 3, 1))
    g[0, 1, 1, 0] = 1
    back = np.asarray(conv_adjoint(g, w, ConvGeometry(), (4, 5)))[0, :, :, 0]
    np.testing.assert_array_equal(back[1:3, 1:4], w[:, :, 0, 0])
    notation = (ROOT / "docs" / "notation.md").read_text("utf-8")
    assert "flip the kernel, spread" not in notation
    assert "the kernel as it is" in notation


def test_there_and_back_is_no_blur_for_every_kernel() -> None:
    assert abs(inverse.response(np.array([[-1.0, 0.0, 1.0]]), (1, 8))[0, 0]) < 1e-12
    notation = (ROOT / "docs" / "notation.md").read_text("utf-8")
    assert "A' A is a blur;" not in notation
    assert "with a blur" in FORMULAS["F004.2"].computes == words.COMPUTES["F004.2"]


def test_the_gap_is_not_overfitting() -> None:
    """By the stored figures one switch widens the gap and lowers the loss on unseen digits."""
    rows = json.loads((ROOT / "deconvviz" / "tasks" / "weights" / "recognition_effects.json").read_text("utf-8"))[
        "rows"
    ]
    plain, normed = (next(r for r in rows if (r["norm"], r["drop"], r["decoder"]) == (n, False, False)) for n in (0, 1))
    assert normed["gap"] > plain["gap"]
    assert normed["held_loss"] < plain["held_loss"]
    said = text("recognition")
    assert "is overfitting." not in said
    assert "generalization gap" in said
    assert "learned gain and shift" in said


@pytest.mark.slow
def test_a_matrix_grows_with_the_square_of_the_number_of_pixels() -> None:
    sizes = [conv_map(np.ones((1, 1, 1, 1)), ConvGeometry(), (n, n)).dense().size for n in (4, 8)]
    assert sizes == [4**4, 8**4]
    assert "the square of the number of pixels" in text("convolution-is-a-matrix")


def test_a_pattern_is_found_again_a_whole_number_of_steps_away() -> None:
    random = np.random.default_rng(2)
    x, w = random.standard_normal((1, 1, 12, 1)), random.standard_normal((1, 3, 1, 1))
    at = [np.asarray(conv(np.roll(x, by, 2), w, ConvGeometry((1, 2))))[0, 0, :, 0] for by in (0, 1, 2)]
    np.testing.assert_allclose(at[2][1:], at[0][:-1], atol=1e-6)
    assert np.abs(at[1][1:] - at[0][:-1]).max() > 0.1
    said = text("convolution")
    assert "found everywhere" not in said
    assert "a bias to each" in said
    assert "only if it moves by a whole number of strides" in said


def test_a_frequency_is_a_number_and_five_things_share_one_name() -> None:
    assert glossary.TERMS["frequency"][1].startswith("How often a wave")
    said = glossary.TERMS["deconvolution"][1]
    years = [said.index(year) for year in ("(2010)", "(2011)", "(2014)", "(2015)")]
    assert said.startswith("Five things")
    assert [said.index("solving for x"), *years] == sorted([said.index("solving for x"), *years])
    assert "zeiler2010deconvolutional" not in {key for key, _ in LESSONS["convolution-and-its-adjoint"].sources}
    assert "dosovitskiy2016generating" not in {key for key, _ in LESSONS["pooling-and-switches"].sources}


def test_numbers_in_texts_are_those_of_the_cards() -> None:
    from deconvviz.tasks.segmentation import predict
    from lessons.segmentation import table

    said = table.gained(predict.variants())
    assert "4.1 % without one, 3.8 to 4.5 % with" in said
    assert "finds the pole again?" not in LESSONS["segmentation"].question
    enhancement = (ROOT / "deconvviz" / "tasks" / "enhancement" / "card.md").read_text("utf-8")
    assert "the same for all" not in enhancement
    assert "sigma 0 to 55" in text("enhancement")


def test_accuracy_and_robustness_of_the_cut_out_are_told_apart() -> None:
    from lessons.cutout import table

    assert "drawn by hand" not in text("cut-out")
    accuracy, robustness = table.verdict().split("\n\n")  # apart, each by its interval over 14 photographs
    assert accuracy.startswith(":gray[**not shown**] The cut-out overlaps")
    assert robustness.startswith(":green[**holds**]")


def test_what_the_randomization_test_did_and_did_not_do_is_said() -> None:
    note = words.NOTES["C10"]
    assert all(name in note for name in ("Adebayo", "did not test DeconvNet", "Yona", "Binder"))
    assert "sixt2020explanations" in randomization.__doc__


@pytest.mark.slow
def test_words_that_are_our_own_or_name_their_source_are_marked() -> None:
    """A measure that nobody else has is called ours, a filter has its author's name, and eight points are eight."""
    from lessons.growth.measure import EPOCHS

    assert "90 % of the squared slope, a measure of our own; Luo et al. fit a Gaussian" in text("receptive-fields")
    assert "Hunt's form of Wiener's" in (ROOT / "lessons" / "inverse" / "__init__.py").read_text("utf-8")
    assert len(EPOCHS) == 8
    assert "saved at eight points of its training" in text("growth")
    assert "Measured twice, by one rule" in words.NOTES["C12"]
    for id in ("C1", "C2", "C4"):  # small random arrays
        assert "for a counterexample, not for a proof" in card.basis(CLAIMS[id], judge(CLAIMS[id]))


def test_the_lost_waves_are_explained_with_the_right_reasons() -> None:
    """Where no singular value is 0, nobody is told to count stripes that there are not."""
    from lessons.inverse import questions

    none = next(question for seed in range(200) if (question := questions.lost(seed)).answer == (0,))
    assert "No wave of this ring" in none.mistakes[1,]
    for seed in range(60):
        question = questions.lost(seed)
        n, k = (int(number) for number in re.findall(r"\d+", question.prompt)[:2])
        assert question.answer == (math.gcd(n, k) - 1,)
        assert not any("window fits a whole number of times" in reason for reason in question.mistakes.values())


def test_a_training_that_overfits_is_one() -> None:
    """Every training learns what it is shown; the one with the longest steps is soon worse on what it is not."""
    from lessons.recognition import questions

    for seed in range(4):
        learned, unseen = (plane.values for plane in questions.keep(seed).picture[0].planes)
        assert (np.diff(learned, axis=1) < 0).all()
        fast = int(learned[:, -1].argmin())
        assert unseen[fast, -1] > unseen[fast].min()
        assert (unseen[:, 3:] > learned[:, 3:]).all()
