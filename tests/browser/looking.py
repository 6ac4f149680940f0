"""What the browser tests of pages share: open one and wait until it is still, read it, see that it keeps nobody out."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlparse

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

#: Markup of Streamlit's own menu on a narrow screen: section heads stand among the items of its list.
NOT_OURS = "[data-testid=stSidebarNavItems]"
#: What Streamlit shows while a run is under way or something is still to be drawn.
MOVING = (
    "[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-stale=true], "
    "[data-testid=stApp]:not([data-test-script-state=notRunning])"
)
#: The parts of formulas that cannot be broken, and the boxes that they stand in.
FORMULAS, BOXES = ".katex-html .base", "[data-testid=stMarkdown]"
_CUT = """([parts, boxes]) => [...document.querySelectorAll(parts)].map(e => [e, e.closest(boxes)])
  .filter(([e, box]) => e.getBoundingClientRect().right > box.getBoundingClientRect().right + 1)
  .map(([e]) => e.textContent.slice(0, 40))"""

_TOO_WIDE = """() => {
  const wide = e => e.getBoundingClientRect().right > innerWidth + 1;
  return [...document.querySelectorAll('.stMain *')].filter(e => wide(e) && ![...e.children].some(wide))
    .slice(0, 5).map(e => e.outerHTML.slice(0, 120));
}"""
#: Milliseconds that a busy machine may take to compile what a page shows.
PATIENCE = 300_000
#: Seconds in which a page follows a change of the window or of the font on a busy machine.
FOLLOWING = 10.0
#: Milliseconds after which a button that could not be clicked is thought to be gone.
STOPPING = 10_000
#: Between a click and the run that it causes nothing moves on the page for some milliseconds.
STILL = 150
#: Milliseconds between two looks: looking at every frame makes Chromium draw every frame, without a graphics card.
LOOKING = 50
_IS_STILL = """([moving, still]) => {
  const now = performance.now();
  if (document.querySelector(moving)) window.stillSince = null;
  else window.stillSince ??= now;
  return window.stillSince !== null && now - window.stillSince >= still;
}"""
#: To another address without loading the app again, as the browser's own Back and Forward go.
_TURN = """address => {
  history.pushState({}, "", address);
  dispatchEvent(new PopStateEvent("popstate", {state: {}}));
}"""
_OTHER_HEADLINE = "was => (document.querySelector('h1')?.innerText ?? was) !== was"
_SCHEME = "wanted => getComputedStyle(document.querySelector('.stApp')).colorScheme === wanted"
_PAINTED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await document.fonts.ready;
  await frame();
  await frame();
  const ending = a => a.playState === 'running' && a.effect && a.effect.getComputedTiming().endTime !== Infinity;
  await Promise.allSettled(document.getAnimations().filter(ending).map(a => a.finished));
  await frame();
}"""


class Sight(NamedTuple):
    """How a person looks at a page: colours, and the size of the window."""

    scheme: Literal["light", "dark"]
    size: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.size[0]}-{self.scheme}"


DESKTOP, PHONE = Sight("light", (1440, 900)), Sight("dark", (390, 844))
#: Two pages that are quickly there: one to go to before a page is opened anew, and one for that page itself.
ELSEWHERE = ("end-of-the-course", "claims-under-test")


def as_for_users(optimized: bool = True) -> dict[str, str]:
    """The environment of an app whose programs are compiled when asked for, and run as fast as those of its users.

    Optimizing them costs minutes of a processor: `make test` asks for an app that is not ``optimized``.
    """
    fast = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "0"} if optimized else {}
    return {**os.environ, **fast, "DECONVVIZ_WARM_UP": "0"}


def opened(page: Page, url: str, *signs: str, anew: bool = False) -> None:
    """Open a page, and wait until everything named by the selectors is there and nothing runs any more.

    Where the app is open already, its pages are turned instead, as Back and Forward do: the app with its scripts is
    loaded once. A page that is open is left first, so that nothing chosen there remains. What a session remembers does:
    ``anew`` loads the app for a new one.
    """
    origin, path = _parts(url)
    here, shown = _parts(page.url)
    if origin == here and page.locator("h1").count() and not anew:
        if path == shown:
            _turn(page, f"{origin}/{ELSEWHERE[path == ELSEWHERE[0]]}")
        _turn(page, url)
    else:
        page.goto(url, timeout=PATIENCE)
        page.wait_for_selector("h1", timeout=PATIENCE)
    for sign in signs:
        page.wait_for_selector(sign, timeout=PATIENCE)
    settle(page)


