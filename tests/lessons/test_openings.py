"""Every page opens with a figure that shows something, with nothing kept from before."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from lessons._kit.draw import component
from lessons._kit.draw.pixels import address, png
from lessons._kit.form import frame, page
from lessons._kit.run import cache

#: Pages of words, whose first thing is a list, a form or a card; and one whose cells a component of its own draws.
WORDS = {"glossary", "class", "audit-report", page.END, "claims-under-test", "five-programs", "convolution"}
SLUGS = [found.slug for found in page.discover() if found.slug not in WORDS]
#: Least standard deviation of luminance, in steps of 255, and least share of cells unlike the commonest of their table.
FLOOR, VARIED = 12.0, 0.2
#: Shorter sides of pictures that are no figures: the small one beside a title.
SMALL = 16
ADDRESS = re.compile(r"data:image/(?:png|jpeg|webp);base64,([A-Za-z0-9+/=]+)")
#: Where a picture stands that is none of the page's figures: the chip of the photograph, the list of photographs.
ASIDE = re.compile(r"lab-chip|lab-gallery")


def pictures(text: str) -> list[float]:
    """Standard deviations of the luminance of the pictures in HTML or JSON, small ones left out."""
    found = []
    for coded in ADDRESS.findall(text):
        with Image.open(io.BytesIO(base64.b64decode(coded))) as image:
            if min(image.size) >= SMALL:
                white = Image.new("RGBA", image.size, "white")
                shown = Image.alpha_composite(white, image.convert("RGBA"))
                found.append(float(np.asarray(shown.convert("L"), float).std()))
    return found


def tables(data: dict[str, Any]) -> list[float]:
    """Of each table of numbers, the share of cells unlike the commonest."""
    planes = [plane for row in data.get("rows", ()) if isinstance(row, dict) for plane in row.get("planes", ())]
    cells = [[cell[0] for line in plane["cells"] for cell in line] for plane in planes]
    return [1 - max(map(values.count, values)) / len(values) for values in cells]


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[float], list[float]]]:
    """Contrasts of the pictures and of the tables of the first figure; the page stops there, so that it stays cheap."""
    seen: list[tuple[list[float], list[float]]] = []
    monkeypatch.setattr(frame, "practice", lambda lesson: None)  # its pictures belong to questions
    html, image, mount = st.html, st.image, component.mount

    def looked(text: str, data: dict[str, Any]) -> None:
        found = pictures(text), tables(data)
        if any(found) and not ASIDE.search(text):
            seen.append(found)
            st.stop()

    def put(body: Any, *args: Any, **options: Any) -> None:
        html(body, *args, **options)
        looked(str(body), {})

    def show(picture: Any, *args: Any, **options: Any) -> None:
        image(picture, *args, **options)
        seen.append(([float(np.asarray(picture, float).std())], []))
        st.stop()

    def mounted(file: Any, key: str, data: dict[str, Any], **options: Any) -> None:
        mount(file, key, data, **options)
        looked(json.dumps(data) + (" lab-gallery" if key == "lab-gallery" else ""), data)

    monkeypatch.setattr(st, "html", put)
    monkeypatch.setattr(st, "image", show)
    monkeypatch.setattr(component, "mount", mounted)
    return seen


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_opens_with_a_figure_that_shows_something(
    slug: str, open_page: Callable[..., AppTest], first: list[tuple[list[float], list[float]]]
) -> None:
    st.cache_resource.clear()
    cache.clear()
    test = open_page(slug)
    assert not test.exception
    assert first, "no figure at all"
    shown, numbers = first[0]
    assert max(shown, default=0) >= FLOOR or max(numbers, default=0) >= VARIED


def test_grey_and_flat_pictures_show_nothing() -> None:
    grey, half = np.full((32, 32, 3), 128, np.uint8), np.zeros((32, 32, 3), np.uint8)
    half[:16] = 255
    flat, lively = (f'<img src="{address(png(pixels))}">' for pixels in (grey, half))
    assert pictures(flat) == [0]
    assert pictures(lively)[0] > FLOOR
    assert pictures(f'<img src="{address(png(half[:8, :8]))}">') == []
    plane = {"cells": [[["9"], ["9"]], [["9"], ["9"]]]}
    assert tables({"rows": [{"planes": [plane]}]}) == [0]
