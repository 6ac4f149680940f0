"""The lesson on the top nine in a real Chromium: channels by mouse and keys, links, one's own atlas, a telephone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import as_for_users, opened, settle
from open_app import served

import deconvviz as dv
from deconvviz import atlas as atlases
from deconvviz._cli.app import with_atlas

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SLUG = "top-nine"


def open_lesson(page: Page, app_url: str, path: str) -> None:
    """Wait until the whole page is there and nothing runs any more."""
    opened(page, f"{app_url}/{path}", "[data-testid=stForm]", ".st-key-part-checks")


def activations(page: Page) -> list[str]:
    """What stands under the nine patches."""
    texts: list[str] = page.locator(".nine section").first.locator("figcaption").all_inner_texts()
    return [text.split()[-1] for text in texts]


def test_a_click_on_a_channel_shows_its_nine(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{SLUG}?layer=relu2")
    page.locator(".tiles [role=radio][data-id='41']").click()
    page.wait_for_function("location.search.includes('channel=41')")
    settle(page)
    rows = atlases.Atlas.open(atlases.SHIPPED).rows("relu2", 41)
    assert activations(page) == [f"{row.activation:.3g}" for row in rows]
    assert page.locator(".nine img").count() == 18
    page.reload()
    page.wait_for_selector(".nine img", timeout=120_000)
    assert activations(page) == [f"{row.activation:.3g}" for row in rows]


@pytest.mark.deep
def test_arrow_keys_walk_the_channels_and_turn_no_page(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{SLUG}?layer=relu3&channel=52")
    page.locator(".tiles [role=radio][data-id='52']").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.search.includes('channel=59')")
    assert SLUG in page.url


@pytest.mark.deep
def test_another_of_the_nine_is_framed_and_proven(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{SLUG}?layer=relu5&channel=95&rank=6")
    row = atlases.Atlas.open(atlases.SHIPPED).rows("relu5", 95)[5]
    said = page.locator(".nine-whole figcaption").inner_text()
    top, left, bottom, right = row.box
    assert f"rows {top} to {bottom - 1}, columns {left} to {right - 1}" in said
    frame, shown = page.locator(".nine-whole span").bounding_box(), page.locator(".nine-whole img").bounding_box()
    assert frame is not None
    assert shown is not None
    assert abs((frame["y"] - shown["y"]) / shown["height"] - top / 128) < 0.02
    assert abs(frame["width"] / shown["width"] - (right - left) / 128) < 0.02
    assert page.locator(".nine figure.chosen").count() == 2
    assert page.locator(".st-key-part-checks").get_by_text("4 of 4 checks hold").count() == 1


@pytest.mark.deep
def test_one_scale_for_all_makes_weak_reconstructions_pale(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, f"{SLUG}?scale=own")
    own = page.locator(".nine section").last.locator("img").evaluate_all("found => found.map(one => one.src)")
    open_lesson(page, app_url, f"{SLUG}?scale=shared")
    shared = page.locator(".nine section").last.locator("img").evaluate_all("found => found.map(one => one.src)")
    assert own[-1] != shared[-1]
    labels = page.locator(".nine section").last.locator("figcaption").all_inner_texts()
    assert len({label.split()[-1] for label in labels}) == 1


@pytest.mark.deep
def test_an_atlas_of_ones_own_opens(browser: Browser, tmp_path: Path) -> None:
    atlases.build(dv.load("caltech"), "sample:textures", {"relu1": 3}, tmp_path / "mine", top=4)
    with served(environment=with_atlas(as_for_users(), "mine", tmp_path)) as url:
        page = browser.new_page()
        open_lesson(page, url, SLUG)
        rows = atlases.Atlas.open(tmp_path / "mine").rows("relu1", 0)
        assert activations(page) == [f"{row.activation:.3g}" for row in rows]
        assert page.locator(".tiles [role=radio]").count() == 3
        page.close()
