"""Files of trained inverters: one for a run, one for all layers of a network, and the card that tells about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from deconvviz.errors import TrainingError
from deconvviz.models import caltech
from deconvviz.models.inverters import file_arrays, file_facts
from deconvviz.network import Network
from deconvviz.training import cards
from deconvviz.training.checkpoint import write_whole

_TEMPLATE = cards.Template(Path(__file__).with_name("card.md"))

FIGURES = {"psnr": ("PSNR in dB", 2), "ssim": ("SSIM", 3), "normalized_image_error": ("normalized image error", 4)}


def write(path: Path, network: Network, layer: str, params: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """Writes the inverter of one layer as float16, with the network it belongs to and what is said of it."""
    about = {"network": network.name, "digest": network.digest, "layers": {layer: facts}}
    _save(path, {f"{layer}.{name}": value for name, value in params.items()}, about)


def pack(files: Sequence[Path], path: Path) -> None:
    """Puts the inverters of several runs into one file, in the order given.

    Raises:
      TrainingError: inverters of different networks, or two of one layer.
      WeightsError: a file that cannot be read.

    Example::

      pack([Path("relu2/inverter.safetensors"), Path("relu4/inverter.safetensors")], Path("inverters.safetensors"))
    """
    arrays: dict[str, np.ndarray] = {}
    about: dict[str, Any] = {}
    for file in files:
        result = file_facts(file)
        about = about or {**result, "layers": {}}
        if result["digest"] != about["digest"]:
            raise TrainingError(f"{file} is of another network than {files[0]}: pack inverters of one network only")
        twice = result["layers"].keys() & about["layers"].keys()
        if twice:
            raise TrainingError(f"{file} holds a second inverter of {', '.join(sorted(twice))}: name one file a layer")
        about["layers"] |= result["layers"]
        arrays |= file_arrays(file)
    _save(path, arrays, about)


def card(path: Path, compared: Sequence[Path] = ()) -> str:
    """The card of a packed file, as Markdown.

    Args:
      path: the file.
      compared: files of runs of one layer with one schedule that differ in their upsampler.
    """
    facts, arrays = file_facts(path), file_arrays(path)
    layers, network = sorted(facts["layers"].items()), caltech.build()
    recipe, first = layers[0][1]["recipe"], layers[0][1]
    rows = [["layer", "values", "weights", "upsampler", *(title for title, _ in FIGURES.values()), "epochs", "crops"]]
    for layer, facts_of_layer in layers:
        weights = sum(value.size for name, value in arrays.items() if name.startswith(f"{layer}."))
        steps = facts_of_layer["recipe"]
        run = [str(steps["epochs"]), f"{steps['epochs'] * min(steps['images'], facts_of_layer['training_images']):,}"]
        values = " x ".join(map(str, network.layer(layer).shape))
        rows.append(
            [layer, values, f"{weights:,}", facts_of_layer["upsampler"], *_figures(facts_of_layer["figures"]), *run]
        )
    rows.append(["mean colour", "3", "", "", *_figures(first["mean_colour_figures"]), "", ""])
    text = _TEMPLATE.fill(
        "card", network=facts["network"], file=path.name, size=path.stat().st_size, digest=facts["digest"][:16],
        weights=sum(value.size for value in arrays.values()), trained=first["training_images"],
        layers=cards.table(rows),
        held=first["validation_images"], each=first["validation_images"] // caltech.CLASSES or 1,
        loss=_loss_of({layer: one["recipe"] for layer, one in layers}), seed=recipe["seed"], batch=recipe["batch"],
        rate=recipe["learning_rate"],
    )  # fmt: skip
    return text + (_comparison(compared) if compared else "")


def _loss_of(recipes: dict[str, dict[str, Any]]) -> str:
    """What the inverters were trained to make small, in words: squared error alone, or what stands beside it."""
    parts = {"strokes": "a second network's first layers", "chroma": "strength of colours"}
    said: list[tuple[str, str]] = []
    for layer, recipe in recipes.items():
        beside = [f"{', '.join(recipe['compared'])} ({recipe['compared_weight']:g})"] if recipe.get("compared") else []
        beside += [f"{name} ({recipe[key]:g})" for key, name in parts.items() if recipe.get(key)]
        said.append((layer, "; ".join(beside)))
    text = "squared error in pixels, as in the paper: it answers about the mean of the pictures with these values"
    for more in dict.fromkeys(more for _, more in said if more):
        names = ", ".join(layer for layer, one in said if one == more)
        text += f"; for {names} beside it, with these weights, {more}"
    return text if any(more for _, more in said) else text.replace("in pixels", "in pixels alone")


def _comparison(compared: Sequence[Path]) -> str:
    result = [next(iter(file_facts(file)["layers"].items())) for file in compared]
    layer, first = result[0]
    fixed = {key: value for key, value in first["recipe"].items() if key != "upsampler"}
    for file, (_, one) in zip(compared, result, strict=True):
        if {key: value for key, value in one["recipe"].items() if key != "upsampler"} != fixed:
            raise TrainingError(f"{file} differs from {compared[0]} in more than its upsampler: nothing to compare")
    rows = [["upsampler", *(title for title, _ in FIGURES.values())]]
    rows += [[facts["upsampler"], *_figures(facts["figures"])] for _, facts in result]
    return _TEMPLATE.fill(
        "compared",
        layer=layer,
        epochs=fixed["epochs"],
        seed=fixed["seed"],
        held=first["validation_images"],
        rows=cards.table(rows),
    )


def _figures(figures: dict[str, float]) -> list[str]:
    return [f"{figures[name]:.{digits}f}" for name, (_, digits) in FIGURES.items()]


def _save(path: Path, arrays: dict[str, np.ndarray], about: dict[str, Any]) -> None:
    stored = {name: np.asarray(value, np.float16) for name, value in arrays.items()}
    write_whole(path, save(stored, metadata={"inverters": json.dumps(about, sort_keys=True)}))
