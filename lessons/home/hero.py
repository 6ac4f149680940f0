"""The first picture: a photograph dissolves layer by layer, as three methods make it again from the layer alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lessons._app.first_look import METHODS
from lessons._kit.draw import component
from lessons._kit.draw.pixels import address, jpeg, signed_pixels
from lessons._kit.form.i18n import t
from lessons._kit.inversion.run import LAYERS
from lessons._kit.run import shipped

#: Share of the values of a map that lies beyond the ends of its scale: a few outshine all others.
CUT = 0.005


def show() -> None:
    """Draw it, from pictures that come with the package: it waits for no network."""
    component.mount(__file__, "home-hero", data())


@cache
def _picture(method: str, layer: str) -> str:
    """The picture of a method and a layer as a data address; "" where there is none."""
    known = shipped.arrays()
    if method == "deconvnet":
        signed = known[f"map/{layer}"].astype(np.float32)
        return address(jpeg(signed_pixels(signed, float(np.quantile(np.abs(signed), 1 - CUT)), summed=False)))
    name = f"{method}/{layer}"
    return address(jpeg(known[name])) if name in known else ""


def data() -> dict[str, Any]:
    """What the browser needs: for every method and layer a picture, or "" where there is none, and the words."""
    photograph = address(jpeg(shipped.arrays()["photograph"]))
    rows = []
    for method, (name, line) in METHODS.items():
        made = [_picture(method, layer) for layer in LAYERS]
        rows.append({"name": t(name), "line": t(line), "pictures": [photograph, *made]})
    return {
        "rows": rows,
        "steps": [t("photograph"), *LAYERS],
        "none": t("no decoder for this layer"),
        "label": t("How deep into the network"),
        "alt": t("{method}, made from {layer}", method="{method}", layer="{layer}"),
        "keys": t("Move over the pictures, or use the arrow keys."),
    }
