"""The lesson on DeconvNet in a real Chromium: the slider, a cell by mouse and keys, links, themes, a telephone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import BOXES, FORMULAS, opened, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

SLUG = "deconvnet-step-by-step"
#: Formulas, tables and tiles, and the boxes that they must fit into.
PARTS = f"{FORMULAS}, .dn-zoom table, .dn-tiles figure, .dn-pair figure"
WITHIN = f"{BOXES}, [data-testid=stHtml]"


def open_lesson(page: Page, app_url: str, link: str = "") -> None:
    """Wait until the whole page is there, all of it in the last scene, and nothing runs any more."""
    opened(page, f"{app_url}/{SLUG}{link or '?scene=7'}", "[data-testid=stForm]", ".unit-grid[data-painted]")


def step_shown(page: Page, words: str) -> None:
    """Wait until the head of the picture says so."""
    page.locator(".dn-here", has_text=re.compile(f"^{re.escape(words)}")).wait_for()


@pytest.mark.deep
def test_the_slider_walks_down_and_the_link_keeps_the_step(
    page: Page, app_url: str, screenshot: Callable[..., Path]
) -> None:
    open_lesson(page, app_url)
    step_shown(page, "Step 3 of 13: unpool of pool4, 8 × 8 × 128 → 16 × 16 × 128")
    screenshot(page, "lesson-deconvnet-1440")
    thumb = page.get_by_role("slider")
    thumb.focus()
    page.keyboard.press("ArrowRight")
    step_shown(page, "Step 4 of 13: rectify of relu4")
    page.keyboard.press("ArrowRight")
    step_shown(page, "Step 5 of 13: filter of conv4, 16 × 16 × 128 → 16 × 16 × 112")
    settle(page)
    assert SLUG in page.url, "arrow keys on the slider must not turn the page"
    assert "step=5" in page.url
    assert page.locator(".film img").nth(5).get_attribute("class") == "here"
    page.reload()
    step_shown(page, "Step 5 of 13: filter of conv4")


def test_a_click_in_a_map_looks_into_that_cell(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?step=5")
    page.locator(".unit-grid [role=option]").nth(2).locator("canvas").click(position={"x": 50, "y": 60})
    page.wait_for_function("location.search.includes('cell=')")
    settle(page)
    title = page.locator(".dn-here", has_text="One cell").inner_text()
    row, column, channel = re.findall(r"\d+", title)
    assert f"cell=5%3A{row}%2C{column}%2C{channel}" in page.url or f"cell=5:{row},{column},{channel}" in page.url
    chosen = page.locator(".dn-zoom td.chosen").inner_text()
    total = page.locator(".dn-products .sum td").last.inner_text()
    assert abs(_number(chosen) - _number(total)) <= 0.06 * abs(_number(total))


def _number(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.deep
def test_the_sum_written_out_is_the_signals_cell(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?step=13&picture=rocket")
    rows = page.locator(".dn-products tbody tr td:last-child").all_inner_texts()
    *parts, total, cell = [_number(row) for row in rows]
    assert len(parts) == 6
    assert abs(sum(parts) - total) < 0.01 * sum(map(abs, parts))
    assert total == cell


@pytest.mark.deep
def test_keys_choose_a_cell(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?step=3")
    option = page.locator(".unit-grid [role=option]").nth(0)
    option.focus()
    for key in ("ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("location.search.includes('cell=')")
    settle(page)
    second = page.locator(".unit-grid [role=option]").nth(1)
    assert second.get_attribute("aria-selected") == "true"
    channel = second.locator("b").inner_text()
    assert page.locator(".dn-here", has_text=f"channel {channel}").count() == 1
    assert SLUG in page.url


@pytest.mark.deep
def test_a_silent_unit_is_named(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?layer=relu7&channel=19&step=2")
    page.get_by_text("all zero: this unit is silent on this picture").first.wait_for()
    assert "5 of 5 checks hold" in page.locator(".st-key-part-checks").inner_text()


@pytest.mark.deep
def test_proofs_and_shares_open(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    page.get_by_text("Evidence: checks, code, sources").click()
    page.get_by_text("Rectify is not linear").wait_for()
    page.keyboard.press("Escape")
    page.locator(".st-key-passed").get_by_role("button").click()
    page.get_by_text("What is dropped appears in no picture").wait_for()
