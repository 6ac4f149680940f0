"""Lesson: the adjoint of a blur beside two real inverses, and the few layers that the adjoint does undo."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import streamlit as st

from deconvviz.articles.formulas import apart
from deconvviz.metrics import relative_error
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, inverse
from deconvviz.ops.upsample import pixel_shuffle, pixel_unshuffle
from deconvviz.types import Check
from lessons._kit.claims import words
from lessons._kit.draw import bars, formula, image_row, plot
from lessons._kit.draw.pixels import to_bytes
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.numbers import printed_formula
from lessons.inverse import questions, scenes
from lessons.inverse.run import (
    KERNELS,
    NOISE,
    PART,
    PICTURES,
    SIZE,
    SPECTRA,
    STEPS,
    VIEWS,
    ZERO,
    State,
    brought_back,
    compute,
    decibels,
    kernel,
    lost,
    magnitudes,
    photograph,
)

#: Of a photograph on screen, in pixels: three beside each other.
WIDTH = 224
#: Colour of a frequency that is lost.
LOST = (200, 40, 40)


def matrix(state: State) -> float:
    """AᵀAx by the transposed matrix, against blur and adjoint, on a small part of the photograph."""
    x, k = photograph(state.picture)[: PART[0], : PART[1]], kernel(state)
    a = inverse.blur_matrix(k, PART)
    return relative_error(inverse.blur_adjoint(inverse.blur(x, k), k).ravel(), a.T @ (a @ x.ravel()))


def singular(state: State) -> float:
    """The singular values of that matrix, against |K| sorted."""
    values = np.linalg.svd(inverse.blur_matrix(kernel(state), PART), compute_uv=False)
    return relative_error(np.sort(np.abs(inverse.response(kernel(state), PART)).ravel())[::-1], values)


def frequencies(state: State) -> float:
    """AᵀAx of the whole photograph, against its frequencies multiplied by |K|²."""
    x, k = photograph(state.picture), kernel(state)
    by_gain = np.real(np.fft.ifft2(np.fft.fft2(x) * np.abs(inverse.response(k, SIZE)) ** 2))
    return relative_error(inverse.blur_adjoint(inverse.blur(x, k), k), by_gain)


@lru_cache(maxsize=64)
def _checks(state: State) -> tuple[float, float, float]:
    return matrix(state), singular(state), frequencies(state)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    transposed, values, gains = _checks(replace(state, noise=State.noise, view=State.view))
    return [
        Check(mark("transposed matrix"), transposed, 1e-5),
        Check(mark("singular values are |K|"), values, 1e-5),
        Check(mark("AᵀA multiplies by |K|²"), gains, 1e-5),
    ]


def not_inverse(state: State) -> float:
    """How far AᵀAx is from x at its best brightness, without noise: min over c of ‖c AᵀAx − x‖ / ‖x‖, means removed."""
    x, k = photograph(state.picture), kernel(state)
    x = x - x.mean()
    return apart(inverse.blur_adjoint(inverse.blur(x, k), k), x)


#: Four filters of 2 × 2 that are orthogonal to each other and of length 1 (Haar), as a kernel.
HAAR = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]).T.reshape(2, 2, 1, 4) / 2


@lru_cache(maxsize=1)
def layers() -> dict[str, float]:
    """Layer -> how far AᵀAx is from x for random x, at the best brightness."""
    x = np.random.default_rng(1).standard_normal((1, 6, 8, 1)).astype(np.float32)
    two = ConvGeometry(stride=2)
    random, box, plane = np.random.default_rng(2).standard_normal(HAAR.shape), KERNELS["box"][1], x[0, :, :, 0]
    return {
        mark("box blur, 5 × 5"): apart(inverse.blur_adjoint(inverse.blur(plane, box), box), plane),
        mark("four random filters, stride 2"): apart(conv_adjoint(conv(x, random, two), random, two, (6, 8)), x),
        mark("four orthonormal filters, stride 2"): apart(conv_adjoint(conv(x, HAAR, two), HAAR, two, (6, 8)), x),
        mark("space to depth, 2 × 2"): apart(pixel_shuffle(pixel_unshuffle(x, 2), 2), x),
    }


def call(state: State) -> str:
    """Python that makes the pictures of a state."""
    side, weights = SIZE[0], kernel(state)
    whole = np.rint(weights / weights[weights > 0].min()).astype(int)
    return f"""import numpy as np

from deconvviz.data import samples
from deconvviz.ops import inverse

