"""Every printed formula and its correction against loops over their indices; what they are said to do, and do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from reference import formula_loops

from deconvviz.articles import formulas
from deconvviz.articles._formulas import periodic, sums
from deconvviz.articles.formulas import FORMULAS, TOLERANCE
from deconvviz.metrics import relative_error

SEEDS = range(4)
every = pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS.keys())
IDS = ["F000.1", "F001.1", "F002.1", "F002.2", "F002.3", "F003.1", "F003.2", "F004.1", "F004.2", "F004.3"]


def test_all_ten_are_there() -> None:
    assert list(FORMULAS) == IDS == list(formula_loops.LOOPS)
    assert all(id == formula.id and formula.article == id[1:4] for id, formula in FORMULAS.items())


@pytest.mark.sampled(15, check=25)
@every
@pytest.mark.parametrize("seed", SEEDS)
def test_both_versions_are_the_sums_of_the_loops(formula: formulas.Formula, seed: int) -> None:
    given = formula.inputs(seed)
    for ours, loops in zip((formula.printed, formula.corrected), formula_loops.LOOPS[formula.id], strict=True):
        if loops is not None:
            np.testing.assert_allclose(np.asarray(ours(**given)), loops(**given), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_solved_equation_is_solved(seed: int) -> None:
    """``A'(A x' - y) + lambda x' = 0``, by loops."""
    given = FORMULAS["F004.2"].inputs(seed)
    x, k = given["x"], given["k"]
    found = np.asarray(FORMULAS["F004.2"].corrected(**given))
    left = formula_loops.back(formula_loops.f004_1_printed(found - x, k), k) + periodic.LAMBDA * found
    assert np.abs(left).max() < 1e-12


@pytest.mark.sampled(15, check=5)
@every
@pytest.mark.parametrize("seed", SEEDS)
def test_what_it_computes_and_what_it_should_be(formula: formulas.Formula, seed: int) -> None:
    errors = formulas.measure(formula, seed)
    assert errors["equals"] <= TOLERANCE
    assert errors["corrected"] <= TOLERANCE
    if formula.id == "F004.1":
        assert errors["said"] <= TOLERANCE
    else:
        assert errors["said"] > 0.2


@pytest.mark.sampled(check=6)
@every
def test_sizes_change_with_the_seed_and_no_axis_hides_another(formula: formulas.Formula) -> None:
    shapes = {tuple(np.shape(a) for a in formula.inputs(seed).values()) for seed in range(12)}
    assert len(shapes) > 3
    for seed in range(12):
        planes = [a for a in formula.inputs(seed).values() if np.ndim(a) in (2, 3) and np.shape(a)[0] > 5]
        assert planes
        assert all(plane.shape[0] != plane.shape[1] for plane in planes)


@pytest.mark.parametrize("id", ["F000.1", "F001.1", "F002.3", "F003.2"])
def test_some_do_not_even_have_the_size(id: str) -> None:
    assert formulas.measure(FORMULAS[id])["said"] == math.inf


def test_a_wrong_reading_would_be_noticed() -> None:
    """Each of these mistakes is one index; the measures see all of them."""
    kernel_flipped = replace(
        FORMULAS["F000.1"], printed=lambda x, w, **_: sums.f000_1_printed(x, w[::-1, ::-1])
    )  # fmt: skip
    unshifted = replace(FORMULAS["F000.1"], printed=lambda x, w, **_: np.roll(sums.f000_1_printed(x, w), -1, 0))
    assigned = replace(FORMULAS["F002.3"], corrected=put_without_adding)
    for wrong, which in ((kernel_flipped, "equals"), (unshifted, "equals"), (assigned, "corrected")):
        assert max(formulas.measure(wrong, seed)[which] for seed in SEEDS) > 0.01


def put_without_adding(y: np.ndarray, switches: np.ndarray, size: tuple[int, int], **_: object) -> np.ndarray:
    x = np.zeros(size)
    x[np.unravel_index(switches, size)] = y
    return x


def test_kernels_with_more_rows_than_columns() -> None:
    random = np.random.default_rng(9)
    v, g = random.standard_normal((2, 4, 3)), random.standard_normal((6, 8, 2))
    np.testing.assert_allclose(sums.f003_1_corrected(v, g), formula_loops.f003_1_corrected(v, g), atol=1e-12)
    w = random.standard_normal(4)
    np.testing.assert_allclose(sums.f003_1_printed(v, g, w), formula_loops.f003_1_printed(v, g, w), atol=1e-12)
    y, w = random.standard_normal((5, 6, 2)), random.standard_normal((2, 3, 4, 2))
    np.testing.assert_allclose(
        sums.f002_2_corrected(y, w, (6, 8)), formula_loops.f002_2_corrected(y, w, (6, 8)), atol=1e-12
    )


def test_the_fused_picture_is_no_better_than_the_blurred_one() -> None:
    """At its best brightness the fused picture is farther from the truth than the picture it began with."""
    for seed in range(8):
        given = FORMULAS["F004.3"].inputs(seed)
        errors = formulas.measure(FORMULAS["F004.3"], seed)
        assert errors["said"] > formulas.apart(given["x"], given["truth"]) > errors["corrected_said"]


def test_distances_of_other_shapes_are_infinite() -> None:
    assert relative_error(np.ones(3), np.ones(4)) == formulas.apart(np.ones(3), np.ones(4)) == math.inf
    assert relative_error(np.full(4, 0.5), np.zeros(4)) == 1.0
    assert formulas.apart(np.zeros(4), np.ones(4)) == 1.0
