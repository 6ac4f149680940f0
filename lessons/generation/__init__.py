"""Lesson: pictures from a code of few numbers, and what the way of enlarging leaves on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.metrics import relative_error
from deconvviz.tasks.generation import DECODER
from deconvviz.tasks.generation.codes import between
from deconvviz.tasks.generation.model import Model
from deconvviz.tasks.generation.predict import apply
from deconvviz.types import Check
from lessons._kit.form import frame, proof, slider
from lessons._kit.form.controls import choice, is_offered
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.photo.labels import TITLES, class_name
from lessons._kit.run import pictures
from lessons.generation import picture as generation_picture
from lessons.generation import questions, run, scenes
from lessons.generation.run import Coded

FIRST = "motorcycle"
#: The pictures that a strip may lead to.
OTHERS = ("astronaut", "motorcycle", "rocket", "cat", "camera", "coffee")
#: Views that begin with a photograph; the others begin with a class.
OF_PHOTOGRAPHS = ("rebuild", "bound", "between")


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    view: str = "walk"
    image: str = FIRST
    decoder: str = DECODER
    wanted: str = "Faces_easy"
    to: str = "astronaut"
    seed: str = "0"
    first: str = "0"
    second: str = "0"
    weights: str = "trained"


def shown(state: State, picture: pictures.Picture | None = None) -> Coded:
    """The picture whose numbers stand in the formula: the photograph, or the first one that was made."""
    if state.view in OF_PHOTOGRAPHS:
        return run.photograph(picture or run.gallery(state.image))
    made = run.decode(code_of(state)[None], state.decoder)[0]
    return run.coded(made, run.shape_of(state.wanted))


def code_of(state: State) -> np.ndarray:
    """(latents,): the code that was chosen where no photograph is: the first one drawn, or a place in a class."""
    if state.view == "draw":
        return np.asarray(run.drawn(state.wanted, int(state.seed))[0])
    return run.along(state.wanted, int(state.first), int(state.second))


def kl_by_hand(state: State, picture: pictures.Picture | None = None) -> float:
    """Relative difference of the KL divergence and the same added up number by number."""
    coded = shown(state, picture)
    slow = run.kl_by_hand(coded)
    return abs(run.bound(coded, state.decoder)[1] - slow) / slow


def kl_by_draws(state: State, picture: pictures.Picture | None = None) -> float:
    """By how much it leaves five standard errors of the mean over 4096 drawn codes, relative to it."""
    coded = shown(state, picture)
    mean, error = run.kl_by_draws(coded)
    known = run.kl_by_hand(coded)
    return max(0.0, abs(mean - known) - 5 * error) / known


def adjoint(state: State, picture: pictures.Picture | None = None) -> float:
    """Relative distance of a decoder's first layer from the adjoint of the convolution with its kernel."""
    decoder = state.decoder if state.decoder.startswith("transposed") else "transposed4"
    return relative_error(*run.first_layer(shown(state, picture), decoder))


def same_pixels(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest difference of any pixel between two draws with one seed; infinite if another seed gives the same."""
    seed = int(state.seed)
    one, two, three = (run.decode(run.drawn(state.wanted, number), state.decoder) for number in (seed, seed, seed + 1))
    return float(np.abs(one - two).max()) if not np.array_equal(one, three) else float("inf")


def ends(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest difference of any pixel between the ends of the strip and the two pictures rebuilt."""
    one, other = shown(state, picture), run.photograph(run.gallery(state.to))
    strip = run.decode(run.strip(one, other), state.decoder)
    rebuilt = [run.decode(coded.mean[None], state.decoder)[0] for coded in (one, other)]
    return float(max(np.abs(strip[i] - rebuilt[i]).max() for i in (0, -1)))


def checks(state: State, picture: pictures.Picture | None = None) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("KL by hand"), kl_by_hand(state, picture), 1e-5),
        Check(mark("KL by drawn codes"), kl_by_draws(state, picture), 0.0),
        Check(mark("decoder is an adjoint"), adjoint(state, picture), 1e-5),
        Check(mark("same seed, same pixels"), same_pixels(state, picture), 0.0),
        Check(mark("ends of the strip"), ends(state, picture), 1e-5),
    ]


def call(state: State, picture: pictures.Picture) -> str:
    """Python that makes the picture of a state."""
    start = f"""from deconvviz.data import samples
from deconvviz.tasks.generation import predict

image = {upload.python(picture)}
"""
    if state.view in ("walk", "upsamplers"):
        return f"""import numpy as np

from deconvviz.tasks.generation import model as models

model = models.model()
index = model.codes.index({state.wanted!r})
deviations, vectors = model.codes.directions[index]
steps = np.array([{state.first}, {state.second}]) * deviations[:2]
code = model.codes.means[index] + steps @ vectors[:2]
picture = model.decode(code[None], {state.decoder!r})[0].clip(0, 1)
"""
    options = {
        "rebuild": "",
        "bound": "",
        "between": f"interpolate=samples.load({state.to!r}), ",
        "draw": f"sample={run.AT_ONCE}, class_name={state.wanted!r}, seed={state.seed}, ",
    }[state.view]
    return f"""{start}found = predict.apply(image, {options}decoder={state.decoder!r})
predict.write(found, "made.png")
"""


