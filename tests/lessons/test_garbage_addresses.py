"""Links that somebody made up: every page opens on what it takes for a link without them, never with a traceback."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fuzz.corpus import Draw
from streamlit.testing.v1 import AppTest

from lessons._kit.form import page

PAGES = page.discover()
#: Names that several pages read, beside those that a page's scenes hold.
NAMES = ("image", "unit", "layer", "channel", "row", "column", "page", "lang", "network", "cell", "seed", "scene")
VALUES = (
    "", " ", "a", "0", "-1", "1e9", "9" * 40, "٣", "nan", "null", "[]", "1,2", "1,2,3,4", ",", "relu3:", "relu3:5,-1,9",
    ":::", "../../etc/passwd", "<script>alert(1)</script>", "%00", "\0", "你好", "x" * 5000, "'", '"', "\\", "{0}",
)  # fmt: skip


def garbage(found: page.Page, number: int) -> dict[str, str]:
    """A link of a page: half of the names it may hold, with values that it may not."""
    held = [scene.values for scene in found.scenes] if isinstance(found, page.Lesson) else []
    names = sorted({*NAMES, *(name for values in held for name in values)})
    draw = Draw(number)
    return {name: draw.one_of(VALUES) for name in names if draw.below(2)}


def opens(found: page.Page, number: int, open_page: Callable[..., AppTest]) -> None:
    link = garbage(found, number)
    test = open_page(found.slug, **link)
    assert not test.exception, (link, test.exception[0].value)
    assert test.title or test.markdown


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("slug", ["convolution", "adjoint-is-not-inverse", "pooling-and-switches", "claims-under-test"])
def test_a_garbage_link_opens_the_page(slug: str, number: int, open_page: Callable[..., AppTest]) -> None:
    opens(next(found for found in PAGES if found.slug == slug), number, open_page)


@pytest.mark.deep
@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("slug", [found.slug for found in PAGES])
def test_garbage_links_open_every_page(slug: str, number: int, open_page: Callable[..., AppTest]) -> None:
    opens(next(found for found in PAGES if found.slug == slug), 100 + number, open_page)
