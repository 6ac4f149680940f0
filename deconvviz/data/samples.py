"""Pictures that are always there: photographs inside the scikit-image package, and drawings with a known answer.

Nothing is downloaded: only files that every scikit-image installation holds are named here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np

from deconvviz.data import images
from deconvviz.errors import ImageError, nearest
from deconvviz.types import DisplayImage

#: Rows and columns of the drawings.
DRAWN_SIZE = 256
_SEED = 1


@dataclass(frozen=True)
class Sample:
    """One picture of the gallery.

    Attributes:
      id: what `load` takes; stays the same for ever, links hold it.
      title: short name for people.
      alt: what is on it, for those who do not see it.
      credit: who made it, and the licence.
      kind: "photo" or "drawn".
      file: file name inside scikit-image's data folder; empty for drawings.
    """

    id: str
    title: str
    alt: str
    credit: str
    kind: Literal["photo", "drawn"] = "photo"
    file: str = ""


def _photo(id: str, title: str, file: str, credit: str, alt: str) -> Sample:
    return Sample(id, title, alt, credit, "photo", file)


def _drawn(id: str, title: str, alt: str) -> Sample:
    return Sample(id, title, alt, "drawn by deconvviz, CC0", "drawn")


_ALL = (
    _photo("cat", "Cat", "chelsea.png", "Stéfan van der Walt, CC0", "Close-up of a tabby cat with green eyes"),
    _photo(
        "astronaut",
        "Astronaut",
        "astronaut.png",
        "NASA, public domain",
        "Astronaut Eileen Collins smiling in an orange suit, a flag and a model of a shuttle behind her",
    ),
    _photo(
        "coffee",
        "Coffee",
        "coffee.png",
        "Rachel Michetti, Pikolo Espresso Bar, CC0",
        "A cup of espresso on a red saucer with a spoon, on a wooden table",
    ),
    _photo(
        "rocket", "Rocket", "rocket.jpg", "SpaceX, CC0", "A rocket on its launch pad at dusk, four pylons around it"
    ),
    _photo(
        "camera",
        "Photographer",
        "camera.png",
        "Lav Varshney, CC0",
        "A man in a dark coat looking through a camera on a tripod, black and white",
    ),
    _photo(
        "motorcycle",
        "Motorcycle",
        "motorcycle_left.png",
        "Scharstein and others, Middlebury stereo set 2014",
        "A red motorcycle in a garage",
    ),
    _photo(
        "coins",
        "Coins",
        "coins.png",
        "Brooklyn Museum, no known restrictions",
        "Four rows of six Greek coins on a grey ground, black and white",
    ),
    _photo(
        "galaxies",
        "Galaxies",
        "hubble_deep_field.jpg",
        "NASA, public domain",
        "Hundreds of small bright galaxies on black, seen by the Hubble telescope",
    ),
    _photo(
        "brick", "Bricks", "brick.png", "CC0Textures, CC0", "A pavement of long bricks running away, black and white"
    ),
    _photo("grass", "Grass", "grass.png", "linolafett, CC0", "Leaves and blades of grass, black and white"),
    _photo(
        "clock",
        "Blurred clock",
        "clock_motion.png",
        "Stéfan van der Walt, public domain",
        "A round clock smeared sideways because the camera moved, black and white",
    ),
    _drawn("edges", "Edges", "Twelve white sectors meeting in the centre, edges in every direction"),
    _drawn("stripes", "Rings", "Grey rings around the centre that get finer outwards, every direction and spacing"),
    _drawn("disc", "Disc", "One orange disc on blue"),
    _drawn("checkerboard", "Checkerboard", "A checkerboard of sixteen by sixteen black and white squares"),
    _drawn("dot", "One dot", "One white pixel in the centre of black: its image under a filter is the filter itself"),
    _drawn("noise", "Noise", "Independent random colours in every pixel"),
    _drawn("black", "All black", "Every pixel is black"),
)

#: The gallery in the order in which it is shown.
SAMPLES: dict[str, Sample] = {sample.id: sample for sample in _ALL}


def load(id: str) -> DisplayImage:
    """One picture of the gallery.

    Args:
      id: a key of `SAMPLES`, or the name that scikit-image gives a photograph ("chelsea").

    Returns:
      (H, W, 3) float32, 0..1, its own memory; drawings are 256 x 256 and the same on every call.

    Raises:
      ImageError: no such sample, or an installation of scikit-image without its pictures.

    >>> load("coffee").shape, load("dot").sum()
    ((400, 600, 3), np.float32(3.0))
    """
    sample = SAMPLES.get(id) or next((s for s in _ALL if s.file and s.file.rsplit(".", 1)[0] == id), None)
    if sample is None:
        raise ImageError(f"there is no sample picture {id!r}; {nearest(str(id), SAMPLES)}")
    if sample.kind == "drawn":
        return _DRAW[sample.id]()
    try:
        data = resources.files("skimage").joinpath("data", sample.file).read_bytes()
    except (OSError, ModuleNotFoundError) as error:
        raise ImageError(
            f"the sample picture {id!r} is missing: scikit-image should hold data/{sample.file}; "
            "install scikit-image again, or pick one of your own pictures"
        ) from error
    return images.load(data, name=sample.file)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Row and column of every pixel, counted from the centre."""
    rows, columns = np.mgrid[:DRAWN_SIZE, :DRAWN_SIZE] - (DRAWN_SIZE - 1) / 2
    return rows, columns


def _grey(plane: np.ndarray) -> DisplayImage:
    return np.repeat(plane[..., None].astype(np.float32), 3, axis=2)


def _edges() -> DisplayImage:
    rows, columns = _grid()
    sector = np.floor((np.arctan2(rows, columns) + np.pi / 24) * 12 / np.pi)
    return _grey(sector % 2 == 0)


def _stripes() -> DisplayImage:
    rows, columns = _grid()
    levels = np.rint(127.5 + 127.5 * np.cos(np.pi * (rows**2 + columns**2) / (2.5 * DRAWN_SIZE)))
    return _grey(levels.astype(np.float32) / np.float32(255))


def _disc() -> DisplayImage:
    rows, columns = _grid()
    inside = (np.hypot(rows, columns) < DRAWN_SIZE / 4)[..., None]
    return (np.where(inside, (230, 120, 30), (40, 80, 160)) / np.float32(255)).astype(np.float32)


def _checkerboard() -> DisplayImage:
    rows, columns = np.indices((DRAWN_SIZE, DRAWN_SIZE)) // (DRAWN_SIZE // 16)
    return _grey((rows + columns) % 2)


def _dot() -> DisplayImage:
    plane = np.zeros((DRAWN_SIZE, DRAWN_SIZE))
    plane[DRAWN_SIZE // 2, DRAWN_SIZE // 2] = 1
    return _grey(plane)


def _noise() -> DisplayImage:
    levels = np.random.default_rng(_SEED).integers(0, 256, (DRAWN_SIZE, DRAWN_SIZE, 3))
    return levels.astype(np.float32) / np.float32(255)


def _black() -> DisplayImage:
    return np.zeros((DRAWN_SIZE, DRAWN_SIZE, 3), np.float32)


_DRAW: dict[str, Callable[[], DisplayImage]] = {
    "edges": _edges,
    "stripes": _stripes,
    "disc": _disc,
    "checkerboard": _checkerboard,
    "dot": _dot,
    "noise": _noise,
    "black": _black,
}
