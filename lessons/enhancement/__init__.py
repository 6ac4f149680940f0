"""Lesson: noise and JPEG blocks go; what the article's three lines do without training, and with it."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import streamlit as st

from deconvviz.metrics import psnr, relative_error
from deconvviz.ops import ConvGeometry, conv
from deconvviz.ops.inverse import blur, blur_adjoint, response
from deconvviz.ops.upsample import pixel_unshuffle
from deconvviz.tasks.enhancement import data, predict, untrained
from deconvviz.types import Check
from lessons._kit.form import frame, proof, slider
from lessons._kit.form.controls import choice, designed, is_offered, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.run import pictures
from lessons.enhancement import picture as enhancement_picture
from lessons.enhancement import questions, run, scenes
from lessons.enhancement.run import Damage, Shown

FIRST = "camera"
SIGMAS = (5, 10, 15, 25, 35, 50)
QUALITIES = (5, 10, 20, 30, 40, 60, 80)
#: Pixels of a square photograph on screen: all of it is in the first screen.
WIDE = 480
#: What is drawn: before and after with its numbers, the article's lines, the worst window, or all of it.
VIEWS = dict.fromkeys(("all", "compare", "lines", "worst"), "")
#: Rows and columns of the part of a photograph that is looked at in proofs.
PART = (40, 52)


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    image: str = FIRST
    damage: str = "noise"
    sigma: str = "25"
    quality: str = "10"
    network: str = "main"
    norm: str = "no"
    view: str = "all"

    @property
    def done(self) -> Damage:
        """What is done to the photograph."""
        return Damage(
            int(self.sigma) if self.damage == "noise" else 0, int(self.quality) if self.damage == "jpeg" else 0
        )

    @property
    def variant(self) -> str:
        """The network's name in its file."""
        return self.network + ("-norm" if self.norm == "yes" and self.network != "main" else "")


def photograph(state: State, picture: pictures.Picture | None = None) -> pictures.Picture:
    """The photograph of a state."""
    return picture or pictures.sample(state.image)


def found_of(state: State, picture: pictures.Picture | None = None) -> Shown:
    """The pictures of a state."""
    return run.shown(photograph(state, picture), state.done, state.variant)


def psnr_by_hand(state: State, picture: pictures.Picture | None = None) -> float:
    """Difference in decibels between the library's PSNR of the cleaned picture and the same added up by hand."""
    result = found_of(state, picture)
    part = (slice(PART[0]), slice(PART[1]))
    cleaned, truth = result.cleaned[part], result.truth[part]
    return abs(psnr(cleaned, truth) + 10 * np.log10(run.mean_squared_by_hand(cleaned, truth)))


def multiplies_by_gain(state: State, picture: pictures.Picture | None = None) -> float:
    """AᵀAx by blur and adjoint, against the frequencies multiplied by |K|²."""
    plane = found_of(state, picture).given.mean(axis=2).astype(np.float64)
    gain = np.abs(response(untrained.BLUR, plane.shape)) ** 2
    back = blur_adjoint(blur(plane, untrained.BLUR), untrained.BLUR)
    return relative_error(back, np.real(np.fft.ifft2(np.fft.fft2(plane) * gain)))


def same_noise(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest difference between two pictures damaged alike from one seed."""
    result = found_of(state, picture)
    again = data.damaged(result.truth, **state.done.options)
    return float(np.abs(again - result.given).max())


def nothing_added(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest change of a picture that is fused by addition with a map of zeros."""
    plane = jnp.asarray(found_of(state, picture).given[None, : PART[0], : PART[1], :1])
    return float(jnp.abs(predict.load("main").fused(plane, jnp.zeros_like(plane)) - plane).max())


def one_layer_two_ways(state: State, picture: pictures.Picture | None = None) -> float:
    """The first layer as a convolution of stride 2 with 6 × 6 taps, against blocks of pixels and 3 × 3 taps."""
    plane = found_of(state, picture).given[None, : PART[0], : PART[1], :1]
    module = predict.load(state.variant)
    kernel = np.asarray(module.encode.kernel[...])
    taps = kernel.reshape(3, 3, 2, 2, -1).transpose(0, 2, 1, 3, 4).reshape(6, 6, 1, -1)
    whole = conv(plane, taps, ConvGeometry(stride=2, padding=2))
    return relative_error(module.encode(pixel_unshuffle(plane, 2)) - module.encode.bias[...], whole)


def checks(state: State, picture: pictures.Picture | None = None) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("PSNR by hand"), psnr_by_hand(state, picture), 1e-5),
        Check(mark("AᵀA multiplies by |K|²"), multiplies_by_gain(state, picture), 1e-5),
        Check(mark("same seed, same noise"), same_noise(state, picture), 0.0),
        Check(mark("a map of zeros changes nothing"), nothing_added(state, picture), 0.0),
        Check(mark("first layer, two ways"), one_layer_two_ways(state, picture), 1e-5),
    ]


