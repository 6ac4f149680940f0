"""The lesson on feature visualization in a real Chromium: a first look, a long run, a sheet whose tiles open units."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import opened, settle, stop

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: A busy machine takes minutes to compile a layer that nobody has asked for before.
pytestmark = pytest.mark.timeout(1200)
SLUG = "feature-visualization"
#: Long enough for a busy machine to compile.
PATIENCE = 300_000


def open_lesson(page: Page, app_url: str, link: str = "") -> None:
    """Wait until a picture and its checks are there."""
    page.set_default_timeout(PATIENCE)
    opened(page, f"{app_url}/{SLUG}{link}")
    page.wait_for_selector(".vision img.made")
    page.wait_for_selector(".st-key-part-checks")
    settle(page)


def test_a_made_picture_is_there_and_its_checks_hold(page: Page, app_url: str, screenshot: Callable[..., Path]) -> None:
    open_lesson(page, app_url)
    assert page.locator(".st-key-part-checks").get_by_text("5 of 5 checks hold").count() == 1
    assert page.locator(".vision img").count() == 2
    assert "keeps 88 %" in page.locator(".vision-facts").inner_text()
    assert page.locator("[data-testid=stProgress]").count() == 0, "nothing long starts unasked"
    screenshot(page, "visualization-first")


def test_a_long_run_streams_and_can_be_stopped_and_continued(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?layer=relu2")
    before = page.locator(".vision img.made").get_attribute("src")
    page.get_by_role("button", name="Go on to 256 steps").click()
    stop(page)
    page.get_by_role("button", name="Continue").or_(page.locator(".vision", has_text="step 256")).first.wait_for()
    if page.get_by_role("button", name="Continue").count():
        page.get_by_role("button", name="Continue").click()
    page.locator(".vision", has_text="step 256").wait_for()
    settle(page)
    assert page.locator(".vision img.made").get_attribute("src") != before


@pytest.mark.deep
def test_a_sheet_comes_and_a_tile_opens_its_unit(page: Page, app_url: str, screenshot: Callable[..., Path]) -> None:
    open_lesson(page, app_url, "?layer=relu1")
    page.get_by_role("button", name="Make channels 0 to 15 of relu1").click()
    page.locator('.tiles [data-id="15"]').filter(has_not_text="to come").wait_for()
    settle(page)
    page.locator('.tiles [data-id="2"]').click()
    page.locator(".vision", has_text="relu1, channel 2").wait_for()
    page.wait_for_url("**unit=2**")
    page.get_by_role("button", name="Stop").or_(page.locator('.tiles [aria-checked="true"]')).first.wait_for()
    screenshot(page, "visualization-sheet")
