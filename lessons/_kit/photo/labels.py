"""Words of the laboratory that are looked up by a value: titles of the gallery, rules, kinds of layers."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from lessons._kit.form.i18n import current_language, mark, t

TITLES = {
    "cat": mark("Cat"),
    "astronaut": mark("Astronaut"),
    "coffee": mark("Coffee"),
    "rocket": mark("Rocket"),
    "camera": mark("Photographer"),
    "motorcycle": mark("Motorcycle"),
    "coins": mark("Coins"),
    "galaxies": mark("Galaxies"),
    "brick": mark("Bricks"),
    "grass": mark("Grass"),
    "clock": mark("Blurred clock"),
    "edges": mark("Edges"),
    "stripes": mark("Rings"),
    "disc": mark("Disc"),
    "checkerboard": mark("Checkerboard"),
    "dot": mark("One dot"),
    "noise": mark("Noise"),
    "black": mark("All black"),
}
RULES = {
    "gradient": mark("Gradient"),
    "deconvnet": mark("DeconvNet"),
    "guided": mark("Guided backprop"),
    "linear": mark("Linear"),
}
#: What each rule lets through at a rectifier, in one line.
RULE_LINES = {
    "gradient": mark("passes where the input was positive"),
    "deconvnet": mark("passes what is positive coming down"),
    "guided": mark("passes where both are positive"),
    "linear": mark("passes everything"),
}
#: The same as a formula: z goes into the rectifier on the way up, g comes down.
RULE_FORMULAS = {
    "gradient": r"g \cdot [z > 0]",
    "deconvnet": r"\max(g, 0)",
    "guided": r"\max(g, 0) \cdot [z > 0]",
    "linear": r"g",
}
KINDS = {
    "conv": mark("convolution"),
    "relu": mark("rectifier"),
    "max_pool": mark("max pooling"),
    "avg_pool": mark("average pooling"),
    "mean": mark("mean over positions"),
    "dense": mark("dense layer"),
    "add": mark("sum"),
    "concat": mark("concatenation"),
    "batch_norm": mark("batch normalization"),
}


@cache
def class_names() -> dict[str, dict[str, str]]:
    """Class of the shipped network -> language -> its name for people, from classes.tsv."""
    with Path(__file__).with_name("classes.tsv").open(encoding="utf-8", newline="") as file:
        return {row["label"]: row for row in csv.DictReader(file, delimiter="\t")}


def class_name(label: str) -> str:
    """A class for people in their language; one without a name in the table (ImageNet's) in English, as it is.

    >>> class_name("Motorbikes"), class_name("sea_horse"), class_name("tabby, tabby_cat")
    ('motorbike', 'seahorse', 'tabby, tabby cat')
    """
    names = class_names().get(label)
    return names[current_language()] if names else label.replace("_", " ")


def kind(name: str) -> str:
    """A kind of layer in the person's language; one without a translation as it is."""
    return t(KINDS[name]) if name in KINDS else name.replace("_", " ")


def size(shape: tuple[int, ...]) -> str:
    """A shape for people.

    >>> size((16, 12, 112)), size((102,))
    ('16 × 12 × 112', '102')
    """
    return " × ".join(map(str, shape))
