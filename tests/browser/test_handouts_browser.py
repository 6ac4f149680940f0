"""Handouts: one page of A4 a lesson in each language, and every character in some font."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import handouts
import pytest

from lessons._kit.form.page import Lesson, discover

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SLUGS = [page.slug for page in discover() if isinstance(page, Lesson)]


@pytest.mark.deep
@pytest.mark.parametrize("slug", SLUGS)
def test_a_lesson_fits_on_a_page(slug: str, browser: Browser, app_url: str, tmp_path: Path) -> None:
    written = handouts.make(browser, app_url, tmp_path, [slug])
    assert [path.name for path in written] == [f"{slug}-en.pdf", f"{slug}-zh.pdf"]
    for path in written:
        pdf = path.read_bytes()
        assert pdf.startswith(b"%PDF")
        assert handouts.pages_of(pdf) == 1
        assert b"/Subtype /Image" in pdf


def test_a_second_page_and_a_missing_glyph_are_noticed(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<p style='height:2000px'>long</p><p>end</p>")
    assert handouts.pages_of(page.pdf(format="A4")) == 2
    page.close()
    assert handouts.missing(browser, "卷积 Aᵀ ⟨x⟩ √ \U0010fffd") == ["\U0010fffd"]
