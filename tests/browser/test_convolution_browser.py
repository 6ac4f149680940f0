"""The first lesson in a real Chromium: cells to type over, a photograph, links, languages, themes, a telephone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import formulas, opened, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SLUG = "convolution"


def open_lesson(page: Page, app_url: str, link: str = "") -> None:
    """Wait until the whole page is there and nothing runs any more."""
    opened(page, f"{app_url}/{SLUG}{link}", ".first-cells table", "[data-testid=stForm]")


def grid(page: Page, title: str) -> Locator:
    """The table of numbers whose caption begins so."""
    return page.locator(".first-cells table").filter(has=page.locator("caption", has_text=re.compile(f"^{title}")))


def cell(table: Locator, row: int, column: int) -> Locator:
    return table.locator(f'td[data-row="{row}"][data-column="{column}"]')


def numbers(table: Locator) -> list[str]:
    """The texts of a plane that comes out, row by row."""
    return table.locator("td[data-pick]").all_text_contents()


def test_a_typed_cell_changes_the_output_and_the_link_keeps_it(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url)
    first = cell(grid(page, "input x"), 0, 0).locator("input")
    first.click()
    page.keyboard.type("-1")
    page.keyboard.press("Enter")
    expect(cell(grid(page, "output z"), 0, 0)).to_have_text("−2")
    expect(first).to_have_value("−1")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.type("0.5")
    page.keyboard.press("Tab")
    expect(cell(grid(page, "output z"), 0, 1)).to_have_text("−0.50")
    settle(page)
    assert "picture=own" in page.url
    before = numbers(grid(page, "output z"))
    page.reload()
    page.wait_for_selector(".first-cells td[data-pick]", timeout=120_000)
    settle(page)
    assert numbers(grid(page, "output z")) == before
    assert cell(grid(page, "input x"), 0, 1).locator("input").input_value() == "0.50"


@pytest.mark.deep
def test_what_is_being_typed_is_not_overwritten(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url)
    weights = grid(page, "kernel w").first
    cell(weights, 2, 2).locator("input").click()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.type("-9")
    expect(cell(grid(page, "output z"), 0, 0)).to_have_text("7")
    settle(page)
    expect(cell(weights, 1, 2).locator("input")).to_have_value("-9")
    page.keyboard.press("Escape")
    expect(cell(weights, 1, 2).locator("input")).to_have_value("−2")


@pytest.mark.deep
def test_nonsense_in_a_cell_gets_a_sentence_and_the_picture_stays(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url)
    before = numbers(grid(page, "output z"))
    typed = cell(grid(page, "input x"), 2, 3).locator("input")
    typed.fill("abc")
    page.keyboard.press("Enter")
    expect(page.locator(".cell-error").first).to_contain_text("“abc” is not a number that fits a cell")
    expect(typed).to_have_attribute("aria-invalid", "true")
    assert numbers(grid(page, "output z")) == before
    typed.fill("3")
    page.keyboard.press("Enter")
    expect(page.locator(".cell-error").first).to_be_empty()
    expect(typed).to_have_attribute("aria-invalid", "false")


def test_a_click_traces_a_cell_down_to_one_product(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url)
    cell(grid(page, "output z"), 3, 1).click()
    expect(cell(grid(page, "output z"), 3, 1)).to_have_attribute("aria-selected", "true")
    cell(grid(page, "products"), 2, 2).click()
    expect(cell(grid(page, "products"), 2, 2)).to_have_attribute("aria-selected", "true")
    settle(page)
    frames = grid(page, "input x").locator("td.frame")
    assert frames.count() == 9
    assert frames.first.locator("input").get_attribute("aria-label").endswith("row 3, column 1")
    assert "z_{3,1}" in formulas(page)
    assert "x_{5,3}" in formulas(page)
    cell(grid(page, "output z"), 3, 1).focus()
    for key in ("ArrowUp", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(cell(grid(page, "output z"), 2, 2)).to_have_attribute("aria-selected", "true")
    expect(cell(grid(page, "output z"), 2, 2)).to_be_focused()
    assert page.url.split("?")[0].endswith(SLUG), "arrow keys in a plane must not turn the page"


@pytest.mark.deep
def test_switches_turn_the_kernel_and_add_channels(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url, "?picture=pixel&kernel=numbered")
    assert numbers(grid(page, "output z"))[:15] == [*"00000", *"06540", *"03210"]
    page.get_by_role("button", name="Turn the kernel").click()
    expect(cell(grid(page, "output z"), 1, 1)).to_have_text("1")
    assert numbers(grid(page, "output z"))[:15] == [*"00000", *"01230", *"04560"]
    page.locator(".switches").get_by_role("button", name="Three channels").click()
    expect(grid(page, "input x")).to_have_count(3)
    expect(page.locator(".switches [aria-pressed=true]")).to_have_count(2)
    settle(page)
    assert "channels=3" in page.url
    assert "turned=yes" in page.url


@pytest.mark.deep
def test_stride_zero_gets_a_sentence_and_the_picture_stays(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url, "?kernel=blur")
    before = numbers(grid(page, "output z"))
    page.get_by_role("spinbutton", name="Stride").fill("0")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Stride 0 is not possible")).to_be_visible()
    settle(page)
    assert numbers(grid(page, "output z")) == before


@pytest.mark.deep
def test_a_place_of_the_photograph_leads_to_its_products(
    page: Page, app_url: str, screenshot: Callable[..., Path]
) -> None:
    open_lesson(page, app_url, "?picture=camera")
    picture = page.locator(".first-photo .screen").first
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] * 62.5 / 128, "y": box["height"] * 30.5 / 128})
    page.wait_for_function("location.search.includes('cell=29%2C61')")
    page.locator(".katex annotation", has_text="z_{29,61}").first.wait_for(state="attached")
    page.locator(".first-photo .screen[data-pick=output]").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.locator(".katex annotation", has_text="z_{39,61}").first.wait_for(state="attached")
    assert "cell=39%2C61" in page.url
    settle(page)
    shown = cell(grid(page, "z$"), 0, 0).inner_text()
    assert page.get_by_text(f"z = {shown} here").count() == 1
    screenshot(page, "lesson-convolution-photograph-1440", full=False)


@pytest.mark.deep
def test_the_languages_have_the_same_picture(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?channels=3&stride=2&lang=en")
    before = numbers(page.locator(".first-cells .total table"))
    page.get_by_role("radio", name="中文").click()
    page.get_by_role("heading", name="卷积").first.wait_for()
    settle(page)
    assert numbers(page.locator(".first-cells .total table")) == before
    assert "lang=zh" in page.url


@pytest.mark.deep
def test_the_card_of_the_formula_leads_here(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/claims-under-test?card=F002.1")
    page.get_by_role("button", name="See for yourself: Convolution").click(timeout=120_000)
    page.get_by_role("heading", name="What does a convolution compute?").wait_for()


@pytest.mark.deep
def test_a_page_with_choices_in_its_link_can_be_turned(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?lang=zh&padding=2")
    page.locator(".st-key-turn-Right a").click()
    page.wait_for_url(lambda url: f"/{SLUG}?" not in url, timeout=120_000)
    settle(page)
    assert "lang=zh" in page.url
    assert not page.get_by_text("StreamlitAPIException").count()
