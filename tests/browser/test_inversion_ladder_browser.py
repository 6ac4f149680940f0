"""Inversion and the ladder in a real Chromium: begun when asked, stopped, continued, and on every screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import broken_rules, opened, settle, stop

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORM = "[data-testid=stForm]"
SIGNS = {"inversion": (FORM, ".inverted img", ".st-key-part-checks"), "ladder": (FORM, ".ladder img")}
#: Milliseconds that a program may take to compile while other tests compile too.
LONG = 240_000


def step(page: Page) -> int:
    """The step of the inverted picture; 0 before the first one."""
    found = re.search(r"step (\d+)", page.locator(".inverted figcaption").nth(1).inner_text())
    return int(found[1]) if found else 0


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_an_inversion_is_begun_stopped_and_continued(page: Page, app_url: str, screenshot: Callable[..., Path]) -> None:
    opened(page, f"{app_url}/inversion?layer=relu1&seed=2", *SIGNS["inversion"])
    assert page.locator(".inverted img").count() == 1
    page.get_by_role("button", name="Invert relu1").click()
    page.get_by_role("button", name="Stop", exact=True).wait_for(timeout=LONG)
    page.locator(".st-key-invert").wait_for(state="detached", timeout=LONG)  # what stood there before has faded away
    assert broken_rules(page) == []
    page.locator(".inverted img").nth(1).wait_for(timeout=LONG)
    stop(page)
    # The click on Stop may have come too late; the buttons of the checks are there all the time.
    ended = page.get_by_text(re.compile(r"Stopped\.")).or_(page.locator(".inverted").get_by_text("step 512"))
    ended.first.wait_for(timeout=LONG)
    settle(page)
    before = step(page)
    assert before > 0
    go_on = page.get_by_role("button", name="Continue", exact=True)
    if go_on.count():
        assert before < 512
        go_on.click()
    page.wait_for_function("document.querySelector('.inverted').textContent.includes('step 512')", timeout=LONG)
    page.get_by_text("4 of 4 checks hold").wait_for(timeout=LONG)
    settle(page)
    assert page.locator(".curves img").count() == 1
    assert "layer=relu1" in page.url
    screenshot(page, "inversion-relu1")
    page.reload()
    page.locator(".inverted img").nth(1).wait_for(timeout=LONG)
    assert step(page) == 512  # the same job for everybody


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_the_ladder_is_climbed_when_asked_and_can_be_stopped(
    page: Page, app_url: str, screenshot: Callable[..., Path]
) -> None:
    opened(page, f"{app_url}/ladder?image=coffee", *SIGNS["ladder"])
    assert page.locator(".ladder section").count() == 8
    assert page.locator(".ladder img").count() == 1
    page.get_by_role("button", name="Climb the ladder").click()
    page.locator('.ladder img[alt^="relu2, DeconvNet"]').wait_for(timeout=LONG)
    stop(page)
    page.get_by_role("button", name="Continue", exact=True).wait_for(timeout=LONG)
    settle(page)
    assert page.locator(".ladder img").count() >= 3
    assert page.get_by_text(re.compile("checks? holds?")).count() == 1
    assert broken_rules(page) == []
    screenshot(page, "ladder-coffee")
