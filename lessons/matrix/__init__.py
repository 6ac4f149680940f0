"""Lesson: a convolution written out as the matrix that it is, with every weight in many places."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import streamlit as st

from deconvviz.errors import GeometryError
from deconvviz.metrics import relative_error
from deconvviz.ops import ConvGeometry, LinearMap, conv, conv_map
from deconvviz.types import Check
from lessons._kit.form import frame
from lessons._kit.form.controls import nearest, remember, remembered, url_cell, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.numbers import conv_controls, toy_arrays
from lessons._kit.numbers.conv_controls import Sliding
from lessons.matrix import entries, picture, questions, scenes

#: What can be looked at.
LOOKS = ("row", "weight", "column", "all")
#: (height and width, channels) of the pictures that A is weighed for, next to the one on the page.
LARGER = ((28, 1), (224, 64))


@dataclass(frozen=True)
class State(Sliding):
    """What the person has chosen."""

    look: str = "row"
    cell: tuple[int, int] = (3, 3)
    tap: tuple[int, int] = (1, 1)
    back: tuple[int, int] = (3, 3)

    @property
    def kernel_size(self) -> tuple[int, int]:
        """(kh, kw)."""
        kh, kw = toy_arrays.kernel(self.kernel).shape[:2]
        return kh, kw


@lru_cache(maxsize=512)
def _output(picture: str, kernel: str, geometry: ConvGeometry) -> np.ndarray:
    return np.asarray(conv(toy_arrays.picture(picture), toy_arrays.kernel(kernel), geometry))


def compute(state: State) -> picture.View:
    """What is on screen; `GeometryError` if the kernel does not fit the picture."""
    z = _output(state.picture, state.kernel, state.geometry)
    x, w = toy_arrays.picture(state.picture), toy_arrays.kernel(state.kernel)
    return picture.View(x, w, z, state.geometry, state.look, state.cell, state.tap, state.back)


def product(state: State) -> float:
    """Distance of A vec(x) from vec(conv(x)); A is written entry by entry, the convolution is JAX's."""
    a = entries.dense(toy_arrays.kernel(state.kernel), state.geometry, toy_arrays.SIZE)
    z = _output(state.picture, state.kernel, state.geometry)
    return relative_error(a @ toy_arrays.picture(state.picture).ravel(), z.ravel())


@lru_cache(maxsize=128)
def columns(kernel: str, geometry: ConvGeometry) -> np.ndarray:
    """A made column by column: the convolution of pictures with a single 1."""
    return conv_map(toy_arrays.kernel(kernel), geometry, toy_arrays.SIZE).dense()


def two_computations(state: State) -> float:
    """Distance of A, written entry by entry, from A made column by column by the convolution itself."""
    a = entries.dense(toy_arrays.kernel(state.kernel), state.geometry, toy_arrays.SIZE)
    return relative_error(a, columns(state.kernel, state.geometry))


def sharing(state: State) -> float:
    """How far the counts of the weights, read from A, are from rows times columns; share of all that were counted.

    Each weight gets a number of its own, so that equal weights are told apart.
    """
    kh, kw = state.kernel_size
    numbered = np.arange(1, 1 + kh * kw, dtype=np.float32).reshape(kh, kw, 1, 1)
    a = conv_map(numbered, state.geometry, toy_arrays.SIZE).dense()
    counted = np.array([(a == number).sum() for number in numbered.ravel()])
    down, across = entries.axis_counts((kh, kw), state.geometry, toy_arrays.SIZE)
    strangers = np.count_nonzero(a) - counted.sum()
    return float((np.abs(counted - np.outer(down, across).ravel()).sum() + strangers) / max(1, counted.sum()))


@lru_cache(maxsize=256)
def _checks(state: State) -> tuple[float, float, float]:
    return product(state), two_computations(state), sharing(state)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    plain = replace(state, look=State.look, cell=State.cell, tap=State.tap, back=State.back)
    multiplied, gap, shared = _checks(plain)
    return [
        Check(mark("A vec(x) = vec(conv(x))"), multiplied, 1e-5),
        Check(mark("two computations agree"), gap, 1e-5),
        Check(mark("weights repeat as counted"), shared, 1e-5),
    ]


def call(state: State) -> str:
    """Python that makes A and what it does to the picture of a state."""
    x, w = toy_arrays.picture(state.picture), toy_arrays.kernel(state.kernel)
    return f"""import numpy as np

from deconvviz.ops import ConvGeometry, conv, conv_map

x = {toy_arrays.source(x)}
w = {toy_arrays.source(w)}
geometry = ConvGeometry(stride={state.stride}, padding={state.padding}, dilation={state.dilation})
A = conv_map(w, geometry, {toy_arrays.SIZE}).dense()
z = A @ x.ravel()
same = conv(x, w, geometry).ravel()
"""


