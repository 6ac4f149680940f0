"""The photograph of a page about an application: one of the gallery or one's own, at its own shape."""

from __future__ import annotations

import numpy as np
import streamlit as st

from deconvviz.data import preprocess
from deconvviz.types import DisplayImage
from lessons._kit.photo import header, selection
from lessons._kit.run import pictures

#: Pixels of the longer side that a page works with.
LONGER = 640
CACHED = 12


def choose(first: str = selection.FIRST_PICTURE) -> pictures.Picture:
    """Draw the picture with the ways to change it, and read what was chosen; "image" is its name in the URL.

    Args:
      first: id of the picture that the page opens with.
    """
    picture = selection.picture(first)
    header.chip_of(pixels(picture), picture, first)
    return picture


def pixels(picture: pictures.Picture, longer: int = LONGER) -> DisplayImage:
    """(H, W, 3) float32 in 0..1, read-only: the whole picture, made smaller where it is larger than `longer`.

    Kept for the last `CACHED` pictures.
    """
    return _pixels(picture.digest, longer, picture)


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def _pixels(digest: str, longer: int, _picture: pictures.Picture) -> DisplayImage:
    smaller = np.ascontiguousarray(preprocess.at_most(pictures.whole(_picture), longer))
    smaller.setflags(write=False)
    return smaller


def python(picture: pictures.Picture) -> str:
    """How the code on a page names the picture."""
    return f"samples.load({picture.id!r})" if picture.id else '"your-picture.jpg"'
