"""Draw what twenty strong units of a network see: python scripts/unit_sheet.py WEIGHTS DATA OUT.webp

Of relu3, relu4 and relu5 the seven, seven and six channels with the largest value on the pictures of DATA (one folder a
class), and of each the two pictures that excite it most: patch and DeconvNet map within the receptive field, each map
on a scale of its own. A second picture, OUT_filters.webp, holds the filters of the first layer.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import deconvviz as dv
from deconvviz.data import preprocess
from deconvviz.data.folder import decode, list_folder
from deconvviz.figures.scale import colour_rgb, signed_limit
from deconvviz.models import caltech

STRONGEST, SIDE, GAP = {"relu3": 7, "relu4": 7, "relu5": 6}, 96, 4


def tile(pixels: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8."""
    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def signed(values: np.ndarray) -> np.ndarray:
    """Grey for 0, on its own scale."""
    return colour_rgb(values, signed_limit(values))


def row(net: dv.Network, pictures: list[np.ndarray], layer: str, channel: int, best: np.ndarray) -> np.ndarray:
    """The patches and maps of one channel, side by side."""
    tiles = []
    for index in best:
        image = preprocess.fit_image(pictures[index] / np.float32(255), net.input_spec)
        result = dv.reconstruct(net, image, dv.Unit(layer, channel), rule="deconvnet", prove=False)
        top, left, bottom, right = result.receptive_field
        patch = np.rint(255 * image[top:bottom, left:right]).astype(np.uint8)
        tiles += [tile(patch), tile(signed(result.map[top:bottom, left:right]))]
    return np.concatenate([np.pad(one, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for one in tiles], axis=1)


def main() -> None:
    weights, data, out = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    net, pictures = caltech.build(weights), decode(list_folder(data, labels=caltech.labels(weights)).files)
    peaks: dict[str, np.ndarray] = {}
    for layer in STRONGEST:
        peaks[layer] = np.stack([dv.activations(net, one, layer).max((0, 1)) for one in pictures])
    rows = []
    for layer, count in STRONGEST.items():
        strong, best = np.argsort(-peaks[layer].max(0))[:count], np.argsort(-peaks[layer], axis=0)[:2]
        rows += [row(net, pictures, layer, int(channel), best[:, channel]) for channel in strong]
    half = len(rows) // 2
    Image.fromarray(np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], axis=1)).save(out)
    kernels = np.moveaxis(np.asarray(caltech.load_params(weights)["conv1.kernel"]), -1, 0)
    cells = [np.pad(signed(one).repeat(10, 0).repeat(10, 1), ((0, GAP), (0, GAP), (0, 0)), constant_values=255)
             for one in kernels]  # fmt: skip
    grid = [np.concatenate(cells[i : i + 8], axis=1) for i in range(0, len(cells), 8)]
    Image.fromarray(np.concatenate(grid)).save(out.with_name(f"{out.stem}_filters{out.suffix}"))


if __name__ == "__main__":
    main()
