"""The lessons on the four rules and on receptive fields in a real Chromium: cells, keys, links, themes, a telephone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

RULES, FIELDS = "four-rules-at-a-rectifier", "receptive-fields"
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
    page.wait_for_selector(".st-key-proofs", timeout=120_000)
    settle(page)


def settle(page: Page) -> None:
    """Wait until no run is under way and nothing is still to be drawn."""
    page.wait_for_function(
        "!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-stale=true]')",
        timeout=120_000,
    )


def plane(page: Page, title: str) -> Locator:
    """The table of numbers whose caption begins so."""
    return page.locator(".planes table").filter(has=page.locator("caption", has_text=re.compile(f"^{title}"))).first


def test_closing_a_gate_stops_the_gradient_there(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{RULES}?numbers=open")
    at = '[data-row="0"][data-column="2"]'
    assert plane(page, "Gradient").locator(at).inner_text() == "3"
    plane(page, "z, went up").locator(at).click()  # 3 becomes −3
    page.wait_for_function("location.search.includes('digits=')")
    settle(page)
    assert plane(page, "z, went up").locator(at).inner_text() == "−3"
    assert "touched" in (plane(page, "Gradient").locator(at).get_attribute("class") or "")
    assert plane(page, "Gradient").locator(at).inner_text() == "0"
    assert plane(page, "DeconvNet").locator(at).inner_text() == "3"
    page.reload()
    page.wait_for_selector(".planes table", timeout=120_000)
    assert plane(page, "Gradient").locator(at).inner_text() == "0"


def test_keys_choose_a_cell_of_a_mask(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url, RULES)
    mask = page.locator(".planes table").nth(1)
    mask.locator('[data-row="1"][data-column="2"]').focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(mask.locator('[data-row="2"][data-column="3"]')).to_have_attribute("aria-selected", "true")
    assert RULES in page.url, "arrow keys in a plane must not turn the page"


def test_another_unit_and_pair_change_the_maps(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, RULES)
    before = page.locator(".rules-maps img").first.get_attribute("src")
    open_lesson(page, app_url, f"{RULES}?rank=2&pair=gradient-linear")
    assert page.locator(".rules-maps img").first.get_attribute("src") != before
    assert page.locator(".rules-pair b").last.inner_text() == "Gradient − Linear"
    assert page.locator(".st-key-proofs").get_by_text("holds").count() == 5


def test_the_claim_opens_from_the_finding(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, RULES)
    page.get_by_role("button", name=re.compile("^Claim C10")).click()
    page.wait_for_function("location.pathname.includes('claims-under-test')")
    page.wait_for_function("location.search.includes('card=C10')")


def test_pointing_shows_a_field_at_once_and_a_click_chooses_it(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{FIELDS}?layer=conv3")
    screen = page.locator(".field-map .screen.map")
    screen.scroll_into_view_if_needed()
    box = screen.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 3.5 / 16, box["y"] + box["height"] * 5.5 / 16)
    readout = page.locator(".field-map .readout")
    assert readout.inner_text() == "Unit 5, 3 sees rows 26 to 61 and columns 10 to 45."
    assert "at=" not in page.url
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function("location.search.includes('at=')")
    settle(page)
    assert readout.inner_text().startswith("Unit 5, 3 sees")
    numbers = page.evaluate("[...document.querySelectorAll('.katex annotation')].map(e => e.textContent).join(' ')")
    assert "= 26 " in numbers, "the first row of the field stands in the formula"


def test_arrow_keys_walk_the_map_and_turn_no_page(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{FIELDS}?layer=conv4")
    readout = page.locator(".field-map .readout")
    first = re.findall(r"\d+", readout.inner_text())
    page.locator(".field-map .screen.photo").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.search.includes('at=')")
    settle(page)
    second = re.findall(r"\d+", readout.inner_text())
    assert (int(second[0]), int(second[1])) == (int(first[0]), int(first[1]) + 1)
    assert FIELDS in page.url


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", [RULES, FIELDS])
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
