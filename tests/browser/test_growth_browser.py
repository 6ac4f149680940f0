"""The lesson on training in a real Chromium: the slider, its speed, what is followed behind the page, every sight."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import opened, settle

from lessons.growth.measure import EPOCHS

if TYPE_CHECKING:
    from playwright.sync_api import Page

SLUG = "growth"
SHOWN = "document.querySelector('.grown img').getAttribute('src')"


def open_lesson(page: Page, app_url: str, link: str = "") -> None:
    """Wait until the chosen layer has been followed through all epochs."""
    page.set_default_timeout(240_000)
    opened(page, f"{app_url}/{SLUG}{link}", ".grown img", "[data-testid=stForm]", ".scene-place")
    page.get_by_text(re.compile(r"\d of 5 checks? hold")).wait_for()
    page.wait_for_function("!document.querySelector('.st-key-growth-progress button')")
    settle(page)


def measure_all(page: Page) -> None:
    """Ask for all layers, where nobody has, and wait until they are there."""
    button = page.locator(".st-key-growth-all button:visible")
    if button.count():
        button.first.click()
    page.wait_for_function("document.querySelectorAll('table.bars').length === 2")
    settle(page)


@pytest.mark.deep
def test_the_slider_walks_through_the_training_and_the_link_keeps_it(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?scene=2")
    before, slider = page.evaluate(SHOWN), page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"was => {SHOWN} !== was", arg=before)
    page.get_by_text("relu3 after epoch 27").wait_for()
    settle(page)
    assert "epoch=27" in page.url
    assert SLUG in page.url, "arrow keys on the slider must not turn the page"
    alt = page.locator(".growth-curves img").last.get_attribute("alt")
    assert alt == "Accuracy on validation photographs; after epoch 27: 25 %"
    after = page.evaluate(SHOWN)
    page.reload()
    page.get_by_text("relu3 after epoch 27").wait_for()
    settle(page)
    assert page.evaluate(SHOWN) == after


def test_play_shows_every_epoch_and_the_page_follows_where_it_stops(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    page.evaluate(
        """() => { window.shown = []; new MutationObserver(() => window.shown.push(document.querySelector(
        '.film p').textContent)).observe(document.querySelector('.film p'), { childList: true }); }"""
    )
    button = page.locator(".film .play")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text(f"relu3 after epoch {EPOCHS[-1]}").first.wait_for()
    page.wait_for_url(f"**epoch={EPOCHS[-1]}**")
    settle(page)
    assert button.inner_text() == "Play"
    shown = [int(re.findall(r"epoch (\d+)", text)[0]) for text in page.evaluate("window.shown")]
    assert list(dict.fromkeys(shown)) == list(EPOCHS[1:])
    words = page.locator(".grown figcaption").all_inner_texts()
    assert all("distance 0.00" in text for text in words)
    page.locator(".film .undo").click()
    page.wait_for_url("**epoch=144**")
    settle(page)
    assert page.locator(".film .where").inner_text() == "7 / 8"


@pytest.mark.deep
def test_at_the_end_nothing_is_left_to_go(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?epoch=268&layer=relu2")
    words = page.locator(".grown figcaption").all_inner_texts()
    assert len(words) == 8
    assert all("distance 0.00" in text for text in words)
    assert page.get_by_text("5 of 5 checks hold").count() == 1


@pytest.mark.deep
def test_all_layers_are_measured_and_judged(page: Page, app_url: str, screenshot: Callable[..., Path]) -> None:
    open_lesson(page, app_url, "?epoch=63")
    measure_all(page)
    assert page.get_by_text("The lower layer was first in").count() == 2
    page.get_by_text("The numbers of the curves").click()
    table = page.locator(".early")
    table.wait_for()
    assert table.locator("tbody tr").count() == 14
    assert table.locator("td.here").count() == 14
    assert table.locator("thead th").all_inner_texts() == [str(epoch) for epoch in EPOCHS]
    screenshot(page, "lesson-growth-1440")