plane = samples.load({state.picture!r}).mean(axis=2).astype(float)  # its middle square, made smaller by blocks
block = min(plane.shape) // {side}
top, left = ((n - {side} * block) // 2 for n in plane.shape)
square = plane[top : top + {side} * block, left : left + {side} * block]
x = square.reshape({side}, block, {side}, block).mean(axis=(1, 3))

k = np.array({whole.tolist()}) / {whole.sum()}
noise = {NOISE[state.noise]}
y = inverse.blur(x, k) + noise * np.random.default_rng(0).standard_normal(x.shape)

adjoint = inverse.blur_adjoint(y, k)
gains = inverse.response(k, y.shape)
divide = np.real(np.fft.ifft2(np.fft.fft2(y) / np.where(np.abs(gains) < {ZERO}, 1, gains)))
balance = max(noise**2 / np.mean(inverse.blur(x, inverse.LAPLACIAN) ** 2), 1e-6)
wiener = inverse.wiener(y, k, balance)
lucy = inverse.richardson_lucy(y, k, {STEPS})
"""


def chosen() -> State:
    """Draw the controls and read them."""
    picture = choice(t("Picture"), {k: t(v) for k, v in PICTURES.items()}, "picture")
    blurred = choice(t("Blur A"), {k: t(v[0]) for k, v in KERNELS.items()}, "kernel")
    noise = choice(t("Noise, % of white"), {k: k for k in NOISE}, "noise", default="1", tabs=True)
    return State(picture, blurred, noise, url_value("view", State.view, VIEWS))


def ways() -> dict[str, str]:
    """Way -> its name on screen."""
    return {
        "y": t("y = A x + noise"),
        "adjoint": t("adjoint: Aᵀ y"),
        "divide": t("divided by K"),
        "wiener": t("Wiener"),
        "lucy": t("Richardson–Lucy, {steps} steps", steps=STEPS),
    }


def spectrum(values: np.ndarray) -> str:
    """An SVG of sorted singular values, 0 at the bottom and 1 at the top, and dashed their squares."""
    dark = plot.is_dark()
    _, quiet, page = plot.GREYS[dark]
    axes = plot.Axes(256, 224, left=40, right=8, top=8, bottom=28)
    some = values[:: values.size // 230]
    places = np.linspace(0, 1, len(some))

    def line(shares: np.ndarray, name: str, dashes: str) -> str:
        points = zip(places.tolist(), np.clip(shares, 0, 1).tolist(), strict=True)
        return axes.line(points, formula.COLOURS[name][dark], 3, dashes)

    frame = axes.line([(0, 1), (0, 0), (1, 0)], quiet, 1)
    beside = plot.text(12, axes.y(0.5), t("what is left of each"), "middle")
    words = [
        plot.text(axes.x(0.5), axes.height - 8, t("frequencies, strongest first"), "middle"),
        f'<g transform="rotate(-90 12 {axes.y(0.5)})">{beside}</g>',
        plot.text(axes.left - 6, axes.y(0), "0"),
        plot.text(axes.left - 6, axes.y(1) + 8, "1"),
    ]
    return axes.svg([frame, line(some, "output", ""), line(some**2, "input", "6 4"), *words], quiet, page)


def pictures(state: State) -> None:
    """The photographs of the view, and the spectrum of each."""
    planes, numbers, names = compute(state), decibels(state.picture, state.kernel), ways()
    here, shown = list(NOISE).index(state.noise), VIEWS[state.view]
    size = " × ".join(map(str, SIZE))
    photographs, spectra = [], []
    for method in shown:
        note = t("the photograph, {size}", size=size) if method == "x" else f"PSNR {numbers[method][here]:.1f} dB"
        title = names.get(method, t("x"))
        photographs.append(image_row.Picture(image_row.grey(planes[method]), note, title, WIDTH, part=method))
        alt = t("spectrum of {name}", name=title)
        spectra.append(
            image_row.Picture(
                image_row.grey(magnitudes(planes[method])), "", width=WIDTH, alt=alt, part=f"spectrum-{method}"
            )
        )
    image_row.show(photographs)
    if state.view in SPECTRA:
        image_row.show(spectra)
        gone = lost(state)
        st.caption(
            t(
                "Below each its frequencies: low ones in the middle, brightness the logarithm of their size. K = 0 at "
                "{count} of {all}.",
                count=gone.sum(),
                all=gone.size,
            )
        )


def gains_of_blur(state: State) -> None:
    """What the blur does to each frequency, as a picture and sorted, and what that means for the ways back."""
    gains = np.abs(inverse.response(kernel(state), SIZE))
    values = np.sort(gains.ravel())[::-1]
    left, right = st.columns([1, 2])
    with left:
        gone = lost(state)
        marked = np.repeat(to_bytes(np.fft.fftshift(gains))[:, :, None], 3, axis=2)
        marked[gone] = LOST
        said = t("|K|, low frequencies in the middle; red: K = 0, {count} of {all}", count=gone.sum(), all=gone.size)
        image_row.show([image_row.Picture(marked, said, t("what A leaves of each frequency"), width=192)])
        near = 100 * float((values < 0.1).mean())
        note = t("sorted, 0 to 1; dashed: |K|² of AᵀA. {percent} % are below 0.1", percent=f"{near:.0f}")
        title = t("singular values |K| of A")
        drawing = plot.image(spectrum(values), f"{title}: {note}")
        st.html(f'<figure class="spectrum">{drawing}<figcaption><strong>{title}</strong>{note}</figcaption></figure>')
    with right:
        middle = float(np.median(values))
        note = t(
            "R is the Laplacian: large on noise, small on smooth pictures. The filter is Hunt's form of Wiener's. "
            "λ is the power of the noise over that of R x, taken from the true x, which nobody has outside a test. "
            "Half of all frequencies have |K| below {k}, so AᵀA shrinks each to less than {gain} of its size.",
            k=f"{middle:.3f}",
            gain=f"{middle**2:.2g}",
        )
        st.markdown(note)
        back, names = brought_back(state), ways()
        caption = t("“Recovers lost detail”? Share of the energy at |K| < 0.1 that comes back")
        bars.show(caption, [bars.Bar(names[method], (share,)) for method, share in back.items()], full=1.0)


def formulas(view: str) -> None:
    """What the view's way does to a frequency."""
    x, y, k = formula.coloured("input", "X"), formula.coloured("output", "Y"), formula.coloured("kernel", "K")
    if view in ("all", "gains"):
        st.latex(rf"A^\top A:\; {x} \mapsto |{k}|^2\, {x}")
    if view in ("all", "noise"):
        st.latex(rf"\text{{Wiener}}:\; {y} \mapsto \frac{{\overline{{{k}}}}}{{|{k}|^2 + \lambda |R|^2}}\, {y}")


def table(state: State) -> None:
    """PSNR against noise."""
    numbers = decibels(state.picture, state.kernel)
    rows = [(name, numbers[method]) for method, name in ways().items()]
    here = list(NOISE).index(state.noise)
    image_row.table(t("PSNR in dB against the noise in %; more is better"), list(NOISE), rows, here)


def undone(state: State) -> None:
    """How far there and back is from x: of this blur, and of layers that the adjoint does undo."""
    away = t("“The inverse”? AᵀAx is {percent} % away from x", percent=f"{100 * not_inverse(state):.0f}")
    proof.measurement(away, t("Without noise, at the best brightness, means removed."), not_inverse)
    if state.view in ("all", "layers"):
        bars.show(
            t("Where the adjoint does undo: how far AᵀAx is from x"),
            [bars.Bar(t(name), (value,)) for name, value in layers().items()],
            full=1.0,
        )


def proofs(page: frame.Places, state: State) -> None:
    """The checks."""
    written = t("A written out by shifting and adding; its transpose times A x, against blur and adjoint:")
    values = t("Its singular values by a decomposition that knows no Fourier transform, against |K| sorted:")
    gains = t("Blur and adjoint, one after the other, against the frequencies multiplied by |K|²:")
    codes = ((matrix, inverse.blur_matrix), (singular, inverse.response), (frequencies, inverse.blur_adjoint))
    page.checks(checks(state), (written, values, gains), codes)


def draw(page: frame.Places) -> None:
    """The blurred picture and the ways back from it, the checks, and what articles print."""
    with page.controls:
        state = chosen()
    with page.picture:
        pictures(state)
        formulas(state.view)
        if state.view in ("all", "noise"):
            with st.container(key="part-table"):
                table(state)
        if state.view in ("all", "back", "layers"):
            undone(state)
    proofs(page, state)
    with page.wide:
        gains_of_blur(state)
    with page.more:
        printed_formula.show("F004.1", t("a convolution, as it says; frequencies with K near 0 are gone"))
        printed_formula.show("F004.2", t("AᵀAx: each frequency times |K|²; with a blur, blurred twice"))
        printed_formula.show(
            "F004.3", t("the picture with its frequencies weighted by (1 + |K|²) / 2"), t(words.REMARKS["F004.3"])
        )
    page.code((inverse.blur, inverse.blur_adjoint, inverse.wiener, inverse.richardson_lucy), call(state))


LESSON: Lesson = Lesson(
    slug="adjoint-is-not-inverse",
    title=mark("Adjoint is not inverse"),
    render=lambda: frame.page(LESSON, draw),
    order=5,
    needs=("convolution-and-its-adjoint",),
    question=mark("What would an inverse have to do?"),
    goal=mark(
        "You will be able to say what AᵀA does to a picture, what no method can bring back, and when Aᵀ is enough."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("wiener1949extrapolation", ""),
        ("richardson1972bayesian", ""),
        ("lucy1974iterative", ""),
        ("hunt1973application", mark("Wiener with a Laplacian")),
        ("zeiler2010deconvolutional", mark("the first networks of that name")),
    ),
)
