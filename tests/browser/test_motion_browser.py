"""Tables in motion, in a Chromium without the app: what the browser shows is read back and is that of the arrays.

Each page is drawn once by the very script and data that the app would send; nothing may be asked of a server.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from looking import PHONE, broken_rules
from reference import conv_loops

from lessons import adjoint, convolution, deconvnet, pooling
from lessons._kit.draw import component, motion, planes
from lessons._kit.draw.pixels import address, png
from lessons._kit.draw.planes import number
from lessons.adjoint import back_views
from lessons.convolution import cells, sums
from lessons.deconvnet.trace import Stage
from lessons.pooling.unpool_variants import VARIANTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

KIT = Path(component.__file__).parents[1]
WORDS = {"row": "row", "column": "column"}
#: Draws the component; `look` reads the page, `point` points at a cell, `step` presses a button.
DRAW = """async ([code, data]) => {
  const module = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const parentElement = document.querySelector("main");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const places = (kind) => all("table").map(table => all(`td.${kind}`, table).map(td => td.dataset.at));
  const text = (td) => td.querySelector("input")?.value ?? td.textContent;
  window.told = [];
  module.default({ data, parentElement, setTriggerValue: (...told) => window.told.push(told) });
  window.look = () => ({
    texts: all("table").map(table => all("td[data-at]:not(.ghost, .cut)", table).map(text)),
    frames: places("frame"), chosen: places("chosen"),
    lit: all(".lit").map(part => part.dataset.at ?? part.textContent),
    strong: all(".arrows").map(arrows => all(".strong", arrows).map(path => Number(path.dataset.arrow))),
    arrows: all(".arrows").map(arrows => arrows.children.length),
    said: document.querySelector(".said").textContent, sum: document.querySelector(".sum").textContent,
    moving: document.getAnimations().length,
  });
  window.point = (table, at) => {
    const cell = document.querySelectorAll("table")[table].querySelector(`[data-at="${at}"]`);
    cell.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    return look();
  };
  window.step = (button = "step") => {
    document.querySelector(`.${button}`).click();
    return look();
  };
  window.steps = (count) => Array.from({ length: count }, () => step());
}"""
Draw = Callable[[Callable[[], None], Path], "Page"]


@pytest.fixture
def draw(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Draw]:
    """``draw(show, sheet)``: a page with what `show` mounts, the size of a telephone, with the lesson's own sheet."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def mount(file: str | Path, key: str, data: dict[str, Any], **_: object) -> None:
        sent.append((component.module(Path(file).with_suffix(".js")), data))

    monkeypatch.setattr(component, "mount", mount)
    page = browser.new_page(viewport={"width": PHONE.size[0], "height": PHONE.size[1]}, color_scheme="dark")

    def draw_(show: Callable[[], None], sheet: Path) -> Page:
        show()
        styles = (KIT / "form/style.css").read_text("utf-8"), sheet.read_text("utf-8") if sheet.exists() else ""
        body = "<style>:root { color-scheme: light dark; } body { background: var(--page); }</style><main></main>"
        page.set_content(f"<style>{''.join(styles)}</style>{body}")
        page.evaluate(DRAW, list(sent[-1]))
        return page

    yield draw_
    page.close()


def value_of(said: str) -> tuple[float, float]:
    """(what the terms of a sentence add up to, the number that it ends with)."""
    _, *terms, end = said.replace("−", "-").replace("(", "").replace(")", "").split(" = ")
    return sum(math.prod(map(float, term.split("·"))) for line in terms for term in line.split(" + ")), float(end)


def pointed(page: Page, table: int, shape: tuple[int, ...]) -> list[tuple[tuple[int, int], dict[str, Any]]]:
    """What the page shows while somebody points at each cell of a table, in turn."""
    places = [(r, c) for r, c in np.ndindex(*shape)]
    seen = page.evaluate("([table, places]) => places.map(at => point(table, at))", [table, names(places)])
    return list(zip(places, seen, strict=True))


