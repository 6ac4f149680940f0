"""The six inverters, and what their answers are measured by.

Inverters: "linear" and "deconvnet" send the whole layer down by these rules, grey and contrast fitted to the photograph
by least squares (both also use the network's switches, and are so told more than the layer says); "learned" is the
trained decoder; "refined" its answer, refined by `methods.refinement`; "search" is `methods.feature_inversion` with its
preset; "plug_and_play" a search whose prior is the project's own denoiser. Measures: PSNR and SSIM of the picture;
"feature_error" in the layer itself, which a search makes small by its very nature; "judge_error" in a second network
that had no part in any of them; whether each of both networks names the class that it names for the photograph.

Source: mahendran2015understanding, dosovitskiy2016inverting, venkatakrishnan2013plug
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.data import preprocess
from deconvviz.errors import DeconvvizError
from deconvviz.figures.scale import fitted
from deconvviz.methods import feature_inversion, plug_and_play, refinement
from deconvviz.metrics import normalized_error, psnr, ssim
from deconvviz.models import inverters
from deconvviz.network import Network
from deconvviz.network.backward.reconstruct import reconstruct_units
from deconvviz.tasks.enhancement import predict as enhancement
from deconvviz.types import DisplayImage, Unit

INVERTERS = ("linear", "deconvnet", "learned", "refined", "search", "plug_and_play")
MEASURES = ("psnr", "ssim", "feature_error", "judge_error", "same_class", "judge_same_class")
#: Layers of the judge that are compared, evenly spaced among its rectified maps.
COMPARED = 4


@dataclass(frozen=True, eq=False)
class Judge:
    """A network that looks at an answer and at the photograph, and says how far apart they are to it."""

    network: Network

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The layers that are compared."""
        maps = [one.name for one in self.network.layers if one.kind == "relu" and len(one.shape) == 3]
        if not maps:
            raise DeconvvizError(
                f"{self.network.name} has no rectified maps to compare pictures by: name another judge"
            )
        places = np.unique(np.linspace(0, len(maps) - 1, COMPARED).round().astype(int))
        return tuple(maps[place] for place in places)

    def look(self, picture: DisplayImage) -> tuple[list[np.ndarray], int | None]:
        """Its values of a picture, and the class that it names; None where it names none."""
        x = preprocess.model_input(picture, self.network.input_spec)
        values = self.network.taps(x, self.layers)
        scores = self.network.run(x)
        return [values[name] for name in self.layers], int(np.argmax(scores)) if self.network.labels else None

    def error(self, one: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
        """Mean over its layers of the squared distance over the squared length of the photograph's values."""
        return float(np.mean([normalized_error(a, b) for a, b in zip(one, truth, strict=True)]))


@dataclass(frozen=True, eq=False)
class Bench:
    """What the inverters are measured with.

    Attributes:
      network: whose layers are inverted.
      judge: the second network.
      weights: inverters in place of the shipped ones.
      steps: of each search; their own if None.
    """

    network: Network
    judge: Judge
    weights: Path | None = None
    steps: int | None = None

    def answer(self, inverter: str, layer: str, picture: DisplayImage) -> DisplayImage:
        """What an inverter makes of what the layer says of a picture."""
        x = preprocess.model_input(picture, self.network.input_spec)
        if inverter in ("linear", "deconvnet"):
            signal = reconstruct_units(self.network, x, [Unit(layer, "all")], inverter, prove=False)[0].map
            return fitted(signal, picture)
        if inverter == "search":
            steps: dict[str, Any] = {} if self.steps is None else {"steps": self.steps}
            *_, last = feature_inversion.snapshots(self.network, x, picture, layer, every=512, **steps)
            return last.image
        values = self.network.taps(x, [layer])[layer]
        if inverter in ("learned", "refined"):
            answer = inverters.load(self.network, layer, self.weights)(values)[0]
            return answer if inverter == "learned" else refinement.refine(self.network, values, layer, answer)
        settings = plug_and_play.PlugAndPlay()
        if self.steps is not None:
            each = max(1, self.steps // settings.rounds)
            settings = plug_and_play.PlugAndPlay(rounds=-(-self.steps // each), steps=each)
        return plug_and_play.invert(self.network, values, layer, denoiser(), settings)

    def measure(self, layer: str, picture: DisplayImage, image: DisplayImage) -> dict[str, float]:
        """All measures of an answer."""
        own, seen = Judge(self.network), self.judge
        mine, theirs = (self._values(layer, one) for one in (picture, image))
        classes = [own.look(one)[1] for one in (picture, image)]
        (truth, first), (looked, second) = (seen.look(one) for one in (picture, image))
        return {
            "psnr": psnr(image, picture), "ssim": ssim(image, picture),
            "feature_error": normalized_error(theirs, mine), "judge_error": seen.error(looked, truth),
            "same_class": float(classes[0] == classes[1]),
            "judge_same_class": float("nan") if first is None else float(first == second),
        }  # fmt: skip

    def _values(self, layer: str, picture: DisplayImage) -> np.ndarray:
        return self.network.taps(preprocess.model_input(picture, self.network.input_spec), [layer])[layer]


def denoiser() -> plug_and_play.Denoiser:
    """The project's own: brightness at full size, colours at half."""
    return partial(enhancement.cleaned, enhancement.load())
