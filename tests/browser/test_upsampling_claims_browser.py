"""The lessons on upsampling and on claims in a real Chromium: slider, cells, cards, links, both themes, a telephone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import cell, opened, plane, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

UPSAMPLING, CLAIMS = "upsampling-and-checkerboards", "claims-under-test"


def open_lesson(page: Page, app_url: str, path: str) -> None:
    """Wait until the whole page is there and nothing runs any more."""
    opened(page, f"{app_url}/{path}", "[data-testid=stForm]")


@pytest.mark.deep
def test_the_slider_makes_the_overlap_even_and_the_link_keeps_it(
    page: Page, app_url: str, screenshot: Callable[..., Path]
) -> None:
    open_lesson(page, app_url, f"{UPSAMPLING}?scene=4")
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


@pytest.mark.deep
def test_a_click_on_a_count_shows_who_wrote_there(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{UPSAMPLING}?scene=2")
    cell(plane(page, "writes on each"), 0, 6).click()
    page.wait_for_function("location.search.includes('place=0%2C6')")
    settle(page)
    writers = page.locator(".planes table").first.locator(".touched")
    assert [writers.nth(i).get_attribute("aria-label") for i in range(writers.count())] == [
        "row 0, column 2: 1",
        "row 0, column 3: 1",
    ]


def test_cards_are_dealt_by_list_board_and_link(page: Page, app_url: str, screenshot: Callable[..., Path]) -> None:
    open_lesson(page, app_url, f"{CLAIMS}?card=C2")
    nothing = re.compile(r"^fails Of the energy that the blur removed, 0\.0 % came back")
    page.get_by_role("heading", name=nothing).wait_for()
    page.get_by_role("button", name=re.compile("^Flip the kernel")).click()
    page.get_by_role("heading", name=re.compile("^only if Right for one channel at stride 1")).wait_for()
    settle(page)
    assert "card=C4" in page.url
    screenshot(page, "lesson-claims-1440", full=False)
    open_lesson(page, app_url, f"{CLAIMS}?card=F001.1")
    page.get_by_role("heading", name=re.compile("^fails As printed it does not even give the size")).wait_for()
    page.get_by_role("radio", name="中文").click()
    page.get_by_role("heading", name=re.compile("^不成立 按原文公式计算")).wait_for()
    assert "card=F001.1" in page.url


@pytest.mark.deep
def test_the_card_of_the_cut_out_tells_its_rule_and_leads_to_the_lesson(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{CLAIMS}?card=C8")
    said = r"^fails Not accurate: the cut-out overlaps the true object by 0\.637"
    page.get_by_role("heading", name=re.compile(said)).wait_for()
    page.get_by_role("button", name="See for yourself: Cut-out").click()
    page.wait_for_url(re.compile("cut-out"))
