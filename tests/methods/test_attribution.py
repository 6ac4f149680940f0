"""Every method against its slow twin, on a network whose twin has loops for layers; what it refuses; its card."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from reference import attribution_loops, network_loops
from zoo import conv

import deconvviz as dv
from deconvviz import catalog
from deconvviz.errors import DeconvvizError, NetworkError, RuleError
from deconvviz.methods import attribution
from deconvviz.methods.baselines import baseline
from deconvviz.network.score import Score

SIZE = (9, 11)
RANDOM = np.random.default_rng(4)
FIRST = network_loops.conv(RANDOM.normal(size=(3, 2, 3, 4)), RANDOM.normal(size=4), (1, 1), ((1, 1), (0, 1)))
SECOND = network_loops.conv(RANDOM.normal(size=(2, 3, 4, 5)), RANDOM.normal(size=5), (1, 1), ((0, 1), (1, 1)))
DENSE = -RANDOM.normal(size=(5, 3))
RELU = {"kind": "relu"}
TWIN = [FIRST, RELU, network_loops.pool("max_pool", (3, 2), (2, 2)), SECOND, RELU]
HEAD = [{"kind": "mean"}, {"kind": "dense", "w": DENSE, "b": np.zeros(3)}]
X = np.random.default_rng(5).normal(size=(1, *SIZE, 3))
SPEC = dv.InputSpec(size=SIZE, mean=0.5, std=0.25)


def maps(x: Any) -> Any:
    x = jax.nn.relu(conv(FIRST, x))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 2, 1), (1, 2, 2, 1), "VALID")
    return jax.nn.relu(conv(SECOND, x))


@functools.cache
def net() -> dv.Network:
    return dv.Network(lambda x: maps(x).mean((1, 2)) @ jnp.asarray(DENSE, x.dtype), input_spec=SPEC, name="small")


def score(x: np.ndarray) -> float:
    return float(network_loops.up([*TWIN, *HEAD], x[None])[0][0, 1])


def slope(x: np.ndarray, rule: str = "gradient") -> np.ndarray:
    layers = [*TWIN, *HEAD]
    return network_loops.down(layers, network_loops.up(layers, x[None])[1], np.array([[0.0, 1.0, 0.0]]), rule)[0]


def expected(method: str) -> np.ndarray:
    """The slow twin, with the options of `OPTIONS`."""
    x = X[0]
    if method in dv.RULES:
        return slope(x, method)
    if method == "gradient_x_input":
        return attribution_loops.gradient_x_input(slope, x)
    if method == "integrated_gradients":
        return attribution_loops.integrated_gradients(slope, x, np.full_like(x, -2.0), 11)
    if method == "smoothgrad":
        return attribution_loops.smoothgrad(slope, x, 9, 0.2, 3)
    if method == "occlusion":
        cover = np.broadcast_to(x.mean((0, 1)), x.shape)
        return attribution_loops.occlusion(score, x, cover, (4, 3), (2, 3))
    values, _ = network_loops.up(TWIN, X)
    slopes = network_loops.down(HEAD, network_loops.up(HEAD, values)[1], np.array([[0.0, 1.0, 0.0]]), "gradient")
    return attribution_loops.grad_cam(values[0], slopes[0], SIZE)


OPTIONS: dict[str, dict[str, Any]] = {
    **{rule: {"start": "one"} for rule in dv.RULES},
    "gradient_x_input": {},
    "integrated_gradients": {"steps": 11, "baseline": "black"},
    "smoothgrad": {"samples": 9, "noise": 0.2},
    "grad_cam": {},
    "occlusion": {"patch": (4, 3), "stride": (2, 3), "baseline": "mean"},
}


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("method", OPTIONS)
def test_equals_its_slow_twin(method: str) -> None:
    with jax.enable_x64():
        found = attribution.attribute(net(), X, ("dense1", 1), method, 3, **OPTIONS[method])
    wanted = expected(method)
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(found.map, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())
    assert found.value == pytest.approx(score(X[0]))
    assert (found.method, found.seed, found.unit) == (method, 3, dv.Unit("dense1", 1))
    assert found.pixels.shape == SIZE


@pytest.mark.slow
def test_integrated_gradients_say_how_complete_they_are() -> None:
    small = net()
    few, many = (
        attribution.attribute(small, X, ("dense1", 1), "integrated_gradients", steps=steps, baseline=5.0)
        for steps in (1, 128)
    )
    before = score(np.full(X[0].shape, 5.0))
    for one in (few, many):
        missed = abs(one.map.sum() - (score(X[0]) - before)) / abs(score(X[0]) - before)
        assert one.facts["completeness"] == pytest.approx(missed, rel=1e-3, abs=1e-5)
    assert few.facts["completeness"] > 0.05 > many.facts["completeness"]
    assert "with 1 steps: give more steps" in few.note
    assert not many.note


@pytest.mark.deep
def test_a_unit_stays_where_it_was_strongest() -> None:
    """The position is resolved on the picture, and stays there when a patch covers what made it strongest."""
    small = net()
    place = dv.reconstruct(small, np.full((*SIZE, 3), 0.5), ("relu2", 2)).unit
    image = np.random.default_rng(3).uniform(size=(*SIZE, 3))
    found = dv.attribute(small, image, ("relu2", 2), "occlusion", patch=3, stride=2)
    own = dv.reconstruct(small, image, ("relu2", 2))
    assert found.unit == own.unit != place
    assert found.value == pytest.approx(own.activation, rel=1e-5)
    same = dv.attribute(small, image, ("relu2", 2), "guided")
    np.testing.assert_allclose(same.map, dv.reconstruct(small, image, ("relu2", 2), "guided").map, atol=1e-5)
    whole = dv.attribute(small, image, dv.Unit("relu2", 2, "all", "all"), "gradient_x_input")
    values = dv.activations(small, image, "relu2")[..., 2]
    assert whole.value == pytest.approx(float(values.sum()), rel=1e-5)


@pytest.mark.slow
def test_only_a_region_is_covered() -> None:
    """Patches of one pixel: those of the region fall as they do when all are covered, the others are not covered."""
    every = attribution.attribute(net(), X, ("dense1", 1), "occlusion", patch=1).pixels
    part = attribution.attribute(net(), X, ("dense1", 1), "occlusion", patch=1, region=(2, 3, 6, 10))
    inside = np.zeros(every.shape, bool)
    inside[2:6, 3:10] = True
    np.testing.assert_allclose(part.pixels, np.where(inside, every, 0), atol=1e-5 * np.abs(every).max())
    assert part.facts["patches"] == 4 * 7


@pytest.mark.slow
def test_seeds_and_channels_in_their_order() -> None:
    blue = dv.Network(
        lambda x: x.sum((1, 2)) @ jnp.asarray([[5.0, 0], [1, 0], [2, 0]]),
        input_spec=dv.InputSpec(size=(4, 5), channels="BGR"),
    )
    image = np.full((4, 5, 3), 0.5)
    found = dv.attribute(blue, image, (blue.layers[-1].name, 0), "gradient_x_input")
    np.testing.assert_allclose(found.map[0, 0], [1.0, 0.5, 2.5])
    np.testing.assert_allclose(found.pixels, 4.0)
    first, again, other = (
        dv.attribute(blue, image, (blue.layers[-1].name, 0), "smoothgrad", seed=seed).map for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, other)  # the slope of a linear network is one


@pytest.mark.parametrize(
    ("method", "options", "complaint"),
    [
        ("guidde", {}, "there is no method 'guidde'; did you mean guided"),
        ("occlusion", {"path": 3}, "occlusion has no option 'path'; did you mean patch"),
        ("occlusion", {"patch": 0}, "patch is a whole number from 1 up; got patch=0"),
        ("occlusion", {"patch": 99}, "patch is no longer than the picture, 9 x 11; got patch=99"),
        ("occlusion", {"patch": 2, "stride": 3}, "or pixels would stay uncovered, 2 x 2; got stride=3"),
        ("occlusion", {"region": (0, 0, 9, 12)}, "region lies within the picture, 9 x 11 pixels; got region="),
        ("occlusion", {"region": (4, 0, 4, 2)}, "region's bottom is a whole number from 5 up; got region's bottom=4"),
        ("occlusion", {"region": 3}, r"region is \(top, left, bottom, right\) in pixels; got region=3"),
        ("occlusion", {"baseline": "gray"}, "baseline='gray' is no choice; did you mean grey"),
        ("occlusion", {"baseline": [1, 2]}, r"finite model inputs that broadcast to \(9, 11, 3\)"),
        ("integrated_gradients", {"steps": 0}, "steps is a whole number from 1 up; got steps=0"),
        ("smoothgrad", {"noise": -1}, "a number from 0 up; got noise=-1"),
        ("gradient", {"start": "two"}, "start='two' is no choice"),
        ("grad_cam", {"layer": "dense1"}, r"layer dense1 of small is of shape \(3,\): choose a convolution"),
        ("grad_cam", {"layer": "relu9"}, "small has no layer 'relu9'"),
        ("gradient_x_input", {"steps": 3}, "gradient_x_input has no option 'steps'; it has none"),
    ],
)
def test_what_makes_no_sense_is_refused(method: str, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DeconvvizError, match=complaint):
        attribution.attribute(net(), X, ("dense1", 1), method, **options)


@pytest.mark.slow
def test_networks_that_a_method_cannot_take() -> None:
    plain = dv.Network(lambda x: x.mean((1, 2)) @ jnp.asarray(DENSE[:3]), input_spec=SPEC, name="plain")
    top = (plain.layers[-1].name, 0)
    with pytest.raises(NetworkError, match="Grad-CAM needs a convolution below the unit, and plain has none"):
        attribution.attribute(plain, X, top, "grad_cam")
    with pytest.raises(RuleError, match="would silently be the plain gradient"):
        attribution.attribute(plain, X, top, "guided")
    broken = dv.Network(lambda x: x.mean((1, 2)) @ jnp.full((3, 2), jnp.nan), input_spec=SPEC, name="broken")
    with pytest.raises(NetworkError, match="is nan for this image"):
        attribution.attribute(broken, X, (broken.layers[-1].name, 0), "occlusion")
    with pytest.raises(NetworkError, match="relu1 of small does not rest on relu2"):
        attribution.attribute(net(), X, ("relu1", 0), "grad_cam", layer="relu2")


@pytest.mark.slow
def test_what_speaks_against_the_unit_is_no_part_of_grad_cam() -> None:
    opposite = dv.Network(lambda x: -maps(x).mean((1, 2)) @ jnp.asarray(DENSE, x.dtype), input_spec=SPEC)
    found = attribution.attribute(opposite, X, (opposite.layers[-1].name, 1), "grad_cam")
    assert not found.map.any()
    assert "the maps of relu2 is nowhere positive" in found.note


def test_every_method_carries_its_card() -> None:
    known = catalog.methods()
    assert set(OPTIONS) == set(known)
    for name, one in known.items():
        assert one.assumes.endswith("."), name
        assert one.limits.endswith("."), name
        assert min(len(one.formula), len(one.sources)) > 0, name
        assert one.draw is not None


def test_baselines_are_what_the_network_is_fed() -> None:
    assert baseline(X, SPEC, "grey").min() == baseline(X, SPEC, "grey").max() == 0
    assert baseline(X, SPEC, "black").max() == -2
    np.testing.assert_allclose(baseline(X, SPEC, "mean")[0, 3, 4], X.mean((0, 1, 2)))
    blurred = baseline(X, SPEC, "blur")
    assert blurred.std() < 0.6 * X.std()
    np.testing.assert_allclose(baseline(X, SPEC, [1, 2, 3])[0, 3, 4], [1, 2, 3])


@pytest.mark.slow
@pytest.mark.parametrize("method", list(catalog.methods()))
def test_methods_say_how_many_pictures_they_send(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = {"layer_values": 0, "signals": 0, "layer_signal": 0}

    def count(name: str) -> None:
        ask = getattr(Score, name)

        def counted(self: Score, xs: Any, *more: Any) -> Any:
            sent[name] += len(xs)
            return ask(self, xs, *more)

        monkeypatch.setattr(Score, name, counted)

    for name in sent:
        count(name)
    options = {"occlusion": {"patch": 3}, "integrated_gradients": {"steps": 5}, "smoothgrad": {"samples": 3}}
    given = options.get(method, {})
    attribution.drawn(Score.of(net(), X, ("dense1", 1)), X, method, 0, **given)
    forward, backward = catalog.methods()[method].passes(SIZE, **given)
    assert (sent["layer_values"], sent["signals"] + sent["layer_signal"]) == (forward, backward)


@pytest.mark.deep
def test_no_picture_goes_through_twice() -> None:
    """Seven pictures are no eight; of one picture, what is known is not asked for again, and rules share a pass."""
    score, ran = Score.of(net(), X, ("dense1", 1)), list[int]()
    compute = score.network.store.compiled

    def counted(key: Any, make: Any) -> Any:
        call = compute(key, make)
        return lambda consts, xs, *more: ran.append(len(xs)) or call(consts, xs, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score.network.store, "compiled", counted)
        pictures = np.concatenate([X * k for k in range(1, 16)])
        together = score.values(pictures)
        assert sum(ran) == 15
        alone = [float(score.values(one[None])[0]) for one in pictures]
        ran.clear()
        score.signals_at_once(X, dv.RULES)
        assert len(ran) == 1
        found = {rule: score.signals(X, rule) for rule in dv.RULES}
        assert len(ran) == 1
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    for rule, (value, signal) in found.items():
        fresh = Score.of(net(), X, ("dense1", 1)).signals(X, rule)
        np.testing.assert_allclose(signal, fresh[1], rtol=1e-4, atol=1e-5 * np.abs(fresh[1]).max())
        np.testing.assert_allclose(value, fresh[0], rtol=1e-5)
    other = score.with_weights([2 * each for each in score.consts])
    assert not np.allclose(other.values(X), score.values(X))
    assert not np.allclose(score.signals(X + 1)[1], found["gradient"][1])
