"""A map whose threshold a person drags: what lies below it is covered at once, in the browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from lessons._kit.draw import component
from lessons._kit.draw.pixels import address, png
from lessons._kit.form.i18n import t

#: Where a threshold can stand, in per cent of the largest value of its map.
STOPS = range(5, 100, 5)


@dataclass(frozen=True, eq=False)
class Slide:
    """A map with a threshold.

    Attributes:
      values: (height, width), none below zero, not all zero.
      ground: (H, W, 3) uint8 on which the map lies: it stays visible where a value reaches the threshold.
      name: translated; what the map shows.
      first: where the threshold stands at first.
    """

    values: np.ndarray
    ground: np.ndarray
    name: str
    first: int = STOPS[0]

    @property
    def percent(self) -> np.ndarray:
        """The values in per cent of the largest, to tenths, as the browser has them."""
        values = np.asarray(self.values, np.float64)
        return np.round(100 * values / values.max(), 1)

    def passing(self, stop: int) -> np.ndarray:
        """Where the map reaches the threshold, (height, width).

        >>> Slide(np.array([[1.0, 4.0]]), np.zeros((1, 2, 3), np.uint8), "map").passing(30)
        array([[False,  True]])
        """
        return self.percent >= stop


def show(slide: Slide, stands: int, key: str, on_stop: Callable[[int], None]) -> None:
    """Draw the map and its threshold.

    Args:
      slide: the map.
      stands: where the threshold stands.
      key: of the component in the session.
      on_stop: told where the threshold was let go.
    """
    data = {
        "size": list(slide.values.shape),
        "percent": slide.percent.ravel().tolist(),
        "ground": address(png(slide.ground)),
        "stops": [STOPS.start, STOPS[-1], STOPS.step],
        "stands": stands,
        "words": {"name": slide.name, "threshold": t("threshold, %"), "left": t("{left} of {all} left")},
    }

    def stopped() -> None:
        stop = int(st.session_state[key]["stop"])
        if stop in STOPS:
            on_stop(stop)

    component.mount(__file__, key=key, data=data, on_stop_change=stopped)
