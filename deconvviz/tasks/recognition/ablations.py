"""What each switch of the recognition network changes, and what that says of claim C6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: The change of a figure from which it counts.
TENTH = 0.1


def effect(rows: Sequence[Mapping[str, Any]], switch: str, figure: str) -> float:
    """By what share a figure changes with a switch: geometric mean over the other switches, on over off, less 1.

    Args:
      rows: one a setting, with the switches as bool and the figures above 0.
      switch: "norm", "drop" or "decoder".
      figure: one of the others.

    >>> round(effect([{"norm": True, "gap": 0.1}, {"norm": False, "gap": 0.4}], "norm", "gap"), 6)
    -0.75
    """
    on, off = (
        float(np.mean([np.log(max(row[figure], 1e-12)) for row in rows if row[switch] is state]))
        for state in (True, False)
    )
    return float(np.exp(on - off) - 1)


def lessens(rows: Sequence[Mapping[str, Any]]) -> tuple[bool, bool]:
    """(overfitting, vanishing gradients): whether the decoder lessens each by a tenth.

    Args:
      rows: all eight settings, with "gap" and "ratio" as `deconvviz.tasks.recognition.train.effects` gives them.
    """
    return effect(rows, "decoder", "gap") < -TENTH, effect(rows, "decoder", "ratio") > TENTH
