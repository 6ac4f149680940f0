"""The lessons on the four rules and on receptive fields in a real Chromium: cells, keys, links, themes, a telephone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from looking import formulas, opened, plane, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

RULES, FIELDS = "four-rules-at-a-rectifier", "receptive-fields"


def open_lesson(page: Page, app_url: str, path: str) -> None:
    """Wait until the whole page is there and nothing runs any more."""
    opened(page, f"{app_url}/{path}", "[data-testid=stForm]", ".st-key-part-checks")


def numbers(page: Page, title: str) -> Locator:
    """The first table of numbers whose caption begins so."""
    return plane(page, title).first


@pytest.mark.deep
def test_closing_a_gate_stops_the_gradient_there(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{RULES}?numbers=open")
    at = '[data-row="0"][data-column="2"]'
    assert numbers(page, "Gradient").locator(at).inner_text() == "3"
    numbers(page, "z, forward").locator(at).click()  # 3 becomes −3
    page.wait_for_function("location.search.includes('digits=')")
    settle(page)
    assert numbers(page, "z, forward").locator(at).inner_text() == "−3"
    assert "touched" in (numbers(page, "Gradient").locator(at).get_attribute("class") or "")
    assert numbers(page, "Gradient").locator(at).inner_text() == "0"
    assert numbers(page, "DeconvNet").locator(at).inner_text() == "3"
    page.reload()
    page.wait_for_selector(".planes table", timeout=120_000)
    assert numbers(page, "Gradient").locator(at).inner_text() == "0"


@pytest.mark.deep
def test_keys_choose_a_cell_of_a_mask(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url, RULES)
    mask = page.locator(".planes table").nth(1)
    mask.locator('[data-row="1"][data-column="2"]').focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(mask.locator('[data-row="2"][data-column="3"]')).to_have_attribute("aria-selected", "true")
    assert RULES in page.url, "arrow keys in a plane must not turn the page"


@pytest.mark.deep
def test_another_unit_and_pair_change_the_maps(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{RULES}?rank=1")
    before = page.locator(".lab-panels img").first.get_attribute("src")
    open_lesson(page, app_url, f"{RULES}?rank=2&pair=gradient-linear")
    assert page.locator(".lab-panels img").first.get_attribute("src") != before
    assert page.locator(".rules-pair b").last.inner_text() == "Gradient − Linear"
    assert "5 of 5 checks hold" in page.locator(".st-key-part-checks").inner_text()


@pytest.mark.deep
def test_the_claim_opens_from_the_finding(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{RULES}?scene=6")
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
    assert "= 26 " in formulas(page), "the first row of the field stands in the formula"


@pytest.mark.deep
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