def call(state: State, picture: pictures.Picture) -> str:
    """Python that makes the picture of a state."""
    options = ", ".join(f"{name}={value}" for name, value in state.done.options.items())
    load = upload.python(picture)
    if picture.id is None:
        load = f"images.load({load})"
    damage = f"data.damaged(photograph, {options})" if options else "photograph"
    variant = "" if state.variant == "main" else f", variant={state.variant!r}"
    return f"""from deconvviz.data import {"samples" if picture.id else "images"}
from deconvviz.metrics import psnr
from deconvviz.tasks.enhancement import data, predict

photograph = {load}
given = {damage}
found = predict.apply(given{variant}, turns=1)
print(psnr(given, photograph), psnr(found.picture, photograph))
predict.write(found, "cleaned.png")
"""


def chosen() -> tuple[State, pictures.Picture]:
    """Draw the controls and read them."""
    picture = upload.choose(FIRST) if is_offered("image") else pictures.sample(designed("image", FIRST))
    kinds = {"noise": t("noise"), "jpeg": "JPEG", "none": t("none")}
    damage = choice(t("Damage"), kinds, "damage", default="noise", tabs=True)
    sigma, quality = int(State.sigma), int(State.quality)
    if damage == "noise":
        sigma = slider.stops(t("Standard deviation of the noise, of 255"), SIGMAS, "sigma", sigma)
    if damage == "jpeg":
        quality = slider.stops(t("JPEG quality, 1 to 100"), QUALITIES, "quality", quality)
    there, labels = run.trials(), enhancement_picture.FUSIONS
    fusions = {name: t("small, {fusion}", fusion=t(label)) for name, label in labels.items() if name in there}
    network = choice(t("Network"), {"main": t("large: all noise, JPEG")} | fusions, "network")
    norm = "no"
    if network != "main" and is_offered("network"):
        if f"{network}-norm" in there:
            norm = choice(t("Batch normalization"), {"no": t("without"), "yes": t("with")}, "norm", tabs=True)
        st.caption(t("The small networks know noise of sigma 25 alone, from four small pictures."))
    view = url_value("view", State.view, VIEWS)
    return State(picture.id or FIRST, damage, str(sigma), str(quality), network, norm, view), picture


def title(state: State) -> str:
    """What was done to the photograph."""
    if state.damage == "noise":
        return t("noise, sigma {sigma}", sigma=state.sigma)
    return t("JPEG, quality {quality}", quality=state.quality) if state.damage == "jpeg" else t("undamaged")


def proofs(page: frame.Places, state: State, picture: pictures.Picture) -> None:
    """The checks."""
    meanings = (
        t("The upper left part of the cleaned picture, by the library and added up pixel by pixel; difference in dB:"),
        t("Blur and adjoint, one after the other, against the frequencies multiplied by |K|²:"),
        t("The photograph damaged once more from the same seed; largest difference of any pixel:"),
        t("x + d with d = 0 everywhere; largest change of any pixel:"),
        t("A convolution of stride 2 with 6 × 6 taps, and blocks of 2 × 2 pixels followed by 3 × 3 taps:"),
    )
    codes: tuple[proof.Code, ...] = (
        (psnr_by_hand, run.mean_squared_by_hand),
        (multiplies_by_gain, blur_adjoint),
        (same_noise, data.damaged),
        (nothing_added,),
        (one_layer_two_ways, pixel_unshuffle),
    )
    page.checks(checks(state, picture), meanings, codes)


def draw(page: frame.Places) -> None:
    """The damaged and the cleaned picture, its formulas, and what small networks reach."""
    with page.controls:
        state, picture = chosen()
    with page.picture:
        with st.spinner(t("Cleaning the picture: some seconds, the first time on this machine longer")):
            result = found_of(state, picture)
        if state.view in ("all", "compare"):
            with st.container(key="part-compare", width=WIDE):
                enhancement_picture.compare(result, title(state))
            st.latex(enhancement_picture.formulas(result))
        if state.view in ("all", "lines"):
            with st.container(key="part-lines"):
                enhancement_picture.lines(result)
        if state.view in ("all", "worst"):
            with st.container(key="part-worst"):
                enhancement_picture.worst(result)
        if state.view == "all":
            enhancement_picture.take_away(result)
    with page.wide:
        enhancement_picture.small_networks()
        page.later(proofs, page, state, picture)
    page.code((predict.apply, untrained.there_and_back), call(state, picture))


LESSON: Lesson = Lesson(
    slug="enhancement",
    title=mark("Enhancement"),
    render=lambda: frame.page(LESSON, draw),
    order=22,
    needs=("super-resolution",),
    section="work",
    question=mark("Convolve, come back, fuse: does that make a picture better?"),
    goal=mark("You will be able to say what training adds to the article's three lines, and what stays lost."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("mao2016image", ""),
        ("zhang2017beyond", ""),
        ("zhang2018ffdnet", ""),
    ),
)
