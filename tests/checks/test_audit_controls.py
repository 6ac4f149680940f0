"""Each control against its slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from reference import audit_loops

import deconvviz as dv
from deconvviz.checks.audit import intervals, picture_only, planted, removal, sensitivity, similarity
from deconvviz.errors import DeconvvizError

RANDOM = np.random.default_rng(3)
A, B = RANDOM.normal(size=(11, 14)), RANDOM.normal(size=(11, 14))
B = 0.5 * A + B
X = RANDOM.normal(size=(1, 7, 9, 3))
COVER = np.broadcast_to(X.mean((1, 2), keepdims=True), X.shape)
WEIGHTS = RANDOM.normal(size=(7, 9, 3))


def linear(xs: np.ndarray) -> np.ndarray:
    return (np.asarray(xs) * WEIGHTS).sum(axis=(1, 2, 3))


@pytest.mark.slow
def test_likenesses_equal_their_twins() -> None:
    signed, other = np.stack([A, -2 * B, B], -1), np.stack([B, A, -A], -1)
    found = similarity.similarities(signed, other)
    first, second = np.abs(signed).sum(-1), np.abs(other).sum(-1)
    assert found["signed"] == pytest.approx(audit_loops.spearman(signed.sum(-1), other.sum(-1)))
    assert found["rank"] == pytest.approx(audit_loops.spearman(first, second))
    one, two = (np.minimum(v / np.quantile(v, 0.99), 1) for v in (first, second))
    assert found["ssim"] == pytest.approx(audit_loops.ssim(one, two))
    hogs = (audit_loops.hog(v, 2) for v in (one, two))
    assert found["hog"] == pytest.approx(audit_loops.correlation(*hogs), abs=1e-9)


def test_a_map_is_like_itself_and_a_constant_is_like_nothing() -> None:
    assert similarity.similarities(A, A) == pytest.approx({"signed": 1, "rank": 1, "ssim": 1, "hog": 1})
    assert similarity.similarities(A, np.zeros_like(A)) == {"signed": 0, "rank": 0, "ssim": 0, "hog": 0}
    opposite = similarity.similarities(A, -A)
    assert opposite["signed"] == pytest.approx(-1)
    assert opposite["rank"] == pytest.approx(1)
    small = similarity.similarities(A[:4, :5], B[:4, :5])
    assert np.isnan(small["ssim"])
    assert np.isnan(small["hog"])


@pytest.mark.parametrize("insert", [False, True])
def test_curves_equal_their_twin(insert: bool) -> None:
    ranked = RANDOM.normal(size=(7, 9))
    ends = (float(linear(X)[0]), float(linear(COVER)[0]))
    found = removal.curve(linear, X, COVER, ranked, ends, insert)
    wanted = audit_loops.curve(lambda x: float(linear(x[None])[0]), X[0], COVER[0], ranked, insert, removal.STEPS)
    np.testing.assert_allclose(found, wanted)
    assert removal.area(found) == pytest.approx(audit_loops.area(wanted))
    np.testing.assert_allclose(found[[0, -1]], ends[::-1] if insert else ends)


def test_equal_values_go_in_an_order_drawn_from_the_seed() -> None:
    flat = np.zeros((5, 6))
    assert sorted(removal.order(flat, 1)) == list(range(30))
    assert removal.order(flat, 1).tolist() == removal.order(flat, 1).tolist() != list(range(30))
    assert removal.order(flat, 1).tolist() != removal.order(flat, 2).tolist()


def test_infidelity_equals_its_twin_and_is_0_for_what_a_linear_score_rests_on() -> None:
    squares = sensitivity.squares((7, 9), 5)
    falls = linear(X) - linear(np.where(squares[..., None], COVER, X))
    shares = RANDOM.normal(size=(7, 9))
    wanted = audit_loops.infidelity(lambda x: float(linear(x[None])[0]), X[0], COVER[0], shares, squares)
    assert sensitivity.infidelity(shares, squares, falls) == pytest.approx(wanted)
    exact = (WEIGHTS * (X - COVER)[0]).sum(-1)
    assert sensitivity.infidelity(exact, squares, falls) < 1e-20
    assert sensitivity.infidelity(0 * exact, squares, falls) == pytest.approx(1)
    assert np.isnan(sensitivity.infidelity(shares, squares, 0 * falls))


def test_shift_and_back() -> None:
    moved = sensitivity.shifted(X, 2)
    assert moved.shape == X.shape
    before, after = sensitivity.without_border(X[0], moved[0], 2)
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(moved[0, 0], moved[0, 2])
    grainy = sensitivity.noisy(X, 4) - X
    assert grainy.std() == pytest.approx(sensitivity.NOISE * (X.max() - X.min()), rel=0.15)


def test_maps_of_the_picture_alone_equal_their_twins() -> None:
    np.testing.assert_allclose(picture_only.edges(X), audit_loops.sobel(X[0].sum(-1)))
    np.testing.assert_allclose(picture_only.gradient_magnitude(X), audit_loops.gradient_magnitude(X[0]))


def test_planted_regions() -> None:
    region = np.zeros((3, 4), bool)
    region[1, 1:3] = True
    values = np.array([[1.0, 0, 0, -9], [0, 3, 0, 0], [0, 0, 2, 0]])
    assert planted.pointing_game(values, region)
    assert not planted.pointing_game(-values, region)
    assert planted.mass_inside(values, region) == pytest.approx(0.5)
    assert planted.mass_inside(np.ones((3, 4)), region) == pytest.approx(2 / 12)
    assert np.isnan(planted.mass_inside(-np.abs(values), region))
    for wrong in (np.zeros((3, 4), bool), region[:2]):
        with pytest.raises(DeconvvizError, match="compared with a region of its size that holds a pixel"):
            planted.pointing_game(values, wrong)


def test_intervals_hold_their_mean_as_often_as_they_say() -> None:
    inside = 0
    for trial in range(200):
        one = intervals.interval(np.random.default_rng(trial).normal(2.0, 1.0, 40), trial)
        inside += one.low < 2.0 < one.high
    assert 178 <= inside <= 198
    assert one.error == pytest.approx(1 / np.sqrt(40), rel=0.3)
    assert str(intervals.interval([float("nan")])) == "-"
    few = intervals.interval([1.0, float("nan"), 2.0])
    assert (few.mean, few.count) == (1.5, 2)


def test_randomized_layers_are_those_asked_for() -> None:
    net = dv.load("caltech")
    from deconvviz.checks.audit.randomize import random_weights
    from deconvviz.checks.randomization import weight_layers

    before, groups = net.program().flat.consts, dict(weight_layers(net))
    for how in ("permute", "redraw"):
        after = random_weights(net, ["conv3", "logits"], how, 1)
        changed = {i for i, (a, b) in enumerate(zip(before, after, strict=True)) if not np.array_equal(a, b)}
        assert changed == {*groups["conv3"], *groups["logits"]}
        kernel, place = np.asarray(before[groups["conv3"][0]]), groups["conv3"][0]
        same = np.array_equal(np.sort(kernel, axis=None), np.sort(np.asarray(after[place]), axis=None))
        assert same == (how == "permute")
        assert np.std(after[place]) == pytest.approx(np.std(kernel), rel=0.02)
        alone = random_weights(net, ["conv3"], how, 1)
        np.testing.assert_array_equal(alone[place], after[place])
        assert not np.array_equal(random_weights(net, ["conv3"], how, 2)[place], after[place])
    with pytest.raises(DeconvvizError, match="how='shuffle' is no choice"):
        random_weights(net, ["conv3"], "shuffle")
