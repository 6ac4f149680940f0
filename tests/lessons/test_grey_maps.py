"""The page of planted cases: every diagnosis has its case, is what the library says there, and is gone once mended."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from deconvviz.checks import grey
from deconvviz.checks.audit import words
from lessons.grey_maps.cases import CASES, PLACE

#: What the sentence of each case has to say.
SAID = {
    "silent": "channel 5 of relu2 is silent on this picture",
    "saturated": "is a probability so close to its end",
    "constant": "is 2 for every picture, a constant",
    "blocked": "under the rule deconvnet nothing of it gets below",
    "negative": "its signal starts below 0",
    "outlier": f"the pixel at row {PLACE[0]}, column {PLACE[1]}",
    "range": "is that the range and order of channels that it was trained with?",
    "batch": "depends on the other images of its batch",
    "dead": "3 of 24 channels of relu2 are 0 everywhere on 3 pictures (0, 5, 7)",
    "steps": "with 1 steps: give more steps",
}


def assert_chinese(sentence: str) -> None:
    """A Chinese page has it in Chinese: no four English words follow each other."""
    chinese = words.translated(sentence, "zh")
    assert not re.search(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+", chinese), chinese


def test_every_diagnosis_is_chinese_on_a_chinese_page() -> None:
    values = {
        "channel": 5, "layer": "relu2", "value": "0.12", "rule": "deconvnet", "below": "conv2", "row": 3, "column": 4,
        "times": 90, "share": "99.9%",
    }  # fmt: skip
    for text in grey.TEXTS.values():
        assert_chinese(text.format(**values))


def test_every_diagnosis_of_a_units_map_has_its_case() -> None:
    assert CASES.keys() >= grey.TEXTS.keys() - {"target", "silent target"}
    assert CASES.keys() == SAID.keys()


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_the_planted_case_is_named_and_the_mended_one_is_not(kind: str) -> None:
    case = CASES[kind]
    wrong, right = case.wrong(), case.right()
    assert SAID[kind] in wrong.diagnosis
    assert_chinese(wrong.diagnosis)
    assert np.abs(right.map).max() > 0
    if kind != "outlier":  # that one is mended where it is drawn
        assert right.diagnosis == ""
    if kind in ("silent", "saturated", "constant", "blocked", "negative", "dead"):
        assert not wrong.map.any()


@pytest.mark.slow
def test_the_page_shows_the_sentence_of_the_reason(open_page: Callable[..., AppTest]) -> None:
    test = open_page("grey-maps", reason="blocked")
    assert not test.exception
    assert SAID["blocked"] in test.code[0].value
    chinese = open_page("grey-maps", reason="blocked", lang="zh")
    assert SAID["blocked"] not in chinese.code[0].value
    assert "规则" in chinese.code[0].value