def chosen() -> tuple[State, pictures.Picture]:
    """Draw the controls and read them."""
    views = {"walk": t("walk"), "draw": t("draw"), "rebuild": t("rebuild"), "between": t("blend")}
    views |= {"bound": t("price of a code"), "upsamplers": t("compare upsamplers")}
    view = choice(t("What to make"), views, "view", default=State.view)
    picture = run.gallery(FIRST)
    labels = {label: class_name(label) for label in run.model().labels}
    wanted, to, seed, first, second, weights = State.wanted, State.to, 0, 0, 0, State.weights
    if view not in OF_PHOTOGRAPHS:
        wanted = choice(t("Class"), labels, "wanted")
    elif is_offered("image"):
        picture = upload.choose(FIRST)
    if view == "between":
        to = choice(t("Leads to"), {id: t(TITLES[id]) for id in OTHERS}, "to")
    if view in ("walk", "upsamplers"):
        far = run.FAR
        first = slider.whole(t("Strongest direction, standard deviations"), -far, far, "first", 0)
        second = slider.whole(t("Second direction, standard deviations"), -far, far, "second", 0)
    if view == "draw":
        seed = slider.whole(t("Seed"), 0, 20, "seed", 0)
    if view == "upsamplers":
        weights = choice(t("Weights"), {"trained": t("trained"), "first": t("first, random")}, "weights", tabs=True)
    names = {name: t(title) for name, title in generation_picture.DECODERS.items()}
    decoder = choice(t("Upsampler of the decoder"), names, "decoder", default=State.decoder)
    id = picture.id or FIRST
    return State(view, id, decoder, wanted, to, str(seed), str(first), str(second), weights), picture


def proofs(page: frame.Places, state: State, picture: pictures.Picture) -> None:
    """The checks."""
    meanings = (
        t("The KL divergence by the library, and the same added up number by number:"),
        t(
            "The mean of log q(z) − log p(z) over {draws} drawn codes, against the formula; by how much the gap is "
            "larger than five standard errors:",
            draws=run.DRAWS,
        ),
        t("What the first layer of a transposed decoder writes, and the adjoint of the convolution with its kernel:"),
        t("Twelve pictures drawn twice with one seed; largest difference of any pixel:"),
        t("The ends of a strip, and the two pictures rebuilt each for itself; largest difference of any pixel:"),
    )
    codes: tuple[proof.Code, ...] = (
        (kl_by_hand, run.kl_by_hand),
        (kl_by_draws, run.kl_by_draws),
        (adjoint, run.first_layer),
        (same_pixels, run.drawn),
        (ends, between),
    )
    page.checks(checks(state, picture), meanings, codes)


def hero(state: State, picture: pictures.Picture) -> None:
    """The picture of the page."""
    if state.view == "walk":
        generation_picture.strip_of(state.wanted, int(state.first), int(state.second), state.decoder)
    elif state.view == "draw":
        generation_picture.drawn(state.wanted, int(state.seed), state.decoder)
    elif state.view == "upsamplers":
        generation_picture.decoders(code_of(state), run.shape_of(state.wanted), state.weights == "trained")
    elif state.view == "between":
        generation_picture.between(shown(state, picture), run.photograph(run.gallery(state.to)), state.decoder)
    elif state.view == "bound":
        generation_picture.pair(shown(state, picture), state.decoder)
        with st.container(key="part-bound"):
            generation_picture.formula(shown(state, picture), state.decoder)
    else:
        name = f"rebuilt-{picture.digest[:12]}-{state.decoder}"
        generation_picture.rebuilt(shown(state, picture), state.decoder, name)


def evidence(page: frame.Places, state: State, picture: pictures.Picture) -> None:
    """The checks, the bound where the picture has no room for it, the code by four decoders, what was measured."""
    proofs(page, state, picture)
    coded = shown(state, picture)
    if state.view != "bound":
        generation_picture.formula(coded, state.decoder)
    if state.view != "upsamplers":
        code = coded.mean if state.view in OF_PHOTOGRAPHS else code_of(state)
        if state.view == "between":
            code = run.strip(coded, run.photograph(run.gallery(state.to)))[run.STEPS // 2]
        st.markdown(f"#### {t('The same code, four upsamplers')}")
        for trained in (False, True):
            generation_picture.decoders(code, coded.shape, trained)
    generation_picture.measured(state.decoder)
    generation_picture.claim()


def draw(page: frame.Places) -> None:
    """What the decoder makes of a code; below, the four decoders and what was measured."""
    with page.controls:
        state, picture = chosen()
    waiting = t("Making pictures: some seconds, the first time on this machine half a minute")
    with page.picture, st.spinner(waiting), st.container(key="part-made"):
        hero(state, picture)
    with page.wide:
        page.later(evidence, page, state, picture)
    page.code((apply, Model.decode, between), call(state, picture))


LESSON: Lesson = Lesson(
    slug="generation",
    title=mark("Generation"),
    render=lambda: frame.page(LESSON, draw),
    order=24,
    needs=("upsampling-and-checkerboards",),
    section="work",
    question=mark("Where do pictures come from that nobody took?"),
    goal=mark("You will be able to say what a code of few numbers keeps of a picture, and what its upsampler adds."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("kingma2014auto", mark("sections 2 and 3")),
        ("ghosh2020variational", mark("section 4")),
        ("odena2016deconvolution", ""),
        ("heusel2017gans", mark("the distance, there on other features")),
    ),
)
