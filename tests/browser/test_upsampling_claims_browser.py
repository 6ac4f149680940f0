"""The lessons on upsampling and on claims in a real Chromium: slider, cells, cards, links, both themes, a telephone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

UPSAMPLING, CLAIMS = "upsampling-and-checkerboards", "claims-under-test"
#: Markup of Streamlit's own menu on a narrow screen: section heads stand among the items of its list.
NOT_OURS = "[data-testid=stSidebarNavItems]"


def open_lesson(page: Page, app_url: str, path: str) -> None:
    """Wait until the whole page is there and nothing runs any more."""
    page.goto(f"{app_url}/{path}", timeout=120_000)
    page.wait_for_selector("[data-testid=stForm]", timeout=120_000)
    settle(page)


def settle(page: Page) -> None:
    """Wait until no run is under way and nothing is still to be drawn."""
    page.wait_for_function(
        "!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-stale=true]')",
        timeout=60_000,
    )


def test_the_slider_makes_the_overlap_even_and_the_link_keeps_it(
    page: Page, app_url: str, screenshot: Callable[..., Path]
) -> None:
    open_lesson(page, app_url, UPSAMPLING)
    page.get_by_text("1 to 2 writes a cell").wait_for()
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("2 on every cell, no checkerboard").wait_for()
    settle(page)
    assert "k=4" in page.url
    assert UPSAMPLING in page.url, "arrow keys on the slider must not turn the page"
    screenshot(page, "lesson-upsampling-1440", full=False)
    page.reload()
    page.get_by_text("2 on every cell, no checkerboard").wait_for()


def test_a_click_on_a_count_shows_who_wrote_there(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, UPSAMPLING)
    counts = page.locator(".planes table").filter(has=page.locator("caption", has_text=re.compile("^writes on each")))
    counts.locator('[data-row="0"][data-column="6"]').click()
    page.wait_for_function("location.search.includes('place=0%2C6')")
    settle(page)
    writers = page.locator(".planes table").first.locator(".touched")
    assert [writers.nth(i).get_attribute("aria-label") for i in range(writers.count())] == [
        "row 0, column 2: 1",
        "row 0, column 3: 1",
    ]


def test_cards_are_dealt_by_list_board_and_link(page: Page, app_url: str, screenshot: Callable[..., Path]) -> None:
    open_lesson(page, app_url, f"{CLAIMS}?card=C2")
    page.get_by_role("heading", name=re.compile("^fails Of the energy that the blur removed, 0 % came back")).wait_for()
    page.get_by_role("button", name=re.compile("^C4")).click()
    page.get_by_role("heading", name=re.compile("^only if Right for one channel at stride 1")).wait_for()
    settle(page)
    assert "card=C4" in page.url
    screenshot(page, "lesson-claims-1440", full=False)
    page.get_by_role("button", name="A formula that is one number").click()
    page.get_by_role("heading", name=re.compile("^fails As printed it does not even give the size")).wait_for()
    page.get_by_role("radio", name="中文").click()
    page.get_by_role("heading", name=re.compile("^不成立 照印刷的公式算")).wait_for()
    assert "card=F001.1" in page.url


@pytest.mark.parametrize("path", [UPSAMPLING, f"{CLAIMS}?card=C4", f"{CLAIMS}?card=F000.1"])
@pytest.mark.parametrize(
    ("scheme", "size"), [("light", (1440, 900)), ("dark", (390, 844))], ids=["desktop-light", "phone-dark"]
)
def test_the_lessons_keep_nobody_out(
    browser: Browser, app_url: str, path: str, scheme: Any, size: tuple[int, int], screenshot: Callable[..., Path]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    open_lesson(page, app_url, path)
    screenshot(page, f"{path.replace('?card=', '-')}-{size[0]}-{scheme}", full=False)
    width = page.evaluate("document.documentElement.scrollWidth")
    found = Axe().run(page, {"exclude": [[NOT_OURS]]}).response["violations"]
    context.close()
    assert width == size[0], "the page scrolls sideways"
    assert [
        (bad["id"], [node["html"][:120] for node in bad["nodes"]])
        for bad in found
        if bad["impact"] in ("serious", "critical")
    ] == []
