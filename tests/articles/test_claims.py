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
    return Runs({name.replace("_", " "): (value,) for name, value in values.items()})


def test_all_ten_are_there_and_rest_on_formulas() -> None:
    assert list(CLAIMS) == [f"C{i}" for i in range(1, 11)]
    for claim in CLAIMS.values():
        assert claim.formulas
        assert set(claim.formulas) <= FORMULAS.keys()
        assert set(claim.articles) <= {"000", "001", "002", "003", "004"}


@pytest.mark.slow
@pytest.mark.parametrize(("id", "kind"), MATHEMATICAL.items())
def test_what_needs_no_network_is_measured_and_judged(id: str, kind: str) -> None:
    judgement = judge(CLAIMS[id], seeds=range(4))
    assert judgement.kind == kind
    assert all(len(values) == 4 for values in judgement.runs.values.values())


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
        ("C1", {"adjoint": 1e-7, "orthonormal": 1e-7}, "holds"),
        ("C1", {"adjoint": 0.5, "orthonormal": 0.5}, "fails"),
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
        ("C8", {"none": 0.9, "lost_to_noise": 0.3, "lost_to_brightness": 0.2}, "fails"),
        ("C8", {"none": 0.79, "lost_to_noise": 0.0, "lost_to_brightness": 0.0}, "fails"),
        ("C9", {"transposed": 0.55, "bilinear": 0.53, "coarse": 0.5}, "holds"),
        ("C9", {"transposed": 0.55, "bilinear": 0.545, "coarse": 0.5}, "only if"),
        ("C9", {"transposed": 0.55, "bilinear": 0.6, "coarse": 0.545}, "fails"),
        ("C10", {"deconvnet_all": 0.1, "guided_all": 0.1, "deconvnet_top": 0.3, "guided_top": 0.3}, "holds"),
        ("C10", {"deconvnet_all": 0.1, "guided_all": 0.1, "deconvnet_top": 0.8, "guided_top": 0.9}, "only if"),
        ("C10", {"deconvnet_all": 0.8, "guided_all": 0.9, "deconvnet_top": 0.8, "guided_top": 0.9}, "fails"),
    ],
)
def test_a_rule_turns_with_its_numbers(id: str, numbers: dict[str, float], kind: str) -> None:
    assert CLAIMS[id].rule(runs(**numbers)) == kind


TRIALS = ("none", "none-resize", "add", "add-resize")


@pytest.mark.parametrize(
    ("depths", "gaps", "kind"),
    [
        ({}, {}, "fails"),
        ({"none": 0.9, "add": 0.9}, {"none": 0.1, "add": 0.1}, "holds"),
        ({"none": 0.9, "add": 0.9}, {}, "fails"),
        ({"none": 0.9}, {"none": 0.5, "add": 0.1}, "fails"),
        ({}, {"add": 0.1, "add-resize": 0.1}, "only if"),
        ({name: 3.0 + i for i, name in enumerate(TRIALS)}, {"none": 0.1, "add": 0.05}, "fails"),
    ],
)
def test_the_claim_about_training_turns_with_its_numbers(
    depths: dict[str, float], gaps: dict[str, float], kind: str
) -> None:
    values = {f"depth {name}": (depths.get(name, 0.5), depths.get(name, 0.5) + 0.01) for name in TRIALS}
    values |= {f"gap {name}": (gaps.get(name, 1.0), gaps.get(name, 1.0) - 0.01) for name in TRIALS}
    assert CLAIMS["C6"].rule(Runs(values)) == kind


def test_the_claim_about_training_rests_on_the_weights_that_are_shipped() -> None:
    judgement = judge(CLAIMS["C6"])
    trials = ablations.trials()
    assert set(claim_trials.PAIRS[0]) | set(claim_trials.PAIRS[1]) <= set(trials)
    for name, about in trials.items():
        assert judgement.runs.values[f"gap {name}"] == tuple(row["gap"] for row in about["seeds"])
        first = [row["gradients_first"][0] / row["gradients_first"][-1] for row in about["seeds"]]
        assert judgement.runs.values[f"depth {name}"] == pytest.approx(tuple(first))
    assert judgement.kind == "only if"


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
    assert set(found) == {f"{rule} {what}" for rule in claim_measures.RULES for what in ("top", "half", "all")}
    assert all(-1 <= value <= 1 for value in found.values())
    assert claims.judge(CLAIMS["C10"], small, seeds=(1,)).kind in ("holds", "only if", "fails")
