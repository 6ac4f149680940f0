"""Lesson: the adjoint of a blur beside two real inverses, and the few layers that the adjoint does undo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st

from deconvviz.articles.formulas import apart
from deconvviz.metrics import psnr, relative_error
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, inverse
from deconvviz.ops.upsample import pixel_shuffle, pixel_unshuffle
from deconvviz.types import Check
from lessons._kit.claims import words
from lessons._kit.draw import bars, formula, image_row, plot
from lessons._kit.draw.pixels import to_bytes
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.numbers import printed_formula
from lessons._kit.run.pictures import small_grey
from lessons.inverse import questions

#: Height and width of the photographs, and of the part that is written out as a matrix.
SIZE, PART = (192, 192), (10, 12)
#: Of a photograph on screen, in pixels: three beside each other.
WIDTH = 248
PICTURES = {"camera": mark("Photographer"), "cat": mark("Cat"), "coins": mark("Coins")}
#: Name in the URL -> (name on screen, kernel); weights sum to 1.
KERNELS: dict[str, tuple[str, np.ndarray]] = {
    "motion": (mark("motion, 1 × 9"), np.full((1, 9), 1 / 9)),
    "box": (mark("box, 5 × 5"), np.full((5, 5), 1 / 25)),
    "gauss": (mark("Gauss, 7 × 7"), np.outer(*[np.array([1, 6, 15, 20, 15, 6, 1]) / 64] * 2)),
    "shift": (mark("shift by one"), np.array([[0.0, 0.0, 1.0]])),
}
#: Colour of a frequency that is lost.
LOST = (200, 40, 40)
#: Name in the URL -> standard deviation of the noise.
NOISE = {"0": 0.0, "0.1": 0.001, "1": 0.01, "5": 0.05}
STEPS = 20
#: A frequency counts as lost if A leaves less of it than float64 can tell from nothing.
ZERO = 1e-9


@dataclass(frozen=True)
class State:
    """What the person has chosen; noise in percent of white."""

    picture: str = "camera"
    kernel: str = "motion"
    noise: str = "1"


def photograph(name: str) -> np.ndarray:
    """A photograph's middle square, grey: (192, 192) from 0 to 1."""
    return small_grey(name, SIZE[0])


def kernel(state: State) -> np.ndarray:
    """The blur of a state."""
    return KERNELS[state.kernel][1]


@lru_cache(maxsize=64)
def compute(state: State) -> dict[str, np.ndarray]:
    """Every plane of a state: x, the blurred and noisy y, and what three ways make of y."""
    x, k, noise = photograph(state.picture), kernel(state), NOISE[state.noise]
    y = inverse.blur(x, k) + noise * np.random.default_rng(0).standard_normal(SIZE)
    balance = max(noise**2 / float(np.mean(inverse.blur(x, inverse.LAPLACIAN) ** 2)), 1e-6)
    return {
        "x": x,
        "y": y,
        "adjoint": inverse.blur_adjoint(y, k),
        "wiener": inverse.wiener(y, k, balance),
        "lucy": inverse.richardson_lucy(y, k, STEPS),
    }


@lru_cache(maxsize=16)
def decibels(picture: str, kernel_name: str) -> dict[str, tuple[float, ...]]:
    """Way -> PSNR against x for each noise; capped at 99."""
    found: dict[str, list[float]] = {way: [] for way in ("y", "adjoint", "wiener", "lucy")}
    for noise in NOISE:
        planes = compute(State(picture, kernel_name, noise))
        for way, numbers in found.items():
            numbers.append(min(99.0, psnr(planes[way], planes["x"])))
    return {way: tuple(numbers) for way, numbers in found.items()}


def lost(state: State) -> np.ndarray:
    """Where A multiplies a frequency by 0, (192, 192), frequency 0 in the middle."""
    return np.fft.fftshift(np.abs(inverse.response(kernel(state), SIZE)) < ZERO)


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
def checks(state: State) -> list[Check]:
    """The proofs of a state."""
    return [
        Check(mark("transposed matrix"), matrix(state), 1e-5),
        Check(mark("singular values are |K|"), singular(state), 1e-5),
        Check(mark("AᵀA multiplies by |K|²"), frequencies(state), 1e-5),
    ]


def not_inverse(state: State) -> float:
    """How far AᵀAx is from x at its best brightness, without noise: min over c of ‖c AᵀAx − x‖ / ‖x‖, means removed."""
    x, k = photograph(state.picture), kernel(state)
    x = x - x.mean()
    return apart(inverse.blur_adjoint(inverse.blur(x, k), k), x)


def brought_back(state: State) -> dict[str, float]:
    """Way -> how much of the energy that A took (|K| < 0.1) it brings back."""
    planes, k = compute(state), kernel(state)
    return {way: inverse.lost_energy_back(planes[way], planes["x"], k) for way in ("adjoint", "wiener", "lucy")}


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
    return f"""from lessons.inverse import State, compute

planes = compute(State(picture={state.picture!r}, kernel={state.kernel!r}, noise={state.noise!r}))
"""


