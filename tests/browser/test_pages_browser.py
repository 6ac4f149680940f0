"""All pages in a real Chromium, wide and narrow, light and dark, in each language and in other fonts: none is cut.

`make test` looks at every page once, and the way of looking varies from page to page; `make test-deep` looks at every
state of every page in every way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest
from looking import (
    BOXES,
    DESKTOP,
    FORMULAS,
    PHONE,
    broken_rules,
    glaring,
    in_colours,
    in_sight,
    keeps_nobody_out,
    opened,
    painted,
    settle,
    stays_within,
)

from lessons._kit.form.page import Lesson, discover

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORM, PROOFS, CHECKS = "[data-testid=stForm]", ".st-key-proofs", ".st-key-part-checks"
#: Fonts that a machine may put in the place of the app's own: each letter wide, and narrow letters far apart.
FONTS = {"monospace": "0", "serif": ".05em"}
#: What is drawn in fonts that the app brings, whatever the machine has: icons, and formulas but for Chinese in them.
OWN_FONT = ".katex, .katex *, [data-testid=stIconMaterial]"
#: A few seconds of work wait behind some pages; a busy machine takes minutes to compile them.
pytestmark = pytest.mark.timeout(600)


class Look(NamedTuple):
    """A page in one state: its address, what must be there, and which parts must fit into which boxes."""

    path: str
    signs: tuple[str, ...] = (FORM,)
    parts: str = FORMULAS
    boxes: str = BOXES

    @property
    def slug(self) -> str:
        return self.path.split("?")[0]


class Way(NamedTuple):
    """A way of looking at a page: language, colours, the size of the window, a font that takes the place of its own."""

    language: Literal["en", "zh"]
    scheme: Literal["light", "dark"]
    is_wide: bool
    font: str | None = None

    def __str__(self) -> str:
        words = (self.language, self.scheme, "wide" if self.is_wide else "narrow", self.font)
        return "-".join(filter(None, words))


#: Neighbouring pages of the list are looked at in different ways: each language, colour and width with each other.
WAYS = (
    Way("en", "light", is_wide=True),
    Way("zh", "dark", is_wide=False, font="monospace"),
    Way("zh", "dark", is_wide=True),
    Way("en", "light", is_wide=False, font="serif"),
    Way("zh", "light", is_wide=False, font="monospace"),
    Way("en", "dark", is_wide=True),
)
CELLS = (".first-cells *, .katex-html", "html")
DECONVNET = (f"{FORMULAS}, .dn-zoom table, .dn-tiles figure, .dn-pair figure", f"{BOXES}, [data-testid=stHtml]")
GROWTH = (f"{FORMULAS}, .grown figure, .growth-curves img", f"{BOXES}, .film, [data-testid=stHtml]")
#: Pages that have more states than one, or parts of their own that must fit; all others are opened as they are.
LOOKS = (
    Look("", (".st-key-open-laboratory", ".st-key-progress-buttons")),
    Look("laboratory", (".lab-panels", "text=deconvviz reconstruct --recipe")),
    Look("laboratory?layer=pool1", (".lab-panels", "text=deconvviz reconstruct --recipe")),
    Look("your-own-network", (".stMain table",)),
    Look("your-own-network?variant=gelu", (".stMain table", "[data-testid=stTabs]")),
    *(
        Look(f"convolution{link}", (".first-cells table", FORM), *CELLS)
        for link in ("", "?channels=3&padding=3", "?picture=camera&kernel=blur")
    ),
    Look("convolution-is-a-matrix", (FORM, ".big-matrix .entry")),
    Look("convolution-is-a-matrix?kernel=corner&look=column", (FORM, ".big-matrix .entry")),
    Look("convolution-and-its-adjoint", (".planes table",)),
    Look("convolution-and-its-adjoint?view=matrix&stride=2&libraries=true", (".conventions table",)),
    Look("convolution-and-its-adjoint?view=zeros&way=turned", (".planes td.wrong",)),
    Look("convolution-and-its-adjoint?way=channels", (".planes td.wrong",)),
    Look("claims-under-test?card=C4"),
    Look("claims-under-test?card=C8"),
    Look("claims-under-test?card=F000.1"),
    *(
        Look(f"deconvnet-step-by-step?step={step}", (FORM, ".unit-grid[data-painted]"), *DECONVNET)
        for step in (3, 5, 13)
    ),
    Look("inversion", (FORM, ".inverted img", ".st-key-part-checks")),
    Look("learned-inversion", (FORM, ".inverted img", ".st-key-part-checks")),
    Look("ladder", (FORM, ".ladder img")),
    Look("feature-visualization", (FORM, ".vision img.made", ".st-key-part-checks")),
    Look("growth?epoch=27", (FORM, ".grown img", ".st-key-part-checks"), *GROWTH),
    Look("end-of-the-course", ("h2",)),
    Look("glossary", (".glossary dt",)),
    Look("audit-report", (".audit table",)),
    Look("grey-maps", (".stMain [data-testid=stCode]", ".stMain img")),
    Look("class", ("[data-testid=stCode]", ".katex")),
    Look("generation?view=draw", (FORM, ".made img", CHECKS)),
)
PAGES = {page.slug: page for page in discover()}
NAMED = {look.slug or "home" for look in LOOKS}
REST = tuple(
    Look(
        slug,
        (FORM, CHECKS if page.scenes else PROOFS) if isinstance(page, Lesson) and page.section == "work" else (FORM,),
    )
    for slug, page in PAGES.items()
    if slug not in NAMED
)
#: Pixels of a row of badges with the space around it.
LINE = 60
#: Height of the badges less that of as many rows as they stand in.
SPARE = f"""block => {{
  const badges = [...block.querySelectorAll('[data-testid=stPopover]')];
  const rows = new Set(badges.map(badge => Math.round(badge.getBoundingClientRect().top)));
  return block.getBoundingClientRect().height - {LINE} * rows.size
}}"""


def ready(page: Page, look: Look, everything: bool) -> None:
    """Wait for what a page does by itself, and for ``everything`` that it does when it is asked to."""
    if look.slug != "growth":
        return
    page.wait_for_function("!document.querySelector('.st-key-growth-progress button')")
    if everything:
        button = page.locator(".st-key-growth-all button:visible")
        if button.count():
            button.first.click()
        page.wait_for_function("document.querySelectorAll('table.bars').length === 2")
    settle(page)


def to_chinese(page: Page) -> None:
    """Change the language of an open page."""
    headline = page.locator("h1").first.inner_text()
    page.get_by_role("radio", name="中文").click()
    page.wait_for_function("was => document.querySelector('h1').innerText !== was", arg=headline)
    settle(page)


def is_whole(page: Page, in_chinese: bool) -> None:
    """No error stands on the page, and its text is in that language."""
    assert page.locator("[data-testid=stException]").count() == 0
    text = " ".join(page.locator(".stMain [data-testid=stMarkdown]").all_inner_texts())
    assert bool(re.search(r"[\u4e00-\u9fff]", text)) == in_chinese


@contextmanager
def other_font(page: Page, family: str, spacing: str) -> Iterator[None]:
    """The page in a font that the app did not bring, with that much space between letters."""
    rule = f"*:not({OWN_FONT}), .katex .cjk_fallback {{ font-family: {family} !important; letter-spacing: {spacing} }}"
    style = page.add_style_tag(content=f"{rule} .katex {{ letter-spacing: 0 }}")
    painted(page)
    yield
    style.evaluate("node => node.remove()")


def fits(page: Page, look: Look, *families: str) -> None:
    """Nothing is cut or wider than its place, in the app's font and in these others."""
    stays_within(page, look.parts, look.boxes)
    for family in families:
        with other_font(page, family, FONTS[family]):
            stays_within(page, look.parts, look.boxes, family)
    if PROOFS in look.signs and look.slug in PAGES:
        assert page.locator(PROOFS).evaluate(SPARE) < LINE or not _is_work(look)
    if look.slug == "laboratory":
        tops = page.evaluate("[...document.querySelectorAll('.lab-panels figure')].map(f => f.offsetTop)")
        is_wide = page.viewport_size == {"width": 1440, "height": 900}
        assert len(set(tops)) == (2 if is_wide else 1), "the control stands apart; a telephone has a row to swipe"