def names(places: Any) -> list[str]:
    """Cells as the page names them."""
    return [f"{row},{column}" for row, column in places]


def test_the_kernel_slides_and_the_output_fills(draw: Draw) -> None:
    state = convolution.State(stride=2, padding=1)
    arrays = convolution.compute(state)
    z, taps = arrays.z[0, :, :, 0], list(np.ndindex(3, 3))

    def show() -> None:
        own, told = convolution.picture, convolution.events(state)
        lines, out = own.inputs(arrays, state.cell), own.output(arrays, state.cell)
        after = [own.tracer(arrays, state.cell, state.tap)]
        cells.show(lines, out, after, [], None, told, own.motion(arrays, state.cell))

    page = draw(show, Path(convolution.__file__).with_name("style.css"))
    rest = page.evaluate("point(1, '0,2')")  # a tap: the sum of the chosen cell, with that very term
    assert value_of(rest["said"])[1] == z[state.cell]
    row, column = (int(at[n]) for at, n in zip(sums.places(arrays, state.cell), (0, 2), strict=True))
    weight, value = arrays.given[0, 2, 0, 0], sums.window(arrays, state.cell)[0, 2, 0]
    assert rest["lit"] == [f"{row},{column}", "0,2", f"({number(weight)})·{number(value)}"]
    for (u, v), seen in pointed(page, 2, z.shape):
        rows, columns = sums.places(arrays, (u, v))
        assert seen["frames"][:2] == [names((r, c) for r in rows for c in columns), names(taps)]
        assert value_of(seen["said"]) == (z[u, v], z[u, v])
        assert seen["sum"].replace(" ", "") == seen["said"].replace(" ", "")
    played = page.evaluate("count => steps(count)", z.size)
    for n, seen in enumerate(played):
        assert seen["texts"][2] == [number(value) if m <= n else "" for m, value in enumerate(z.ravel())]
    assert seen["texts"][0] == [number(value) for value in arrays.x[0, :, :, 0].ravel()]
    assert seen["texts"][1] == [number(value) for value in arrays.given[:, :, 0, 0].ravel()]
    assert seen["moving"] > 0, "the frame slides"
    assert page.evaluate("step('undo')")["texts"][2][-1] == ""
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().map(a => a.finish()), step().moving") == 0
    page.locator(".play").click()  # from the start again, by itself
    page.locator(".where", has_text=re.compile("^2 /")).wait_for()
    page.locator(".play", has_text="Pause").click()
    assert page.evaluate("told") == [], "nothing was asked of a server"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE.size[0]
    assert broken_rules(page, "main") == []


def test_the_stamps_fall_and_add_up(draw: Draw) -> None:
    state = adjoint.State(kernel="numbered", stride=2, padding=1)
    arrays = adjoint.compute(state)
    at = back_views.Chosen(state.cell, state.back, state.way, state.view)
    g, back = arrays.g[0, :, :, 0], arrays.back[0, :, :, 0]

    def show() -> None:
        own = adjoint.picture
        moving = motion.message(own.stamps(arrays, state.geometry, at))
        planes.show(own.rows(arrays, state.geometry, at), "planes", WORDS, lambda *_: None, moving)

    page = draw(show, Path(adjoint.__file__).with_name("style.css"))
    for at_, seen in pointed(page, 5, back.shape):
        assert value_of(seen["said"]) == (back[at_], back[at_])
    loud = [(u, v) for u, v in np.ndindex(*g.shape) if g[u, v]]
    some = np.zeros_like(arrays.g)
    for (u, v), seen in zip(loud, page.evaluate("count => steps(count)", len(loud)), strict=True):
        some[0, u, v, 0] = g[u, v]
        wanted = conv_loops.conv_adjoint(some, arrays.w, (2, 2), ((1, 1), (1, 1)), (1, 1), 1, back.shape)
        assert seen["texts"][5] == [number(value) for value in wanted.ravel()]
        assert seen["chosen"][2] == seen["chosen"][3] == names([(u, v)])
        assert seen["frames"][0] == seen["frames"][5], "the stamp falls where the window was"
    assert seen["texts"][5] == [number(value) for value in back.ravel()]
    assert page.evaluate("told") == []


