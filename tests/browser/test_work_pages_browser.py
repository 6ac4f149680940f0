"""The pages about applications in a real Chromium, wide and light in English, narrow and dark in Chinese."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import Sight, in_both_views, keeps_nobody_out, opened, seen

from lessons._kit.form.page import Lesson, discover

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = [page.slug for page in discover() if isinstance(page, Lesson) and page.section == "work"]

#: Pixels of a row of badges with the space around it.
LINE = 60
#: Height of the badges less that of as many rows as they stand in.
SPARE = f"""block => {{
  const badges = [...block.querySelectorAll('[data-testid=stPopover]')];
  const rows = new Set(badges.map(badge => Math.round(badge.getBoundingClientRect().top)));
  return block.getBoundingClientRect().height - {LINE} * rows.size
}}"""


@in_both_views
@pytest.mark.parametrize("slug", PAGES)
def test_nobody_is_kept_out(
    browser: Browser, app_url: str, slug: str, sight: Sight, language: str, screenshot: Callable[..., Path]
) -> None:
    with seen(browser, sight) as page:
        opened(page, f"{app_url}/{slug}?lang={language}", "[data-testid=stForm]", ".st-key-proofs")
        assert page.locator("[data-testid=stException]").count() == 0
        assert page.locator(".st-key-proofs").evaluate(SPARE) < LINE
        screenshot(page, f"{slug}-{language}-{sight}", full=True)
        keeps_nobody_out(page)
