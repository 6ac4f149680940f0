"""Two networks of one shape: one trained on photographs, one on photographs that were moved against it."""

from __future__ import annotations

from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t

#: How it was trained -> the network.
TWINS = {"plain": "caltech", "robust": "caltech-robust"}
NAMES = {"plain": mark("on photographs"), "robust": mark("on attacked photographs")}


def choose() -> str:
    """Draw the control: a key of `TWINS`."""
    pictures = {"plain": t("photographs"), "robust": t("attacked photographs")}
    return choice(t("Trained on"), pictures, "training", tabs=True)
