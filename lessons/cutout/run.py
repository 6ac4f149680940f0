"""What the page of cut-outs computes: guesses, class map, seeds, alpha, figures; each kept under what it depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.data import samples
from deconvviz.errors import DeconvvizError
from deconvviz.tasks.cutout import drawn as drawings
from deconvviz.tasks.cutout import trimap
from deconvviz.tasks.cutout.metrics import intersection_over_union, matting_figures, threshold_mask
from deconvviz.tasks.cutout.predict import Cutout, apply
from deconvviz.tasks.cutout.robustness import changed
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo import upload
from lessons._kit.photo.header import title_of
from lessons._kit.run import engine, jobs, networks, pictures

#: Cut-outs that are kept: about 6 MB each.
CACHED = 12
#: Guesses of the network among which the class is chosen.
GUESSES = 5
#: Changes of the sweep: (kind, level).
CHANGES = (
    ("none", 0.0), ("noise", 0.1), ("noise", 0.2), ("brightness", 0.25), ("brightness", 0.5), ("brightness", 2.0),
)  # fmt: skip
#: A dot's place runs from 0 to this in both directions; two digits to the base 36.
FINE = 36**2 - 1
#: Radius of a dot, as a share of the longer side.
RADIUS = 0.02
#: Dots that fit into a link.
MOST = 80
#: In place of a map: no network, seeds by hand alone; solved at the size that the library takes with a network.
HAND, WORK = "hand", 240
KINDS = {"o": 1, "b": 0}
#: Drawn scene -> its name.
SCENES = {"stop": mark("Stop sign before a wall"), "yin": mark("Yin and yang on a lawn")}


@dataclass(frozen=True, eq=False)
class Subject:
    """What something is cut out of.

    Attributes:
      digest: of the picture.
      title: translated.
      picture: (H, W, 3), 0..1.
      truth: (H, W) true alpha; None where nobody knows it.
      python: how the code on the page names it.
    """

    digest: str
    title: str
    picture: np.ndarray
    truth: np.ndarray | None
    python: str


@dataclass(frozen=True)
class Choice:
    """What was chosen besides the picture.

    Attributes:
      wanted: a class; "" for the first guess.
      map: where it is seen; `HAND` for seeds by hand alone.
      background, foreground: shares of the picture that become seeds, in percent.
      dots: seeds by hand, as `dots_of` reads them.
    """

    wanted: str
    map: str
    background: int
    foreground: int
    dots: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The shares as `cutout.apply` takes them."""
        return {"foreground": self.foreground / 100, "background": self.background / 100}


def drawn(id: str) -> Subject:
    """A drawn scene."""
    made = drawings.scene(id)
    return Subject(f"scene {id}", t(SCENES[id]), made.picture, made.alpha, f"drawn.scene({id!r}).picture")


def photograph(picture: pictures.Picture) -> Subject:
    """A photograph of the gallery or one's own."""
    return Subject(picture.digest, title_of(picture), upload.pixels(picture), None, upload.python(picture))


def guesses(subject: Subject) -> tuple[tuple[str, float], ...]:
    """The network's first guesses, with their probabilities."""
    return _guesses(subject.digest, subject)


@st.cache_resource(show_spinner=False, max_entries=64)
def _guesses(digest: str, _subject: Subject) -> tuple[tuple[str, float], ...]:
    loaded = networks.load("caltech")
    run = engine.run_compiled(
        loaded, "guesses", "run", lambda: trimap.guesses(loaded.network, _subject.picture, GUESSES)
    )
    return tuple(run)


def class_map(subject: Subject, wanted: str, kind: str) -> Any:
    """Where a class is seen: `cutout.class_map` of the picture."""
    return _class_map(subject.digest, wanted, kind, subject)


@st.cache_resource(show_spinner=False, max_entries=64)
def _class_map(digest: str, wanted: str, kind: str, _subject: Subject) -> Any:
    loaded = networks.load("caltech")
    run = lambda: trimap.class_map(loaded.network, _subject.picture, wanted or None, kind)  # noqa: E731
    return engine.run_compiled(loaded, "class map", kind, run)


def dots_of(text: str) -> list[tuple[str, float, float]]:
    """(kind, row, column) of dots, both from 0 to 1; [] where the text is nonsense.

    Each dot is five characters: o (object) or b (background), then row and column, two digits to the base 36 each.

    >>> dots_of("o00zz"), dots_of("bzzzz")[0][0], dots_of("x0000"), dots_of("o00")
    ([('o', 0.0, 1.0)], 'b', [], [])
    """
    found = []
    for i in range(0, min(len(text), 5 * MOST), 5):
        part = text[i : i + 5]
        if len(part) < 5 or part[0] not in KINDS or not (part.isascii() and part.isalnum()):
            return []
        found.append((part[0], int(part[1:3], 36) / FINE, int(part[3:], 36) / FINE))
    return found


