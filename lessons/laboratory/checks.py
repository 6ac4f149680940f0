"""The proof line under the panels: two computations, the dot test, the rectifiers that obeyed, the time it took."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from deconvviz import checks
from deconvviz.metrics import relative_gap
from deconvviz.network.backward import explicit
from deconvviz.types import Coverage
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.proof import Proof, badges, measurement
from lessons._kit.photo.selection import Chosen
from lessons._kit.run import engine, networks, pictures

TWO_COMPUTATIONS = mark("two computations agree")
ADJOINT = mark("adjoint")


def proof_line(
    loaded: networks.Loaded, picture: pictures.Picture, chosen: Chosen, reconstructions: engine.Reconstructions
) -> None:
    """Draw the proofs of the panels above."""
    shown = list(reconstructions.by_rule.values())
    with st.container(horizontal=True, gap="small", key="lab-proof"):
        if _is_asked(loaded, chosen.unit.layer, reconstructions):
            with st.spinner(t("Computing every map a second, independent way")), engine.following():
                proofs = _proofs(loaded, picture, chosen)
            badges(proofs)
        coverage = max((result.coverage for result in shown), key=lambda c: c.total)
        measurement(_coverage(coverage), _coverage_text(chosen.unit.layer))
        if reconstructions.compiled is None:
            measurement(t("maps made beforehand"), _beforehand_text())
        elif not reconstructions.compiled:  # how long compiling took says nothing about the maps
            measurement(_time(reconstructions), _time_text(len(shown)))


def _is_asked(loaded: networks.Loaded, layer: str, reconstructions: engine.Reconstructions) -> bool:
    """Whether to prove the maps now: a large network's programs take long to compile, so a person presses a button."""
    at_once = len(loaded.network.layers) <= engine.CHECKED_AHEAD
    if at_once or engine.is_check_compiled(loaded, layer):
        return True
    return st.button(
        t("Check these maps"),
        icon=":material/verified:",
        key="lab-prove",
        help=t(
            "Computes them a second, independent way. In a network of this size that compiles for up to a minute, once."
        ),
    )


def _proofs(loaded: networks.Loaded, picture: pictures.Picture, chosen: Chosen) -> list[Proof]:
    proven = engine.checked(loaded, picture, chosen.unit)
    agreements = [check for check in map(checks.agreement, proven.values()) if check is not None]
    proofs = []
    if agreements:
        worst = max(agreements, key=lambda check: check.error)
        proofs.append(
            Proof(
                replace(worst, name=TWO_COMPUTATIONS),
                _agreement_text(),
                (explicit.Chain.backward, relative_gap),
            )
        )
    proofs.append(Proof(engine.adjoint(loaded, picture, chosen.unit.layer), _dot_text(), (checks.adjoint,)))
    return proofs


def _coverage(coverage: Coverage) -> str:
    if coverage.total == 0:
        return t("no rectifier on the path")
    return t("{obeyed} of {total} rectifiers obey", obeyed=coverage.obeyed, total=coverage.total)


def _time(reconstructions: engine.Reconstructions) -> str:
    return t("{time} ms", time=f"{1000 * reconstructions.seconds:.0f}")


def _agreement_text() -> str:
    words = t(
        "Every map was computed twice. One computation lets JAX differentiate the program, its rectifiers put "
        "under the rule. The other uses no derivative: back through the stored switches, rectify, filter with the "
        "transposed kernels, layer by layer. The number is the largest relative difference of the two over the "
        "maps shown."
    )
    return words + "\n\n" + r"$$\frac{\lVert R_1 - R_2 \rVert}{\max(\lVert R_1 \rVert, \lVert R_2 \rVert)}$$"


def _dot_text() -> str:
    words = t(
        "The backward pass by the gradient rule is the adjoint of the layer's derivative J. So for any directions "
        "v and g the two products below are equal. Forward differentiation of the untouched program gives the left "
        "one, the backward pass the right one. The number is their difference for random v and g, relative to the "
        "norms."
    )
    return words + "\n\n" + r"$$\langle J v, g \rangle = \langle v, J^\top g \rangle$$"


def _coverage_text(layer: str) -> str:
    return t(
        "Rectifiers between the picture and {layer}, found in the traced program, and how many of them followed the "
        "rule. One that could not would be named here, and the rule would refuse to run.",
        layer=layer,
    )


def _time_text(count: int) -> str:
    return t(
        "Computing the {count} maps on this computer, from the picture to the last array; the second computation "
        "and drawing are not counted. A unit seen before comes from memory and keeps its first time.",
        count=count,
    )


def _beforehand_text() -> str:
    return t(
        "The maps that the laboratory opens with come with the package, so that nothing has to be compiled before they "
        "are shown. The second computation, with which they are compared here, runs on this computer."
    )
