"""The frame of the app in a real Chromium: what is remembered, choices, Back, links that fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from looking import opened, settle

from lessons._kit.form.page import END, HOME, discover

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PLACE = "deconvviz-progress"


def stored(page: Page) -> dict[str, object]:
    """What the browser remembers."""
    text = page.evaluate("place => localStorage.getItem(place)", PLACE)
    return dict(json.loads(text)) if text else {}


def test_progress_survives_a_reload_and_is_cleared_on_request(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/end-of-the-course", "h2", anew=True)
    answers = {"convolution/value/12": {"given": [[3]], "times": ["2026-12-24T08:00:00+00:00"]}}
    value = json.dumps({"solved": {"convolution": ["value"]}, "last": "pooling-and-switches", "answers": answers})
    page.evaluate("([place, value]) => localStorage.setItem(place, value)", [PLACE, value])
    page.reload()
    page.get_by_text("You have solved 1 of").wait_for()
    opened(page, app_url, "text=Continue: lesson 7")
    assert stored(page)["answers"] == answers
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Clear my progress").click()
    page.get_by_role("button", name="Start the course").wait_for()
    settle(page)
    assert stored(page).get("solved", {}) == {}
    assert stored(page).get("answers", {}) == {}


SEEN = """() => {
  const look = document.getElementById("first-look");
  const parts = look && [look.querySelector("h1"), ...look.querySelectorAll("img")];
  if (window.seen || !parts || parts.length < 4 || !parts.slice(1).every((image) => image.naturalWidth)) return;
  window.seen = parts.map((part) => part.getBoundingClientRect()).map((box) => [box.x, box.y, box.width]);
}"""
HERO = """() => {
  const held = [...document.querySelectorAll(".stMain *")].find((one) => one.shadowRoot?.querySelector(".hero"));
  const parts = [document.querySelector("h1"), ...held.shadowRoot.querySelectorAll(".frame")];
  return parts.map((part) => part.getBoundingClientRect()).map((box) => [box.x, box.y, box.width]);
}"""


@pytest.mark.parametrize(("width", "language"), [(1440, "en"), (390, "zh")])
def test_the_first_page_is_there_before_its_scripts(app_url: str, browser: Browser, width: int, language: str) -> None:
    with browser.new_context(viewport={"width": width, "height": 844}) as context, context.new_page() as page:
        page.add_init_script(f"new MutationObserver({SEEN}).observe(document, {{childList: true, subtree: true}})")
        page.goto(f"{app_url}/?lang={language}")
        page.wait_for_function("!document.getElementById('first-look') && document.querySelector('.stMain h1')")
        settle(page)
        there, then = page.evaluate("window.seen"), page.evaluate(HERO)
        assert np.abs(np.subtract(there, then)).max() < 2, "the first picture jumps once the page is there"


def test_who_turns_the_page_at_once_is_not_kept_under_the_first_look(app_url: str, browser: Browser) -> None:
    with browser.new_context() as context, context.new_page() as page:
        page.goto(app_url, wait_until="commit")
        # Only once the script that stands behind the picture has run does it know which page it belongs to.
        page.wait_for_function("document.readyState !== 'loading' && document.getElementById('first-look')")
        page.evaluate("history.pushState({}, '', '/glossary')")
        page.wait_for_function("!document.getElementById('first-look')", timeout=5_000)


def test_a_card_leads_to_its_lesson_wherever_it_is_clicked(page: Page, app_url: str) -> None:
    opened(page, app_url, "img.thumbnail")
    page.locator("img.thumbnail").nth(1).click(force=True)  # the link lies over it
    page.wait_for_function("document.title.startsWith('Convolution is a matrix')")


def test_every_page_is_reached_from_the_bar(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/glossary", "h1")
    page.locator(".st-key-shell [data-testid=stPopover] button").click()
    page.locator(".st-key-shell-course").wait_for()
    links = page.locator("[data-testid=stPopoverBody] a:visible, .st-key-shell > * > .stPageLink a:visible")
    reached = {link.split("?")[0].rpartition("/")[2] for link in links.evaluate_all("all => all.map((a) => a.href)")}
    assert reached >= {one.slug for one in discover()} - {HOME, END}


def test_a_text_and_its_ticks_survive_a_reload(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/upsampling-and-checkerboards", "[data-testid=stForm]", anew=True)
    page.evaluate("place => localStorage.removeItem(place)", PLACE)
    page.reload()
    page.get_by_role("radio", name="Design an experiment").click()
    page.get_by_role("textbox", name="Your experiment").fill("The same network with 4 x 4 taps, five seeds.")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Compare with a model answer").click()
    page.get_by_text("Lack of training is tested too").click()
    page.get_by_text("1 of 5 points, by your own judgement").wait_for()
    settle(page)
    page.reload()
    page.get_by_role("radio", name="Design an experiment").click()
    page.get_by_text("1 of 5 points, by your own judgement").wait_for()
    text = page.get_by_role("textbox", name="Your experiment")
    page.wait_for_function("area => area.value.startsWith('The same network')", arg=text.element_handle())
    page.evaluate("place => localStorage.removeItem(place)", PLACE)


def test_choices_stay_on_their_page_and_back_restores_them(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/convolution?picture=pixel&kernel=numbered", "[data-testid=stForm]", anew=True)
    assert page.title() == "Convolution · deconvviz"
    page.locator(".st-key-turn-Right a").click()
    page.wait_for_function("document.title.startsWith('Convolution is a matrix')")
    settle(page)
    assert "picture=" not in page.url
    assert "kernel=" not in page.url
    page.go_back()
    page.get_by_role("heading", name="What does a convolution compute?").wait_for()
    settle(page)
    assert "picture=pixel" in page.url
    assert "kernel=numbered" in page.url
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda url: "/convolution?" in url and "scene=6" in url)


def test_back_returns_to_the_scene_that_was_left(page: Page, app_url: str) -> None:
    def shows(slug: str, scene: int) -> None:
        page.wait_for_url(lambda url: url.partition("?")[0].endswith(f"/{slug}"))
        page.get_by_text(f"Scene {scene} of").wait_for()
        settle(page)

    opened(page, f"{app_url}/convolution?lang=en", "[data-testid=stForm]", anew=True)
    for scene in (2, 3):
        page.locator(".st-key-scene-Right button").click()
        shows("convolution", scene)
    page.locator(".st-key-turn-Right a").click()
    shows("convolution-is-a-matrix", 1)
    page.locator(".st-key-scene-Right button").click()
    shows("convolution-is-a-matrix", 2)
    page.get_by_test_id("stMain").get_by_role("link", name="Home", exact=True).click()
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function("document.title.startsWith('Home')")
    for slug, scene in (("convolution-is-a-matrix", 2), ("convolution-is-a-matrix", 1), ("convolution", 3)):
        page.go_back()
        shows(slug, scene)
    page.go_back()
    shows("convolution", 2)


@pytest.mark.deep
def test_a_choice_in_the_address_of_the_next_page_is_its_own(page: Page, app_url: str) -> None:
    """Both pages have a choice of that name: what the address asks for is no remainder of the page before."""
    opened(page, f"{app_url}/convolution?picture=pixel&kernel=numbered", "[data-testid=stForm]", anew=True)
    opened(page, f"{app_url}/convolution-is-a-matrix?kernel=corner", ".big-matrix .entry")
    assert "kernel=corner" in page.url
    page.go_back()
    page.get_by_role("heading", name="What does a convolution compute?").wait_for()
    settle(page)
    assert "picture=pixel" in page.url
    assert "kernel=numbered" in page.url


def test_an_address_that_no_page_has_is_named_with_the_nearest(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/laboratry", "text=There is no page “laboratry”", anew=True)
    page.get_by_role("link", name="Did you mean “Laboratory”?").click()
    page.wait_for_url(lambda url: url.partition("?")[0].endswith("/laboratory"))
