"""Lesson: a network of one's own in the library, on the command line and in the app, with a live report."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from deconvviz import checks as proofs
from deconvviz.types import Check
from lessons._kit.draw import image_row
from lessons._kit.draw.pixels import largest, number, signed_pixels, to_bytes
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, is_offered
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Lesson, discover, entry, find_page
from lessons._kit.photo import network
from lessons._kit.photo.labels import RULES, class_name, kind, size
from lessons.own_network import code, questions, scenes

#: Four columns fit a telephone.
STYLE = (
    "<style>.st-key-part-own-report :is(th, td) "
    "{ padding: 0.35rem 0.4rem; font-size: 0.875rem; white-space: normal; overflow-wrap: anywhere; }</style>"
)


@dataclass(frozen=True)
class State:
    """Which variant of the example is tried."""

    variant: str = "relu"


def forward(state: State) -> float:
    """Distance between the scores of the wrapped network and those of the module itself."""
    return code.tried(state.variant).forward


def checks(state: State) -> list[Check]:
    """The proofs of a variant."""
    return [
        Check(mark("same scores as the module"), forward(state), 1e-5),
        Check(mark("adjoint"), code.tried(state.variant).adjoint.error, 1e-5),
    ]


def maps(result: code.Tried) -> None:
    """What the network is fed, and the map of every rule that applies, each on its own scale."""
    shown = [image_row.Picture(to_bytes(result.image), t("as the network is fed it"), t("The photograph"))]
    for rule, signed in result.maps.items():
        limit = largest(signed, summed=True)
        note = t("own scale, ±{limit}", limit=number(limit))
        shown.append(image_row.Picture(signed_pixels(signed, limit, summed=True), note, t(RULES[rule])))
    with st.container(key="part-maps"):
        image_row.show(shown)
    unit = result.report.unit
    st.markdown(t("From channel {channel} of {layer}, the strongest.", channel=unit.channel, layer=unit.layer))


def report(about: proofs.Report) -> None:
    """Draw what `deconvviz check` says, as a table."""
    network = about.network
    layers = ", ".join(f"{layer.name} ({kind(layer.kind)}, {size(layer.shape)})" for layer in network.layers)
    st.markdown(f"**{t('Layers found')}**: {layers}")
    index, value = about.top[0]
    best = class_name(network.labels[index]) if network.labels else str(index)
    scores = t(
        "{count} scores, the highest {value} for {label}", count=about.output[0], value=f"{value:.3g}", label=best
    )
    st.markdown(f"**{t('Forward')}**: {scores}")
    head = [t("Rule"), t("Applies"), t("Rectifiers that obey"), t("Two computations differ by")]
    rows = [head, ["---"] * 4, *(_row(one) for one in about.rules)]
    st.html(STYLE)
    with st.container(key="part-own-report"):
        st.markdown("\n".join(f"| {' | '.join(row)} |" for row in rows))
    with st.container(key="part-own-notes"):
        notes = "\n".join(f"- {said(note)}" for note in about.notes)
        st.markdown(f"**{t('What to change')}**: " + (f"\n\n{notes}" if notes else t("Nothing: every rule applies.")))


def _row(one: proofs.RuleReport) -> list[str]:
    applies = t("refused") if one.refused else t("yes")
    obey = t("{obeyed} of {total}", obeyed=one.coverage.obeyed, total=one.coverage.total)
    agreement = "–" if one.agreement is None else proof.error_text(one.agreement)
    return [t(RULES[one.rule]), applies, "–" if one.rule == "gradient" else obey, agreement]


def three_ways(state: State) -> None:
    """The code of the three ways, to copy."""
    st.header(t("Three ways"), anchor=False)
    command, app, library = st.tabs([t("Command line"), t("App"), t("Library")])
    with library:
        st.markdown(t("Save this as mynet.py; `python mynet.py` writes its weights."))
        if code.changed(state.variant):
            st.markdown(t("The line that makes this variant: {line}", line=f"`{code.changed(state.variant)}`"))
        st.code(code.text(state.variant), language="python", wrap_lines=True)
        st.markdown(t("Then, in the same folder:"))
        st.code(code.LIBRARY, language="python", wrap_lines=True)
    with command:
        st.markdown(t("The report above, for your own module and picture. It ends with 1 where something is refused."))
        st.code(code.COMMANDS, language="bash", wrap_lines=True)
    with app:
        st.markdown(
            t("With mynet.py in the folder of deconvviz. The laboratory opens your network, beside the built-in ones.")
        )
        st.code(code.APP, language="bash", wrap_lines=True)
    trust()


def trust() -> None:
    """The command that says whether maps mean anything, for the network that the app was started with."""
    with st.expander(t("Can its maps be trusted?")):
        st.markdown(
            t(
                "Every method's map is drawn again with shuffled weights, for another class, and for the picture "
                "shifted a little; pixels are deleted in its order, and patches are covered. Before it begins it says "
                "how long that takes; stopped, it goes on where it was. `photos` is a folder of your pictures, ten or "
                "more. The report is one file that opens in any browser, with all numbers in `report.json` beside it."
            )
        )
        st.code(code.audit(network.own() or "mynet:net"), language="bash", wrap_lines=True)
        report = find_page(discover(), "audit-report")
        st.page_link(entry(report), label=t("Open the report here"))


def draw(page: frame.Places) -> None:
    """What every rule says about a network of one's own, and three ways to bring it."""
    with page.controls:
        state = State(choice(t("Network"), {k: t(v[0]) for k, v in code.VARIANTS.items()}, "variant"))
    with page.picture:
        with st.spinner(t("Trying every rule on it, about twenty seconds the first time")):
            result = code.tried(state.variant)
        maps(result)
        report(result.report)
        if is_offered("variant"):
            three_ways(state)
    meanings = [
        t("The wrapped network and the untouched Flax module, on the same photograph:"),
        t("From the last layer down by the gradient rule, against forward differentiation of the untouched code:"),
    ]
    page.checks(checks(state), meanings, [(code.tried, forward), (proofs.adjoint,)])
    page.code((proofs.report,), code.REPORT)


LESSON: Lesson = Lesson(
    slug="your-own-network",
    title=mark("Your own network"),
    render=lambda: frame.page(LESSON, draw),
    section="network",
    order=99,
    needs=("four-rules-at-a-rectifier",),
    question=mark("What does my own network see?"),
    goal=mark("You will be able to look into a network of your own, and to read what the report says about it."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(("zeiler2014visualizing", ""), ("springenberg2015striving", "")),
)
