"""Verdicts follow from numbers: rules turn when the numbers do, measurements see planted changes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deconvviz.articles import claim_counts, claim_decoders, claim_measures, claim_trials, claims
from deconvviz.articles.claims import CLAIMS, Runs, Subject, judge
from deconvviz.articles.formulas import FORMULAS
from deconvviz.errors import RuleError
from deconvviz.network import Network
from deconvviz.tasks._shared import recorded_figures
from deconvviz.tasks.enhancement import ablations
from deconvviz.types import InputSpec

MATHEMATICAL = {"C1": "only if", "C2": "fails", "C3": "only if", "C4": "only if"}
FURTHER = {
    "C12": "only if", "C13": "fails", "C14": "holds", "C15": "not measurable", "C17": "only if", "C18": "fails",
    "C19": "fails", "C20": "fails", "C22": "only if", "C23": "fails", "C24": "fails", "C26": "fails", "C27": "fails",
    "C28": "fails", "C29": "fails", "C30": "only if",
}  # fmt: skip


def runs(**values: float) -> Runs:
    return Runs({name.replace("_", " "): (value,) * 5 for name, value in values.items()})


def test_all_are_there_and_name_what_there_is() -> None:
    assert list(CLAIMS) == [f"C{i}" for i in range(1, 33)]
    for claim in CLAIMS.values():
        assert claim.formulas or int(claim.id[1:]) > 10
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


@pytest.mark.slow
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
        ("C8", {"none": 0.8}, "holds"),
        ("C8", {"none": 0.79}, "fails"),
        ("C12", {"one_layer": 5, "two_layers": 9, "two_layers,_no_rectifier": 1}, "only if"),
        ("C12", {"one_layer": 5, "two_layers": 9, "two_layers,_no_rectifier": 2}, "holds"),
        ("C12", {"one_layer": 5, "two_layers": 5, "two_layers,_no_rectifier": 1}, "fails"),
        ("C13", {"ratio": 1}, "holds"),
        ("C13", {"ratio": 2}, "fails"),
        ("C14", {"ratio": 2}, "holds"),
        ("C14", {"ratio": 1}, "fails"),
        ("C17", {"foreseen": 1}, "only if"),
        ("C17", {"foreseen": 0.9}, "holds"),
        ("C18", {"difference": 1e-7}, "fails"),
        ("C18", {"difference": 0.1}, "holds"),
        ("C19", {"slope_one_channel": 0}, "fails"),
        ("C19", {"slope_one_channel": 0.3}, "holds"),
        ("C20", {"given": 1, "needed": 9, "program_stops": 1}, "fails"),
        ("C20", {"given": 9, "needed": 9, "program_stops": 0}, "holds"),
        ("C22", {"convolutions": 9, "convolutions,_pooled": 9, "scores": 8, "scores,_pooled": 2}, "only if"),
        ("C22", {"convolutions": 9, "convolutions,_pooled": 4, "scores": 8, "scores,_pooled": 2}, "holds"),
        ("C22", {"convolutions": 9, "convolutions,_pooled": 9, "scores": 8, "scores,_pooled": 8}, "fails"),
        ("C23", {"filters": 1e-7, "unpooling": 0}, "fails"),
        ("C23", {"filters": 1e-7, "unpooling": 0.1}, "holds"),
        ("C24", {"as_printed": math.inf, "tied,_with_switches": 0.5}, "fails"),
        ("C24", {"as_printed": math.inf, "tied,_with_switches": 0.05}, "only if"),
        ("C24", {"as_printed": 0.05, "tied,_with_switches": 0.05}, "holds"),
        ("C26", {"convolution": 81, "convolution_and_back": 162}, "fails"),
        ("C26", {"convolution": 81, "convolution_and_back": 81}, "holds"),
        ("C27", {"apart": 1e-7}, "fails"),
        ("C27", {"apart": 0.1}, "holds"),
        ("C28", {"kernels": 1}, "fails"),
        ("C28", {"kernels": 3}, "holds"),
        ("C29", {"labels": 1}, "fails"),
        ("C29", {"labels": 2}, "holds"),
        ("C31", {"depth_none": 0.5, "depth_add": 0.6, "heart_none": 0.1, "heart_add": 0.1}, "holds"),
        ("C31", {"depth_none": 0.5, "depth_add": 0.6, "heart_none": 0.1, "heart_add": 0}, "only if"),
        ("C31", {"depth_none": 0.5, "depth_add": 1.2, "heart_none": 0.1, "heart_add": 0.1}, "fails"),
        ("C32", {"better_none": 0.1, "better_add": 0.2}, "holds"),
        ("C32", {"better_none": -0.1, "better_add": 0.2}, "fails"),
        ("C32", {"better_none": 0, "better_add": 0.2}, "not shown"),
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


@pytest.mark.parametrize(
    ("convolution", "transposed", "kind"), [((0.5, 0.25), (2, 4), "holds"), ((10, 0.25), (0.1, 4), "only if")]
)
def test_the_rule_about_dimensions_turns(
    convolution: tuple[float, float], transposed: tuple[float, float], kind: str
) -> None:
    names = (
        "convolution 3 to 32 channels",
        "convolution, stride 2",
        "transposed 32 to 3 channels",
        "transposed, stride 2",
    )
    figures = dict(zip(names, ((n,) for n in (*convolution, *transposed)), strict=True))
    assert CLAIMS["C30"].rule(Runs(figures)) == kind
    assert CLAIMS["C30"].rule(Runs(figures | {"convolution, stride 2": (2.0,)})) == "fails"


@pytest.mark.slow
@pytest.mark.parametrize(("id", "kind"), FURTHER.items())
def test_further_claims_are_measured_and_judged(id: str, kind: str) -> None:
    judgement = judge(CLAIMS[id])
    assert judgement.kind == kind
    if not CLAIMS[id].why:
        assert judgement.runs.count == (1 if CLAIMS[id].counted else 5)


@pytest.mark.slow
def test_the_first_measurement_of_c12_failed() -> None:
    """One channel and no bias: in one of five networks the second layer adds linear pieces."""
    found = [claim_counts.expressive(seed, channels=1, bias=0) for seed in range(5)]
    assert sum(one["two layers"] > one["one layer"] for one in found) == 1
    before = Runs({name: tuple(one[name] for one in found) for name in found[0]})
    assert CLAIMS["C12"].rule(before) == "fails"
    assert CLAIMS["C12"].rule(judge(CLAIMS["C12"]).runs) == "only if"


def test_the_numbers_behind_the_further_claims() -> None:
    """By hand where a pencil is enough."""
    effort = claim_counts.effort(0)
    assert effort["encoder"] == 254 * 254 * 9 * 3 * 32
    assert effort["decoder"] == 9 * (127 * 127 * 32 * 64 + 254 * 254 * 64 * 64 + 508 * 508 * 64 * 3)
    sizes = claim_counts.dimensions(0)
    assert sizes["convolution 3 to 32 channels"] == pytest.approx(254 * 254 * 32 / (256 * 256 * 3))
    assert sizes["transposed, stride 2"] == pytest.approx(4)
    pieces = claim_counts.expressive(0)
    assert pieces["two layers"] > pieces["one layer"] > pieces["two layers, no rectifier"] == 1
    one = claim_counts.one_channel(3)
    assert one["loss one channel"] == one["slope one channel"] == 0 < one["slope two channels"]


@pytest.mark.parametrize(("better", "kind"), [(0.03, "holds"), (0.0, "fails")])
def test_decoders_trained_end_to_end_decide_once_they_are_kept(
    better: float, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"decoder": decoder, "seed": seed, "boundary_f1": 0.3, "mean_iou": 0.4 + 0.01 * seed + more}
        for seed in range(5)
        for decoder, more in (("coarse", 0.0), ("transposed", better), ("unpool", 0.01), ("bilinear", 0.0))
    ]
    kept = {"rows": rows, "images": 101, "seconds": 1.0, "stored": "2026-12-01"}
    monkeypatch.setattr(recorded_figures, "figures", lambda task, what: kept if what == "end-to-end" else None)
    judgement = judge(CLAIMS["C9"])
    assert (judgement.kind, judgement.runs.count) == (kind, 5)
    assert judgement.runs.values["gain coarse"] == pytest.approx((better,) * 5)
    assert "--experiment end-to-end" in claim_decoders.stored().command


def test_what_cannot_be_measured_says_why() -> None:
    closed = {id for id, claim in CLAIMS.items() if claim.why}
    assert closed == {"C15", "C16", "C21", "C25"}
    assert all(judge(CLAIMS[id]).kind == "not measurable" for id in closed)
    assert all(len(CLAIMS[id].why.split()) > 5 for id in closed)


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
    for name in {name for pair in claim_trials.PAIRS for name in pair}:
        about = trials[name]
        for label, key in (("gap", "gap"), ("heart", "learned"), ("unseen", "psnr")):
            assert judgement.runs.values[f"{label} {name}"] == tuple(row[key] for row in about["seeds"])
        first = [row["gradients_first"][0] / row["gradients_first"][-1] for row in about["seeds"]]
        assert judgement.runs.values[f"depth {name}"] == pytest.approx(tuple(first))
    for name, other in claim_trials.PAIRS:
        heart, beside = (judgement.runs.values[f"heart {one}"] for one in (name, other))
        assert judgement.runs.values[f"less {name}"] == pytest.approx(np.subtract(heart, beside).tolist())
    assert judgement.kind == "not shown"
    assert judgement.runs.count == claim_trials.stored().runs == 5


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


@pytest.mark.slow
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
