"""Lesson: where checkerboards come from, and which ways to enlarge a map make none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import streamlit as st

from deconvviz.figures.scale import diverging_rgb
from deconvviz.metrics import relative_error
from deconvviz.ops import LinearMap, conv
from deconvviz.ops.upsample import (
    checkerboard_energy,
    icnr,
    is_even,
    overlap_counts,
    pixel_shuffle,
    pixel_unshuffle,
    resize_nearest,
    transposed_conv,
)
from deconvviz.types import Check
from lessons._kit.draw import bars, formula, image_row, planes
from lessons._kit.draw.bars import Bar
from lessons._kit.form import frame, proof, slider
from lessons._kit.form.controls import choice, nearest, url_cell, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons.upsampling import questions, scenes, upsamplers

#: Input cells along an axis in the picture of the overlap.
CELLS = 4
#: What is drawn below the photographs.
VIEWS = dict.fromkeys(("all", "photographs", "overlap", "plane", "ways"), "")


@dataclass(frozen=True)
class State:
    """What the person has chosen: kernel k, stride s, how weights are drawn, a cell of the overlap (row 0), a view."""

    k: int = 3
    s: int = 2
    weights: str = "ones"
    place: tuple[int, int] = (0, 4)
    view: str = "all"

    @property
    def counts(self) -> np.ndarray:
        """How often each output cell is written to, along one axis."""
        return overlap_counts(CELLS, self.k, self.s)


def counted(k: int, s: int) -> float:
    """Counts of rows times counts of columns, against a transposed convolution with ones."""
    counts = overlap_counts(CELLS, k, s)
    ones = transposed_conv(np.ones((1, CELLS, CELLS, 1)), np.ones((k, k, 1, 1)), s)
    return relative_error(np.outer(counts, counts)[None, :, :, None], ones)


def divides(k: int, s: int) -> float:
    """0 if "the stride divides the kernel" and "the counts away from the border are equal" agree, else 1."""
    inside = overlap_counts(3 * k, k, s)[k:-k]
    return float(is_even(k, s) != (inside.min() == inside.max()))


def rearranged(s: int) -> float:
    """Dot test of the sub-pixel rearrangement and its inverse, which is its adjoint too."""
    shape = (1, 3, 4, 2 * s * s)
    return LinearMap(
        lambda x: pixel_shuffle(x, s), lambda y: pixel_unshuffle(y, s), shape, (1, 3 * s, 4 * s, 2)
    ).dot_test()  # fmt: skip


def same_start(s: int) -> float:
    """Sub-pixel convolution from the ICNR start, against the nearest-neighbour enlargement of the small output."""
    random = np.random.default_rng(0)
    x, w = random.standard_normal((1, 5, 6, 2)), random.standard_normal((3, 3, 2, 4))
    return relative_error(pixel_shuffle(conv(x, icnr(w, s)), s), resize_nearest(conv(x, w), s))


@lru_cache(maxsize=128)
def _errors(k: int, s: int) -> tuple[float, ...]:
    return counted(k, s), divides(k, s), rearranged(s), same_start(s)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    names = (
        mark("counts are the layer on ones"),
        mark("even where s divides k"),
        mark("sub-pixel: inverse is adjoint"),
        mark("ICNR start is an enlargement"),
    )
    return [Check(name, error, 1e-5) for name, error in zip(names, _errors(state.k, state.s), strict=True)]


def rows(state: State) -> list[planes.Row]:
    """The overlap along one axis and in two."""
    counts, r = state.counts, state.place[1]
    writers = {(0, u) for u in range(CELLS) if 0 <= r - state.s * u < state.k}
    kernels = [(0, c) for c in range(len(counts)) if any(0 <= c - state.s * u < state.k for _, u in writers)]
    one = [
        planes.Plane(t("input"), np.ones((1, CELLS)), "input", touched=writers),
        planes.Plane(
            t("writes on each output cell"), counts[None], "output", frame=kernels, chosen=state.place, pick="place"
        ),
    ]
    two = [planes.Plane(t("in two dimensions: rows times columns"), np.outer(counts, counts), "output")]
    return [planes.Row(t("How often each cell is written to"), one, ("→",)), planes.Row("", two)]


def sums(state: State) -> str:
    """The count of the chosen cell, written out."""
    r, s = state.place[1], state.s
    writers = [(u, r - s * u) for u in range(CELLS) if 0 <= r - s * u < state.k]
    u, i = formula.coloured("input", "u"), formula.coloured("kernel", "i")
    left = rf"\#\{{({u}, {i}):\ s {u} + {i} = r\}}"
    terms = r",\; ".join(
        rf"{s}\cdot{formula.coloured('input', str(a))}+{formula.coloured('kernel', str(b))}={r}" for a, b in writers
    )
    count = formula.coloured("output", str(state.counts[r]))
    name = formula.coloured("output", r"\text{count}_r")
    return rf"\begin{{aligned}} {name} =\;& {left} \\ =\;& \#\{{{terms}\}} \\ =\;& {count} \end{{aligned}}"


def energies(state: State) -> list[tuple[str, upsamplers.Made]]:
    """What every way makes of ones."""
    return [
        (t(name), upsamplers.make(way, state.weights, state.k, state.s))
        for way, (name, _) in upsamplers.UPSAMPLERS.items()
    ]


def call(state: State) -> str:
    """Python that counts and measures the state."""
    drawn = {
        "ones": "np.ones(shape)",
        "positive": "np.random.default_rng((k, s)).uniform(0.5, 1.5, shape)",
        "random": "np.random.default_rng((k, s)).standard_normal(shape)",
    }[state.weights]
    return f"""import numpy as np

