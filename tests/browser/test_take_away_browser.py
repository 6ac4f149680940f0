"""What the app lets a person download is what the command line makes from the recipe: the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from looking import opened

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: A chosen unit and a strongest one, both modes, both scales, both kinds of picture.
VIEWS = [
    ("PNG", "image=coffee&layer=relu2&channel=5&row=7&column=9"),
    ("SVG", "image=cat&layer=pool1&mode=plane&scale=own"),
]


def download(page: Page, button: str, folder: Path) -> Path:
    """Press a download button and keep the file under its own name."""
    with page.expect_download() as caught:
        page.get_by_role("button", name=button, exact=True).click()
    path = folder / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("kind", "view"), VIEWS)
def test_the_recipe_makes_the_downloaded_picture_again(
    app_url: str, page: Page, tmp_path: Path, kind: str, view: str
) -> None:
    opened(page, f"{app_url}/laboratory?{view}", "text=deconvviz reconstruct --recipe")
    recipe, shown = download(page, "Recipe", tmp_path), download(page, kind, tmp_path)
    assert shown.suffix == f".{kind.lower()}"
    again = tmp_path / f"again{shown.suffix}"
    command = [sys.executable, "-m", "deconvviz", "reconstruct", "--recipe", str(recipe), "--out", str(again)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert shown.read_bytes() == again.read_bytes()
    assert len(again.read_bytes()) > 5000