def _is_work(look: Look) -> bool:
    page = PAGES[look.slug]
    return isinstance(page, Lesson) and page.section == "work"


def named(looks: tuple[Look, ...]) -> list[Any]:
    """The looks as parameters."""
    return [pytest.param(look, id=re.sub(r"\W+", "-", look.path) or "home") for look in looks]


def first_of_each(looks: tuple[Look, ...]) -> tuple[Look, ...]:
    """One look a page."""
    return tuple({look.slug: look for look in reversed(looks)}.values())[::-1]


def stands_below_its_picture(page: Page) -> None:
    """On a telephone the first screen of a lesson told in scenes has the scene too, down to the button to the next."""
    from playwright.sync_api import expect

    story, turn = page.locator(".st-key-story h3"), page.locator(".st-key-scene-Right")
    page.evaluate("document.querySelector('.stMain').scrollTo(0, 0)")
    for part in (story, turn) if story.count() else ():
        expect(part.first).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("look", "way"),
    [
        pytest.param(look, way, id=f"{look.slug or 'home'}-{way}")
        for look, way in zip(first_of_each((*LOOKS, *REST)), cycle(WAYS))
    ],
)
def test_nobody_is_kept_out(
    request: pytest.FixtureRequest, app_url: str, look: Look, way: Way, screenshot: Callable[..., Path]
) -> None:
    page: Page = request.getfixturevalue("page" if way.is_wide else "phone")
    opened(page, f"{app_url}/{look.path}{'&' if '?' in look.path else '?'}lang={way.language}", *look.signs)
    in_colours(page, way.scheme)
    ready(page, look, everything=False)
    is_whole(page, in_chinese=way.language == "zh")
    screenshot(page, f"{look.slug or 'home'}-{way}", full=False)
    if way.scheme == "dark":
        assert not glaring(page)
    if way.is_wide:
        keeps_nobody_out(page, look.parts, look.boxes)
    else:
        stands_below_its_picture(page)
        fits(page, look, *filter(None, [way.font]))


@pytest.mark.deep
@pytest.mark.parametrize("look", named((*LOOKS, *REST)))
def test_nobody_is_kept_out_in_any_state_and_font(page: Page, app_url: str, look: Look) -> None:
    opened(page, f"{app_url}/{look.path}", *look.signs)
    ready(page, look, everything=True)
    keeps_nobody_out(page, look.parts, look.boxes)
    fits(page, look, *FONTS)
    in_sight(page, PHONE)
    assert not glaring(page)
    fits(page, look, *FONTS)
    to_chinese(page)
    is_whole(page, in_chinese=True)
    assert broken_rules(page) == []
    fits(page, look, *FONTS)
    in_sight(page, DESKTOP)
    fits(page, look, *FONTS)


def test_every_page_is_looked_at() -> None:
    assert {look.slug or "home" for look in (*LOOKS, *REST)} == PAGES.keys()
