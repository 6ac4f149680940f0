"""What a method hands back of one unit and picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Drawn:
    """A map as a method makes it.

    Attributes:
      signal: (H, W, C) with the channels of the model input, or (H, W) where the method gives one number a pixel.
      value: the unit's.
      facts: what was measured on the way.
      note: what is wrong with it, as a sentence; empty if nothing was noticed.
    """

    signal: np.ndarray
    value: float
    facts: dict[str, float] = field(default_factory=dict)
    note: str = ""
