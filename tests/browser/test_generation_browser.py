"""The lesson on generation in a real Chromium: views, decoders, links, themes, a telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from looking import opened, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATH = "generation"
SIGNS = (".made img", "[data-testid=stForm]", ".st-key-part-checks")


@pytest.mark.deep
def test_another_seed_draws_others_and_all_proofs_hold(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/{PATH}?view=draw&wanted=Motorbikes", *SIGNS)
    assert page.locator(".st-key-part-checks").get_by_text("5 of 5 checks hold").count() == 1
    first = page.locator(".made img").first.get_attribute("src")
    page.get_by_role("slider", name="Seed").press("ArrowRight")
    page.wait_for_url("**seed=1**")
    settle(page)
    assert page.locator(".made img").first.get_attribute("src") != first
    assert page.locator(".made").first.locator("figure").count() == 12


@pytest.mark.deep
def test_a_scene_shows_its_failure_once_it_was_predicted(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/{PATH}?scene=3", *SIGNS)
    assert page.locator(".made.strip img").count() == 7
    page.get_by_role("radio", name="none, or nearly none").click()
    page.locator(".made.sheet figure").first.wait_for(timeout=120_000)
    settle(page)
    page.get_by_text("calls 0 of 12 by their class, motorbike").wait_for()
    assert page.locator(".made.sheet figure").count() == 12
