"""Which network the laboratory looks into: one click, or a download first where weights are not on this machine.

A network of one's own, ``make app NETWORK=package.module:object``, stands among them under its address and opens first.
"""

from __future__ import annotations

import os
from html import escape

import streamlit as st

from deconvviz import catalog
from deconvviz.errors import DeconvvizError, WeightsError
from deconvviz.models import public_weights
from lessons._kit.form.controls import url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import discover, entry, find_page
from lessons._kit.photo import selection
from lessons._kit.run import networks

KEY = "network"
FIRST = "caltech"
#: Name -> what it is, in one line.
NETWORKS = {
    "caltech": mark("7 convolutions, trained here on Caltech-101, 102 classes"),
    "caltech-robust": mark("the same 7 convolutions, trained on photographs that were moved against them"),
    "squeezenet": mark("SqueezeNet 1.0: 26 convolutions in fire modules, ImageNet, 1000 classes"),
}
_PROBLEM = "lab-network-problem"
#: Names the network of one's own.
VARIABLE = "DECONVVIZ_NETWORK"


def own() -> str:
    """Address of the network of one's own that the app was started with; "" without one."""
    return os.environ.get(VARIABLE, "").strip()


@st.cache_resource(show_spinner=False, max_entries=4)
def own_problem(address: str) -> str:
    """Why a network of one's own cannot be loaded; "" where it can. It is tried once a process."""
    try:
        networks.load(address)
    except DeconvvizError as error:
        return str(error)
    return ""


def choices() -> dict[str, str]:
    """Name -> what it is, one's own included."""
    return {**({own(): mark("your own network")} if own() else {}), **NETWORKS}


def first() -> str:
    """The network that opens where the URL names none."""
    return own() if own() and not own_problem(own()) else FIRST


def chosen() -> str:
    """The network of the URL; the first one where the other's weights are not on this machine."""
    name = url_value(KEY, first(), choices())
    return name if is_here(name) else first()


def is_here(name: str) -> bool:
    """Whether the network can be loaded without a download."""
    if name == own():
        return not own_problem(name)
    entry = catalog.model(name)
    try:
        return entry.weights is None or public_weights.find(entry) is not None
    except WeightsError:
        return False


def change(current: str) -> None:
    """Draw the button that opens the choice, and the choice."""
    with st.popover(t("Change network"), width="content"), st.container(width=320, key="lab-networks"):
        for name, line in choices().items():
            st.html(f'<p class="lab-note"><b>{escape(name)}</b> · {escape(t(line))}</p>')
            if name == own():
                _about_own(name)
            if is_here(name):
                opened = name == current
                label = t("Open") if not opened else t("Is open")
                st.button(label, key=f"lab-open-{name}", on_click=_take, args=(name,), disabled=opened)
            elif name != own():
                _offer(name)
        if not own():
            st.page_link(entry(find_page(discover(), "your-own-network")), label=t("Bring a network of your own"))


def _about_own(address: str) -> None:
    """Why it cannot be opened, or what was assumed about its input."""
    problem = own_problem(address)
    for line in [said(problem)] if problem else map(said, networks.load(address).assumed):
        st.html(f'<p class="lab-note">{escape(line)}</p>')


def note() -> None:
    """Say why the network of a link or of a click is not the one on the page; nothing where it is."""
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(t("The network cannot be opened: {reason}", reason=said(problem)))
        return
    if own() and own_problem(own()):
        st.error(
            t(
                "Your network cannot be opened, so {first} is shown: {reason}",
                first=FIRST,
                reason=said(own_problem(own())),
            )
        )
        return
    requested = st.session_state.get(KEY)
    if requested in choices() and not is_here(requested):
        st.info(
            t(
                "The weights of {name} are not on this machine, so {first} is shown. Change network offers them.",
                name=requested,
                first=first(),
            )
        )


def _offer(name: str) -> None:
    """What has to be downloaded, from where, and the button that does it."""
    info = catalog.model(name).weights
    assert info is not None
    size = f"{info.size / 1e6:.2f}"
    message = t(
        "Its weights ({size} MB, {licence} licence) come from {page}. They are checked and stay on this machine.",
        size=size,
        licence=info.licence,
        page=info.page.removeprefix("https://"),
    )
    st.html(f'<p class="lab-note">{escape(message)}</p>')
    st.button(t("Download {size} MB and open", size=size), key=f"lab-fetch-{name}", on_click=_fetch, args=(name,))


def _fetch(name: str) -> None:
    try:
        public_weights.fetch(catalog.model(name), progress=False)
    except WeightsError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    _take(name)


def _take(name: str) -> None:
    st.session_state[KEY] = "" if name == first() else name
    selection.choose_layer("")
