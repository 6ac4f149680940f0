"""Top line of the laboratory: the picture and the network with a way to change them, and the link."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from pathlib import Path

import streamlit as st

from deconvviz.data import samples
from deconvviz.data.preprocess import fit_image
from deconvviz.models import held_out
from deconvviz.types import DisplayImage, InputSpec
from lessons._kit.draw import component
from lessons._kit.draw.pixels import address, jpeg, png, to_bytes
from lessons._kit.draw.tiles import Tile, encoded, picked, tiles
from lessons._kit.form.i18n import t
from lessons._kit.photo import bring, network, selection
from lessons._kit.run import networks, pictures

HERE = Path(__file__).parent
#: Side of a thumbnail in pixels, and how many of pictures that were chosen are kept (about 5 kB each).
THUMBNAIL, CACHED = 96, 64


def top_line(loaded: networks.Loaded, picture: pictures.Picture) -> None:
    """Draw the top line."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="lab-top"):
        picture_chip(loaded, picture)
        _network_chip(loaded)
        with st.container(width=160, key="lab-copy"):
            _copy_link(picture)


def picture_chip(loaded: networks.Loaded, picture: pictures.Picture) -> None:
    """The picture as the network sees it, and the ways to change it: the gallery, or a file of one's own."""
    shown = pictures.fitted(loaded, picture).screen
    chip_of(shown, picture, part=repr(loaded.network.input_spec))


def chip_of(
    photograph: DisplayImage, picture: pictures.Picture, first: str = selection.FIRST_PICTURE, part: str = "whole"
) -> None:
    """A picture and the ways to change it.

    Args:
      photograph: its pixels.
      picture: where it comes from.
      first: id of the picture that the page opens with.
      part: names the part of it that is shown.
    """
    source = _small(picture.digest, part, photograph)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="lab-picture"):
        st.html(_chip(t("Picture"), title_of(picture), source), width="content")
        # Another key closes it: that is so after a picture was taken.
        popover = st.popover(t("Change picture"), width="content", key=f"lab-change-{bring.times()}")
        with popover, st.container(width=464, key="lab-pictures"):
            bring.field()
            _gallery(picture, first)
    bring.anywhere()


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def _small(digest: str, part: str, _shown: DisplayImage) -> str:
    """A small picture, for the src of an image; one that is shown again is not made again."""
    return address(jpeg(to_bytes(fit_image(_shown, InputSpec(size=(THUMBNAIL, THUMBNAIL))))))


def _network_chip(loaded: networks.Loaded) -> None:
    facts = t("{count} layers", count=len(loaded.network.layers))
    if right := accuracy_text(loaded):
        facts += " · " + right
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch", key="lab-network"):
        st.html(_chip(t("Network"), loaded.name, None, facts), width="content")
        network.change(loaded.name)


def accuracy_text(loaded: networks.Loaded) -> str:
    """How often the network is right, each figure with the name of its pictures; "" where nothing is known."""
    if loaded.accuracy is None:
        return ""
    percent = f"{100 * loaded.accuracy:.1f}"
    known = held_out.records().get(loaded.name)
    if known is None:
        return t("{percent} % right on validation pictures", percent=percent)
    held = f"{100 * known['figures']['mean_per_class']:.1f}"
    return t("{percent} % right on validation pictures, {held} % on held-out ones", percent=percent, held=held)


def _chip(kind: str, name: str, picture: str | None, facts: str = "") -> str:
    image = f'<img src="{picture}" alt="" width="48" height="48">' if picture else ""
    more = f"<span>{escape(facts)}</span>" if facts else ""
    return f'<div class="lab-chip">{image}<div><i>{escape(kind)}</i><b>{escape(name)}</b>{more}</div></div>'


def title_of(picture: pictures.Picture) -> str:
    """Name of a picture for people: translated for the gallery, the file's own for an upload."""
    return t(picture.title) if picture.id else picture.title


def _gallery(picture: pictures.Picture, first: str) -> None:
    def chosen() -> None:
        id = picked("lab-gallery")
        if id is not None and id in samples.SAMPLES:
            selection.choose_sample(id, first)
            bring.done()

    items = [Tile(id, t(known.title), (), t(known.title), _thumbnail(id)) for id, known in samples.SAMPLES.items()]
    tiles(items, picture.id, t("Pictures"), "lab-gallery", chosen, size=100, wrap=True)


@lru_cache(maxsize=64)
def _thumbnail(id: str) -> str:
    small = fit_image(samples.load(id), InputSpec(size=(THUMBNAIL, THUMBNAIL)))
    return encoded(png(to_bytes(small), level=6))


def _copy_link(picture: pictures.Picture) -> None:
    component.mount(
        HERE / "copy",
        "lab-copy-link",
        {
            "text": t("Copy link"),
            "done": t("Link copied"),
            "failed": t("Copy the address from the browser's address bar"),
            "note": "" if picture.id else t("Your own picture is not in the link."),
        },
    )