def _parts(url: str) -> tuple[str, str]:
    """Where the app is, and which of its pages."""
    parts = urlparse(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/")


def _turn(page: Page, url: str) -> None:
    """Turn to another page of the app that is open, and wait for its headline."""
    settle(page)
    headline = page.locator("h1").first.inner_text()
    page.evaluate(_TURN, url)
    page.wait_for_function(_OTHER_HEADLINE, arg=headline, timeout=PATIENCE, polling=LOOKING)


def settle(page: Page) -> None:
    """Wait until no run is under way and nothing is still to be drawn, and none begins for `STILL` milliseconds."""
    page.evaluate("() => { window.stillSince = null; }")
    page.wait_for_function(_IS_STILL, arg=[MOVING, STILL], timeout=PATIENCE, polling=LOOKING)


def stop(page: Page) -> None:
    """Click Stop; what it would stop may have ended meanwhile, and the button with it."""
    from playwright.sync_api import TimeoutError as Late

    with suppress(Late):
        page.get_by_role("button", name="Stop", exact=True).click(timeout=STOPPING)


def in_colours(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Show an open page in light or dark, and wait until it is so."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(_SCHEME, arg=scheme)
    painted(page)


def painted(page: Page) -> None:
    """Wait until fonts are there and what moves has arrived."""
    page.evaluate(_PAINTED)


def plane(page: Page, title: str) -> Locator:
    """The tables of numbers whose captions begin so."""
    return page.locator(".planes table").filter(has=page.locator("caption", has_text=re.compile(f"^{title}")))


def cell(table: Locator, row: int, column: int) -> Locator:
    """One cell of such a table."""
    return table.locator(f'[data-row="{row}"][data-column="{column}"]')


def formulas(page: Page) -> str:
    """The LaTeX of all formulas on the page."""
    return " ".join(page.locator(".katex annotation").all_text_contents())


def cut(page: Page, parts: str = FORMULAS, boxes: str = BOXES) -> list[str]:
    """The beginnings of the texts of what reaches beyond the box that it stands in."""
    found: list[str] = page.evaluate(_CUT, [parts, boxes])
    return found


def broken_rules(page: Page, context: str | None = None) -> list[tuple[str, list[str]]]:
    """The rules of accessibility that are broken seriously, each with the markup that breaks it; `NOT_OURS` apart."""
    from axe_playwright_python.sync_playwright import Axe

    within = {"exclude": [[NOT_OURS]]} if context is None else context
    found = Axe().run(page, within, {"resultTypes": ["violations"], "preload": False}).response["violations"]
    bad = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in bad]


def in_sight(page: Page, sight: Sight) -> None:
    """Show an open page in other colours and another size of the window."""
    width, height = sight.size
    page.set_viewport_size({"width": width, "height": height})
    in_colours(page, sight.scheme)
    settle(page)


#: Pictures that are white where a signed map is zero and keep it on a dark page, under shadow roots too.
_GLARING = """() => {
  const all = (root) => [...root.querySelectorAll("img"), ...[...root.querySelectorAll("*")]
    .flatMap((one) => (one.shadowRoot ? all(one.shadowRoot) : []))];
  return all(document.querySelector(".stMain")).filter((image) => {
    if (!image.naturalWidth || getComputedStyle(image).filter.includes("invert")) return false;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [64, 64];
    const brush = canvas.getContext("2d");
    brush.imageSmoothingEnabled = false;
    brush.drawImage(image, 0, 0, 64, 64);
    const pixels = brush.getImageData(0, 0, 64, 64).data;
    let white = 0;
    for (let i = 0; i < pixels.length; i += 4) white += [0, 1, 2].every((c) => pixels[i + c] === 247);
    return white > 64 * 64 / 8;
  }).map((image) => image.alt || image.outerHTML.slice(0, 80));
}"""


def glaring(page: Page) -> list[str]:
    """What the alternative texts say of pictures that shine white on a dark page."""
    found: list[str] = page.evaluate(_GLARING)
    return found


def stays_within(page: Page, parts: str = FORMULAS, boxes: str = BOXES, font: str = "its own font") -> None:
    """The page does not scroll sideways, and nothing of it is cut off; it may take a moment to follow a change."""
    size = page.viewport_size
    assert size is not None
    deadline = time.monotonic() + FOLLOWING
    while True:
        widths = page.evaluate("['html', '.stMain'].map(box => document.querySelector(box).scrollWidth)")
        wide = cut(page, parts, boxes)
        if (widths == [size["width"]] * 2 and not wide) or time.monotonic() > deadline:
            break
        settle(page)
        painted(page)
    assert widths == [size["width"]] * 2, f"the page scrolls sideways in {font}: {too_wide(page)}"
    assert not wide, f"something is wider than its place in {font}: {wide}"


def too_wide(page: Page) -> list[str]:
    """The markup of the innermost elements that reach beyond the window."""
    found: list[str] = page.evaluate(_TOO_WIDE)
    return found


def keeps_nobody_out(page: Page, parts: str = FORMULAS, boxes: str = BOXES) -> None:
    """The page does not scroll sideways, nothing of it is cut off, and no rule of accessibility is broken seriously."""
    stays_within(page, parts, boxes)
    broken = broken_rules(page)
    assert not broken, broken
