"""The chosen unit: a click on a map is answered at once, before the page runs again.

The browser asks `answer` for the maps of the unit and shows them; then only the fields with the unit's numbers run, and
what stands below the maps once it is looked at. Where the question cannot be answered, the page runs as a whole.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import streamlit as st

from deconvviz import compiled
from deconvviz.types import Layer
from lessons._kit.draw import component
from lessons._kit.form.i18n import current_language, speaking
from lessons._kit.photo import selection
from lessons._kit.photo.selection import Chosen
from lessons._kit.reconstruction import maps
from lessons._kit.run import engine, networks, pictures
from lessons.laboratory import choose

FOLLOW = "lab-unit"
_VIEW, _WHOLE, _RUNS = "lab-view", "lab-whole", "lab-runs"


@dataclass(frozen=True, eq=False)
class Look:
    """What a session looks at: what an answer depends on besides the unit.

    Attributes:
      loaded, picture, forward: the network, the photograph, and what it makes of it.
      layer: whose units are clicked.
      shown: how maps are shown.
      language: of the texts.
    """

    loaded: networks.Loaded
    picture: pictures.Picture
    forward: engine.Forward
    layer: Layer
    shown: maps.Look
    language: str


class View:
    """The view of one session. Who knows its token may ask for its maps, so the token is a secret of its page."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self.look: Look | None = None
        self.newest = 0
        self.lock = threading.Lock()


#: Token -> view; a view ends with the session that holds it.
_VIEWS: WeakValueDictionary[str, View] = WeakValueDictionary()


def view() -> View:
    """The view of this session."""
    if _VIEW not in st.session_state:
        st.session_state[_VIEW] = made = View()
        _VIEWS[made.token] = made
    held: View = st.session_state[_VIEW]
    return held


def look_at(
    loaded: networks.Loaded, picture: pictures.Picture, forward: engine.Forward, layer: Layer, shown: maps.Look
) -> None:
    """From now on clicks are answered for this."""
    view().look = Look(loaded, picture, forward, layer, shown, current_language())


def answer(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The maps of a unit, as the script beside this file puts them on the page. Runs outside a session.

    Args:
      asked: "token", "layer", "channel", "row", "column" (numbers), and "count", which grows with every question.

    Returns:
      None where a later question of the same page has made it needless.

    Raises:
      LookupError: no session has that token, or it looks at another layer by now.
      ValueError: the unit is none of the layer.
    """
    held = _VIEWS.get(str(asked.get("token")))
    look = held.look if held is not None else None
    if held is None or look is None or look.layer.name != asked.get("layer"):
        raise LookupError("no such view")
    values = selection.planes(look.forward.maps[look.layer.name])
    tops = (values.shape[2], *values.shape[:2])
    unit, count = [asked.get(name) for name in ("channel", "row", "column")], asked.get("count")
    is_unit = all(type(one) is int and 0 <= one < top for one, top in zip(unit, tops, strict=True))
    if type(count) is not int or not is_unit:
        raise ValueError(f"no unit of {look.layer.name}, whose maps are {values.shape}: {unit}")
    held.newest = max(held.newest, count)
    with held.lock, speaking(look.language), compiled.foreground():
        if count < held.newest:
            return None
        return _drawn(look, selection.resolve(look.layer, values, *unit))


def _drawn(look: Look, chosen: Chosen) -> dict[str, Any]:
    result = engine.reconstruct(look.loaded, look.picture, chosen.unit)
    if not result.by_rule:
        raise LookupError("no rule applies, which the page says")
    panels = maps.drawn_panels(look.loaded, look.picture, result, look.shown, maps.unit_key(chosen))
    box = choose.box_of(look.loaded, chosen)
    return {
        "large": panels.large,
        "rest": panels.rest,
        "frame": choose.frame_style(look.loaded, box),
        "alt": choose.photo_alt(look.picture, box),
        "caption": choose.photo_caption(look.loaded, box),
    }


@st.fragment
def follow(loaded: networks.Loaded, picture: pictures.Picture, forward: engine.Forward) -> tuple[Layer, Chosen]:
    """Draw the numbers of the unit, and the script that asks for its maps; return what is chosen.

    After a click only this runs, so that the link and the numbers follow.
    """
    run_all_if_asked()
    typed = selection.typed(tuple(layer for layer in loaded.network.layers if layer.shape))
    values = selection.planes(forward.maps[typed.layer.name])
    chosen = selection.resolve(typed.layer, values, typed.channel, typed.row, typed.column)
    choose.numbers(values, chosen, typed)
    data = {
        "token": view().token,
        "layer": typed.layer.name,
        "unit": [chosen.unit.channel, chosen.row, chosen.column],
        "run": runs(),
        "typed": st.session_state.get(choose.TYPED, 0),
    }
    component.mount(__file__, key=FOLLOW, data=data, on_pick_change=_picked, on_whole_change=_picked_for_all)
    return typed.layer, chosen


def begin() -> None:
    """A run of all that depends on the unit begins: the script is told that what it gets is drawn already."""
    st.session_state.pop(_WHOLE, None)
    st.session_state[_RUNS] = runs() + 1


def runs() -> int:
    """How many runs of all that depends on the unit there were: the same in all parts that one has drawn."""
    return int(st.session_state.get(_RUNS, 0))


def run_all() -> None:
    """The next run of a part is to be one of the whole page. For callbacks."""
    st.session_state[_WHOLE] = True


def run_all_if_asked() -> None:
    """Run the whole page where a callback has asked for it."""
    if st.session_state.pop(_WHOLE, False):
        st.rerun()


def _take(name: str) -> bool:
    """Take what was picked; nothing where another layer was chosen since."""
    pick = (st.session_state.get(FOLLOW) or {}).get(name)
    if pick and selection.is_of(pick["layer"]):
        selection.choose_unit(*(int(pick[part]) for part in ("channel", "row", "column")))
    return bool(pick)


def _picked() -> None:
    _take("pick")


def _picked_for_all() -> None:
    if _take("whole"):
        run_all()
