"""Why a map looks grey or zero, in a sentence, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import scipy

from deconvviz.data.preprocess import model_input
from deconvviz.errors import DeconvvizError
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.backward.graph import Graph, Part
from deconvviz.network.backward.reconstruct import signal_at
from deconvviz.network.network import Network
from deconvviz.network.score import Score
from deconvviz.types import Array, Reconstruction

#: Share of pixels of a map that are looked at as the rest, and how far above all of them an outlier lies.
REST, OUTLIER = 0.999, 20.0
#: A probability so close to 0 or 1 has a derivative that float32 cannot tell from 0.
SATURATED = 1e-6
#: Relative difference of two outputs that counts as none.
SAME = 1e-6
#: Mean probability of the likeliest class of photographs below which their range or order of channels is doubted.
UNSURE = 0.2
#: Names that a sentence lists.
_LISTED = 5
#: Kind of finding -> what it says, and what to do.
TEXTS = {
    "silent": "the map is zero everywhere because channel {channel} of {layer} is silent on this picture, its value is "
    "0: choose another unit or another picture",
    "silent target": "the map is zero everywhere because the target is 0 on this picture: choose another target or "
    "another picture, or start='one'",
    "target": "the map is zero everywhere: no signal of the target arrives at the picture; try the gradient rule",
    "saturated": "the map is zero everywhere because channel {channel} of {layer} is a probability so close to its end "
    "({value}) that its derivative is 0 in float32: explain the score below it",
    "constant": "the map is zero everywhere because channel {channel} of {layer} is {value} for every picture, a "
    "constant: load trained weights, and feed values in the range of the training",
    "blocked": "the map is zero everywhere although the value of channel {channel} of {layer} is {value}: under the "
    "rule {rule} nothing of it gets below {below}; try another rule, or a layer below it",
    "negative": "the map is zero everywhere although the value of channel {channel} of {layer} is {value}: its signal "
    "starts below 0, and under the rule {rule} nothing of it gets below {below}; try another rule, or start='one'",
    "outlier": "the map looks grey because of the pixel at row {row}, column {column}, {times} times as strong as "
    "{share} of the others: draw it with a limit at a percentile (figures.scale.signed_limit(map, 99.5))",
}


@dataclass(frozen=True)
class Finding:
    """Why there is little or nothing to see in a map.

    Attributes:
      kind: key of `TEXTS`.
      values: what stands in the sentence.

    >>> str(Finding("outlier", {"row": 3, "column": 4, "times": 900, "share": "99.9%"}))[:58]
    'the map looks grey because of the pixel at row 3, column 4'
    """

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return TEXTS[self.kind].format(**self.values)


def diagnosis(network: Network, x: Array, reconstruction: Reconstruction) -> str:
    """What is wrong with a reconstruction, as a sentence with what to do; empty where nothing was noticed.

    Args:
      network: whose unit it is.
      x: (1, H, W, C) model input.
      reconstruction: of that input.
    """
    return "".join(str(one) for one in [finding(network, x, reconstruction)] if one is not None)


def finding(network: Network, x: Array, reconstruction: Reconstruction) -> Finding | None:
    """The same as a record; None where nothing was noticed.

    Cheap where the map is not zero: it looks at the numbers of the map alone. Of a map that is, it runs the network on
    other pictures, and the backward pass step by step.
    """
    magnitude = np.abs(reconstruction.map)
    return outlying(magnitude.max(axis=-1)) if magnitude.any() else _zero(network, x, reconstruction)


def _zero(network: Network, x: Array, reconstruction: Reconstruction) -> Finding:
    """Why a map is zero everywhere."""
    if reconstruction.target is not None:
        return Finding("silent target" if reconstruction.activation == 0 else "target")
    values = {
        "channel": reconstruction.unit.channel,
        "layer": reconstruction.unit.layer,
        "value": f"{reconstruction.activation:.7g}",
    }
    if _is_probability(network, x, reconstruction) and not SATURATED < reconstruction.activation < 1 - SATURATED:
        return Finding("saturated", values)
    if reconstruction.activation == 0:
        return Finding("silent", values)
    if _is_constant(network, x, reconstruction):
        return Finding("constant", values)
    down = reconstruction.activation < 0 and reconstruction.start == "activation"
    below = blocked_at(network, x, reconstruction)
    kind = "negative" if down else "blocked"
    return Finding(
        kind, values | {"value": f"{reconstruction.activation:.4g}", "rule": reconstruction.rule, "below": below}
    )


def _is_probability(network: Network, x: Array, reconstruction: Reconstruction) -> bool:
    """Whether the unit's layer holds what a sigmoid or a softmax gives."""
    layer = network.layer(reconstruction.unit.layer)
    if layer.kind == "sigmoid" or len(layer.shape) != 1:
        return layer.kind == "sigmoid"
    row = _values(network, x, layer.name)
    return row.size > 1 and bool(row.min() >= 0 and abs(row.sum() - 1) < 1e-4)


