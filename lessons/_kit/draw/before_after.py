"""Two pictures of one size on top of each other, and a divider that uncovers the one or the other.

The divider follows the mouse or a finger, or the arrow keys once it has the focus (Shift for ten times as far, Home
and End for the whole of one picture). Nothing is asked of the server while it moves.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from deconvviz.types import Size
from lessons._kit.draw import component
from lessons._kit.form.i18n import t


@dataclass(frozen=True)
class Side:
    """One of the two pictures.

    Attributes:
      title: translated; stands in its corner.
      source: its data address, as `pixels.address` makes it.
      alt: translated; the title if that says it all.
      signed: a map on white, whose ground is dark where the page is.
    """

    title: str
    source: str
    alt: str = ""
    signed: bool = False


def show(
    before: Side, after: Side, size: Size, key: str, *, note: str = "", at: int = 50, pixels: bool = False
) -> None:
    """Draw the pictures.

    Args:
      before, after, size, note, at, pixels: see `payload`.
      key: of the component in the session; the divider stays where it is while the key does.
    """
    mount(payload(before, after, size, note=note, at=at, pixels=pixels), key)


def mount(data: dict[str, Any], key: str) -> None:
    """Draw the pictures of a `payload`."""
    component.mount(__file__, key=key, data=data)


def payload(
    before: Side, after: Side, size: Size, *, note: str = "", at: int = 50, pixels: bool = False, instead: str = ""
) -> dict[str, Any]:
    """What the browser draws.

    Args:
      before: left of the divider.
      after: right of it.
      size: (rows, columns) of both; only their ratio counts.
      note: translated; stands under the pictures.
      at: where the divider stands at first, percent of the width.
      pixels: enlarge without smoothing.
      instead: translated; stands in the place of the pictures where there is nothing to compare.
    """
    name = t("Divider between “{left}” and “{right}”", left=before.title, right=after.title)
    return {
        "sides": [asdict(side) for side in (before, after)],
        "size": list(size),
        "note": note,
        "at": at,
        "pixels": pixels,
        "instead": instead,
        "name": name,
        "keys": t("Drag the divider, or move it with the arrow keys."),
        "value": t("{percent} % “{left}”", percent="{percent}", left=before.title),
    }
