"""How a picture is optimized: every number in one record, checked, and the optimizers and schedules there are."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import jax.numpy as jnp
import optax  # type: ignore[import-untyped]

from deconvviz.errors import DeconvvizError, nearest

OPTIMIZERS = {
    "adam": optax.scale_by_adam,
    "momentum": lambda: optax.trace(decay=0.9),
    "adagrad": optax.scale_by_rss,
}
#: The last part of a run goes without random changes of the picture, so that it becomes sharp.
QUIET = 0.25
#: What is left of the rate at the end.
FINAL_RATE = 0.05


@dataclass(frozen=True)
class Settings:
    """Everything that an optimized picture depends on, but network, image and seed.

    Attributes:
      steps: how many.
      rate: learning rate at the start; it falls to a twentieth along half a cosine.
      parametrization: "fourier" (waves along decorrelated colours, through a sigmoid) or "pixel" (clipped to 0..1).
      optimizer: "adam", "momentum", "adagrad", or an Optax transformation, whose updates are multiplied by -rate.
      tv: weight of the total variation; at 1, steps of 12 grey levels (80 / 6.5) cost as much as an error of 1.
      beta: its power.
      norm: weight of the alpha norm of the colours around grey; at 1, 80 grey levels cost as much as an error of 1.
      alpha: its power.
      jitter: random shifts of up to so many pixels, but in the last quarter of the steps.
      turn: random turns of up to so many degrees, likewise.
      zoom: random zooms by up to this fraction, likewise.
      decay: how fast the steps of high frequencies shrink; 1 as in natural pictures.
    """

    steps: int = 512
    rate: float = 0.05
    parametrization: Literal["fourier", "pixel"] = "fourier"
    optimizer: str | optax.GradientTransformation = "adam"
    tv: float = 0.0
    beta: float = 2.0
    norm: float = 0.0
    alpha: float = 6.0
    jitter: int = 0
    turn: float = 0.0
    zoom: float = 0.0
    decay: float = 1.0

    def __post_init__(self) -> None:
        check_whole(steps=(self.steps, 1), jitter=(self.jitter, 0))
        names = ("rate", "tv", "beta", "norm", "alpha", "turn", "zoom", "decay")
        check_numbers(**{name: getattr(self, name) for name in names})
        if self.rate == 0 or self.beta == 0 or self.alpha < 2 or self.zoom >= 1:
            raise DeconvvizError(
                "rate and beta are above 0, alpha is 2 or more, zoom below 1; got "
                f"rate={self.rate!r}, beta={self.beta!r}, alpha={self.alpha!r}, zoom={self.zoom!r}"
            )
        if self.parametrization not in ("fourier", "pixel"):
            raise DeconvvizError(f"parametrization is 'fourier' or 'pixel'; got {self.parametrization!r}")
        if isinstance(self.optimizer, str) and self.optimizer not in OPTIMIZERS:
            raise DeconvvizError(f"there is no optimizer {self.optimizer!r}; {nearest(self.optimizer, OPTIMIZERS)}")

    @property
    def compiled(self) -> tuple[Any, ...]:
        """What a compiled step depends on: all but the number of steps, the rate and the weights, which are traced."""
        traced = ("steps", "rate", "tv", "norm")
        return tuple(getattr(self, field.name) for field in fields(self) if field.name not in traced)

    def transformation(self) -> Any:
        """The Optax transformation of the gradient; its updates are still to be multiplied by -rate."""
        return OPTIMIZERS[self.optimizer]() if isinstance(self.optimizer, str) else self.optimizer


def with_options(settings: Settings, options: dict[str, Any]) -> Settings:
    """The settings with some of them replaced.

    Raises:
      DeconvvizError: an unknown name, or a value that makes no sense.

    >>> with_options(Settings(), {"steps": 64}).steps
    64
    """
    known = [field.name for field in fields(Settings)]
    for name in options:
        if name not in known:
            raise DeconvvizError(f"there is no option {name!r}; {nearest(name, known)}")
    return replace(settings, **{name: value for name, value in options.items() if value is not None})


def schedule(rate: Any, step: Any, steps: Any) -> Any:
    """The learning rate at a step: half a cosine from ``rate`` down to a twentieth of it.

    >>> [round(float(schedule(1.0, step, 100)), 3) for step in (0, 50, 100)]
    [1.0, 0.525, 0.05]
    """
    return rate * (FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + jnp.cos(jnp.pi * step / steps)))


def check_whole(**numbers: tuple[Any, int]) -> None:
    """Refuses what is no whole number from a least one up, or takes more than 63 bits.

    Args:
      numbers: name -> (value, least).

    Raises:
      DeconvvizError: repeats name and value.

    >>> check_whole(steps=(8, 1))
    """
    for name, (value, least) in numbers.items():
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
            raise DeconvvizError(f"{name} is a whole number from {least} up; got {name}={value!r}")
        if value >= 2**63:
            raise DeconvvizError(f"{name} is a whole number below 2^63; got {name}={str(value)[:40]}")


def check_numbers(**numbers: Any) -> None:
    """Refuses what is no finite number from 0 up.

    Args:
      numbers: name -> value.

    Raises:
      DeconvvizError: repeats name and value.

    >>> check_numbers(rate=0.5)
    """
    for name, value in numbers.items():
        if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise DeconvvizError(f"{name} is a number from 0 up; got {name}={value!r}")