def masks(text: str, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray] | None:
    """(object, background) of the dots as (H, W) bool; where two meet the later one counts. None without dots."""
    dots = dots_of(text)
    if not dots:
        return None
    level = np.full(size, 0.5)
    rows, columns = np.indices(size)
    for is_object, row, column in on_pixels(dots, size):
        level[np.hypot(rows - row, columns - column) <= radius(size)] = is_object
    return level == 1, level == 0


def radius(size: tuple[int, int]) -> float:
    """Radius of a dot in pixels of a picture of that size."""
    return max(1.0, RADIUS * max(size))


def on_pixels(dots: Sequence[tuple[str, float, float]], size: tuple[int, int]) -> list[tuple[int, float, float]]:
    """Dots as (1 for the object, row, column) in a picture of that size.

    >>> on_pixels([("b", 0.5, 1.0)], (101, 51))
    [(0, 50.0, 50.0)]
    """
    return [
        (KINDS[kind], round(row * (size[0] - 1), 1), round(column * (size[1] - 1), 1)) for kind, row, column in dots
    ]


def cut(subject: Subject, choice: Choice) -> Cutout | str:
    """The cut-out; why there is none, where there is none."""
    return _cut(subject.digest, choice, subject)


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def _cut(digest: str, choice: Choice, _subject: Subject) -> Cutout | str:
    size = _subject.picture.shape[:2]
    strokes = masks(choice.dots, size)
    try:
        if choice.map == HAND:
            return apply(_subject.picture, trimap=np.full(size, 0.5), strokes=strokes, work=WORK)
        where = class_map(_subject, choice.wanted, choice.map)
        return apply(_subject.picture, class_map=where, strokes=strokes, **choice.options)
    except DeconvvizError as error:
        return str(error)


def unknown(found: Cutout) -> np.ndarray:
    """(H, W) bool: the unknown pixels of the trimap at the picture's own size."""
    height, width = found.alpha.shape
    rows = np.arange(height) * found.trimap.shape[0] // height
    columns = np.arange(width) * found.trimap.shape[1] // width
    return np.asarray(found.trimap[np.ix_(rows, columns)] == 0.5)


def figures(found: Cutout, truth: np.ndarray) -> dict[str, float]:
    """SAD, MSE, Grad and Conn over the unknown pixels; "inside", "either" and "iou" of alpha above 0.5 everywhere."""
    mine, right = found.alpha > 0.5, truth > 0.5
    return {
        **matting_figures(found.alpha, truth, unknown(found)),
        "unknown": float(unknown(found).sum()),
        "inside": float((mine & right).sum()),
        "either": float((mine | right).sum()),
        "iou": intersection_over_union(mine, right),
    }


def astray(found: Cutout, truth: np.ndarray) -> float:
    """Share of the object's seeds that lie outside the object."""
    rows, columns = (np.arange(n) * m // n for n, m in zip(found.trimap.shape, truth.shape, strict=True))
    return float((truth[np.ix_(rows, columns)] <= 0.5)[found.trimap == 1].mean())


@dataclass(frozen=True)
class Swept:
    """How far the sweep is: one (cut-out's IoU, threshold's IoU) for each of the first `step` changes."""

    step: int
    steps: int
    rows: tuple[tuple[float, float], ...]


def sweep_key(subject: Subject, choice: Choice) -> str:
    """Name of the job that measures a sweep."""
    return sha256(repr(("cut-out sweep", subject.digest, choice)).encode()).hexdigest()


def sweep(subject: Subject, choice: Choice) -> Iterator[Swept]:
    """The scene made worse step by step: overlap with the truth of the cut-out, and of Otsu's threshold."""
    assert subject.truth is not None
    rows: list[tuple[float, float]] = []
    for kind, level in CHANGES:
        picture = changed(subject.picture, kind, level, 0)
        worse = Subject(f"{subject.digest} {kind} {level}", subject.title, picture, subject.truth, "")
        found = cut(worse, choice)
        mine = np.zeros(picture.shape[:2], bool) if isinstance(found, str) else found.alpha > 0.5
        both = (mine, threshold_mask(picture))
        rows.append(tuple(intersection_over_union(mask, subject.truth > 0.5) for mask in both))  # type: ignore[arg-type]
        yield Swept(len(rows), len(CHANGES), tuple(rows))


def begin_sweep(subject: Subject, choice: Choice) -> None:
    """Begin it in the background."""
    jobs.start(sweep_key(subject, choice), lambda: sweep(subject, choice))


def sample(id: str) -> pictures.Picture:
    """A photograph of the gallery; the first one where there is none of that name."""
    return pictures.sample(id if id in samples.SAMPLES else "motorcycle")
