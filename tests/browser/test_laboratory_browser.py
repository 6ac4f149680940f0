"""The laboratory in a real Chromium: what a person does there, with the mouse and without."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import looking
import numpy as np
import pytest
from PIL import Image

SMALL = "/laboratory?layer=pool1"  # compiles quickly
Take = Callable[..., Path]


def opened(page: Any, address: str) -> None:
    """Open the page in a new session, which has chosen nothing, and wait for its panels and everything under them."""
    looking.opened(page, address, ".lab-panels", "text=deconvviz reconstruct --recipe", anew=True)


def still(page: Any) -> None:
    """Wait until the server has nothing more to say."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
    )


def unit(page: Any) -> str:
    return str(page.locator(".lab-panels").get_attribute("data-unit"))


def first_map(page: Any) -> str:
    """The map beside the large one."""
    return str(page.locator(".lab-panels .map img").first.get_attribute("src"))


def photograph(page: Any) -> str:
    """The photograph with the receptive field."""
    return str(page.locator(".lab-photo img").get_attribute("src"))


def wait_for_unit(page: Any, wanted: str) -> None:
    page.locator(f'.lab-panels[data-unit="{wanted}"]').wait_for()
    still(page)


def query(page: Any) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlparse(page.url).query).items()}


def engine_maps(sample: str, layer: str) -> np.ndarray:
    """The feature maps that the page shows: (h, w, c)."""
    from lessons._kit.run import engine, networks, pictures

    return engine.forward(networks.load("caltech"), pictures.sample(sample)).maps[layer]


def option(page: Any, index: int) -> Any:
    return page.get_by_role("listbox").get_by_role("option").nth(index)


def picture(kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (160, 120, 3), np.uint8)).save(stream, kind)
    return stream.getvalue()


