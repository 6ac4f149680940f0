"""Can I trust it?: the map while the network is shuffled from the top down, another unit's, and covering as a witness.

The steps are computed in the background and sent to the browser as they come; the slider over them asks nobody.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.types import Unit
from lessons._kit.draw import component
from lessons._kit.draw.pixels import address, hundredths, largest, png, signed_pixels
from lessons._kit.form import method_card
from lessons._kit.form.i18n import t
from lessons._kit.form.library import said
from lessons._kit.photo.labels import RULES
from lessons._kit.photo.selection import Chosen
from lessons._kit.reconstruction import trace
from lessons._kit.reconstruction.maps import Look
from lessons._kit.run import engine, jobs, networks, pictures
from lessons.laboratory import run

#: A rank correlation from which two maps are called alike, and below which they are called different.
ALIKE, DIFFERENT = 0.6, 0.3
_JOB, _ASKED, _COVERED = "lab-cascade", "lab-shuffle-asked", "lab-covered"


def can_it_be_trusted(
    loaded: networks.Loaded,
    picture: pictures.Picture,
    chosen: Chosen,
    reconstructions: engine.Reconstructions,
    look: Look,
) -> str:
    """Draw the section; return the rule whose map is looked at."""
    with st.container(horizontal=True, vertical_alignment="center", key="lab-trust-head"):
        st.html(f'<div class="lab-heading"><h2>{escape(t("Can I trust it?"))}</h2></div>', width="stretch")
        rule = trace.choose_rule(reconstructions)
    _part(loaded, picture, chosen, look, rule)
    with st.expander(t("What {rule} assumes, and what it cannot show", rule=t(RULES[rule]))):
        st.markdown(method_card.about(rule))
    return rule


@st.fragment
def _part(
    loaded: networks.Loaded,
    picture: pictures.Picture,
    chosen: Chosen,
    look: Look,
    rule: str,
) -> None:
    """What is there by now; the browser asks, and asks again until all of it is, while the section is in view."""
    here = f"{loaded.identity} {picture.digest} {chosen.unit!r}"
    job = _job(loaded, picture, chosen.unit, st.session_state.get(_ASKED) == here)
    if job is not None and job.error is not None:
        st.info(t("No check by shuffling here: {reason}", reason=said(job.error)))
        return
    result = job.latest if job is not None else None

    def ask() -> None:
        st.session_state[_ASKED] = here

    with st.container(horizontal=True, gap="medium", key="lab-trust"):
        with st.container(key="lab-trust-shuffle"):
            component.mount(__file__, key="lab-shuffle", data=_steps(result, look, rule), on_more_change=ask)
        with st.container(key="lab-trust-others"):
            if result is not None:
                st.html(f'<div class="lab-witness">{_other(result, look, rule)}</div>')
                _covering(loaded, picture, chosen, result, rule)


def _job(
    loaded: networks.Loaded, picture: pictures.Picture, unit: Unit, is_asked: bool
) -> jobs.Job[run.Cascade] | None:
    """The work on a unit, once it is asked for; that on the unit before is stopped: nobody looks at it any more."""
    job = run.start(loaded, picture, unit) if is_asked else None
    before = st.session_state.get(_JOB)
    if before is not None and before is not job:
        before.stop()
    st.session_state[_JOB] = job
    if job is not None:
        job.look()
        if job.stopped:  # by somebody who went on to another unit
            job.go_on()
    return job


def _steps(result: run.Cascade | None, look: Look, rule: str) -> dict[str, Any]:
    """What the slider moves over."""
    shuffled = result.shuffled if result else ((),)
    all_layers = len(shuffled[-1])
    labels = [t("The network as it is: none of {count} layers shuffled", count=all_layers)] if result else [""]
    labels += [
        t("{number} of {count} layers shuffled, down to {layer}", number=len(names), count=all_layers, layer=names[-1])
        for names in shuffled[1:]
    ]
    steps = []
    for number, maps in enumerate(result.steps if result else ()):
        one = maps[rule]
        steps.append(
            {
                "source": _picture(one, look),
                "likeness": one.likeness,
                "value": "–" if one.likeness is None else hundredths(one.likeness),
                "said": _meaning(one.likeness) if number else t("Move the slider, and watch what is left of the map."),
            }
        )
    height, width = result.steps[0][rule].levels.shape[:2] if result and result.steps else (1, 1)
    return {
        "steps": steps,
        "labels": labels,
        "size": [height, width],
        "signed": look.summed,
        "done": result is not None and result.is_done,
        "name": t("Layers shuffled, from the top down"),
        "measure": t("rank correlation with the map of the trained network"),
        "waiting": t("This step is being computed."),
    }


def _picture(one: run.Map, look: Look) -> str:
    """A map at its own scale, for the src of an image."""
    values = one.levels.astype(np.float32)
    return address(png(signed_pixels(values, largest(values, look.summed) or 1.0, look.summed)))


def _meaning(likeness: float | None) -> str:
    """What a rank correlation with the map of shuffled weights means."""
    if likeness is None:
        return t("With these weights no signal arrives at the picture: nothing is left of the map.")
    if likeness >= ALIKE:
        return t(
            "Much the same map, although these layers have forgotten all that they learned: "
            "do not read from it what they know."
        )
    if likeness >= DIFFERENT:
        return t("In part the same map: that part comes from the picture, not from what these layers have learned.")
    return t("Another map: it changes with these layers. So would noise; that does not show it to be right.")


def _other(result: run.Cascade, look: Look, rule: str) -> str:
    """The map of another unit, as a figure."""
    title = t("Another unit")
    if result.other is None:
        return f"<p><b>{escape(title)}</b> {escape(t('No other channel of this layer is active here.'))}</p>"
    unit, maps = result.other
    one = maps[rule]
    facts = t("channel {channel}, same place", channel=unit.channel)
    if one.likeness is None:
        said = t("Its map is zero everywhere.")
    elif one.likeness >= ALIKE:
        said = t("Nearly the same map: do not read from it which unit it belongs to.")
    elif one.likeness >= DIFFERENT:
        said = t("In part the same map: only the rest of it belongs to this unit.")
    else:
        said = t("Another map: the one above belongs to its unit.")
    kind = "signed" if look.summed else ""
    return _figure(_picture(one, look), kind, title, facts, one.likeness, said)


def _figure(source: str, kind: str, title: str, facts: str, likeness: float | None, said: str) -> str:
    value = "–" if likeness is None else hundredths(likeness)
    return (
        f'<figure><img class="{kind}" src="{source}" alt="{escape(f"{title}: {facts}")}">'
        f"<figcaption><b>{escape(title)}</b><span>{escape(facts)}</span>"
        f'<span class="likeness">{value}</span><p>{escape(said)}</p></figcaption></figure>'
    )


def _covering(
    loaded: networks.Loaded, picture: pictures.Picture, chosen: Chosen, result: run.Cascade, rule: str
) -> None:
    """Occlusion on request: a witness that knows no backward pass."""
    unit = chosen.unit
    here = f"{loaded.identity} {picture.digest} {unit!r}"

    def ask() -> None:
        st.session_state[_COVERED] = here

    if st.session_state.get(_COVERED) != here:
        st.button(
            t("Cover it, patch by patch"),
            icon=":material/grid_view:",
            key="lab-cover",
            on_click=ask,
            help=t(
                "Occlusion: each patch of the receptive field is covered with grey, and how far the unit falls is "
                "measured. It uses no backward pass, so it can testify for the map or against it."
            ),
        )
        return
    with st.spinner(t("Covering one patch after the other"), show_time=True):
        falls = run.occlusion(loaded, picture, unit)
    box = run.box_of(loaded.network, unit)
    rows, columns = run.patch_of(box)
    title, facts = t("Covered"), t("patches of {rows} × {columns} pixels", rows=rows, columns=columns)
    if not falls.any():
        st.html(f"<p>{escape(t('No patch that is covered changes the unit.'))}</p>")
        return
    likeness = run.agreement(result.whole[rule], falls, box)
    if likeness >= ALIKE:
        said = t("Where the map is strong, the unit falls when that place is covered: the two agree.")
    elif likeness >= DIFFERENT:
        said = t("The two agree in part.")
    else:
        said = t("Covering points to other places than the map: rely on neither of them alone.")
    pixels = signed_pixels(np.repeat(falls[..., None], 3, axis=-1), float(np.abs(falls).max()), summed=False)
    st.html(f'<div class="lab-witness">{_figure(address(png(pixels)), "", title, facts, likeness, said)}</div>')
