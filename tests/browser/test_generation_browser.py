"""The lesson on generation in a real Chromium: views, decoders, links, themes, a telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from looking import opened, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATH = "generation"
SIGNS = (".made img", "[data-testid=stForm]", ".st-key-proofs")


@pytest.mark.deep
def test_another_seed_draws_others_and_all_proofs_hold(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/{PATH}?view=draw&wanted=Motorbikes", *SIGNS)
    assert page.locator(".st-key-proofs").get_by_text("5 of 5 checks hold").count() == 1
    first = page.locator(".made img").first.get_attribute("src")
    page.get_by_role("slider", name="Seed").press("ArrowRight")
    page.wait_for_url("**seed=1**")
    settle(page)
    assert page.locator(".made img").first.get_attribute("src") != first
    assert page.locator(".made").first.locator("figure").count() == 12


@pytest.mark.deep
def test_a_preset_walks_through_the_faces(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/{PATH}", *SIGNS)
    page.get_by_role("button", name="A walk through the faces").click()
    page.locator(".made b", has_text="+2 and 0 standard deviations").wait_for(timeout=120_000)
    settle(page)
    assert "view=walk" in page.url
    assert page.locator(".made.strip img").count() == 7
