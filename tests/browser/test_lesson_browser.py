"""The adjoint lesson in a real Chromium: cells, keys, links, languages, wrong ways, both themes, a telephone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SLUG = "convolution-and-its-adjoint"
#: Markup of Streamlit's own menu on a narrow screen: section heads stand among the items of its list.
NOT_OURS = "[data-testid=stSidebarNavItems]"


def open_lesson(page: Page, app_url: str, link: str = "") -> None:
    """Wait until the planes are there and nothing runs any more."""
    page.goto(f"{app_url}/{SLUG}{link}", timeout=120_000)
    page.wait_for_selector(".planes table", timeout=120_000)
    settle(page)


def settle(page: Page) -> None:
    """Wait until no run is under way and nothing is still to be drawn."""
    page.wait_for_function(
        "!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-stale=true]')",
        timeout=60_000,
    )


def plane(page: Page, title: str) -> Locator:
    """The table of numbers whose caption begins so."""
    return page.locator(".planes table").filter(has=page.locator("caption", has_text=re.compile(f"^{title}")))


def cell(table: Locator, row: int, column: int) -> Locator:
    return table.locator(f'[data-row="{row}"][data-column="{column}"]')


def formulas(page: Page) -> str:
    """The LaTeX of all formulas on the page."""
    return " ".join(page.locator(".katex annotation").all_text_contents())


def chosen(page: Page, title: str) -> str | None:
    return plane(page, title).locator(".chosen").first.get_attribute("aria-label")


def test_a_click_moves_window_and_stamp_and_the_link_keeps_them(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url)
    cell(plane(page, "output z"), 4, 3).click()
    expect(cell(plane(page, "output z"), 4, 3)).to_have_attribute("aria-selected", "true")
    cell(plane(page, "what comes back"), 5, 6).click()
    expect(cell(plane(page, "what comes back"), 5, 6)).to_have_attribute("aria-selected", "true")
    settle(page)
    frames = plane(page, "input x").locator(".frame")
    assert frames.count() == 6
    assert "z_{4,3}" in formulas(page)
    assert "{5,6}" in formulas(page)
    assert "cell=4%2C3" in page.url
    assert "back=5%2C6" in page.url
    before = plane(page, "what comes back").inner_text()
    page.reload()
    page.wait_for_selector(".planes table", timeout=120_000)
    settle(page)
    assert chosen(page, "output z") == "row 4, column 3: 37"
    assert plane(page, "what comes back").inner_text() == before


def test_arrow_keys_walk_and_enter_chooses(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url, "?cell=2,2")
    cell(plane(page, "output z"), 2, 2).focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(cell(plane(page, "output z"), 4, 3)).to_have_attribute("aria-selected", "true")
    expect(cell(plane(page, "output z"), 4, 3)).to_be_focused()
    assert SLUG in page.url, "arrow keys in a plane must not turn the page"


def test_the_language_stays_when_pages_are_turned(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    page.get_by_role("radio", name="中文").click()
    page.get_by_role("heading", name="转置卷积是逆运算吗").wait_for()
    assert "lang=zh" in page.url
    page.get_by_role("link", name="实验室").first.click()
    page.wait_for_url(lambda url: SLUG not in url, timeout=60_000)
    settle(page)
    assert "lang=zh" in page.url
    page.go_back()
    page.get_by_role("heading", name="转置卷积是逆运算吗").wait_for()


def test_a_wrong_way_turns_red_in_words(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    badges = page.locator(".st-key-proofs")
    assert badges.get_by_text("holds").count() == 3
    open_lesson(page, app_url, "?way=turned")
    assert badges.get_by_text("fails").count() == 3
    badges.get_by_role("button").first.click()
    page.get_by_text("def dot_test").first.wait_for()


def test_a_term_opens_its_definition(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    page.get_by_role("button", name="adjoint", exact=True).first.click()
    page.get_by_text("The map Aᵀ that obeys").wait_for()


def test_the_arrow_key_turns_the_page(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda url: SLUG not in url, timeout=60_000)


def test_the_first_page_drags_its_film_and_starts_the_course(page: Page, app_url: str) -> None:
    page.goto(app_url, timeout=120_000)
    page.wait_for_selector(".film img", timeout=120_000)
    settle(page)
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    page.get_by_text(re.compile(r"^Step 0 of \d+: start of")).first.wait_for()
    page.get_by_role("button", name="Start the course").click()
    page.get_by_role("heading", name="What does a convolution compute?").wait_for(timeout=120_000)


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", (1440, 900)), ("dark", (390, 844))], ids=["desktop-light", "phone-dark"]
)
@pytest.mark.parametrize(("path", "sign"), [(SLUG, ".planes table"), ("", ".film img")], ids=["lesson", "home"])
def test_nobody_is_kept_out(
    browser: Browser,
    app_url: str,
    path: str,
    sign: str,
    scheme: Any,
    size: tuple[int, int],
    screenshot: Callable[..., Path],
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{app_url}/{path}", timeout=120_000)
    page.wait_for_selector(sign, timeout=120_000)
    settle(page)
    screenshot(page, f"{path or 'home'}-{size[0]}-{scheme}", full=False)
    width = page.evaluate("document.documentElement.scrollWidth")
    found = Axe().run(page, {"exclude": [[NOT_OURS]]}).response["violations"]
    context.close()
    assert width == size[0], "the page scrolls sideways"
    bad = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in bad] == []