@pytest.mark.deep
def test_a_click_on_a_map_shows_another_picture_and_the_link_keeps_it(page: Any, app_url: str) -> None:
    opened(page, app_url + SMALL)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/answer/" in request.url else None)
    before, picture_before = unit(page), first_map(page)
    box = option(page, 3).locator("canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.30, box["y"] + box["height"] * 0.735)
    page.wait_for_function("(was) => document.querySelector('.lab-panels').dataset.unit !== was", arg=before)
    still(page)
    layer, channel, row, column = unit(page).split("-")
    assert (layer, row, column) == ("pool1", "23", "9")
    assert first_map(page) != picture_before
    assert option(page, 3).get_attribute("aria-selected") == "true"
    assert query(page) == {"unit": f"pool1:{channel},23,9"}
    for index, key in ((5, "Enter"), (3, "Enter")):
        shown = unit(page)
        option(page, index).focus()
        page.keyboard.press(key)
        page.wait_for_function("(was) => document.querySelector('.lab-panels').dataset.unit !== was", arg=shown)
        page.wait_for_timeout(300)
        still(page)
    assert len(asked) == 3, "a pick asks once, however often the part with its script has run"
    now, picture_now = unit(page), first_map(page)
    opened(page, page.url)
    assert (unit(page), first_map(page)) == (now, picture_now)
    assert page.get_by_role("spinbutton", name="Row").input_value() == now.split("-")[2]


def test_where_clicks_have_no_answer_the_page_runs_and_a_silent_unit_says_so(page: Any, app_url: str) -> None:
    opened(page, app_url + SMALL + "&sort=number")
    page.route("**/answer/*", lambda route: route.abort())
    option(page, 5).locator("canvas").click()
    page.locator('.lab-panels[data-unit^="pool1-5-"]').wait_for()
    page.wait_for_function("() => (new URLSearchParams(location.search).get('unit') || '').startsWith('pool1:5,')")
    page.unroute("**/answer/*")
    large = page.locator(".st-key-lab-large .screen")
    assert large.locator(".instead").is_hidden()
    option(page, 5).focus()
    page.keyboard.press("Enter")
    values = engine_maps("cat", "pool1")[..., 5]
    row, column = np.argwhere(values == 0)[0]
    for name, value in (("Row", row), ("Column", column)):
        page.get_by_role("spinbutton", name=name).fill(str(value))
        page.get_by_role("spinbutton", name=name).press("Enter")
        still(page)
    wait_for_unit(page, f"pool1-5-{row}-{column}")
    assert "silent on this picture" in large.locator(".instead").inner_text()
    spot = option(page, 5).locator(".spot").evaluate("(spot) => [spot.style.left, spot.style.top]")
    height, width = values.shape
    assert spot == [f"{100 * (column + 0.5) / width:g}%", f"{100 * (row + 0.5) / height:g}%"]


def test_back_undoes_one_choice_at_a_time(page: Any, app_url: str) -> None:
    opened(page, app_url + "/laboratory?unit=pool1:4,8,9")
    option(page, 6).locator("canvas").click()
    page.wait_for_function("() => document.querySelector('.lab-panels').dataset.unit !== 'pool1-4-8-9'")
    still(page)
    clicked = unit(page)
    page.locator('.tiles [data-id="relu1"]').click()
    page.locator('.lab-panels[data-unit^="relu1-"]').wait_for()
    still(page)
    page.go_back()
    wait_for_unit(page, clicked)
    page.go_back()
    wait_for_unit(page, "pool1-4-8-9")
    page.go_forward()
    wait_for_unit(page, clicked)


@pytest.mark.deep
def test_the_language_changes_every_word_and_nothing_else(page: Any, app_url: str) -> None:
    opened(page, app_url + SMALL + "&channel=4&mode=plane")
    kept = unit(page), first_map(page)
    page.get_by_text("中文", exact=True).click()
    page.get_by_text("这个单元看见了什么？").wait_for()
    still(page)
    assert query(page)["lang"] == "zh"
    assert (unit(page), first_map(page)) == kept
    body = page.locator(".stMain").inner_text()
    for english in ("Choose a unit", "What it saw", "Take away", "Strongest first", "Activation", "holds"):
        assert english not in body
    assert page.get_by_role("listbox", name="pool1 的特征图").count() == 1


def test_uploads_good_and_broken(page: Any, app_url: str) -> None:
    opened(page, app_url + SMALL)
    before = photograph(page)
    page.get_by_role("button", name="Change picture").click()
    chooser = page.locator("[data-testid=stPopoverBody] [data-testid=stFileUploaderDropzoneInput]")
    chooser.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": picture()[:200]})
    page.get_by_role("alert").filter(has_text="This file cannot be shown").wait_for()
    still(page)
    assert "broken.png" in page.get_by_role("alert").inner_text()
    assert photograph(page) == before
    chooser.set_input_files({"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": picture("JPEG")})
    page.locator(".lab-chip b", has_text="mine.jpg").wait_for()
    still(page)
    assert photograph(page) != before
    assert page.get_by_text("Your own picture is not in the link.").count() == 1
    assert "image" not in query(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Change picture").click()
    page.get_by_role("radio", name="Coffee", exact=True).click()
    page.locator(".lab-chip b", has_text="Coffee").wait_for()
    still(page)
    assert query(page)["image"] == "coffee"


#: Drops or pastes a file, given as base 64, anywhere on the page.
BRINGS = """([event, name, data]) => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
  const all = { bubbles: true, cancelable: true };
  document.body.dispatchEvent(event === "paste" ? new ClipboardEvent(event, { clipboardData: files, ...all })
    : new DragEvent(event, { dataTransfer: files, ...all }));
}"""


def test_what_was_wrong_goes_when_a_good_picture_comes(page: Any, app_url: str) -> None:
    """Dropped on the page or pasted; one that is larger than what is sent is made smaller before."""
    opened(page, app_url + SMALL + "&image=nope")
    page.get_by_role("alert").filter(has_text="nope").wait_for()
    page.evaluate(BRINGS, ["drop", "text.jpg", b64encode(b"Dear reader,").decode()])
    page.get_by_role("alert").filter(has_text="text.jpg").wait_for()
    still(page)
    noise = np.random.default_rng(3).integers(0, 256, (1500, 2000, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "BMP")
    assert len(stream.getvalue()) > 8_000_000
    page.evaluate(BRINGS, ["paste", "large.bmp", b64encode(stream.getvalue()).decode()])
    page.locator(".lab-chip b", has_text="large.bmp").wait_for()
    still(page)
    assert page.get_by_role("alert").count() == 0
    assert page.get_by_text("Reading").count() == 0


def test_everything_can_be_done_with_keys(page: Any, app_url: str) -> None:
    opened(page, app_url + SMALL + "&sort=number")
    page.locator('.tiles [data-id="pool1"]').focus()
    page.keyboard.press("ArrowLeft")
    page.locator('.lab-panels[data-unit^="relu1-"]').wait_for()
    still(page)
    page.keyboard.press("ArrowRight")
    page.locator('.lab-panels[data-unit^="pool1-"]').wait_for()
    still(page)
    option(page, 0).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.locator('.lab-panels[data-unit^="pool1-7-"]').wait_for()
    still(page)
    row, column = (int(n) for n in unit(page).split("-")[2:])
    label = str(option(page, 7).get_attribute("aria-label"))
    assert re.search(rf"channel 7, strongest .* at row {row}, column {column}$", label)
    step = "ArrowUp" if row else "ArrowDown"
    page.keyboard.press(f"Shift+{step}")
    moved = row - 1 if row else 1
    wait_for_unit(page, f"pool1-7-{moved}-{column}")
    field = page.get_by_role("spinbutton", name="Column")
    field.fill("11")
    field.press("Enter")
    wait_for_unit(page, f"pool1-7-{moved}-11")
    assert option(page, 7).get_attribute("aria-selected") == "true"


@pytest.mark.deep
def test_pages_of_maps_turn_by_click_and_by_key(page: Any, app_url: str) -> None:
    opened(page, app_url + "/laboratory?layer=conv2&sort=number")
    assert option(page, 0).get_attribute("aria-label").startswith("channel 0,")
    option(page, 0).focus()
    page.keyboard.press("PageDown")
    page.get_by_role("option", name=re.compile("^channel 24,")).wait_for()
    still(page)
    assert query(page)["page"] == "2"
    page.keyboard.press("PageUp")
    page.get_by_role("option", name=re.compile("^channel 0,")).wait_for()


@pytest.mark.deep
def test_the_link_is_copied(page: Any, app_url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, app_url + SMALL + "&channel=4&row=8&column=9")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert parse_qs(urlparse(copied).query) == {"unit": ["pool1:4,8,9"]}


@pytest.mark.deep
def test_a_value_is_read_where_the_mouse_is(page: Any, app_url: str) -> None:
    opened(page, app_url + SMALL)
    option(page, 2).locator("canvas").hover()
    readout = page.locator(".unit-grid .value")
    assert re.fullmatch(r"channel \d+ · row 1[56] · column 1[56] · [\d.e-]+", readout.inner_text())


@pytest.mark.deep
def test_files_can_be_taken_away(page: Any, app_url: str) -> None:
    opened(page, app_url + SMALL + "&channel=4&row=8&column=9")
    for kind, begins in (("PNG", b"\x89PNG"), ("SVG", b"<?xml"), ("NPZ", b"PK"), ("Recipe", b"{")):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=kind, exact=True).click()
        file = waiting.value
        ending = {"Recipe": "json"}.get(kind, kind.lower())
        assert file.suggested_filename == f"cat-pool1-4-8-9.{ending}"
        assert Path(file.path()).read_bytes().startswith(begins), kind
