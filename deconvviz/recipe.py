"""A picture as a recipe: everything that the same pixels need to be made again.

The app offers a recipe for every picture it shows, and `deconvviz reconstruct --recipe FILE` makes the picture from it;
both go through `render`, so the bytes are the same. A recipe is one JSON object:

    version       1
    model         a shipped network, "caltech"
    model_digest  SHA-256 of its weights: other weights make another picture
    image         id of a built-in photograph, or null for a picture of one's own, which then has to be given again
    image_digest  SHA-256 of the decoded picture (`digest_of_image`)
    layer, channel, row, column   the unit; row and column both numbers, both "all", or both null (the strongest)
    rules         one or more of "gradient", "deconvnet", "guided", "linear"; one panel each, in this order
    start         "activation" or "one"
    mode          "shared": one scale for all panels; "own": one each
    limit         the absolute value at the ends of a shared scale, or null to take it from the maps
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from deconvviz.errors import DeconvvizError, nearest
from deconvviz.types import DisplayImage, Start, Unit

VERSION = 1
Mode = Literal["shared", "own"]
Position = int | Literal["all"] | None


class RecipeError(DeconvvizError):
    """A recipe that cannot be read, or that belongs to another picture or other weights."""


@dataclass(frozen=True)
class Recipe:
    """One picture; the fields are described at the top of this module.

    >>> recipe = Recipe("caltech", "12ab", "cat", "34cd", layer="relu3", channel=7, rules=("deconvnet",))
    >>> Recipe.from_json(recipe.to_json()) == recipe
    True
    """

    model: str
    model_digest: str
    image: str | None
    image_digest: str
    layer: str
    channel: int
    row: Position = None
    column: Position = None
    rules: tuple[str, ...] = ("deconvnet",)
    start: Start = "activation"
    mode: Mode = "shared"
    limit: float | None = None
    version: int = VERSION

    def __post_init__(self) -> None:
        try:
            Unit(self.layer, self.channel, self.row, self.column)
        except DeconvvizError as error:
            raise RecipeError(f"in the recipe, {error}") from error
        if not self.rules:
            raise RecipeError("a recipe needs at least one rule; got rules=()")
        if self.start not in ("activation", "one"):
            raise RecipeError(f"start is 'activation' or 'one'; got start={self.start!r}")
        if self.mode not in ("shared", "own"):
            raise RecipeError(f"mode is 'shared' or 'own'; got mode={self.mode!r}")
        if self.limit is not None and not (math.isfinite(self.limit) and self.limit >= 0):
            raise RecipeError(f"limit is a number from 0 up, or null; got limit={self.limit!r}")

    @property
    def unit(self) -> Unit:
        """The unit that the picture is about."""
        return Unit(self.layer, self.channel, self.row, self.column)

    def to_json(self) -> str:
        """The recipe as one JSON object, indented for people, with a line end."""
        return json.dumps({name: getattr(self, name) for name in KEYS}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe that `to_json` wrote.

        Raises:
          RecipeError: not JSON, a key too many or too few, a value of the wrong kind, or another version.
        """
        record = _parsed(text)
        _check_keys(record)
        for name, kinds in KEYS.items():
            _check_kind(name, record[name], kinds)
        return cls(**{**record, "rules": tuple(record["rules"])})


#: The keys of a recipe in the order they are written, each with what it may hold.
KEYS: dict[str, str] = {
    "version": "whole number",
    "model": "text",
    "model_digest": "text",
    "image": "text or null",
    "image_digest": "text",
    "layer": "text",
    "channel": "whole number",
    "row": 'whole number or "all" or null',
    "column": 'whole number or "all" or null',
    "rules": "list of text",
    "start": "text",
    "mode": "text",
    "limit": "number or null",
}


def digest_of_image(image: DisplayImage) -> str:
    """SHA-256 of a picture's size and pixels.

    Args:
      image: (H, W, 3) float32, 0..1.

    >>> digest_of_image(np.zeros((2, 3, 3), np.float32)) == digest_of_image(np.zeros((3, 2, 3), np.float32))
    False
    """
    pixels = np.ascontiguousarray(image, dtype=np.float32)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def _parsed(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise RecipeError(
            f"the recipe is not JSON ({error}); deconvviz reconstruct --save-recipe writes one"
        ) from error
    if not isinstance(record, dict):
        raise RecipeError(f"a recipe is one JSON object; this file holds a {type(record).__name__}")
    return record


def _check_keys(record: dict[str, Any]) -> None:
    if "version" in record and record["version"] != VERSION:
        raise RecipeError(
            f"the recipe has version {record['version']!r}, this deconvviz reads version {VERSION}; "
            "make the recipe again with the version that shall read it"
        )
    missing = [name for name in KEYS if name not in record]
    if missing:
        raise RecipeError(f"the recipe lacks {', '.join(missing)}; it needs {', '.join(KEYS)}")
    unknown = [name for name in record if name not in KEYS]
    if unknown:
        raise RecipeError(f"the recipe has a key {unknown[0]!r} that is not known; {nearest(unknown[0], KEYS)}")


def _check_kind(name: str, value: Any, kinds: str) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    whole = number and isinstance(value, int)
    tests = {
        "whole number": whole and value >= 0,
        "number": number,
        "text": isinstance(value, str),
        '"all"': value == "all",
        "null": value is None,
        "list of text": isinstance(value, list) and all(isinstance(item, str) for item in value),
    }
    if not any(tests[kind] for kind in kinds.split(" or ")):
        raise RecipeError(f"in the recipe, {name} has to be {kinds}; got {value!r}")
