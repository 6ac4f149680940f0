"""A picture as a recipe: everything that the same pixels need to be made again.

The app offers a recipe for every picture it shows, and `deconvviz reconstruct --recipe FILE` makes the picture from it;
both go through `render`, so the bytes are the same. A recipe is one JSON object:

    version       1
    model         a shipped network, "caltech"
    model_digest  SHA-256 of its weights: other weights make another picture
    image         id of a built-in photograph, or null for a picture of one's own, which then has to be given again
    image_digest  SHA-256 of the decoded picture (`digest_of_image`)
    layer, channel, row, column   the unit; row and column both numbers, both "all", or both null (the strongest);
                  channel "all" is the whole layer
    rules         one or more of "gradient", "deconvnet", "guided", "linear"; one panel each, in this order
    start         "activation" or "one"
    mode          "colour": signed colours around grey; "plane": their sum, from blue over white to red
    scale         "shared": one scale for all panels; "own": one each
    limit         the absolute value at the ends of a shared scale, or null to take it from the maps

What comes out, by the kind of file: a PNG of one rule is the map alone, one pixel for one of the network's input; a PNG
of several rules and every SVG are the figure with the photograph, the panels and the scale; an NPZ holds the arrays.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from deconvviz import storage
from deconvviz.errors import DeconvvizError, nearest
from deconvviz.figures import files, montage, panels
from deconvviz.types import DisplayImage, Reconstruction, Start, Unit

if TYPE_CHECKING:
    from deconvviz.network import Network

VERSION = 1
Mode = Literal["colour", "plane"]
Scale = Literal["shared", "own"]
Position = int | Literal["all"] | None
_STARTS, _MODES, _SCALES = ("activation", "one"), ("colour", "plane"), ("shared", "own")


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
    channel: int | Literal["all"]
    row: Position = None
    column: Position = None
    rules: tuple[str, ...] = ("deconvnet",)
    start: Start = "activation"
    mode: Mode = "colour"
    scale: Scale = "shared"
    limit: float | None = None
    version: int = VERSION

    def __post_init__(self) -> None:
        try:
            Unit(self.layer, self.channel, self.row, self.column)
        except DeconvvizError as error:
            raise RecipeError(f"in the recipe, {error}") from error
        if not self.rules:
            raise RecipeError("a recipe needs at least one rule; got rules=()")
        for name, known in (("start", _STARTS), ("mode", _MODES), ("scale", _SCALES)):
            value = getattr(self, name)
            if value not in known:
                raise RecipeError(f"{name} is {' or '.join(map(repr, known))}; got {name}={value!r}")
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
    "channel": 'whole number or "all"',
    "row": 'whole number or "all" or null',
    "column": 'whole number or "all" or null',
    "rules": "list of text",
    "start": "text",
    "mode": "text",
    "scale": "text",
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


def describe(
    network: Network, image: DisplayImage, unit: Unit, *, model: str, sample: str | None, **options: Any
) -> Recipe:
    """The recipe of a picture that is about to be made.

    Args:
      network: what `load(model)` gave.
      image: the decoded picture, before it is brought to the network's size.
      unit: layer, channel, position.
      model: name of the shipped network.
      sample: id of the built-in photograph; None for a picture of one's own.
      options: rules, start, mode, scale, limit of the recipe.
    """
    return Recipe(
        model=model,
        model_digest=network.digest,
        image=sample,
        image_digest=digest_of_image(image),
        layer=unit.layer,
        channel=unit.channel,
        row=unit.row,
        column=unit.column,
        **options,
    )


def reconstruct(recipe: Recipe, network: Network, image: DisplayImage) -> tuple[Reconstruction, ...]:
    """The maps of a recipe, one a rule.

    Raises:
      RecipeError: the network has other weights, or the picture is another one, than the recipe was made with.
    """
    import deconvviz as dv

    if network.digest != recipe.model_digest:
        raise RecipeError(
            f"the recipe was made with other weights of {recipe.model} ({recipe.model_digest[:12]}..., these are "
            f"{network.digest[:12]}...): load those weights, or make the recipe again"
        )
    result = digest_of_image(image)
    if result != recipe.image_digest:
        raise RecipeError(
            f"the recipe was made from another picture ({recipe.image_digest[:12]}..., this one is {result[:12]}...): "
            "give the file that it was made from"
        )
    maps = dv.reconstruct_rules(network, image, recipe.unit, recipe.rules, start=recipe.start)
    return tuple(maps[rule] for rule in recipe.rules)


def resolved(recipe: Recipe, results: Sequence[Reconstruction]) -> Recipe:
    """The recipe with the position that was found for the strongest unit."""
    unit = results[0].unit
    return replace(recipe, row=unit.row, column=unit.column)


def picture(
    recipe: Recipe, results: Sequence[Reconstruction], network: Network, image: DisplayImage, kind: str = "png"
) -> bytes:
    """The file of maps that `reconstruct` made: the same bytes for the same recipe.

    Args:
      recipe: what to draw, and how; it is kept in the file.
      results: the maps, one a rule of the recipe.
      network: whose input size the photograph is brought to.
      image: the decoded picture.
      kind: "png", "svg" or "npz".
    """
    from deconvviz.data import preprocess

    text = resolved(recipe, results).to_json()
    if kind == "npz":
        return files.npz_bytes(results[0], text) if len(results) == 1 else _npz_of_several(results, text)
    if kind == "png" and len(results) == 1:
        return montage.png_bytes(panels.map_rgb(results[0], recipe.mode, recipe.limit), text={files.RECIPE: text})
    if kind not in ("png", "svg"):
        raise RecipeError(f"a picture is made as png, svg or npz; got kind={kind!r}")
    draw = panels.reconstruction_png if kind == "png" else panels.reconstruction_svg
    spec = network.input_spec
    if spec.is_picture:
        photograph = preprocess.fit_image(image, spec)
    else:
        photograph = preprocess.display(preprocess.model_input(image, spec), spec)
    return draw(
        photograph,
        results,
        mode=recipe.mode,
        shared=recipe.scale == "shared",
        limit=recipe.limit,
        recipe=text,
    )


def render(recipe: Recipe, network: Network, image: DisplayImage, kind: str = "png") -> bytes:
    """The file that a recipe describes.

    Raises:
      RecipeError: other weights, or another picture, than the recipe was made with.
    """
    return picture(recipe, reconstruct(recipe, network, image), network, image, kind)


def _npz_of_several(results: Sequence[Reconstruction], text: str) -> bytes:
    """Maps (rules, H, W, 3) of one unit, with their rules and the recipe."""
    stream = io.BytesIO()
    arrays: dict[str, Any] = {
        "maps": np.stack([result.map for result in results]),
        "rules": np.array([result.rule for result in results]),
        "activation": results[0].activation,
        "receptive_field": np.array(results[0].receptive_field, np.int64),
        files.RECIPE: text,
    }
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _parsed(text: str) -> dict[str, Any]:
    def problem(reason: str) -> RecipeError:
        return RecipeError(f"this is no recipe: {reason}; deconvviz reconstruct --save-recipe writes one")

    record: dict[str, Any] = storage.parse(text, {}, problem)
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
