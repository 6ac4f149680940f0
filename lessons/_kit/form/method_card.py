"""The card of a method, shown where it is chosen: what it assumes, what it cannot show, and what was measured of it."""

from __future__ import annotations

from deconvviz import catalog
from deconvviz.checks.audit import card
from lessons._kit.form.i18n import current_language, t


def about(name: str) -> str:
    """The card as Markdown; empty where the name is of no method."""
    if name not in catalog.methods():
        return ""
    known = card(name, current_language())
    assumes, limits = t("It assumes: {what}", what=known.assumes), t("It cannot show: {what}", what=known.limits)
    return "\n\n".join([assumes, limits, "\n".join(f"- {said}" for said in known.measured), known.where])
