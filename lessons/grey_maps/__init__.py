"""Why a map is grey: a planted case for each reason, what the library says of it, and the map once that is mended."""

from __future__ import annotations

import numpy as np
import streamlit as st

from deconvviz.figures.scale import signed_limit, to_plane
from lessons._kit.draw import image_row
from lessons._kit.draw.pixels import larger, number, signed_pixels, to_bytes
from lessons._kit.form import controls
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Page
from lessons._kit.run import networks
from lessons.grey_maps.cases import CASES, Diagnosed, image


def render() -> None:
    """Draw the page."""
    networks.keep_compiled()
    st.title(t("Why is my map grey?"), anchor=False)
    st.markdown(
        t(
            "A map that is grey or zero has a reason, and the library names it: in `Reconstruction.diagnosis`, in "
            "`deconvviz check`, and in the laboratory. Here each reason is planted in a small trained network."
        )
    )
    kind = controls.choice(t("Reason"), {kind: t(case.title) for kind, case in CASES.items()}, "reason")
    case = CASES[kind]
    st.markdown(t(case.planted))
    with st.spinner(t("Computing what this page shows"), show_time=True):
        wrong, right = computed(kind)
    image_row.show(
        [
            image_row.Picture(larger(to_bytes(image()), 6), t("a digit on a photograph"), t("The picture")),
            _drawn(wrong, t("Planted"), 100.0),
            _drawn(right, t("Mended"), case.limit),
        ]
    )
    st.markdown(f"**{t('What the library says')}**")
    st.code(said(wrong.diagnosis), language=None, wrap_lines=True)
    st.markdown(f"**{t('What to do')}**: {t(case.todo)}")


@st.cache_resource(show_spinner=False)
def computed(kind: str) -> tuple[Diagnosed, Diagnosed]:
    """The two maps of a case; once a process."""
    return CASES[kind].wrong(), CASES[kind].right()


def _drawn(shown: Diagnosed, title: str, percentile: float) -> image_row.Picture:
    plane = to_plane(np.asarray(shown.map, np.float64))
    limit = float(np.abs(plane).max()) if percentile == 100 else signed_limit(plane, percentile)
    note = t("own scale, ±{limit}", limit=number(limit)) if limit else t("zero everywhere")
    times = max(1, 288 // len(plane))
    return image_row.Picture(larger(signed_pixels(plane[..., None], limit or 1.0, summed=True), times), note, title)


PAGE = Page(slug="grey-maps", title=mark("Why is my map grey?"), render=render, order=104)
