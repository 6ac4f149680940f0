"""Every control of one picture: what `run` repeats for each, as plain numbers that JSON can hold."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy
from scipy.ndimage import uniform_filter

from deconvviz import catalog
from deconvviz.checks.audit import picture_only, removal, sensitivity
from deconvviz.checks.audit.randomize import HOW, exchanged, random_weights
from deconvviz.checks.audit.similarity import METRICS, Compared, centred, pixels, strengths
from deconvviz.checks.randomization import rank_correlation, ranks, weight_layers
from deconvviz.errors import DeconvvizError, NetworkError
from deconvviz.methods.attribution import drawn
from deconvviz.methods.baselines import baseline
from deconvviz.network.network import Network
from deconvviz.network.score import Score
from deconvviz.ops.rectify import RULES
from deconvviz.types import Array, Unit

#: What covers pixels in deletion and insertion.
BASELINES = ("grey", "blur")
#: What the shares of a method are measured from; the others foretell no fall of the unit.
MEASURED_FROM: dict[str, Any] = {"gradient": "grey", "gradient_x_input": 0.0, "integrated_gradients": "grey"}
#: Squares of occlusion along each side of the picture.
PARTS = 5
#: The control that says whether a map is 0 everywhere: its other figures are then none.
ZERO = "zero"
#: Other units of the layer whose maps the unit's own is compared with.
OTHERS = ("another class", "all units")
#: Orders of pixels that no method is asked for.
RANDOM, EDGES = "random", "edges"


@dataclass(frozen=True)
class Findings:
    """What was measured on one picture.

    Attributes:
      unit: layer and channel, and row and column where it has them.
      value: the unit's.
      controls: method -> control -> number; NaN where a control does not apply, or a map is 0 everywhere.
      curves: order of the pixels (a method, "random", "edges") -> "deletion grey", ... -> the score after each step.
      refused: method -> why it cannot apply.
      skipped: control -> why it was left out.
    """

    unit: tuple[Any, ...]
    value: float
    controls: dict[str, dict[str, float]]
    curves: dict[str, dict[str, list[float]]]
    refused: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def options(network: Network, method: str) -> dict[str, Any]:
    """The settings of a method in an audit: coarser than its defaults, said in the report."""
    height, width = network.input_spec.size
    patch = (math.ceil(height / PARTS), math.ceil(width / PARTS))
    settings: dict[str, dict[str, Any]] = {
        "integrated_gradients": {"steps": 8, "baseline": "grey"},
        "smoothgrad": {"samples": 8},
        "occlusion": {"patch": patch, "stride": patch},
        **{rule: {"start": "one"} for rule in RULES},
    }
    return settings.get(method, {})


def stages(network: Network) -> dict[str, tuple[tuple[str, ...], str]]:
    """Name of a randomization -> (layers, "permute" or "redraw").

    Raises:
      NetworkError: the network holds no weights.
    """
    top_down = [name for name, _ in weight_layers(network)][::-1]
    half = (len(top_down) + 1) // 2
    return {
        "top layer": (tuple(top_down[:1]), "permute"),
        "upper half": (tuple(top_down[:half]), "permute"),
        "all layers": (tuple(top_down), "permute"),
        "all redrawn": (tuple(top_down), "redraw"),
        "lowest alone": (tuple(top_down[-1:]), "permute"),
    }


def passes(network: Network, methods: Sequence[str]) -> tuple[int, int, int]:
    """What `findings` of one picture asks for: pictures sent forward at most, pictures sent back, and maps compared.

    Args:
      network: any.
      methods: names of methods.
    """
    size, known = network.input_spec.size, catalog.methods()
    try:
        random = len(stages(network))
    except NetworkError:
        random = 0
    alone = random + 2  # with random weights; shifted and with noise
    together = len(("its own", *OTHERS))  # of the network: units that share their forward passes
    cost = np.sum([known[name].passes(size, **options(network, name)) for name in methods], axis=0)
    covers = {MEASURED_FROM[name] for name in methods if name in MEASURED_FROM}
    removed = len(BASELINES) * 2 * (len(methods) + len((RANDOM, EDGES))) * (removal.STEPS - 1)
    forward = (alone + 1) * int(cost[0]) + len(covers) * sensitivity.SQUARES + removed
    return forward, (alone + together) * int(cost[1]), (alone + together) * len(methods)


def findings(
    network: Network,
    x: Array,
    unit: Unit,
    methods: tuple[str, ...],
    seed: int,
    check: Callable[[], None] = lambda: None,
) -> Findings:
    """All controls of one picture and unit.

    Args:
      network: any.
      x: (1, H, W, C) model input.
      unit: what is explained.
      methods: names of methods.
      seed: of every draw.
      check: called between two maps or controls; what it raises ends the work.

    Raises:
      NetworkError: no method applies, or the numbers are not finite.
    """
    batch = network.checked_input(x)
    score = Score.of(network, batch, unit)
    skipped: dict[str, str] = {}
    others = _others(score, batch, skipped, seed)
    maps, of_others, refused = _drawn(score, others, batch, methods, seed, check)
    if not maps:
        raise NetworkError(f"no method applies to {unit.layer} of {network.name}: {next(iter(refused.values()), '')}")
    controls: dict[str, dict[str, float]] = {method: {} for method in maps}
    ready = {method: Compared.of(signal) for method, signal in maps.items()}
    for method, prepared in ready.items():
        controls[method][ZERO] = float(prepared.is_zero)
        for name, signals in of_others.items():
            _note(controls[method], name, prepared, signals[method])
    _randomized(score, batch, ready, controls, skipped, seed, check)
    _nearby(score, batch, maps, ready, controls, seed, check)
    _of_picture(network, batch, maps, ready, controls)
    _infidelity(score, batch, maps, controls, seed)
    check()
    curves = _removed(score, batch, maps, controls, seed)
    for method, prepared in ready.items():
        if prepared.is_zero:  # what was measured of it is the order by which equal values are drawn, or no likeness
            controls[method] = dict.fromkeys(controls[method], float("nan")) | {ZERO: 1.0}
            curves[method] = {kind: [float("nan")] * len(steps) for kind, steps in curves[method].items()}
    value = float(score.values(batch)[0])
    place = tuple(part for part in (unit.layer, unit.channel, score.unit.row, score.unit.column) if part is not None)
    return Findings(place, value, controls, curves, refused, skipped)


def ranked(method: str, signal: np.ndarray) -> np.ndarray:
    """The order of importance that a map gives: signed, where its sign says for or against, else by strength."""
    return pixels(signal) if catalog.methods()[method].signed else strengths(signal)


def rules_at_once(score: Score, x: Array, methods: Iterable[str]) -> None:
    """One forward pass for all rules that are asked for; where one cannot apply, each comes by itself."""
    rules = [rule for rule in RULES if rule in methods]
    if len(rules) > 1:
        with contextlib.suppress(DeconvvizError):
            score.signals_at_once(x, rules)


def _again(score: Score, x: Array, method: str, seed: int) -> np.ndarray | None:
    """The map of another score or picture; None where the method finds no finite number or nothing to weigh there."""
    try:
        return drawn(score, x, method, seed, **options(score.network, method)).signal
    except NetworkError:
        return None


def _note(into: dict[str, float], name: str, first: Compared, second: np.ndarray | None) -> None:
    """Four measures of two maps under one name; NaN where one of the two is 0 everywhere."""
    other = None if second is None or first.is_zero else Compared.of(second)
    alike = dict.fromkeys(METRICS, float("nan")) if other is None or other.is_zero else first.like(other)
    into.update({name if metric == "rank" else f"{name}, {metric}": value for metric, value in alike.items()})


def _others(score: Score, x: Array, skipped: dict[str, str], seed: int) -> dict[str, Score]:
    """Another channel of the same layer, drawn from the seed; and all units of the layer at once."""
    channels, layer = score.node.layer.shape[-1], score.unit.layer
    if channels < 2 or score.code[0] < 0:
        skipped |= dict.fromkeys(OTHERS, f"{layer} has one channel, or all of them are meant")
        return {}
    step = int(np.random.default_rng([seed, 7]).integers(1, channels))
    meant = (Unit(layer, (score.code[0] + step) % channels), Unit(layer, "all", "all", "all"))
    return {
        name: Score.of(score.network, x, unit, score.on_unsupported)
        for name, unit in zip(OTHERS, meant, strict=True)
    }  # fmt: skip


def _drawn(
    score: Score,
    others: dict[str, Score],
    x: Array,
    methods: Sequence[str],
    seed: int,
    check: Callable[[], None],
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray | None]], dict[str, str]]:
    """Maps of the unit, those of the others, and why a method was refused.

    One method after the other: what it sends through the network serves all units.
    """
    first, *rest = score.together(list(others.values()))
    maps: dict[str, np.ndarray] = {}
    of_others: dict[str, dict[str, np.ndarray | None]] = {name: {} for name in others}
    refused: dict[str, str] = {}
    rules_at_once(first, x, methods)
    for method in methods:
        check()
        try:
            maps[method] = drawn(first, x, method, seed, **options(score.network, method)).signal
        except DeconvvizError as error:
            refused[method] = str(error)
            continue
        for name, other in zip(others, rest, strict=True):
            of_others[name][method] = _again(other, x, method, seed)
    return maps, of_others, refused


def _randomized(
    score: Score,
    x: Array,
    ready: dict[str, Compared],
    controls: dict[str, dict[str, float]],
    skipped: dict[str, str],
    seed: int,
    check: Callable[[], None],
) -> None:
    """Maps of the same unit and picture, with random weights."""
    try:
        variants = stages(score.network)
    except NetworkError as error:
        skipped["randomized weights"] = str(error)
        return
    every = tuple(name for name, _ in weight_layers(score.network))
    drawn_once = {how: random_weights(score.network, every, how, seed) for how in HOW}
    for name, (layers, how) in variants.items():
        other = score.with_weights(exchanged(score.network, layers, drawn_once[how]))
        rules_at_once(other, x, ready)
        for method, first in ready.items():
            check()
            _note(controls[method], f"random weights: {name}", first, _again(other, x, method, seed))


def _nearby(
    score: Score,
    x: np.ndarray,
    maps: dict[str, np.ndarray],
    ready: dict[str, Compared],
    controls: dict[str, dict[str, float]],
    seed: int,
    check: Callable[[], None],
) -> None:
    """The picture a little shifted, and with faint noise: the map should follow and stay."""
    moved, grainy = sensitivity.shifted(x), sensitivity.noisy(x, seed)
    rules_at_once(score, moved, maps)
    for method, signal in maps.items():
        check()
        after = _again(score, moved, method, seed)
        first, second = (signal, None) if after is None else sensitivity.without_border(signal, after)
        _note(controls[method], "shifted", Compared.of(first), second)
    rules_at_once(score, grainy, maps)
    for method in maps:
        check()
        _note(controls[method], "noise", ready[method], _again(score, grainy, method, seed))


def _of_picture(
    network: Network,
    x: Array,
    maps: dict[str, np.ndarray],
    ready: dict[str, Compared],
    controls: dict[str, dict[str, float]],
) -> None:
    """Likeness to maps that know the picture alone, and to the witness."""
    others = {"edges": picture_only.edges(x), "picture's gradient": picture_only.gradient_magnitude(x)}
    known = {name: centred(ranks(values)) for name, values in others.items()}
    witness = maps.get("occlusion")
    patch = options(network, "occlusion")["patch"]
    for method, signal in maps.items():
        into = controls[method]
        into |= {name: float((ready[method].strengths * values).sum()) for name, values in known.items()}
        if witness is not None and method != "occlusion":
            smooth = uniform_filter(ranked(method, signal), patch)
            into["occlusion"] = rank_correlation(smooth, witness) if np.any(witness) else float("nan")


def _infidelity(
    score: Score, x: np.ndarray, maps: dict[str, np.ndarray], controls: dict[str, dict[str, float]], seed: int
) -> None:
    """How far the falls that a map foretells are from those that happen."""
    starts = {method: MEASURED_FROM[method] for method in maps if method in MEASURED_FROM}
    covers = {start: baseline(x, score.network.input_spec, start) for start in dict.fromkeys(starts.values())}
    squares = sensitivity.squares(score.network.input_spec.size, seed)
    before = float(score.values(x)[0])
    falls = {start: before - score.values(np.where(squares[..., None], cover, x)) for start, cover in covers.items()}
    for method, start in starts.items():
        signal = maps[method] * (x - covers[start])[0] if method == "gradient" else maps[method]
        controls[method]["infidelity"] = sensitivity.infidelity(pixels(signal), squares, falls[start])


def _removed(
    score: Score, x: np.ndarray, maps: dict[str, np.ndarray], controls: dict[str, dict[str, float]], seed: int
) -> dict[str, dict[str, list[float]]]:
    """Deletion and insertion in the order of every map, of chance, and of edges; each area less that of chance."""
    chance = np.random.default_rng([seed, 9]).random(score.network.input_spec.size)
    orders = {RANDOM: chance, EDGES: picture_only.edges(x)} | {m: ranked(m, signal) for m, signal in maps.items()}
    places = {name: removal.order(values, seed) for name, values in orders.items()}
    curves: dict[str, dict[str, list[float]]] = {name: {} for name in orders}
    asked = [(name, kind) for name in orders for kind in ("deletion", "insertion")]
    for start in BASELINES:
        cover = baseline(x, score.network.input_spec, start)
        call = scorer(score, x, cover)
        ends = (float(call(np.asarray(x))[0]), float(call(cover)[0]))
        result = removal.curves(call, x, cover, [(places[name], kind == "insertion") for name, kind in asked], ends)
        for (name, kind), steps in zip(asked, result, strict=True):
            curves[name][f"{kind} {start}"] = steps.tolist()
    for method in maps:
        for kind, by_chance in curves[RANDOM].items():
            gain = removal.area(curves[method][kind]) - removal.area(by_chance)
            controls[method][kind] = -gain if kind.startswith("deletion") else gain
    return curves


def scorer(score: Score, x: Array, cover: Array) -> Callable[[np.ndarray], np.ndarray]:
    """Pictures -> what the curves show: the probability of a class, or the unit's value from cover (0) to picture (1).

    Formula: ``exp(s_c) / sum_k exp(s_k)`` of a row of scores, the row itself where it sums to 1 already; of another
    unit ``(f - f(cover)) / (f(x) - f(cover))``, NaN where the two are equal.
    """
    channels = score.node.layer.shape
    if len(channels) == 1 and channels[0] > 1 and score.code[0] >= 0:
        row = np.asarray(score.layer_values(x), np.float64)
        done = bool(row.min() >= 0 and abs(row.sum() - 1) < 1e-4)

        def probability(xs: np.ndarray) -> np.ndarray:
            rows = np.asarray(score.layer_values(xs), np.float64)
            return (rows if done else np.asarray(scipy.special.softmax(rows, axis=1)))[:, score.code[0]]

        return probability
    ends = score.values(np.concatenate([np.asarray(cover), np.asarray(x)]))
    low, high = float(ends[0]), float(ends[1])
    return lambda xs: (score.values(xs) - low) / (high - low if high != low else np.nan)
