"""Verdicts follow from numbers: rules turn when the numbers do, measurements see planted changes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deconvviz.articles import claim_measures, claim_trials, claims
from deconvviz.articles.claims import CLAIMS, Runs, Subject, judge
from deconvviz.articles.formulas import FORMULAS
from deconvviz.errors import RuleError
from deconvviz.network import Network
from deconvviz.tasks.enhancement import ablations
from deconvviz.types import InputSpec

MATHEMATICAL = {"C1": "only if", "C2": "fails", "C3": "only if", "C4": "only if"}


def runs(**values: float) -> Runs:
    return Runs({name.replace("_", " "): (value,) * 5 for name, value in values.items()})


def test_all_ten_are_there_and_rest_on_formulas() -> None:
    assert list(CLAIMS) == [f"C{i}" for i in range(1, 11)]
    for claim in CLAIMS.values():
        assert claim.formulas
        assert set(claim.formulas) <= FORMULAS.keys()
        assert set(claim.articles) <= {"000", "001", "002", "003", "004"}


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(("id", "kind"), MATHEMATICAL.items())
def test_what_needs_no_network_is_measured_and_judged(id: str, kind: str) -> None:
    judgement = judge(CLAIMS[id], seeds=range(6))
    assert judgement.kind == kind
    assert judge(CLAIMS[id], seeds=range(4)).kind == "not shown"
    assert all(len(values) == 6 for values in judgement.runs.values.values())


def test_the_numbers_behind_them() -> None:
    inverse = judge(CLAIMS["C1"]).runs
    assert inverse.low("adjoint") > 0.2
    assert inverse.high("least squares") < 1e-6
    assert inverse.high("orthonormal") < 1e-6
    assert judge(CLAIMS["C2"]).runs.high("adjoint") < 1e-20
    flipping = judge(CLAIMS["C4"]).runs
    assert flipping.high("stride 2, zeros put between") < 1e-6
    assert flipping.low("stride 2") == math.inf
    assert flipping.low("channels as they were") > 0.3


def test_a_claim_about_a_network_asks_for_one() -> None:
    judgement = judge(CLAIMS["C10"])
    assert judgement.kind == "unmeasured"
    assert not judgement.runs.values
    with pytest.raises(RuleError, match=r"about a trained network: hand one in as Subject\(network, inputs\)"):
        claim_measures.direction(0, None)


@pytest.mark.parametrize(
    ("id", "numbers", "kind"),
    [
        ("C1", {"adjoint": 1e-7, "orthonormal": 1e-7, "tight_frame": 1e-7}, "holds"),
        ("C1", {"adjoint": 0.5, "orthonormal": 0.5, "tight_frame": 0.5}, "fails"),
        ("C1", {"adjoint": 0.5, "orthonormal": 0.5, "tight_frame": 1e-7}, "only if"),
        ("C2", {"adjoint": 0.9}, "holds"),
        ("C2", {"adjoint": 0.2}, "only if"),
        ("C3", {"stride_1": 2, "stride_2": 2, "unpool": 2}, "holds"),
        ("C3", {"stride_1": 1, "stride_2": 1, "unpool": 2}, "fails"),
        ("C4", {"one_channel": 0, "channels_as_they_were": 0, "stride_2": 0}, "holds"),
        ("C4", {"one_channel": 0.1, "channels_as_they_were": 0, "stride_2": 0}, "fails"),
        ("C5", {"deconvnet": 0.9, "learned_decoder": 0.9}, "holds"),
        ("C5", {"deconvnet": 0, "learned_decoder": 0}, "fails"),
        ("C7", {"first": 0.1, "last": 0.6, "field_first": 6, "field_last": 90}, "holds"),
        ("C7", {"first": 0.6, "last": 0.1, "field_first": 6, "field_last": 90}, "fails"),
        ("C7", {"first": 0.6, "last": 0.1, "field_first": 6, "field_last": 6}, "only if"),
        ("C8", {"none": 0.8, "lost_to_noise": 0.09, "lost_to_brightness": 0.0}, "holds"),
        ("C8", {"none": 0.9, "lost_to_noise": 0.1, "lost_to_brightness": 0.0}, "only if"),
        ("C8", {"none": 0.9, "lost_to_noise": 0.0, "lost_to_brightness": 0.2}, "only if"),
        ("C8", {"none": 0.79, "lost_to_noise": 0.0, "lost_to_brightness": 0.0}, "only if"),
        ("C8", {"none": 0.79, "lost_to_noise": 0.2, "lost_to_brightness": 0.0}, "fails"),
        ("C9", {"gain_bilinear": 0.02, "gain_coarse": 0.05}, "holds"),
        ("C9", {"gain_bilinear": 0.005, "gain_coarse": 0.05}, "only if"),
        ("C9", {"gain_bilinear": -0.05, "gain_coarse": 0.005}, "fails"),
        ("C10", {"deconvnet_all": 0.1, "guided_all": 0.1, "deconvnet_top": 0.3, "guided_top": 0.3}, "holds"),
        ("C10", {"deconvnet_all": 0.1, "guided_all": 0.1, "deconvnet_top": 0.8, "guided_top": 0.9}, "only if"),
        ("C10", {"deconvnet_all": 0.8, "guided_all": 0.9, "deconvnet_top": 0.8, "guided_top": 0.9}, "fails"),
    ],
)
def test_a_rule_turns_with_its_numbers(id: str, numbers: dict[str, float], kind: str) -> None:
    assert CLAIMS[id].rule(runs(**numbers)) == kind


def test_runs_that_disagree_show_nothing() -> None:
    """The t interval decides, not the mean; by hand: t of 4 degrees of freedom at 95 % is 2.776."""
    apart = Runs({"gain bilinear": (0.0, 0.1, 0.0, 0.1, 0.05), "gain coarse": (-0.1, 0.2, 0.1, 0.0, 0.1)})
    low, high = apart.interval("gain coarse")
    half = 2.776445 * np.std((-0.1, 0.2, 0.1, 0.0, 0.1), ddof=1) / math.sqrt(5)
    assert (low, high) == pytest.approx((0.06 - half, 0.06 + half), rel=1e-5)
    assert CLAIMS["C9"].rule(apart) == "not shown"
    assert Runs({"a": (0.5,)}).interval("a") == (-math.inf, math.inf)
    assert apart.count == 5


@pytest.mark.parametrize(
    ("times", "less", "kind"),
    [
        ((1.4, 1.5, 1.4, 1.6, 1.5), (-0.2, -0.3, -0.2, -0.3, -0.2), "holds"),
        ((1.4, 1.5, 1.4, 1.6, 1.5), (-0.2, 0.3, -0.2, 0.3, 0.0), "only if"),
        ((1.4, 0.6, 1.4, 0.5, 1.5), (-0.2, -0.3, -0.2, -0.3, -0.2), "only if"),
        ((1.4, 0.6, 1.4, 0.5, 1.5), (-0.2, 0.3, -0.2, 0.3, 0.0), "not shown"),
        ((0.4, 0.5, 0.4, 0.6, 0.5), (-0.2, -0.3, -0.2, -0.3, -0.2), "fails"),
        ((1.4, 1.5, 1.4, 1.6, 1.5), (0.2, 0.3, 0.2, 0.3, 0.2), "fails"),
    ],
)
def test_the_claim_about_training_turns_with_its_numbers(
    times: tuple[float, ...], less: tuple[float, ...], kind: str
) -> None:
    values = {f"times {name}": times for name, _ in claim_trials.PAIRS}
    assert CLAIMS["C6"].rule(Runs(values | {f"less {name}": less for name, _ in claim_trials.PAIRS})) == kind


def test_the_claim_about_training_rests_on_the_weights_that_are_shipped() -> None:
    judgement = judge(CLAIMS["C6"])
    trials = ablations.trials()
    assert set(claim_trials.PAIRS[0]) | set(claim_trials.PAIRS[1]) <= set(trials)
    for name, about in trials.items():
        for label, key in (("gap", "gap"), ("heart", "learned"), ("unseen", "psnr")):
            assert judgement.runs.values[f"{label} {name}"] == tuple(row[key] for row in about["seeds"])
        first = [row["gradients_first"][0] / row["gradients_first"][-1] for row in about["seeds"]]
        assert judgement.runs.values[f"depth {name}"] == pytest.approx(tuple(first))
    for name, other in claim_trials.PAIRS:
        heart, beside = (judgement.runs.values[f"heart {one}"] for one in (name, other))
        assert judgement.runs.values[f"less {name}"] == pytest.approx(np.subtract(heart, beside).tolist())
    assert judgement.kind == "not shown"
    assert judgement.runs.count == claim_trials.stored().runs == 3


def test_the_network_of_article_000_does_not_fit() -> None:
    assert claim_measures.article_sizes(256) == (256, 254, 127, 254, 508, 1016)
    assert claim_measures.article_sizes(30) == (30, 28, 14, 28, 56, 112)


@pytest.fixture(scope="module")
def small() -> Subject:
    """Two convolutions and two scores, random: enough to count weights and to shuffle them."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    random = np.random.default_rng(4)
    kernels = [jnp.asarray(random.standard_normal(s), jnp.float32) for s in ((3, 3, 3, 4), (3, 3, 4, 5))]
    dense, bias = jnp.asarray(random.standard_normal((5, 2)), jnp.float32), jnp.asarray([0.3, -0.2], jnp.float32)

    def forward(x):  # type: ignore[no-untyped-def]
        for kernel in kernels:
            x = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x)
        return x.mean((1, 2)) @ dense + bias

    network = Network(forward, input_spec=InputSpec(size=(10, 12)))
    return Subject(network, random.standard_normal((4, 10, 12, 3)).astype(np.float32))


