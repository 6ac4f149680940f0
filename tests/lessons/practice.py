"""The exercise of a page without a browser: choose a question, answer it, ask for new numbers."""

from __future__ import annotations

import base64
import re

import numpy as np
from streamlit.testing.v1 import AppTest

from lessons._kit.draw import image_row
from lessons._kit.form.exercise import Answer

ALONE = """
from lessons._kit.form import frame, page

frame.practice(next(found for found in page.discover() if found.slug == {slug!r}))
"""


def alone(slug: str) -> AppTest:
    """The exercise of a lesson without the rest of its page."""
    return _fine(AppTest.from_string(ALONE.format(slug=slug), default_timeout=120).run())


def choose(test: AppTest, slug: str, kind: str) -> AppTest:
    """Turn to a kind of question."""
    return _fine(test.segmented_control(f"{slug}-kind").set_value(kind).run())


def answer(test: AppTest, slug: str, kind: str, given: Answer, seed: int = 0) -> AppTest:
    """Type an answer, or choose it, and send it."""
    chosen = {field.key for field in test.radio}
    for i, number in enumerate(given):
        key = f"{slug}-{kind}-{seed}-{i}"
        (test.radio if key in chosen else test.number_input)(key).set_value(number)
    return press(test, "Check my prediction")


def heights(sketch: image_row.Picture) -> np.ndarray:
    """Of the points of a curve as `plot.sketch` drew it: 0 at the bottom of its frame, 1 at the top."""
    drawing = base64.b64decode(str(sketch.source).partition(",")[2]).decode()
    frame, curve = ([float(p.split(",")[1]) for p in one.split()] for one in re.findall(r'points="([^"]+)"', drawing))
    return np.array([(frame[1] - y) / (frame[1] - frame[0]) for y in curve])


def verdicts(test: AppTest) -> list[str]:
    """Whether it holds and the name of every check that the page shows."""
    return [text.value for text in test.markdown if text.value.startswith((":green[**", ":red[**"))]


def press(test: AppTest, label: str) -> AppTest:
    """Press the button with that label."""
    return _fine(next(button for button in test.button if button.label == label).click().run())


def _fine(test: AppTest) -> AppTest:
    assert not test.exception
    return test
