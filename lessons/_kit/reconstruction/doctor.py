"""Why a map looks grey or zero, in the words of the page, and what to do about it."""

from __future__ import annotations

from deconvviz.checks import grey
from deconvviz.types import Reconstruction
from lessons._kit.form.i18n import mark, t
from lessons._kit.run import engine, networks, pictures

#: Kind of `grey.Finding` -> what the page says of a unit's map.
SENTENCES = {
    "silent": mark("all zero: this unit is silent on this picture"),
    "saturated": mark(
        "all zero: a probability of {value} is so close to 0 or 1 that its derivative is 0 in float32. Look at the "
        "score below it."
    ),
    "constant": mark("all zero: this unit is {value} for every picture. Load trained weights, or choose another unit."),
    "blocked": mark("all zero: under this rule nothing gets below {below}. Try another rule, or a unit below it."),
    "negative": mark(
        "all zero: the unit is negative, so its signal starts below 0, and under this rule nothing gets below {below}. "
        "Choose a positive unit, or the gradient."
    ),
    "outlier": mark(
        "grey because of one pixel at row {row}, column {column}: it is {times} times as strong as {share} of the "
        "others. Download the numbers, and end the scale at a percentile."
    ),
}


def why_grey(loaded: networks.Loaded, picture: pictures.Picture, result: Reconstruction) -> str:
    """A sentence; "" where nothing was noticed."""

    def run() -> grey.Finding | None:
        x = pictures.model_inputs(loaded, picture)
        return grey.finding(loaded.network, x, result)

    if result.map.any():
        finding = run()  # looks at the numbers of the map alone
    else:
        name = f"grey {result.unit!r} {result.rule} {result.start}"
        ask = engine.run_compiled
        finding = engine.cached(
            loaded, picture, name, lambda: ask(loaded, result.unit.layer, f"grey {result.rule}", run)
        )
    return "" if finding is None else t(SENTENCES[finding.kind], **finding.values)
