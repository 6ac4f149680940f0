"""The texts of a report in English and Chinese; a text without a translation stays English."""

from __future__ import annotations

import functools
import json
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
