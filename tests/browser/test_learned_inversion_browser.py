"""The lesson on learned inversion in a real Chromium: another layer, changed numbers, links, themes, a telephone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from looking import formulas, opened, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATH = "learned-inversion"
SIGNS = (".inverted img", "[data-testid=stForm]", ".st-key-part-checks")


def answer(page: Page) -> tuple[str, str, str]:
    """Title, note and pixels of the picture that came back."""
    figure = page.locator(".inverted figure").nth(1)
    title, note = figure.locator("b").inner_text(), figure.locator("span").inner_text()
    return title, note, figure.locator("img").get_attribute("src") or ""


@pytest.mark.deep
def test_a_deeper_layer_gives_another_picture_with_a_larger_error(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/{PATH}?layer=relu2", *SIGNS)
    title, note, early = answer(page)
    assert title == "Made from relu2 in one pass"
    assert page.locator(".st-key-part-checks").get_by_text("4 of 4 checks hold").count() == 1
    page.locator(".st-key-layer-shown input").click()
    page.get_by_role("option", name="relu7").click()
    page.locator(".inverted b", has_text="Made from relu7 in one pass").wait_for(timeout=120_000)
    settle(page)
    assert "layer=relu7" in page.url
    _, deep_note, deep = answer(page)
    errors = [float(found) for one in (note, deep_note) for found in re.findall(r"error in pixels ([\d.]+)", one)]
    assert deep != early
    assert errors[1] > 2 * errors[0]
    assert f"{errors[1]:.3g}" in formulas(page)
    assert page.locator(".bars tr").count() == 8, "seven layers and the mean colour, in the evidence"


@pytest.mark.deep
def test_changed_numbers_change_the_answer(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/{PATH}", *SIGNS)
    before = answer(page)[2]
    opened(page, f"{app_url}/{PATH}?scene=4", *SIGNS)
    page.locator(".inverted b", has_text="Made from the changed relu4").wait_for(timeout=120_000)
    settle(page)
    assert answer(page)[2] != before
    page.locator(".st-key-change-shown input").click()
    page.get_by_role("option", name="stronger half of the channels off").click()
    page.wait_for_url("**change=silent**")