def test_the_way_back_borrows_every_weight(small: Subject) -> None:
    counted = claim_measures.parameters(0, small)
    kernels = 3 * 3 * 3 * 4 + 3 * 3 * 4 * 5 + 5 * 2
    assert counted["network"] == kernels + 2
    assert counted["deconvnet"] == 0
    assert counted["learned decoder"] == pytest.approx(kernels / (kernels + 2))
    assert judge(CLAIMS["C5"], small).kind == "only if"


def test_every_layer_is_looked_at_for_colour_and_edges(small: Subject) -> None:
    found = claim_measures.direction(0, small)
    assert {"conv1", "conv2", "first", "last"} <= found.keys()
    assert found["first"] == found["conv1"]
    assert (found["field first"], found["field last"]) == (3, 5)
    assert found["first"] > found["last"]


def test_shuffling_is_measured_for_every_rule(small: Subject) -> None:
    found = claim_measures.understands(1, small)
    kinds = ("top", "half", "all", "edges")
    assert set(found) == {f"{rule} {what}" for rule in claim_measures.RULES for what in kinds}
    assert all(-1 <= value <= 1 for value in found.values())
    assert claims.judge(CLAIMS["C10"], small, seeds=(1,)).kind == "one run"


def test_edges_are_those_of_the_picture() -> None:
    step = np.zeros((5, 6, 3))
    step[:, 3:] = 1
    found = claim_measures.edges(step)
    assert found[:, 2:4].min() == found.max() == 3 * 4
    assert not found[:, [0, 1, 4, 5]].any()