def _values(network: Network, x: Array, layer: str) -> np.ndarray:
    """The values of a layer, by the one program that gives those of all layers."""
    return np.asarray(network.output_and_taps(x, [each.name for each in network.layers])[1][layer][0], np.float64)


def _others(x: Array) -> list[np.ndarray]:
    """Pictures that have little in common with a model input: its numbers in another order, and zeros."""
    return [np.random.default_rng(0).permutation(np.asarray(x).ravel()).reshape(np.shape(x)), np.zeros_like(x)]


def _is_constant(network: Network, x: Array, reconstruction: Reconstruction) -> bool:
    """Whether the unit's channel has the same values for other pictures."""
    name, channel = reconstruction.unit.layer, reconstruction.unit.channel
    first, *rest = (
        _values(network, each, name)[..., slice(None) if channel == "all" else channel] for each in [x, *_others(x)]
    )
    size = max(float(np.linalg.norm(first)), 1e-12)
    return all(float(np.linalg.norm(other - first)) < SAME * size for other in rest)


def blocked_at(network: Network, x: Array, reconstruction: Reconstruction) -> str:
    """The lowest layer at whose output the signal still is; the unit's own where it gets nowhere.

    Where every operation has an adjoint written by hand, step by step, which compiles no program of its own. Elsewhere
    by bisection over the layers that the unit rests on, for once all of a chain is 0, it stays so.
    """
    node, program = network.node(reconstruction.unit.layer), network.program()
    below = {v for item in program.path_to(node.variable) for v in item.eqn.outvars} - {node.variable}
    names = [
        node_below.layer.name
        for node_below in program.nodes
        if node_below.variable in below and node_below.order is not None
    ]
    steps = network.steps_to(node.layer.name)
    if not isinstance(steps, str) and node.in_order:
        reached = _reached(network, x, reconstruction, steps)
        return next((name for name in names if reached.get(name)), reconstruction.unit.layer)
    score = Score.of(network, x, reconstruction.unit, "gradient")

    def passes(name: str) -> bool:
        return bool(score.layer_signal(x, name, reconstruction.rule, reconstruction.start)[1].any())

    low, high = 0, len(names)  # at names[high] and above it passes, below names[low] it does not
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(names[middle]) else (middle + 1, high)
    return reconstruction.unit.layer if low == len(names) else names[low]


def _reached(network: Network, x: Array, reconstruction: Reconstruction, steps: Chain | Graph) -> dict[str, bool]:
    """Layer -> whether any of the signal arrives at its output."""
    graph = steps if isinstance(steps, Graph) else Graph(tuple(Part(step, (k,)) for k, step in enumerate(steps.steps)))
    value, memories = graph.forward(graph.constants, network.checked_input(x))
    seed = signal_at(network, x, reconstruction.unit, reconstruction.start)(value)
    reached: dict[str, bool] = {}
    for number, signal in graph.signals(graph.constants, memories, seed, reconstruction.rule):
        if number:  # the output of a layer is the first of its values that the signal meets
            reached.setdefault(graph.parts[number - 1].operation.name, bool(np.asarray(signal).any()))
    return reached


def outlier(magnitude: Array) -> str:
    """`outlying` as a sentence; empty where there is none."""
    return str(outlying(magnitude) or "")


def outlying(magnitude: Array) -> Finding | None:
    """A pixel that is so much stronger than the rest that it alone would set the scale; None where there is none.

    Args:
      magnitude: (H, W), from 0 up.

    >>> spread = np.ones((50, 50))
    >>> spread[3, 4] = 900
    >>> outlying(np.ones((50, 50))), outlying(spread).values["row"]
    (None, 3)
    """
    values = np.asarray(magnitude, np.float64)
    active = values[values > 0]
    if active.size < 100:  # a small receptive field, not a map with an outlier
        return None
    rest, top = float(np.quantile(active, REST - 1 / active.size)), float(values.max())
    usual = float(np.median(active))
    if top <= OUTLIER * rest or usual * 255 >= top:
        return None
    row, column = (int(place) for place in np.unravel_index(int(values.argmax()), values.shape))
    return Finding("outlier", {"row": row, "column": column, "times": round(top / rest), "share": f"{REST:.1%}"})


