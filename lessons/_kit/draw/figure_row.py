"""Small pictures in a row, each with its caption and a text for those who do not see it; lossless, cells stay sharp."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.figures.montage import png_bytes


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture.

    Attributes:
      rgb: (H, W, 3) uint8.
      caption: translated; what is shown under it.
      width: on screen, in pixels.
      alt: translated; the caption if it says it all.
    """

    rgb: np.ndarray
    caption: str
    width: int
    alt: str = ""


def to_html(pictures: Sequence[Picture]) -> str:
    """The row.

    >>> page = to_html([Picture(np.zeros((1, 2, 3), np.uint8), "a <map>", 20)])
    >>> 'alt="a &lt;map&gt;"' in page, "image/png" in page
    (True, True)
    """
    figures = []
    for picture in pictures:
        data = base64.b64encode(png_bytes(picture.rgb)).decode()
        alt = html.escape(picture.alt or picture.caption)
        figures.append(
            f'<figure style="width: {max(picture.width, 120)}px"><img alt="{alt}" width="{picture.width}" '
            f'src="data:image/png;base64,{data}"><figcaption>{html.escape(picture.caption)}</figcaption></figure>'
        )
    return f'<div class="pictures">{"".join(figures)}</div>'


def show(pictures: Sequence[Picture]) -> None:
    """Draw the row."""
    st.html(to_html(pictures))