@pytest.mark.parametrize("way", ["true", "bilinear"])
def test_the_maxima_run_up_and_down_their_arrows(draw: Draw, way: str) -> None:
    state = pooling.State("peak", window=3, way=way)
    arrays = pooling.compute(state)
    own, count = pooling.pooling_picture, arrays.y.size

    def show() -> None:
        moving = motion.message(own.moving(arrays, state.cell, state.back))
        planes.show(own.rows(arrays, state.cell, state.back), "planes", WORDS, lambda *_: None, moving)

    page = draw(show, Path(pooling.__file__).with_name("style.css"))
    for n, ((i, j), seen) in enumerate(pointed(page, 1, arrays.y.shape)):
        place = names([divmod(int(arrays.switches[i, j]), 7)])
        assert set(place) <= set(seen["chosen"][0])
        assert [strong for strong in seen["strong"] if strong] == [[n]] * (2 if way == "true" else 1)
        assert way != "true" or set(place) <= set(seen["chosen"][4])
    *_, up = page.evaluate("count => steps(count)", count)
    assert up["texts"][1:4] == [[number(v) for v in plane.ravel()] for plane in (arrays.y, arrays.switches, arrays.y)]
    assert set(up["texts"][4]) == {"0"}
    *_, down = page.evaluate("count => steps(count)", count)
    wanted = np.asarray(VARIANTS[way][1](arrays.pooling.pooled[0], arrays.pooling))[0, :, :, 0]
    assert down["texts"][4] == [number(value) for value in wanted.ravel()]
    assert down["arrows"] == ([count, count] if way == "true" else [count])
    assert page.evaluate("told") == []


def test_the_steps_of_deconvnet_are_played_from_the_photograph_down(draw: Draw) -> None:
    own, random = deconvnet.picture, np.random.default_rng(0)
    signals = [random.standard_normal((n, n + 1, c)).astype(np.float32) for n, c in ((3, 4), (6, 4), (9, 3))]
    stages = [Stage("filter", "conv", a, a, on) for a, on in zip(signals, ("relu", "pool", ""), strict=True)]
    wanted = [own.pixels(stage) for stage in stages]
    shown = [random.integers(0, 256, (7, 8, 3), np.uint8), *wanted]
    captions = ["a", "b", "c"]

    def show() -> None:
        data = own.film_data([address(png(pixels)) for pixels in shown], captions, 1)
        component.mount(Path(deconvnet.__file__).with_name("film"), "film", data)

    page = draw(show, Path(deconvnet.__file__).with_name("style.css"))
    assert page.evaluate("document.querySelector('.dn-screen').hidden")
    framed = "[...document.querySelectorAll('.film img')].map(thumb => thumb.className)"
    assert page.evaluate(framed) == ["", "here", ""]
    read = """async () => {
      document.querySelector(".step").click();
      const image = document.querySelector(".dn-screen img");
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
      canvas.drawImage(image, 0, 0);
      const { data, width, height } = canvas.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
      return [[...data], [height, width, 4], document.querySelector(".dn-screen p").textContent];
    }"""
    for n, (pixels, caption) in enumerate(zip(shown, ["photograph", *captions], strict=True)):
        values, shape, said = page.evaluate(read)
        np.testing.assert_array_equal(np.reshape(values, shape)[..., :3], pixels)
        assert said == caption
        assert page.evaluate(framed) == ["here" if step == n - 1 else "" for step in range(3)]
    assert broken_rules(page, "main") == []
