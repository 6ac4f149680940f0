"""What the page of enhancement computes: damage, the network's answer, AᵀA, PSNR; kept under what it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from deconvviz import compiled
from deconvviz.metrics import psnr
from deconvviz.tasks.enhancement import ablations, data, predict, untrained
from lessons._kit.photo import upload
from lessons._kit.run import pictures

#: Results that are kept: about 10 MB each.
CACHED = 12
#: Rows and columns of the window that is looked at closely.
WINDOW = 72


@dataclass(frozen=True)
class Damage:
    """What is done to a photograph.

    Attributes:
      sigma: standard deviation of the noise, of 255; 0 for none.
      quality: of JPEG; 0 for none.
    """

    sigma: int = 0
    quality: int = 0

    @property
    def options(self) -> dict[str, int]:
        """As `enhancement.damaged` takes it."""
        return {name: value for name, value in (("sigma", self.sigma), ("quality", self.quality)) if value}


@dataclass(frozen=True, eq=False)
class Shown:
    """Everything on the page for a choice; pictures (H, W, 3) in 0..1.

    Attributes:
      truth: the photograph.
      given: damaged.
      cleaned: by the network.
      back: x' = AᵀAx of what was given.
      fused: the mean of that and what was given.
      psnr: "given", "cleaned", "back", "fused" -> decibels against the photograph; infinite where nothing differs.
    """

    truth: np.ndarray
    given: np.ndarray
    cleaned: np.ndarray
    back: np.ndarray
    fused: np.ndarray
    psnr: Mapping[str, float]


def shown(picture: pictures.Picture, damage: Damage, variant: str) -> Shown:
    """The pictures and numbers of a choice."""
    return _shown(picture.digest, damage, variant, picture)


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def _shown(digest: str, damage: Damage, variant: str, _picture: pictures.Picture) -> Shown:
    truth = upload.pixels(_picture)
    given = data.damaged(truth, **damage.options)
    answer = cleaned(given, variant)
    back, fused = (np.clip(one, 0, 1).astype(np.float32) for one in untrained.there_and_back(given))
    made = {"given": given, "cleaned": answer, "back": back, "fused": fused}
    return Shown(truth, given, answer, back, fused, {name: psnr(one, truth) for name, one in made.items()})


def cleaned(given: np.ndarray, variant: str = "main") -> np.ndarray:
    """The network's answer to (H, W, 3) in 0..1; it compiles for every size of picture."""
    return compiled.once(
        ("enhancement", variant, given.shape), lambda: predict.apply(given, variant=variant, turns=1).picture
    )


@st.cache_resource(show_spinner=False, max_entries=1)
def trials() -> dict[str, Mapping[str, Any]]:
    """What was measured of the small networks, as their file says."""
    return ablations.trials()


def worst(result: Shown) -> tuple[int, int]:
    """(top, left) of the window in which the cleaned picture has the largest squared error."""
    error = ((result.cleaned.astype(np.float64) - result.truth) ** 2).sum(axis=2)
    side = min(WINDOW, *error.shape)
    total = np.pad(error, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    top, left = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(top), int(left)


def liveliness(picture: np.ndarray) -> float:
    """Mean absolute difference of neighbours along rows and columns of (H, W, 3), in steps of 255."""
    values = np.asarray(picture, np.float64)
    return float(255 * np.mean([np.abs(np.diff(values, axis=axis)).mean() for axis in (0, 1)]))


def mean_squared_by_hand(result: np.ndarray, wanted: np.ndarray) -> float:
    """Mean squared difference, row after row and colour after colour."""
    total = 0.0
    for mine, theirs in zip(result.astype(np.float64), wanted.astype(np.float64), strict=True):
        for colour in range(wanted.shape[-1]):
            total += sum((a - b) ** 2 for a, b in zip(mine[:, colour], theirs[:, colour], strict=True))
    return total / wanted.size
