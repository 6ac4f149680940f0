"""Take away: the picture, the arrays, the recipe, and the lines of Python that make this very picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from lessons._kit.form.i18n import t
from lessons._kit.photo.selection import Chosen
from lessons._kit.reconstruction.maps import Look, limits_of
from lessons._kit.run import engine, networks, pictures

if TYPE_CHECKING:
    from deconvviz.recipe import Recipe

#: Kind of file -> its media type.
KINDS = {"png": "image/png", "svg": "image/svg+xml", "npz": "application/octet-stream"}


def take_away(
    loaded: networks.Loaded,
    picture: pictures.Picture,
    chosen: Chosen,
    reconstructions: engine.Reconstructions,
    look: Look,
    rule: str,
) -> None:
    """Draw the buttons and the lines."""
    st.html(f'<div class="lab-heading"><h2>{escape(t("Take away"))}</h2></div>')
    unit = chosen.unit
    position = "" if unit.row is None else f"-{unit.row}-{unit.column}"
    name = f"{picture.id or 'picture'}-{unit.layer}-{unit.channel}{position}"
    with st.container(horizontal=True, gap="small", key="lab-take"):
        for kind, media in KINDS.items():
            make = _maker(loaded, picture, chosen, reconstructions, look, kind)
            st.download_button(kind.upper(), make, f"{name}.{kind}", media, on_click="ignore", key=f"lab-{kind}")
        st.download_button(
            t("Recipe"),
            lambda: recipe(loaded, picture, chosen, reconstructions, look).to_json(),
            f"{name}.json",
            "application/json",
            on_click="ignore",
            key="lab-recipe",
        )
    st.code(python_lines(loaded, picture, chosen, rule), language="python", wrap_lines=True)
    given = f" --network {loaded.name}" if ":" in loaded.name else ""
    given += "" if picture.id else " --image FILE"
    st.code(f"deconvviz reconstruct --recipe {name}.json{given} --out {name}.png", "bash", wrap_lines=True)
    if picture.id is None:
        st.html(
            f'<p class="lab-value">{escape(t("Your own picture is not in the recipe: keep its file beside it."))}</p>'
        )


def _maker(
    loaded: networks.Loaded,
    picture: pictures.Picture,
    chosen: Chosen,
    reconstructions: engine.Reconstructions,
    look: Look,
    kind: str,
) -> Callable[[], bytes]:
    def make() -> bytes:
        from deconvviz import recipe as recipes  # figures take 0.4 s to import: only when asked for

        made = recipe(loaded, picture, chosen, reconstructions, look)
        image = pictures.decoded(picture)
        run = partial(recipes.render, made, loaded.network, image, kind)  # the file of the command that stands below
        return engine.run_compiled(loaded, chosen.unit.layer, "file", run)

    return make


def recipe(
    loaded: networks.Loaded,
    picture: pictures.Picture,
    chosen: Chosen,
    reconstructions: engine.Reconstructions,
    look: Look,
) -> Recipe:
    """The recipe of the panels as they are shown."""
    from deconvviz import recipe as recipes

    return recipes.describe(
        loaded.network,
        pictures.decoded(picture),
        chosen.unit,
        model=loaded.name,
        sample=picture.id,
        rules=tuple(reconstructions.by_rule),
        mode="plane" if look.summed else "colour",
        scale="shared" if look.shared else "own",
        limit=next(iter(limits_of(reconstructions, look).values())) if look.shared else None,
    )


def python_lines(loaded: networks.Loaded, picture: pictures.Picture, chosen: Chosen, rule: str) -> str:
    """Lines of Python that make the map of one rule."""
    unit = chosen.unit
    position = "" if unit.row is None else f", {unit.row}, {unit.column}"
    image = f'samples.load("{picture.id}")' if picture.id else '"FILE"'
    imports = "import deconvviz as dv" + ("\nfrom deconvviz.data import samples" if picture.id else "")
    network = f'dv.load("{loaded.name}")'
    if ":" in loaded.name:
        imports, network = f"{imports}\nfrom deconvviz.network.adopt import load", f'load.load("{loaded.name}").network'
    return (
        f"{imports}\n"
        f"network = {network}\n"
        f'seen = dv.reconstruct(network, {image}, dv.Unit("{unit.layer}", {unit.channel}{position}), rule="{rule}")'
    )
