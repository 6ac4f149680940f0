"""Colours, sizes and fonts of all pictures, in one place."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

#: Grey level of "no signal" in signed colour pictures; pictures stand on it.
NEUTRAL = 128
#: Text, lines and paper of figures.
INK, FAINT, PAPER = "#1a1a1a", "#5c5c5c", "#ffffff"
#: Receptive field frame: a light line on a dark one shows on any photograph.
FRAME, FRAME_EDGE = "#ffd400", "#000000"
#: A map that is zero everywhere: neither colour map ends in it.
DEAD = (58, 58, 58)

TITLE_SIZE, LABEL_SIZE, CAPTION_SIZE = 12.0, 9.0, 7.5
#: Inches: side of a panel, space between panels, margin.
PANEL, GAP, MARGIN = 2.3, 0.18, 0.2
DPI = 150

_LATIN = "DejaVu Sans"
_CJK = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Noto Sans CJK JP",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Heiti SC",
    "Microsoft YaHei",
    "SimHei",
    "Arial Unicode MS",
)


@cache
def families() -> tuple[str, ...]:
    """DejaVu Sans (it comes with matplotlib) and, where one is installed, a family with Chinese characters.

    >>> families()[0]
    'DejaVu Sans'
    """
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return (_LATIN, *[name for name in _CJK if name in installed][:1])


def font(size: float, *, bold: bool = False) -> FontProperties:
    """Font properties of a text, independent of the user's matplotlib settings."""
    return FontProperties(family=list(families()), size=size, weight="bold" if bold else "normal", style="normal")


def drawable(text: str) -> str:
    """The text with every character that no installed font holds replaced by a hollow square.

    matplotlib would draw a square too, but with a warning for each. Line ends stay.

    >>> drawable("conv1 · ±0.5")
    'conv1 · ±0.5'
    """
    if text.isascii():
        return text
    return "".join(c if c == "\n" or ord(c) < 128 or ord(c) in _codes() else "□" for c in text)


@cache
def _codes() -> frozenset[int]:
    codes: set[int] = set()
    for family in families():
        path = font_manager.findfont(FontProperties(family=family))
        codes.update(font_manager.get_font(path).get_charmap())
    return frozenset(codes)
