"""The texts of a report in English and Chinese; a text without a translation stays English."""

from __future__ import annotations

import functools
import json
import re
import string
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")


def say(text: str, language: str = "en", **values: Any) -> str:
    """A text in a language, its places filled in.

    >>> say("{method} was refused: {why}.", "zh", method="Grad-CAM", why="-")
    'Grad-CAM 无法使用：-。'
    """
    message = chinese().get(text, text) if language == "zh" else text
    return message.format(**values) if values else message


@functools.cache
def chinese() -> dict[str, str]:
    """English text -> Chinese text."""
    texts: dict[str, str] = json.loads((Path(__file__).parent / "zh.json").read_text("utf-8"))
    return texts


def translated(sentence: str, language: str = "en") -> str:
    """What the library wrote in English, a refusal for example, in a language; as it is where it is not known.

    >>> translated("relu3 has one channel, or all of them are meant", "zh")
    'relu3 只有一个通道，或解释的是其全部通道'
    """
    if language != "zh":
        return sentence
    for form, chinese in _forms():
        if result := form.fullmatch(sentence):
            values = {name: translated(value, language) for name, value in result.groupdict().items()}
            return chinese.format(**values)
    return sentence


@functools.cache
def refusals() -> dict[str, str]:
    """English sentence with {places} -> Chinese sentence with the same."""
    sentences: dict[str, str] = json.loads((Path(__file__).parent / "zh_refusals.json").read_text("utf-8"))
    return sentences


@functools.cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What fits a sentence, and its translation; those that fix more letters come first."""
    forms = []
    for english, chinese in refusals().items():
        parts = list(string.Formatter().parse(english))
        pattern, known = "", set[str]()
        for text, name, *_ in parts:
            again = f"(?P={name})" if name in known else f"(?P<{name}>.+?)"
            pattern, known = pattern + re.escape(text) + (again if name else ""), known | {name or ""}
        forms.append((sum(len(text) for text, *_ in parts), re.compile(pattern, re.DOTALL), chinese))
    return tuple((form, chinese) for _, form, chinese in sorted(forms, key=lambda each: -each[0]))
