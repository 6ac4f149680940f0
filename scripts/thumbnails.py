"""Make the pictures of the course map again: photograph what each lesson shows first, light and dark.

    python scripts/thumbnails.py              # all lessons
    python scripts/thumbnails.py ladder       # these

A lesson's pictures lie in its folder; the first page shows a card without one where there is none.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from open_app import served
from PIL import Image

from lessons._kit.form.page import Lesson, discover
from lessons.home.course_map import SIZE, thumbnail

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
#: Pixels of the part of the page that a picture shows: from the first thing drawn beside the controls on.
PART = (800, 500)
#: A card is small: no frame around what the first scene tells of.
BARE = "html:root { --look: transparent !important; }"
#: The left and upper edge of what a lesson draws first.
_CORNER = """() => {
  const isPicture = c => !c.querySelector('.st-key-controls') && c.getBoundingClientRect().width > 500;
  const columns = [...document.querySelectorAll('[data-testid=stColumn]')];
  const column = columns.find(isPicture) ?? document.querySelector('.stMain');
  const drawn = [...column.querySelectorAll('figure, img, svg, canvas, table')].find(e => {
    const box = e.getBoundingClientRect();
    return box.width > 60 && box.height > 60 && !e.closest('button, .lab-chip');
  });
  const { x, y } = (drawn ?? column).getBoundingClientRect();
  return { x, y };
}"""


def photograph(page: Page) -> bytes:
    """The picture of an open lesson as a WebP file."""
    corner: dict[str, Any] = page.evaluate(_CORNER)
    left, top = max(corner["x"] - 8, 0), max(corner["y"] - 8, 0)
    taken = page.screenshot(clip={"x": left, "y": top, "width": PART[0], "height": PART[1]})
    image = Image.open(io.BytesIO(taken)).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=70, method=6)
    return file.getvalue()


def main(slugs: list[str]) -> None:
    """Open every lesson in both themes and write its pictures."""
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    from chromium import FLAGS, get
    from looking import as_for_users, settle
    from playwright.sync_api import sync_playwright

    wanted = [page for page in discover() if isinstance(page, Lesson) and (not slugs or page.slug in slugs)]
    total = 0
    with served(environment=as_for_users()) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=get(), args=list(FLAGS))
        for theme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": 1440, "height": 2400}, locale="en-US", color_scheme=theme, device_scale_factor=1
            )
            page = context.new_page()
            page.set_default_timeout(300_000)
            for lesson in wanted:
                page.goto(f"{url}/{lesson.slug}")
                page.wait_for_selector("h1")
                settle(page)
                page.add_style_tag(content=BARE)
                file = photograph(page)
                thumbnail(lesson, theme).write_bytes(file)
                total += len(file)
            context.close()
        browser.close()
    print(f"{len(wanted)} lessons, two pictures each: {total:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
