"""A trimap without masks: where a recognition network finds a class in a picture, and where it does not.

The picture is stretched to the network's size, so that all of it is seen. The class map is what the class's score rests
on, at the pixels by one of the backward rules, or at a middle layer; without a class, where the last layer is active.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from deconvviz.data import preprocess
from deconvviz.errors import DataError, DeconvvizError, ImageError, nearest
from deconvviz.network import Network, reconstruct_units
from deconvviz.network.backward.explicit import Chain
from deconvviz.tasks.cutout import MAPS, NOTHING
from deconvviz.tasks.cutout.colours import rim
from deconvviz.tasks.cutout.matting import resized
from deconvviz.types import Array, DisplayImage, Unit

#: Rows that a middle layer has at least, to be good for seeds.
ROWS = 8
#: Standard deviation of the blur of a map at the pixels, as a share of the network's input size.
BLUR = 0.05


class ClassMap(NamedTuple):
    """What the network says of a picture.

    Attributes:
      label: the class whose map it is.
      number: its place among the labels.
      probability: the network's, of that class.
      map: (h, w), 0 or more, the class map over the whole picture, in the network's own resolution.
      kind: of the map, one of `MAPS`.
    """

    label: str
    number: int
    probability: float
    map: np.ndarray
    kind: str


def guesses(net: Network, image: DisplayImage, count: int = 5) -> list[tuple[str, float]]:
    """The classes that a network finds likeliest in a picture, with their probabilities, the first guess first.

    Args:
      net, image: as in `class_map`.
      count: how many.

    Raises:
      DeconvvizError: no labels.
      ImageError: a side is below the network's stride.
    """
    scores = np.asarray(net.run(_model_input(net, image)), np.float64).reshape(-1)
    exponent = np.exp(scores - scores.max())
    best = np.argsort(-scores, kind="stable")[:count]
    return [(_labels(net)[index], float(exponent[index] / exponent.sum())) for index in best]


def class_map(net: Network, image: DisplayImage, class_name: str | None = None, kind: str | None = None) -> ClassMap:
    """Where a class is seen in a picture.

    Formula: "activity", the same for all classes, is ``sqrt(sum_c a_c^2)`` of the activations a at the last rectifier;
    "evidence" at a middle layer is ``max(sum_c a_c ds/da_c, 0)``, s the class score; a backward rule's map is
    ``sum |m_c|`` over the colours, blurred.

    Args:
      net: a classifier with labels.
      image: (H, W, 3), 0..1, no side below the network's stride.
      class_name: a label; the network's first guess if None.
      kind: one of `MAPS` or `NOTHING`; "evidence" needs a network without branches. If None, "gradient" of a class that
        was named, "activity" otherwise.

    Raises:
      DeconvvizError: an unknown class or kind of map, or no labels.
      ImageError: a side is below the network's stride.
      DataError: the class has no evidence in the picture.

    Source: selvaraju2017gradcam, zeiler2014visualizing, springenberg2015striving, simonyan2014deep
    """
    x = _model_input(net, image)
    scores = np.asarray(net.run(x), np.float64).reshape(-1)
    index = int(scores.argmax()) if class_name is None else _index_of(net, class_name)
    exponent = np.exp(scores - scores.max())
    kind = kind or ("activity" if class_name is None else "gradient")
    values = _map_of(net, x, index, kind)
    if not values.max() > 0:
        raise DataError(
            f"{net.name} finds no evidence of {_labels(net)[index]!r} in this picture: name another class with --class"
        )
    return ClassMap(_labels(net)[index], index, float(exponent[index] / exponent.sum()), values, kind)


def trimap_of(
    class_map: Array, size: tuple[int, int], foreground: float, background: float, border: float = 0.0
) -> np.ndarray:
    """The strongest pixels of a class map as foreground, the weakest as background, the rest unknown.

    Args:
      class_map: (h, w).
      size: (height, width) of the trimap.
      foreground, background: shares of the picture, above 0, together below 1.
      border: width of a strip at the top and the two sides, as a share of the shorter side, that is background too
        where it is not foreground: photographers leave room there.

    Returns:
      (height, width) float64: 1, 0, and 0.5 between.

    Raises:
      DeconvvizError: shares that make no sense.
      DataError: a map so flat that strong and weak cannot be told apart.

    >>> trimap_of(np.array([[1.0, 2.0, 3.0, 4.0]]), (1, 4), 0.25, 0.25).tolist()
    [[0.0, 0.5, 0.5, 1.0]]
    """
    for name, share in (("foreground", foreground), ("background", background)):
        if not 0 < share < 1:
            raise DeconvvizError(f"{name} is a share of the picture, between 0 and 1; got {name}={share:g}")
    if foreground + background >= 1:
        raise DeconvvizError(
            "foreground and background seeds together must leave something unknown; got "
            f"foreground={foreground:g} and background={background:g}"
        )
    if not 0 <= border < 0.5:
        raise DeconvvizError(
            f"the border (--rim) is a share of the picture's shorter side, 0 to below 0.5; got {border:g}"
        )
    values = resized(class_map, size)
    low, high = np.quantile(values, background), np.quantile(values, 1 - foreground)
    if not high > low:
        raise DataError(
            "the class map is too flat to tell object and background apart; name another class with --class, another "
            "--map, or give a --trimap"
        )
    return np.where(values >= high, 1.0, np.where((values <= low) | rim(size, border), 0.0, 0.5))


def _model_input(net: Network, image: DisplayImage) -> np.ndarray:
    stride = max(layer.stride[0] for layer in net.layers if layer.stride)
    if min(image.shape[:2]) < stride:
        raise ImageError(
            f"the picture is {image.shape[0]} x {image.shape[1]} pixels, smaller than the stride {stride} of "
            f"{net.name}: nothing can be located in it; give a larger picture"
        )
    return preprocess.model_input(image, dataclasses.replace(net.input_spec, fit="stretch", resize=None))


def _labels(net: Network) -> tuple[str, ...]:
    if not net.labels:
        raise DeconvvizError(f"{net.name} has no labels, so no class can be named: choose caltech or squeezenet")
    return net.labels


def _index_of(net: Network, class_name: str) -> int:
    folded = {label.lower(): index for index, label in enumerate(_labels(net))}
    if class_name.lower() not in folded:
        raise DeconvvizError(f"{net.name} knows no class {class_name!r}; {nearest(class_name, _labels(net))}")
    return folded[class_name.lower()]


def _map_of(net: Network, x: np.ndarray, index: int, kind: str) -> np.ndarray:
    if kind == NOTHING:
        return np.ones(net.input_spec.size)
    if kind not in MAPS:
        raise DeconvvizError(f"there is no class map {kind!r}; {nearest(kind, MAPS)}")
    top = net.layers[-1].name
    if kind == "activity":
        last = [layer.name for layer in net.layers if layer.kind == "relu" and len(layer.shape) == 3][-1]
        return np.asarray(np.linalg.norm(net.taps(x, [last])[last][0], axis=-1), np.float64)
    if kind == "evidence":
        chain = net.chain_to(top)
        if isinstance(chain, str):
            raise DeconvvizError(f"evidence at a middle layer needs a chain up to {top}: {chain}; use --map gradient")
        return _evidence(net, x, index, chain)
    signed = reconstruct_units(net, x, [Unit(top, index)], kind, "one", "gradient", False)[0].map
    sigma = BLUR * min(signed.shape[:2])
    return np.asarray(ndimage.gaussian_filter(np.abs(signed).sum(axis=-1), sigma, mode="nearest"), np.float64)


def _evidence(net: Network, x: np.ndarray, index: int, chain: Chain) -> np.ndarray:
    """(h, w) at the last rectifier with `ROWS` rows or more: its activations times the score's gradient there."""
    maps = [layer for layer in net.layers if layer.kind == "relu" and len(layer.shape) == 3 and layer.shape[0] >= ROWS]
    if not maps:
        raise DeconvvizError(f"{net.name} has no rectified map of {ROWS} rows or more; use --map gradient")
    cut = max(place for place, step in enumerate(chain.steps, 1) if step.name == maps[-1].name)
    below, above = Chain(chain.steps[:cut]), Chain(chain.steps[cut:])

    def evidence(constants: Any, x: Any, index: Any) -> Any:
        values, _ = below.forward(constants[:cut], x)
        scores, memories = above.forward(constants[cut:], values)
        signal = jax.nn.one_hot(index, scores.shape[-1], dtype=scores.dtype)[None]
        return jnp.maximum((values * above.backward(constants[cut:], memories, signal, "gradient")).sum(axis=-1), 0)[0]

    call = net.store.compiled(("evidence", maps[-1].name, x.dtype.name), lambda: jax.jit(evidence))
    return np.asarray(call(chain.constants, x, np.int32(index)), np.float64)
