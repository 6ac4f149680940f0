"""The five programs that the articles print: where each stops, why, and a mended one that runs.

Of each program only the lines that fail stand here; what they need before them is this project's own code, and the
layers are computed by its operators. `attempt` runs the lines and gives back the error that they raise, or the number
that shows what is wrong; `mend` runs the mended program and gives back its arrays and its errors.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.articles._programs import layers, mended
from deconvviz.articles._programs.layers import Add, Conv2D, Conv2DTranspose, MaxPooling2D, Sequential, UpSampling2D
from deconvviz.articles._programs.layers import shape_after as _shape_after

__all__ = ["PROGRAMS", "Attempt", "Fault", "Mended", "Program", "attempt", "mend", "rows_after", "shapes_of", "slices"]

Shape = tuple[int, ...]
#: What the printed lines may use of Python itself.
_PLAIN = ("range", "len")


@dataclass(frozen=True)
class Fault:
    """A place where a program stops or does not do what it is for.

    Attributes:
      id: "000.1" is the first of article 000.
      printed: the lines as printed.
      setup: what they need before them, in this project's code.
      shows: name of the number that shows the fault where nothing is raised; "" where the lines stop.
    """

    id: str
    printed: str
    setup: str = ""
    shows: str = ""


@dataclass(frozen=True)
class Attempt:
    """What came of running the lines of a fault.

    Attributes:
      error: type and first line of what was raised; "" if nothing was.
      value: the number that the fault names; None where the lines stop.
    """

    error: str
    value: float | None


@dataclass(frozen=True, eq=False)
class Program:
    """The program of one article.

    Attributes:
      article: its number.
      library: what it is written for.
      layers: (name, layer) in the order of the program, from which the shapes follow.
      input: (H, W, C) of its picture.
      target_shape: shape of what its result is compared with.
      faults: in the order in which one meets them.
      mended: a whole program that does what the article says.
    """

    article: str
    library: str
    layers: Sequence[tuple[str, Any]]
    input: Shape
    target_shape: Shape
    faults: tuple[Fault, ...]
    mended: str


@dataclass(frozen=True, eq=False)
class Mended:
    """What a mended program leaves.

    Attributes:
      arrays: arrays by name, (H, W) in 0..1 or of either sign: what goes in, what should come out, what does.
      errors: relative errors by name: "fits", 0 if the result has the shape of what it is compared with, and a
        comparison with an independent computation.
      score: how good the result is, as the program says; larger is better.
      plain: the same number for an answer that knows nothing.
    """

    arrays: Mapping[str, np.ndarray]
    errors: Mapping[str, float]
    score: float
    plain: float


PROGRAMS: dict[str, Program] = {
    program.article: program
    for program in (
        Program(
            "000",
            "Keras",
            (
                ("Conv2D(32, 3×3)", Conv2D(32, (3, 3))),
                ("MaxPooling2D(2×2)", MaxPooling2D((2, 2))),
                ("Conv2DTranspose(64, 3×3, ↑2)", Conv2DTranspose(64, (3, 3), 2, "same")),
                ("Conv2DTranspose(64, 3×3, ↑2)", Conv2DTranspose(64, (3, 3), 2, "same")),
                ("Conv2DTranspose(3, 3×3, ↑2)", Conv2DTranspose(3, (3, 3), 2, "same")),
            ),
            (256, 256, 3),
            (256, 256, 3),
            (
                Fault("000.1", "model.fit(x_train, y_train, epochs=10, batch_size=32)", "model = network()"),
                Fault(
                    "000.2",
                    "model.fit(x_train, y_train, epochs=10, batch_size=32)",
                    "model = network()\nx_train = shape(32, 256, 256, 3)\ny_train = shape(32, 256, 256, 3)",
                ),
            ),
            mended.SEGMENTATION,
        ),
        Program(
            "001",
            "PyTorch",
            (
                ("ConvTranspose2d(3 → 1, 4×4, ↑2)", Conv2DTranspose(1, (4, 4), 2, "same")),
                ("ConvTranspose2d(1 → 1, 4×4, ↑2)", Conv2DTranspose(1, (4, 4), 2, "same")),
            ),
            (64, 64, 3),
            (64, 64, 1),
            (
                Fault(
                    "001.1",
                    "loss = criterion(output, label)",
                    "output, criterion = segment(pictures(4, 8)), cross_entropy\nlabel = one_class_a_picture(4)",
                ),
                Fault(
                    "001.2",
                    "loss = criterion(output, label)",
                    "output, criterion = segment(pictures(4, 8)), cross_entropy\nlabel = zeros(4, 32, 32)",
                    "loss",
                ),
            ),
            mended.FUSION,
        ),
        Program(
            "002",
            "Keras",
            (
                ("Conv2D(32, 3×3)", Conv2D(32, (3, 3), padding="same")),
                ("MaxPooling2D(2×2)", MaxPooling2D((2, 2))),
                ("Conv2DTranspose(32, 3×3)", Conv2DTranspose(32, (3, 3), padding="same")),
                ("UpSampling2D(2×2)", UpSampling2D((2, 2))),
            ),
            (32, 32, 3),
            (32, 32, 3),
            (
                Fault(
                    "002.1",
                    "Conv2DTranspose(deconv_filters, deconv_kernel_size, padding='same', output_shape=output_shape)",
                    "deconv_filters, deconv_kernel_size, output_shape = 32, (3, 3), (32, 32, 1)",
                ),
                Fault(
                    "002.2",
                    "reconstructed_image = deconv_model(output_feature_map)",
                    "output_feature_map = encode(pictures(1, 32, last=True))",
                    "channels",
                ),
            ),
            mended.SWITCHES,
        ),
        Program(
            "003",
            "NumPy",
            (),
            (224, 224, 3),
            (224, 224, 1),
            (
                Fault("003.1", "image = image[0:224, 0:224]"),
                Fault(
                    "003.2",
                    "for x in range(224):\n    for y in range(224):\n        feature[x, y, :] = np.sum("
                    "filter[x:x + 3, y:y + 3] * image[x:x + 3, y:y + 3])",
                    "image, feature, filter = picture(224), np.zeros((224, 224, 3)), laplacian",
                ),
                Fault(
                    "003.3",
                    "label.append(np.argmax(np.dot(feature, classifier[0]), axis=None))",
                    "feature, label, classifier = picture(224), [], [np.ones((3, 3))]",
                    "labels",
                ),
            ),
            mended.CUTOUT,
        ),
        Program(
            "004",
            "Keras",
            (
                ("Conv2DTranspose(32, 3×3)", Conv2DTranspose(32, (3, 3))),
                ("UpSampling2D(2×2)", UpSampling2D((2, 2))),
                ("Conv2DTranspose(64, 3×3)", Conv2DTranspose(64, (3, 3))),
                ("UpSampling2D(2×2)", UpSampling2D((2, 2))),
            ),
            (28, 28, 1),
            (10,),
            (
                Fault("004.1", "from tensorflow.keras.layers import Conv2D, DeConv2D, Add"),
                Fault("004.2", "model.add(MaxPooling2D((2, 2)))", "model = network()\ndel MaxPooling2D"),
                Fault(
                    "004.3",
                    "x_fused = Add()([x, x_enhanced])",
                    "x = pictures(1, 28, channels=1, last=True)\nx_enhanced = Conv2DTranspose(32, (3, 3))(x)",
                ),
            ),
            mended.ENHANCEMENT,
        ),
    )
}


def shapes_of(program: Program, rows: int | None = None) -> list[tuple[str, Shape]]:
    """(layer, shape after it) from the picture on, computed by the operators without computing the maps.

    Args:
      program: of `PROGRAMS`.
      rows: of a square picture; as printed if None.

    >>> [shape for _, shape in shapes_of(PROGRAMS["000"])][-1]
    (1016, 1016, 3)
    """
    shape = program.input if rows is None else (rows, rows, program.input[2])
    shapes = [("", shape)]
    for name, layer in program.layers:
        shapes.append((name, _shape_after(layer, shapes[-1][1])))
    return shapes


def rows_after(rows: int, chain: Sequence[tuple[str, int]]) -> list[int]:
    """Rows of a square picture after every layer of a chain, by the operators.

    Args:
      rows: of the picture.
      chain: ("conv" or "transposed", taps), both without padding at stride 1; ("pool" or "double", 2).

    >>> rows_after(10, (("conv", 3), ("pool", 2), ("transposed", 3), ("double", 2)))
    [8, 4, 6, 12]
    """
    make = {
        "conv": lambda n: Conv2D(1, (n, n)),
        "transposed": lambda n: Conv2DTranspose(1, (n, n)),
        "pool": lambda n: MaxPooling2D((n, n)),
        "double": lambda n: UpSampling2D((n, n)),
    }
    sizes: list[int] = []
    shape: Shape = (rows, rows, 1)
    for kind, number in chain:
        shape = _shape_after(make[kind](number), shape)
        sizes.append(shape[0])
    return sizes


def attempt(fault: Fault) -> Attempt:
    """Run the printed lines after what they need, with no other name at hand, and say what came of it.

    >>> attempt(PROGRAMS["003"].faults[0]).error
    "NameError: name 'image' is not defined"
    """
    names = _names()
    exec(compile(fault.setup, f"<{fault.id}: before>", "exec"), names)
    try:
        exec(compile(fault.printed, f"<{fault.id}>", "exec"), names)
    except (NameError, ImportError, TypeError, ValueError) as error:
        return Attempt(f"{type(error).__name__}: {' '.join(str(error).split())}"[:300], None)
    numbers = {
        "loss": lambda: names["loss"],
        "channels": lambda: names["reconstructed_image"].shape[-1],
        "labels": lambda: len(names["label"]),
    }
    return Attempt("", abs(float(numbers[fault.shows]())))


def slices(columns: int = 4) -> list[tuple[int, Shape, Shape]]:
    """Article 003's loop at its first pixels: (column, shape of its part of the kernel, of its part of the picture).

    >>> slices(2)
    [(0, (3, 3), (3, 3, 3)), (1, (3, 2), (3, 3, 3))]
    """
    kernel, image = np.zeros((3, 3)), np.zeros((224, 224, 3))
    return [(y, kernel[0:3, y : y + 3].shape, image[0:3, y : y + 3].shape) for y in range(columns)]


@functools.lru_cache(maxsize=8)
def mend(article: str) -> Mended:
    """Run a mended program: it is cut out, segmented, sent back or enhanced in about a second.

    Raises:
      KeyError: there is no such article.

    >>> mend("003").errors["fits"]
    0.0
    """
    names: dict[str, Any] = {"print": lambda *_: None}
    exec(compile(PROGRAMS[article].mended, f"<mended {article}>", "exec"), names)
    return Mended(
        names["shown"],
        {name: float(error) for name, error in names["errors"].items()},
        float(names["score"]),
        float(names["plain"]),
    )


def _names() -> dict[str, Any]:
    """Everything that the lines can reach: layers, NumPy's functions that they call, pictures; no file, no network."""
    modules = {"tensorflow.keras.layers": layers.keras_layers()}

    def imported(name: str, *_: Any) -> ModuleType:
        return modules[name]

    plain = {name: getattr(builtins, name) for name in _PLAIN} | {"__import__": imported}
    return {
        "__builtins__": plain,
        "np": np,
        "network": lambda: Sequential([Conv2D(32, (3, 3), input_shape=(256, 256, 3)), *_after_first("000")]),
        "shape": lambda *sizes: jax.ShapeDtypeStruct(sizes, jnp.float32),
        "pictures": _pictures,
        "picture": lambda rows: np.random.default_rng(rows).random((rows, rows, 3)),
        "segment": _segment,
        "zeros": lambda *sizes: np.zeros(sizes, np.int32),
        "one_class_a_picture": lambda n: np.zeros(n, np.int32),
        "cross_entropy": layers.cross_entropy,
        "encode": lambda x: MaxPooling2D((2, 2))(Conv2D(32, (3, 3), padding="same")(x)),
        "deconv_model": lambda x: UpSampling2D((2, 2))(Conv2DTranspose(32, (3, 3), padding="same")(x)),
        "laplacian": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
        "Conv2DTranspose": Conv2DTranspose,
        "MaxPooling2D": MaxPooling2D,
        "Add": Add,
    }


def _after_first(article: str) -> list[Any]:
    return [layer for _, layer in PROGRAMS[article].layers[1:]]


def _pictures(n: int, rows: int, channels: int = 3, last: bool = False) -> np.ndarray:
    """Random pictures, the channels second as in PyTorch, or last."""
    shape = (n, rows, rows, channels) if last else (n, channels, rows, rows)
    return np.random.default_rng(rows).random(shape).astype(np.float32)


def _segment(x: np.ndarray) -> Any:
    """Article 001's network: two transposed convolutions, 3 channels to 1 to 1, each doubling the size."""
    return layers.conv_transpose2d(layers.conv_transpose2d(x, layers.drawn(3, 1, 4, 4)), layers.drawn(1, 1, 4, 4))
