"""The adjoint lesson in a real Chromium: cells, keys, links, languages, wrong ways, both themes, a telephone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from looking import cell, formulas, opened, plane, settle

from lessons._kit.form import page as page_kinds

if TYPE_CHECKING:
    from playwright.sync_api import Page

SLUG = "convolution-and-its-adjoint"


def open_lesson(page: Page, app_url: str, link: str = "") -> None:
    """Wait until the planes are there and nothing runs any more."""
    opened(page, f"{app_url}/{SLUG}{link}", ".planes table")


def chosen(page: Page, title: str) -> str | None:
    return plane(page, title).locator(".chosen").first.get_attribute("aria-label")


@pytest.mark.deep
def test_a_click_moves_window_and_stamp_and_the_link_keeps_them(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url)
    cell(plane(page, "output z"), 4, 3).click()
    expect(cell(plane(page, "output z"), 4, 3)).to_have_attribute("aria-selected", "true")
    cell(plane(page, "what comes back"), 5, 6).click()
    expect(cell(plane(page, "what comes back"), 5, 6)).to_have_attribute("aria-selected", "true")
    settle(page)
    frames = plane(page, "input x").locator(".frame")
    assert frames.count() == 6
    assert "z_{4,3}" in formulas(page)
    assert "{5,6}" in formulas(page)
    assert "cell=4%2C3" in page.url
    assert "back=5%2C6" in page.url
    before, marked = plane(page, "what comes back").inner_text(), chosen(page, "output z")
    assert marked is not None
    assert marked.startswith("row 4, column 3: ")
    page.reload()
    page.wait_for_selector(".planes table", timeout=120_000)
    settle(page)
    assert chosen(page, "output z") == marked
    assert plane(page, "what comes back").inner_text() == before


def test_arrow_keys_walk_and_enter_chooses(page: Page, app_url: str) -> None:
    from playwright.sync_api import expect

    open_lesson(page, app_url, "?cell=2,2")
    cell(plane(page, "output z"), 2, 2).focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(cell(plane(page, "output z"), 4, 3)).to_have_attribute("aria-selected", "true")
    expect(cell(plane(page, "output z"), 4, 3)).to_be_focused()
    assert SLUG in page.url, "arrow keys in a plane must not turn the page"


def test_the_language_stays_when_pages_are_turned(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    page.get_by_role("radio", name="中文").click()
    page.get_by_role("heading", name="转置卷积是逆运算吗").wait_for()
    assert "lang=zh" in page.url
    page.get_by_role("link", name="实验室").first.click()
    page.wait_for_url(lambda url: SLUG not in url, timeout=120_000)
    settle(page)
    assert "lang=zh" in page.url
    page.go_back()
    page.get_by_role("heading", name="转置卷积是逆运算吗").wait_for()


@pytest.mark.deep
def test_a_wrong_way_turns_red_in_words(page: Page, app_url: str) -> None:
    open_lesson(page, app_url)
    assert "3 of 3 checks hold" in page.locator(".st-key-part-checks").inner_text()
    open_lesson(page, app_url, "?way=turned")
    assert "0 of 3 checks hold" in page.locator(".st-key-part-checks").inner_text()
    page.get_by_text("Evidence: checks, code, sources").click()
    page.get_by_text("The code that measured it").first.click()
    page.get_by_text("def dot_test").first.wait_for()


@pytest.mark.deep
def test_three_views_bring_the_same_back(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?stride=2&kernel=edge&back=3,3")
    before = [cell(plane(page, "what comes back"), r, c).inner_text() for r in range(6) for c in range(7)]
    for name, sign in (("zero insertion", "g, zeros between, 8 × 9"), ("matrix", "signal g, 3 × 4")):
        page.get_by_role("radio", name=name).click()
        page.locator(".planes caption", has_text=sign).wait_for()
        settle(page)
        back = plane(page, "what comes back")
        assert [cell(back, r, c).inner_text() for r in range(6) for c in range(7)] == before
        assert "3 of 3 checks hold" in page.locator(".st-key-part-checks").inner_text()
    assert "view=matrix" in page.url
    picture = page.locator(".matrix img")
    assert (picture.get_attribute("alt") or "").startswith("42 rows, one a cell of what comes back; 12 columns")
    assert picture.evaluate("image => image.naturalWidth") > 0


@pytest.mark.deep
@pytest.mark.parametrize(
    ("link", "sign"),
    [
        ("?way=turned", "cells wrong"),
        ("?way=padding", "8 × 7, not 6 × 7"),
        ("?way=rounded&kernel=edge&stride=2", "5 × 7, not 6 × 7"),
        ("?way=channels", "42 wrong"),
    ],
)
def test_every_wrong_way_fails_in_sight(page: Page, app_url: str, link: str, sign: str) -> None:
    open_lesson(page, app_url, link)
    assert page.locator(".planes caption", has_text=sign).count() >= 1
    verdict = page.locator(".meter-verdict").inner_text()
    assert "differ by" in verdict or "cannot even be compared" in verdict
    if "×" not in sign:
        assert page.locator(".planes td.wrong").count() > 20
        numbers = page.locator(".meter td.number").all_inner_texts()
        assert len(set(numbers)) == 2
    open_lesson(page, app_url, re.sub(r"way=\w+", "way=adjoint", link))
    assert page.locator(".meter-verdict").inner_text() == "The two agree."
    assert len(set(page.locator(".meter td.number").all_inner_texts())) == 1


@pytest.mark.deep
def test_the_table_of_libraries_opens_and_scrolls_in_its_own_box(phone: Page, app_url: str) -> None:
    open_lesson(phone, app_url, "?kernel=edge&stride=2")
    assert phone.locator(".conventions").count() == 0
    phone.get_by_text("Evidence: checks, code, sources").click()
    phone.get_by_text("The same numbers in JAX, Flax, PyTorch and Keras").click()
    phone.wait_for_selector(".conventions tbody tr")
    settle(phone)
    table = phone.locator(".conventions")
    assert table.locator("tbody tr").count() == 8
    text = table.locator("tr", has_text="ConvTranspose2d").inner_text()
    assert "5 × 7" in text
    assert "other size" in text
    assert "padding=(1, 1), output_padding=(1, 0)" in text
    assert table.evaluate("box => box.scrollWidth > box.clientWidth")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    assert "libraries=true" in phone.url


def test_a_term_opens_its_definition(page: Page, app_url: str) -> None:
    open_lesson(page, app_url, "?scene=2")
    page.get_by_role("button", name="adjoint", exact=True).first.click()
    page.get_by_text("The map Aᵀ that obeys").wait_for()


IN_SIGHT = """() => {
  const bottom = document.querySelector(".st-key-story").getBoundingClientRect().top;
  const all = [...document.querySelectorAll(".stMain *")];
  const framed = all.filter((one) => getComputedStyle(one).outlineOffset === "4px");
  return framed.length > 0 && framed.some((one) => {
    const box = one.getBoundingClientRect();
    return box.top >= 56 && box.top < bottom - 40;
  });
}"""


def test_on_a_telephone_what_to_look_at_comes_above_the_scene(phone: Page, app_url: str) -> None:
    opened(phone, f"{app_url}/convolution", "[data-testid=stForm]", anew=True)
    phone.wait_for_function("() => document.querySelector('h1').getBoundingClientRect().bottom < 56")
    phone.wait_for_function(IN_SIGHT)
    for scene in (2, 3, 4):
        box = phone.locator(".st-key-scene-Right button").bounding_box()
        assert box is not None
        phone.touchscreen.tap(box["x"] + 20, box["y"] + 20)
        phone.wait_for_url(lambda url, scene=scene: f"scene={scene}" in url)
        phone.wait_for_function(IN_SIGHT)


FRAMED = """() => {
  const framed = [...document.querySelectorAll(".stMain *")]
    .filter((one) => one.getClientRects().length && getComputedStyle(one).outlineOffset === "4px");
  const columns = framed.map((one) => one.closest("[data-testid=stHorizontalBlock]:has(.st-key-story)"));
  const top = Math.min(...framed.map((one) => one.getBoundingClientRect().top));
  return framed.length > 0 && columns.every(Boolean) && top >= 56 && top <= innerHeight - 100;
}"""


@pytest.mark.parametrize(
    ("link", "scrolled"),
    [
        ("a-network-that-was-attacked?scene=3", False),
        ("delete-insert-and-chance?scene=3", False),
        ("cover-and-see?scene=3", False),
        ("convolution?scene=4", True),
        ("convolution?scene=2", False),
    ],
)
def test_what_a_scene_frames_is_in_sight_and_in_its_picture(
    page: Page, app_url: str, link: str, *, scrolled: bool
) -> None:
    opened(page, f"{app_url}/{link}", "[data-testid=stForm]")
    page.wait_for_function(FRAMED)
    assert (page.evaluate("document.querySelector('.stMain').scrollTop") > 0) == scrolled


def test_the_arrow_key_turns_the_page(page: Page, app_url: str) -> None:
    """Where a lesson is told in scenes they turn the scenes instead."""
    untold = [found.slug for found in page_kinds.discover() if not getattr(found, "scenes", (1,))]
    if not untold:
        pytest.skip("every lesson is told in scenes")
    slug = untold[0]
    opened(page, f"{app_url}/{slug}")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda url: slug not in url, timeout=120_000)


def test_the_first_page_scrubs_its_picture_by_key_and_starts_the_course(page: Page, app_url: str) -> None:
    opened(page, app_url, ".st-key-open-laboratory")
    slider = page.get_by_role("slider", name="How deep into the network")
    slider.focus()
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "relu7"
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "photograph"
    page.evaluate("localStorage.clear()")
    page.get_by_role("button", name=re.compile("^(Start the course|Continue)")).click()
    page.wait_for_function("document.querySelector('.lesson-place')")


def test_a_cell_is_clicked_and_a_threshold_dragged_by_mouse_and_by_key(page: Page, app_url: str) -> None:
    """What is pointed at becomes the answer that is sent, and its cell stays marked."""
    opened(page, f"{app_url}/convolution?exercise=3")
    page.locator("table.pick").last.locator('[data-row="1"][data-column="2"]').click()
    settle(page)
    numbers = page.locator(".stMain [data-testid=stForm] input[type=number]")
    assert [one.input_value() for one in numbers.all()] == ["1", "2"]
    chosen = page.locator("table.pick").last.locator('[aria-selected="true"]')
    assert chosen.get_attribute("data-at") == "1,2"
    chosen.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settle(page)
    assert [one.input_value() for one in numbers.all()] == ["2", "2"]
    page.get_by_role("button", name="Check my prediction").click()
    page.get_by_text("Not 2, 2. That cell reads rows 3 to 5").wait_for()
    opened(page, f"{app_url}/receptive-fields?exercise=3")
    slider = page.locator(".threshold input")
    before = int(page.locator(".threshold").get_attribute("data-left"))
    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    assert int(page.locator(".threshold").get_attribute("data-left")) < before
    settle(page)
    assert slider.get_attribute("aria-valuetext").startswith("35 %: ")
    assert numbers.last.input_value() == "35"
    assert "scene=2" not in page.url, "the arrow key moved the threshold and nothing else"