def chosen() -> State:
    """Draw the controls and read them."""
    picture = choice(t("Picture"), {k: t(v) for k, v in PICTURES.items()}, "picture")
    blurred = choice(t("Blur A"), {k: t(v[0]) for k, v in KERNELS.items()}, "kernel")
    return State(
        picture, blurred, choice(t("Noise, % of white"), {k: k for k in NOISE}, "noise", default="1", tabs=True)
    )


def ways() -> dict[str, str]:
    """Way -> its name on screen."""
    return {
        "y": t("y = A x + noise"),
        "adjoint": t("adjoint: Aᵀ y"),
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
    """The photographs, the formula with its numbers, the spectrum, and PSNR against noise."""
    planes, numbers = compute(state), decibels(state.picture, state.kernel)
    here = list(NOISE).index(state.noise)
    size = " × ".join(map(str, SIZE))
    shown = [image_row.Picture(image_row.grey(planes["x"]), t("the photograph, {size}", size=size), t("x"), WIDTH)]
    for way, name in ways().items():
        shown.append(image_row.Picture(image_row.grey(planes[way]), f"PSNR {numbers[way][here]:.1f} dB", name, WIDTH))
    image_row.show(shown)
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
        gain = formula.coloured("kernel", "|K|^2")
        st.latex(rf"A^\top A:\; {formula.coloured('input', 'X')} \mapsto {gain}\, {formula.coloured('input', 'X')}")
        wiener = rf"\frac{{\overline{{K}}}}{{|K|^2 + \lambda |R|^2}}\, {formula.coloured('output', 'Y')}"
        st.latex(rf"\text{{Wiener}}:\; {formula.coloured('output', 'Y')} \mapsto {wiener}")
        middle = float(np.median(values))
        note = t(
            "R is the Laplacian: large on noise, small on smooth pictures. The filter is Hunt's form of Wiener's. "
            "λ is the power of the noise over that of R x, taken from the true x, which nobody has outside a test. "
            "Half of all frequencies have |K| below {k}, so AᵀA shrinks each to less than {gain} of its size.",
            k=f"{middle:.3f}",
            gain=f"{middle**2:.2g}",
        )
        st.markdown(note)
    rows = [(name, numbers[way]) for way, name in ways().items()]
    image_row.table(t("PSNR in dB against the noise in %; more is better"), list(NOISE), rows, here)


def proofs(state: State) -> None:
    """The badges, and the two claims measured."""
    written = t("A written out by shifting and adding; its transpose times A x, against blur and adjoint:")
    values = t("Its singular values by a decomposition that knows no Fourier transform, against |K| sorted:")
    gains = t("Blur and adjoint, one after the other, against the frequencies multiplied by |K|²:")
    proof.badges_of(
        checks(state),
        (written, values, gains),
        ((matrix, inverse.blur_matrix), (singular, inverse.response), (frequencies, inverse.blur_adjoint)),
    )
    away = t("“The inverse”? AᵀAx is {percent} % away from x", percent=f"{100 * not_inverse(state):.0f}")
    proof.measurement(away, t("Without noise, at the best brightness, means removed."), not_inverse)
    back = brought_back(state)
    names = ways()
    caption = t("“Recovers lost detail”? Share of the energy at |K| < 0.1 that comes back")
    bars.show(caption, [bars.Bar(names[way], (share,)) for way, share in back.items()], full=1.0)
    bars.show(
        t("Where the adjoint does undo: how far AᵀAx is from x"),
        [bars.Bar(t(name), (value,)) for name, value in layers().items()],
        full=1.0,
    )


def draw(page: frame.Places) -> None:
    """The blurred picture and four ways back from it, the proofs, and what articles print."""
    with page.controls:
        state = chosen()
    with page.picture:
        pictures(state)
        proofs(state)
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
    text=mark(
        "A blur A multiplies each [[frequency]] of a picture by a number K. The [[adjoint]] multiplies by its "
        "complex conjugate, so there and back is |K|²: what A made weak, Aᵀ makes weaker. It blurs twice.\n\n"
        "An inverse would **divide** by K. Where K is near 0 that blows up the noise, and where K is 0 there is "
        "nothing to divide: that is the [[null space]], and it is lost to every method that knows only y.\n\n"
        "Wiener's filter divides where the picture is stronger than the noise, and holds back elsewhere. "
        "Richardson–Lucy goes step by step and never below zero. Both need to know K. This is the oldest meaning "
        "of [[deconvolution]]. In much noise Aᵀy is often closer than y: it smooths.\n\n"
        "Aᵀ alone is enough where all singular values are equal and there is no null space: a shift, orthonormal "
        "filters, cells that only move."
    ),
    presets=(
        (mark("No noise, and some stays lost"), {"noise": "0"}),
        (mark("Much noise"), {"noise": "5"}),
        (mark("A kernel that only shifts"), {"kernel": "shift", "noise": "0"}),
    ),
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
