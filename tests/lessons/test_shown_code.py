"""The code that pages show is for a file of one's own: it imports the library and never a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deconvviz.data import digits
from lessons import ladder, recognition, segmentation, super_resolution, upsampler_lab
from lessons._kit.run import pictures
from lessons.recognition import run as recognition_run
from lessons.segmentation import run as segmentation_run

FOLDER = Path(recognition.__file__).resolve().parents[1]
IMPORT = re.compile(r"\b(?:from|import) lessons\b")


def imports_of_pages(source: str) -> Iterator[str]:
    """Texts in a program, its docstrings apart, in which a page is imported.

    >>> list(imports_of_pages('code = f"from lessons.x import {y}"'))
    ['from lessons.x import ']
    """
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    said = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and text not in said and IMPORT.search(text):
            yield text


def test_no_page_shows_code_that_imports_a_page() -> None:
    assert list(imports_of_pages('def f():\n    """from lessons import x"""\n    return "import lessons.y"')) == [
        "import lessons.y"
    ]
    found = {
        str(file.relative_to(FOLDER)): texts
        for file in sorted(FOLDER.glob("*/**/*.py"))
        if "_app" not in file.parts and (texts := list(imports_of_pages(file.read_text("utf-8"))))
    }
    assert found == {}


@pytest.mark.slow
def test_the_code_of_recognition_looks_at_the_digit_of_the_page() -> None:
    own = "0" * 16 + "00g00g00" * 3 + "00gggg00" + "00000g00" * 2
    for state in (recognition.State(digit="7"), recognition.State(digit=recognition_run.OWN, pad=own)):
        code = recognition.call(state).replace("epochs=10", "epochs=1").replace("pictures=200", "pictures=100")
        made: dict[str, object] = {}
        exec(code, made)
        shown = digits.enlarged(np.asarray(made["small"]))[0, :, :, 0]
        np.testing.assert_array_equal(shown, recognition_run.picture(state.digit, state.pad)[0])


@pytest.mark.slow
def test_the_code_of_segmentation_names_the_pixels_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made: dict[str, object] = {}
    state = segmentation.State()
    exec(segmentation.call(state, segmentation_run.street()), made)
    answer = segmentation_run.answer(segmentation_run.street(), state.decoder)
    assert np.array_equal(made["found"].classes, answer.classes)  # type: ignore[attr-defined]
    assert (tmp_path / "street.png").stat().st_size > 1000


@pytest.mark.deep
@pytest.mark.parametrize("page", [super_resolution, upsampler_lab])
def test_the_code_of_an_enlargement_runs(page: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(page.call(page.State(), pictures.sample("cat")), {})  # type: ignore[attr-defined]


@pytest.mark.deep
def test_the_code_of_the_ladder_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(ladder.call(ladder.State(), True), {})
