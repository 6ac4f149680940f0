"""How inverters are trained, layer by layer: what of `InverterRecipe` each has for itself, by one of two losses."""

from __future__ import annotations

from typing import Any

from deconvviz.errors import check_choice

#: What is made small beside the squared error in pixels; answers of the two lowest layers are sharp without.
_SHARPER: dict[str, Any] = {"compared": ("relu1", "relu2", "relu3"), "strokes": 0.01, "chroma": 2.0, "smooth": True}
#: Layer -> how long, and what else differs from `InverterRecipe`.
OF_LAYER: dict[str, dict[str, Any]] = {
    "relu1": {"epochs": 6},
    "relu2": {"epochs": 8, "images": 1024},
    "relu3": {"epochs": 10, **_SHARPER},
    "relu4": {"epochs": 12, "images": 1024, **_SHARPER},
    "relu5": {"epochs": 16, **_SHARPER},
    "relu6": {"epochs": 20, "images": 1024, **_SHARPER},
    "relu7": {"epochs": 16, "images": 1024, **_SHARPER},
}


#: The names that `deconvviz train inverter:LAYER --loss` takes.
PLAIN, SHARP = "plain", "sharp"


def options(layer: str, loss: str = PLAIN) -> dict[str, Any]:
    """The fields of `InverterRecipe` that a layer's inverter is trained with; those of the class for other layers.

    Raises:
      DeconvvizError: no such loss.

    >>> options("relu1"), options("relu6", "plain")
    ({'epochs': 6}, {'epochs': 20, 'images': 1024})
    """
    check_choice("loss", loss, (PLAIN, SHARP), of="inverter")
    own = OF_LAYER.get(layer, {})
    return {name: value for name, value in own.items() if loss == SHARP or name not in _SHARPER}