from deconvviz.ops import ConvGeometry, conv, max_pool, max_unpool
from deconvviz.ops.upsample import (
    checkerboard_energy, icnr, overlap_counts, pixel_shuffle, resize_conv, transposed_conv,
)

k, s, kernels, size = {state.k}, {state.s}, {upsamplers.SEEDS}, {upsamplers.SIZE}
print(overlap_counts({CELLS}, kernel=k, stride=s))


def draw(outputs):
    shape = k, k, 1, outputs
    return {drawn}.astype(np.float32)


x, large = np.ones((1, size, size, 1), np.float32), (s * size, s * size)
other = np.random.default_rng(5).standard_normal((1, *large, 1)).astype(np.float32)
same = ConvGeometry(padding="SAME")
made = {{
    "transposed": transposed_conv(x, draw(kernels).transpose(0, 1, 3, 2), s),
    "resize": resize_conv(x, draw(kernels), s),
    "subpixel": pixel_shuffle(conv(x, draw(kernels * s * s), same), s),
    "icnr": pixel_shuffle(conv(x, icnr(draw(kernels), s), same), s),
    "unpool": conv(max_unpool(x, max_pool(other, s)[1], large), draw(kernels), same),
}}
edge, energy = s * -(-k // s), {{}}
for way, y in made.items():
    end = edge + (y.shape[1] - 2 * edge) // s * s
    inside = y[:, edge:end, edge:end]
    energy[way] = tuple(checkerboard_energy(inside[..., [i]], s) for i in range(kernels))
print(energy)
"""


def chosen() -> State:
    """Draw the controls and read them."""
    k = slider.whole(t("Kernel k"), 1, 6, "k", 3)
    s = choice(t("Stride s"), {n: n for n in "23"}, "s", tabs=True)
    weights = choice(t("Weights"), {name: t(w[0]) for name, w in upsamplers.WEIGHTS.items()}, "weights")
    state = State(k, int(s), weights, view=url_value("view", State.view, VIEWS))
    return replace(state, place=nearest(url_cell("place", (0, 4)), (1, len(state.counts))))


def photographs(state: State) -> None:
    """A photograph enlarged by a transposed convolution, and by resizing first, with the same weights."""
    note = t("{s} times larger, kernel {k} × {k}", s=state.s, k=state.k)
    rows = [("", upsamplers.photograph(), "64 × 64", t("A small photograph"))]
    for way in ("transposed", "resize"):
        shown = upsamplers.enlarged(way, state.weights, state.k, state.s)
        rows.append((way, shown, note, t(upsamplers.UPSAMPLERS[way][0])))
    image_row.show(
        [
            image_row.Picture(image_row.grey(plane), words, title, width=even_width(plane.shape[1]), part=way)
            for way, plane, words, title in rows
        ]
    )


def even_width(columns: int) -> int:
    """About 216, and as many pixels for every column: an uneven enlargement would add a pattern of its own.

    >>> even_width(64), even_width(122), even_width(186)
    (192, 244, 186)
    """
    return columns * max(1, round(216 / columns))


def ways(state: State) -> None:
    """What each way makes of a map of ones, and how much of it is a checkerboard."""
    made = energies(state)
    st.markdown(f"**{t('A map of ones, enlarged in five ways (its middle, all at equal energy, blue below zero)')}**")
    shown = [one.inside / (np.sqrt((one.inside**2).mean()) or 1.0) for _, one in made]
    image_row.show(
        [
            image_row.Picture(
                diverging_rgb(plane, 2.0),
                name,
                width=128,
                alt=t(
                    "{name}: values from {low} to {high}",
                    name=name,
                    low=f"{plane.min():.2f}",
                    high=f"{plane.max():.2f}",
                ),
                part=way,
            )
            for way, (name, _), plane in zip(upsamplers.UPSAMPLERS, made, shown, strict=True)
        ]
    )
    caption = t("Share of energy at multiples of 1/{s}, {n} kernels", s=state.s, n=upsamplers.SEEDS)
    bars.show(caption, [Bar(name, [round(e, 9) for e in one.energy]) for name, one in made], full=1.0)


def written(state: State) -> str:
    """How often cells away from the border are written to, in words."""
    inside = overlap_counts(3 * state.k, state.k, state.s)[state.k : -state.k]
    if inside.min() == inside.max():
        return t("away from the border: {low} on every cell, no checkerboard from overlap", low=inside.min())
    return t("away from the border: {low} to {high} writes a cell", low=inside.min(), high=inside.max())


def proofs(page: frame.Places, state: State) -> None:
    """The checks."""
    meanings = [
        t("Counted along rows and columns and multiplied, against a transposed convolution of ones with ones:"),
        t("Away from the border all counts are equal exactly if the stride divides the kernel:"),
        t("Sub-pixel only moves numbers, so what takes them back is inverse and adjoint at once:"),
        t("With one kernel for every place of a block, sub-pixel convolution starts as plain enlargement:"),
    ]
    codes: list[proof.Code] = [(counted, overlap_counts), (divides,), (rearranged, pixel_shuffle), (same_start, icnr)]
    page.checks(checks(state), meanings, codes)


def _picked(name: str, cell: planes.Cell) -> None:
    st.session_state[name] = f"{cell[0]},{cell[1]}"


def draw(page: frame.Places) -> None:
    """The photograph, enlarged; how often each output cell is written to; other ways to enlarge; the checks."""
    with page.controls:
        state = chosen()
    with page.picture:
        photographs(state)
        one, two = rows(state)
        drawn = {"all": [one, two], "overlap": [one], "plane": [two]}.get(state.view)
        if drawn:
            planes.show(drawn, "overlap", {"row": t("row"), "column": t("column")}, _picked)
            label = t("How the counts are made, and how the pattern is measured:")
            proof.measurement(written(state), label, overlap_counts, checkerboard_energy)
        if state.view in ("all", "overlap"):
            st.latex(sums(state))
        if state.view in ("all", "ways"):
            ways(state)
    with page.wide:
        st.latex(r"\frac{\sum_{(a,b) \neq (0,0)} |Y(\frac{aH}{s}, \frac{bW}{s})|^2}{\sum |Y|^2},\quad a, b < s")
    proofs(page, state)
    page.code((overlap_counts, upsamplers.make, *(way for _, way in upsamplers.UPSAMPLERS.values())), call(state))


LESSON: Lesson = Lesson(
    slug="upsampling-and-checkerboards",
    title=mark("Upsampling and checkerboards"),
    render=lambda: frame.page(LESSON, draw),
    order=7,
    needs=("convolution-and-its-adjoint",),
    question=mark("Where do checkerboards come from?"),
    goal=mark(
        "You will be able to say how often each cell is written to, and choose a way to enlarge without a pattern."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    design=questions.DESIGN,
    sources=(
        ("odena2016deconvolution", mark("the last section on gradients")),
        ("shi2016realtime", ""),
        ("aitken2017checkerboard", ""),
        ("dumoulin2016guide", mark("chapter 4")),
    ),
)
