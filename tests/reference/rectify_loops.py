"""The four rectifier rules, one number at a time."""

from __future__ import annotations

import numpy as np


def rule_of_one(rule: str, z: float, g: float) -> float:
    """The signal below one rectifier.

    >>> [rule_of_one(rule, -1.0, 5.0) for rule in ("gradient", "deconvnet", "guided", "linear")]
    [0.0, 5.0, 0.0, 5.0]
    """
    gate_open = z > 0
    if rule == "gradient":
        return g if gate_open else 0.0
    if rule == "deconvnet":
        return g if g > 0 else 0.0
    if rule == "guided":
        return g if gate_open and g > 0 else 0.0
    if rule == "linear":
        return g
    raise AssertionError(rule)


def backward(rule: str, z: np.ndarray, g: np.ndarray) -> np.ndarray:
    """`rule_of_one` for every entry.

    >>> backward("guided", np.array([1.0, 1.0]), np.array([2.0, -2.0])).tolist()
    [2.0, 0.0]
    """
    pairs = zip(z.ravel().tolist(), g.ravel().tolist(), strict=True)
    return np.array([rule_of_one(rule, a, b) for a, b in pairs]).reshape(g.shape)
