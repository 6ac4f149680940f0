"""The lessons on inverses and on pooling in a real Chromium: controls, cells, links, languages, themes, a telephone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

INVERSE, POOLING = "adjoint-is-not-inverse", "pooling-and-switches"
#: Markup of Streamlit's own menu on a narrow screen: section heads stand among the items of its list.
NOT_OURS = "[data-testid=stSidebarNavItems]"
#: Formulas that reach beyond their column.
CUT = """[...document.querySelectorAll('.katex-html')].map(e => [e, e.closest('[data-testid=stMarkdown]')])
  .filter(([e, box]) => [...e.querySelectorAll('.base')].some(
    part => part.getBoundingClientRect().right > box.getBoundingClientRect().right + 1))
  .map(([e]) => e.textContent.slice(0, 40))"""


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


def plane(page: Page, title: str) -> Locator:
    """The table of numbers whose caption begins so."""
    return page.locator(".planes table").filter(has=page.locator("caption", has_text=re.compile(f"^{title}"))).first


def shown(page: Page, name: str) -> str:
    """What stands under a photograph."""
    figure = page.locator(".shots figure").filter(has=page.locator("strong", has_text=re.compile(f"^{name}")))
    return figure.locator("span").inner_text()


def test_more_noise_costs_decibels_and_the_link_keeps_it(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, INVERSE)
    before = shown(page, "Wiener")
    page.get_by_role("radiogroup", name="Noise").get_by_role("radio", name="5", exact=True).click()
    page.wait_for_function("location.search.includes('noise=5')")
    settle(page)
    after = shown(page, "Wiener")
    assert float(after.split()[1]) < float(before.split()[1]) - 1
    page.reload()
    page.wait_for_selector("[data-testid=stForm]", timeout=120_000)
    settle(page)
    assert shown(page, "Wiener") == after


def test_a_shift_is_undone_by_the_adjoint(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, INVERSE)
    page.get_by_text("29 % away from x").wait_for()
    page.get_by_role("button", name="A blur that is none").click()
    page.get_by_text("0 % away from x").wait_for()
    settle(page)
    assert page.locator(".st-key-proofs").get_by_text("holds").count() == 3


def test_a_proof_opens_its_code(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, INVERSE)
    page.locator(".st-key-proofs").get_by_role("button").nth(1).click()
    page.get_by_text("def singular").first.wait_for()


def test_a_click_raises_a_cell_of_the_picture(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, POOLING)
    cell = plane(page, "input x").locator('[data-row="4"][data-column="0"]')
    before = int(cell.inner_text())
    cell.click()
    page.wait_for_function("location.search.includes('digits=')")
    settle(page)
    assert int(cell.inner_text()) == before + 1
    assert plane(page, "maxima y").locator('[data-row="2"][data-column="0"]').inner_text() == str(before + 1)


def test_keys_choose_a_window_and_its_switch(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url, f"{POOLING}?cell=1,1")
    maxima = plane(page, "maxima y")
    maxima.locator('[data-row="1"][data-column="1"]').focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(maxima.locator('[data-row="2"][data-column="2"]')).to_have_attribute("aria-selected", "true")
    settle(page)
    assert plane(page, "switches s").locator(".chosen").inner_text() == "32"
    assert POOLING in page.url, "arrow keys in a plane must not turn the page"


def test_overwriting_turns_red_where_windows_share_a_maximum(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{POOLING}?picture=peak&window=3")
    assert page.locator(".st-key-proofs").get_by_text("holds").count() == 3
    open_lesson(page, app_url, f"{POOLING}?picture=peak&window=3&way=overwrite")
    assert page.locator(".st-key-proofs").get_by_text("fails").count() == 3


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", [INVERSE, POOLING])
@pytest.mark.parametrize(
    ("scheme", "size"), [("light", (1440, 900)), ("dark", (390, 844))], ids=["desktop-light", "phone-dark"]
)
def test_nobody_is_kept_out(
    browser: Browser,
    app_url: str,
    path: str,
    language: str,
    scheme: Any,
    size: tuple[int, int],
    screenshot: Callable[..., Path],
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    open_lesson(page, app_url, f"{path}?lang={language}")
    screenshot(page, f"{path}-{language}-{size[0]}-{scheme}", full=False)
    width, cut = page.evaluate("document.documentElement.scrollWidth"), page.evaluate(CUT)
    found = Axe().run(page, {"exclude": [[NOT_OURS]]}).response["violations"]
    context.close()
    assert width == size[0], "the page scrolls sideways"
    assert cut == [], "a formula is wider than its place"
    bad = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in bad] == []
