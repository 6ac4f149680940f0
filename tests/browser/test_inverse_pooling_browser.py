"""The lessons on inverses and on pooling in a real Chromium: controls, cells, links, languages, themes, a telephone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from looking import opened, plane, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

INVERSE, POOLING = "adjoint-is-not-inverse", "pooling-and-switches"


def open_lesson(page: Page, app_url: str, path: str) -> None:
    """Wait until the whole page is there and nothing runs any more."""
    opened(page, f"{app_url}/{path}", "[data-testid=stForm]")


def numbers(page: Page, title: str) -> Locator:
    """The first table of numbers whose caption begins so."""
    return plane(page, title).first


def shown(page: Page, name: str) -> str:
    """What stands under a photograph."""
    figure = page.locator(".pictures figure").filter(has=page.locator("strong", has_text=re.compile(f"^{name}")))
    return figure.locator("span").inner_text()


@pytest.mark.deep
def test_more_noise_costs_decibels_and_the_link_keeps_it(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{INVERSE}?scene=5")
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


@pytest.mark.deep
def test_a_shift_is_undone_by_the_adjoint(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{INVERSE}?kernel=box")
    page.get_by_text("is 26 % away from x").wait_for()
    open_lesson(page, app_url, f"{INVERSE}?scene=6")
    page.get_by_text("is 0 % away from x").wait_for()
    assert "3 of 3 checks hold" in page.locator(".st-key-part-checks").inner_text()


@pytest.mark.deep
def test_a_proof_opens_its_code(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, INVERSE)
    page.get_by_text("Evidence: checks, code, sources").click()
    page.get_by_text("The code that measured it").nth(1).click()
    page.get_by_text("def singular").first.wait_for()


def test_a_click_raises_a_cell_of_the_picture(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, POOLING)
    cell = numbers(page, "input x").locator('[data-row="4"][data-column="0"]')
    before = int(cell.inner_text())
    cell.click()
    page.wait_for_function("location.search.includes('digits=')")
    settle(page)
    assert int(cell.inner_text()) == before + 1
    assert numbers(page, "maxima y").locator('[data-row="2"][data-column="0"]').inner_text() == str(before + 1)


@pytest.mark.deep
def test_keys_choose_a_window_and_its_switch(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url, f"{POOLING}?cell=1,1")
    maxima = numbers(page, "maxima y")
    maxima.locator('[data-row="1"][data-column="1"]').focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(maxima.locator('[data-row="2"][data-column="2"]')).to_have_attribute("aria-selected", "true")
    settle(page)
    assert numbers(page, "switches s").locator(".chosen").inner_text() == "32"
    assert POOLING in page.url, "arrow keys in a plane must not turn the page"


@pytest.mark.deep
def test_overwriting_turns_red_where_windows_share_a_maximum(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{POOLING}?picture=peak&window=3")
    assert "3 of 3 checks hold" in page.locator(".st-key-part-checks").inner_text()
    open_lesson(page, app_url, f"{POOLING}?picture=peak&window=3&way=overwrite")
    assert "0 of 3 checks hold" in page.locator(".st-key-part-checks").inner_text()


def test_arrows_end_inside_cells_and_pass_under_their_digits(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, POOLING)
    ends = page.locator(".with-arrows").first.evaluate(
        """line => {
          const cells = [...line.querySelectorAll("table")[1].querySelectorAll("td[data-at]")];
          const boxes = cells.map((cell) => cell.getBoundingClientRect());
          const frame = line.getBoundingClientRect();
          return [...line.querySelectorAll(".arrows path")].map((path) => {
            const [x, y] = path.getAttribute("d").match(/L([-\\d.]+),([-\\d.]+)/).slice(1).map(Number);
            return boxes.some((b) => x + frame.x > b.x + 2 && x + frame.x < b.right - 2
              && y + frame.y > b.y + 2 && y + frame.y < b.bottom - 2);
          });
        }"""
    )
    assert len(ends) == 9
    assert all(ends)
    digit = page.locator(".with-arrows td[data-at] span").first
    assert digit.evaluate("span => getComputedStyle(span).zIndex") == "1"