def chosen() -> State:
    """Draw the controls and read them; a kernel that does not fit is said beside them."""
    slide = conv_controls.chosen()
    look = url_value("look", State.look, dict.fromkeys(LOOKS))
    cell, tap, back = url_cell("cell", State.cell), url_cell("tap", State.tap), url_cell("back", State.back)
    return fitting(State(*slide, look, cell, tap, back))


def fitting(state: State) -> State:
    """The state with its cells inside the planes; where the kernel does not fit, a sentence and the last good state."""
    try:
        outputs = state.geometry.output_size(toy_arrays.SIZE, state.kernel_size)
    except GeometryError:
        spans, padded = state.geometry.extent(state.kernel_size), [n + 2 * state.padding for n in toy_arrays.SIZE]
        st.error(
            t(
                "The kernel spans {kernel} cells, but the padded picture has {picture}: add padding or lower the "
                "dilation. The last picture that worked stays.",
                kernel=" × ".join(map(str, spans)),
                picture=" × ".join(map(str, padded)),
            )
        )
        return remembered("matrix", State())
    cell, tap = nearest(state.cell, outputs), nearest(state.tap, state.kernel_size)
    return remember("matrix", replace(state, cell=cell, tap=tap, back=nearest(state.back, toy_arrays.SIZE)))


def weighed(state: State) -> list[entries.Growth]:
    """A of the picture on the page, and of larger ones under the same kernel size, stride, padding and dilation."""
    pictures = [(toy_arrays.SIZE, 1), *(((side, side), channels) for side, channels in LARGER)]
    return [entries.growth(state.kernel_size, state.geometry, size, channels) for size, channels in pictures]


def memory(numbers: int) -> str:
    """What float32 numbers take.

    >>> memory(36_864), memory(10_312_216_477_696)
    ('147 kB', '41.2 TB')
    """
    size = 4.0 * numbers
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"


def growth_table(state: State) -> str:
    """The table of what A weighs, as HTML."""
    heads = (t("picture"), t("weights of w"), t("numbers in A"), t("places of weights"), t("A in float32"))
    lines = []
    for layer in weighed(state):
        share = 100 * layer.places / layer.entries
        name = " × ".join(map(str, (*layer.size, *([layer.channels] if layer.channels > 1 else []))))
        cells = (_grouped(layer.weights), _grouped(layer.entries), f"{share:.2g} %", memory(layer.entries))
        lines.append(f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>')
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in heads)
    caption = html.escape(t("The same kernel size on larger pictures, as many channels out as in"))
    return (
        f'<table class="growth"><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _grouped(number: int) -> str:
    """A count: thin spaces between thousands; very large ones as a power of ten."""
    if number < 10**8:
        return f"{number:,}".replace(",", "\u202f")
    power = len(str(number)) - 1
    return f"{number / 10**power:.2f} · 10<sup>{power}</sup>"


def proofs(page: frame.Places, state: State) -> None:
    """The checks."""
    times = t("A, written entry by entry, times the picture as one column; beside it JAX's convolution of the picture:")
    same = t("A once entry by entry (which weight reads which cell), once column by column (the convolution of a 1):")
    count = t(
        "How often each weight appears in A, counted in the matrix and by the formula rows times columns; everything "
        "else is zero:"
    )
    page.checks(
        checks(state),
        (times, same, count),
        ((product, entries.dense), (two_computations, LinearMap.dense), (sharing, entries.axis_counts)),
    )


def draw(page: frame.Places) -> None:
    """The convolution written as a matrix, the proofs, and what the matrix weighs."""
    with page.controls:
        state = chosen()
    with page.picture:
        picture.draw(compute(state))
    with page.aside:
        st.caption(t("Choose a cell of **z** (a row of A), a weight of **w**, or a cell of **x** (a column of A)."))
    proofs(page, state)
    with page.picture if state.look == "all" else page.wide, st.container(key="part-growth"):
        st.html(growth_table(state))
    with page.more:
        st.latex(picture.entry_formula())
    page.code((entries.dense, entries.entries, conv, LinearMap.dense), call(state))


LESSON: Lesson = Lesson(
    slug="convolution-is-a-matrix",
    title=mark("Convolution is a matrix"),
    render=lambda: frame.page(LESSON, draw),
    order=2,
    needs=("convolution",),
    question=mark("What does a convolution look like as a matrix?"),
    goal=mark("You will be able to find every weight of a kernel in the matrix of its convolution."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(("dumoulin2016guide", mark("chapter 4")), ("simonyan2015very", "")),
)
