"""The lesson on the matrix in a real Chromium: rows, weights and columns by mouse and keys, themes, a telephone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import cell, opened, plane, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

SLUG = "convolution-is-a-matrix"


def open_lesson(page: Page, app_url: str, link: str = "") -> None:
    """Wait until the matrix is there and nothing runs any more."""
    opened(page, f"{app_url}/{SLUG}{link}", "[data-testid=stForm]", ".big-matrix .entry")


def lit(page: Page) -> list[str]:
    """The numbers of the entries that are lit."""
    return page.locator(".big-matrix .entry:not(.dim) text").all_text_contents()


@pytest.mark.deep
def test_a_weight_lights_up_wherever_it_stands(page: Page, app_url: str, screenshot: Callable[..., Path]) -> None:
    open_lesson(page, app_url)
    assert lit(page) == ["1", "2", "3", "4", "5", "6"]
    cell(plane(page, "kernel w").first, 1, 2).click()
    page.get_by_text("One weight, 36 times in A").wait_for()
    settle(page)
    assert lit(page) == ["6"] * 36
    assert "look=weight" in page.url
    screenshot(page, "lesson-matrix-1440", full=False)
    page.reload()
    page.get_by_text("One weight, 36 times in A").wait_for()


@pytest.mark.deep
def test_arrow_keys_and_enter_choose_a_column(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?look=column&back=3,3")
    cell(plane(page, "input x").first, 3, 3).focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("Column 32 of A is where input cell 4, 4 goes").wait_for()
    settle(page)
    assert lit(page) == ["6", "5", "4", "3", "2", "1"]
    assert SLUG in page.url, "arrow keys in a plane must not turn the page"


@pytest.mark.deep
def test_a_click_in_the_matrix_chooses_its_row(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    page.locator(".big-matrix .entry").first.click()
    page.get_by_text("Row 0 of A makes output cell 0, 0").wait_for()
    settle(page)
    assert lit(page) == ["5", "6"]
    page.locator(".big-matrix .vec").nth(9).click()
    page.get_by_text("Column 9 of A is where input cell 1, 2 goes").wait_for()


@pytest.mark.deep
def test_the_pointer_reads_an_entry(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    page.locator(".big-matrix .entry").nth(1).hover()
    page.get_by_text("row 0, column 1: weight 1, 2 = 6").wait_for()


@pytest.mark.deep
def test_a_kernel_that_does_not_fit_leaves_the_matrix(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?kernel=edge&padding=0")
    before = page.locator(".big-matrix .entry").count()
    page.get_by_role("radiogroup", name="Dilation").get_by_role("radio", name="3").click()
    page.get_by_text("spans 7 × 7 cells, but the padded picture has 6 × 7").wait_for()
    settle(page)
    assert page.locator(".big-matrix .entry").count() == before > 0