def notes(network: Network, x: Array, output: Array) -> Iterator[str]:
    """What in a network makes maps grey, in sentences: an output that is saturated, or the same for every picture.

    Args:
      network: any.
      x: (1, H, W, C) model input.
      output: what the network answers, (1, ...).
    """
    values = np.asarray(output, np.float64)
    if not np.isfinite(values).all():
        return
    size = max(float(np.linalg.norm(values)), 1e-12)
    try:
        gaps = [float(np.linalg.norm(network.run(other) - values)) / size for other in _others(x)]
    except DeconvvizError:
        return
    if max(gaps) < SAME:
        yield (
            "The output is the same for this picture, for its pixels in another order and for one of zeros: a "
            "constant, whose maps are zero. Load trained weights, and feed values in the range of its training."
        )
        return
    ends = next((n.layer.kind for n in network.program().nodes if n.variable is network.program().flat.outputs[0]), "")
    top, row = float(values.max()), values.size > 1 and values.min() >= 0 and abs(values.sum() - 1) < 1e-4
    if (row and top > 1 - SATURATED) or (ends == "sigmoid" and not SATURATED < top < 1 - SATURATED):
        yield (
            f"The output is {top:.7g}, a probability so close to its end that its derivative is 0 in float32: explain "
            "the scores below it, not the probability."
        )


def dead_channels(network: Network, xs: Sequence[Array]) -> dict[str, tuple[int, ...]]:
    """Layer -> channels that are 0 at every place of every picture, for the rectified layers that have any.

    Args:
      network: any.
      xs: model inputs (1, H, W, C); one after the other goes through.
    """
    names = [
        node.layer.name for node in network.program().nodes if node.layer.kind == "relu" and node.order is not None
    ]
    awake: dict[str, np.ndarray] = {}
    for x in xs:
        for name, value in network.taps(x, names).items():
            some = (value.reshape(-1, value.shape[-1]) != 0).any(axis=0)
            awake[name] = awake[name] | some if name in awake else some
    return {name: tuple(np.flatnonzero(~some).tolist()) for name, some in awake.items() if not some.all()}


def dead_sentences(dead: dict[str, tuple[int, ...]], network: Network, pictures: int) -> Iterator[str]:
    """A sentence for each layer with dead channels."""
    for name, channels in dead.items():
        every = network.layer(name).shape[-1]
        numbers = ", ".join(map(str, channels[:_LISTED])) + (", ..." if len(channels) > _LISTED else "")
        yield (
            f"{len(channels)} of {every} channels of {name} are 0 everywhere on {pictures} pictures ({numbers}): their "
            "maps are zero; choose others, or feed values in the range that the network was trained with."
        )


def confidence(network: Network, xs: Sequence[Array]) -> float:
    """Mean probability of the most likely class; NaN where the output is no row of scores."""
    rows = [np.asarray(network.run(x), np.float64) for x in xs]
    if any(row.ndim != 2 or row.shape[1] < 2 or not np.isfinite(row).all() for row in rows):
        return float("nan")
    return float(
        np.mean([r.max() if r.min() >= 0 and abs(r.sum() - 1) < 1e-4 else scipy.special.softmax(r).max() for r in rows])
    )


def better_input(network: Network, pictures: Sequence[Array]) -> str:
    """A sentence where the network is much surer of pictures fed in another range or order of channels; else empty.

    It is a hint: a network may be surer of what it was not trained on. Larger numbers alone make scores larger and so a
    network surer: one that is surer than `UNSURE` as it is fed is not doubted. Red and blue exchanged hardly show: the
    shipped network is 30 % sure of 11 photographs, and 33 % with them exchanged.

    Args:
      network: a classifier of pictures in colour.
      pictures: (H, W, 3), 0..1; several photographs.
    """
    spec = network.input_spec
    if spec.channels not in ("RGB", "BGR"):
        return ""
    known = {
        "0 to 1": (1.0, (0.0,) * 3, (1.0,) * 3),
        "0 to 255": (255.0, (0.0,) * 3, (1.0,) * 3),
        "-1 to 1": (1.0, (0.5,) * 3, (0.5,) * 3),
        "ImageNet's mean and deviation": (1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }
    other: Literal["RGB", "BGR"] = "BGR" if spec.channels == "RGB" else "RGB"
    tried = {f"channels={other!r}": replace(spec, channels=other, mean=spec.mean[::-1], std=spec.std[::-1])}
    for name, (scale, mean, std) in known.items():
        tried[f"values from {name}" if " to " in name else name] = replace(spec, scale=scale, mean=mean, std=std)
    now = confidence(network, [model_input(picture, spec) for picture in pictures])
    if not now < UNSURE:
        return ""
    sure = {
        name: confidence(network, [model_input(p, changed_spec) for p in pictures])
        for name, changed_spec in tried.items()
        if changed_spec != spec
    }
    best = max(sure, key=lambda name: np.nan_to_num(sure[name]))
    if not sure[best] > now + 0.15 or sure[best] < 1.5 * now:
        return ""
    return (
        f"The network is {sure[best]:.0%} sure of the likeliest class of {len(pictures)} photographs fed with {best}, "
        f"and {now:.0%} as they are fed now: is that the range and order of channels that it was trained with?"
    )
