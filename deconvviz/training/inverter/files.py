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
from deconvviz.training.checkpoint import write_whole

CARD = """\
# inverters

Up-convolutional decoders (Dosovitskiy and Brox 2016) that give the picture behind a layer of {network}, one a layer:
two 3x3 convolutions, then stages that enlarge to 128 x 128, leaky ReLU (0.2) between. `deconvviz.models._decoder` is
the function. A decoder sees the layer's values and nothing else: no switches, no other layer, no picture.

| | |
|---|---|
| file | {file}, {size:,} bytes, {weights:,} weights, float16; mean and spread of every channel of the features inside |
| network | {network}, digest {digest}; refused for any other |
| data | Caltech-101 (Fei-Fei, Fergus, Perona 2004), CaltechDATA record 20086, CC BY 4.0; {trained:,} for training |
| command | `python -m deconvviz train inverter:LAYER --data DIR --out RUN --seed {seed} --epochs N` |
| loss | squared error in pixels alone, as in the paper: it answers about the mean of the pictures with these values |
| schedule | epochs of {images:,} random crops (half or more of a picture); batch {batch}, Adam {rate:g}, cosine |
| validation | {held} images (4 a class) that neither the network nor its inverters were trained on, this float16 file |
| licence of the weights | Apache-2.0, as the code |

{layers}

"mean colour" answers every picture with the mean colour of the training pictures. PSNR and SSIM are means over images;
the normalized image error is the mean of the squared distance over the picture's squared length.
"""
COMPARED = """
## Upsamplers

{layer}, {epochs} epochs, seed {seed}, the same crops in the same order, measured on the same {held} images:

{rows}

"unpool" puts each value into the upper left corner of its block, as the paper does; the pooling switches of the network
are not part of the features and are not used. All three cost the same time: each is computed as one convolution of the
small map. One seed each: differences of a tenth of a decibel say little.
"""
FIGURES = {"psnr": ("PSNR in dB", 2), "ssim": ("SSIM", 3), "normalized_image_error": ("normalized image error", 4)}


def write(path: Path, network: Network, layer: str, params: dict[str, np.ndarray], said: dict[str, Any]) -> None:
    """Writes the inverter of one layer as float16, with the network it belongs to and what is said of it."""
    about = {"network": network.name, "digest": network.digest, "layers": {layer: said}}
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
        found = file_facts(file)
        about = about or {**found, "layers": {}}
        if found["digest"] != about["digest"]:
            raise TrainingError(f"{file} is of another network than {files[0]}: pack inverters of one network only")
        twice = found["layers"].keys() & about["layers"].keys()
        if twice:
            raise TrainingError(f"{file} holds a second inverter of {', '.join(sorted(twice))}: name one file a layer")
        about["layers"] |= found["layers"]
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
    recipe, said = layers[0][1]["recipe"], layers[0][1]
    rows = [["layer", "values", "weights", "upsampler", *(title for title, _ in FIGURES.values()), "epochs", "minutes"]]
    for layer, one in layers:
        weights = sum(value.size for name, value in arrays.items() if name.startswith(f"{layer}."))
        run = [str(one["recipe"]["epochs"]), f"{one['seconds'] / 60:.0f}"]
        values = " x ".join(map(str, network.layer(layer).shape))
        rows.append([layer, values, f"{weights:,}", one["upsampler"], *_figures(one["figures"]), *run])
    rows.append(["mean colour", "3", "", "", *_figures(said["mean_colour_figures"]), "", ""])
    text = CARD.format(
        network=facts["network"], file=path.name, size=path.stat().st_size, digest=facts["digest"][:16],
        weights=sum(value.size for value in arrays.values()), trained=said["training_images"], layers=_table(rows),
        held=said["validation_images"], seed=recipe["seed"], images=recipe["images"], batch=recipe["batch"],
        rate=recipe["learning_rate"],
    )  # fmt: skip
    return text + (_comparison(compared) if compared else "")


def _comparison(compared: Sequence[Path]) -> str:
    found = [next(iter(file_facts(file)["layers"].items())) for file in compared]
    layer, first = found[0]
    fixed = {key: value for key, value in first["recipe"].items() if key != "upsampler"}
    for file, (_, one) in zip(compared, found, strict=True):
        if {key: value for key, value in one["recipe"].items() if key != "upsampler"} != fixed:
            raise TrainingError(f"{file} differs from {compared[0]} in more than its upsampler: nothing to compare")
    rows = [["upsampler", *(title for title, _ in FIGURES.values())]]
    rows += [[one["upsampler"], *_figures(one["figures"])] for _, one in found]
    return COMPARED.format(
        layer=layer, epochs=fixed["epochs"], seed=fixed["seed"], held=first["validation_images"], rows=_table(rows)
    )


def _figures(figures: dict[str, float]) -> list[str]:
    return [f"{figures[name]:.{digits}f}" for name, (_, digits) in FIGURES.items()]


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _save(path: Path, arrays: dict[str, np.ndarray], about: dict[str, Any]) -> None:
    stored = {name: np.asarray(value, np.float16) for name, value in arrays.items()}
    write_whole(path, save(stored, metadata={"inverters": json.dumps(about, sort_keys=True)}))
