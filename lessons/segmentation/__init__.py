"""Lesson: every pixel of a street gets a name; three decoders on one encoder bring the edges back differently."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from deconvviz.errors import DeconvvizError
from deconvviz.ops import max_unpool
from deconvviz.tasks.segmentation import evaluate, predict
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.run import pictures
from lessons.segmentation import picture as segmentation_picture
from lessons.segmentation import questions, run, table
from lessons.segmentation.run import Subject

FIRST = "motorcycle"
#: Sides of the piece on which the loops run.
PIECE = (96, 140)


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    source: str = "drawn"
    image: str = FIRST
    decoder: str = "transposed"
    wanted: str = "road"
    spot: str = "car"


def subject(state: State, picture: pictures.Picture | None = None) -> Subject:
    """What is looked at."""
    if state.source == "drawn":
        return run.drawn()
    return run.photograph(picture or pictures.sample(state.image))


def two_counts(state: State, picture: pictures.Picture | None = None) -> float:
    """Difference between mean IoU from the table of counts and from sets of pixels, upper left of the picture."""
    shown = subject(state, picture)
    said, true = (
        classes[: PIECE[0], : PIECE[1]]
        for classes in (run.answer(shown, state.decoder).classes, run.compared(shown, state.decoder))
    )
    fast = evaluate.figures_of(evaluate.confusion(said, true))["mean_iou"]
    return abs(fast - run.iou_by_hand(said, true))


def misplaced(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest difference between the unpooled map and its values put at their switches one by one."""
    return run.misplaced(subject(state, picture))


def bilinear_apart(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest relative difference between bilinear enlargement and a fixed transposed convolution."""
    return run.bilinear_apart(subject(state, picture))


def blocks_apart(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest relative difference between the trained layer, computed in blocks, and the adjoint of a convolution."""
    return run.blocks_apart(subject(state, picture))


def checks(state: State, picture: pictures.Picture | None = None) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("mean IoU as by sets"), two_counts(state, picture), 1e-12),
        Check(mark("each value at its switch"), misplaced(state, picture), 0.0),
        Check(mark("bilinear is a fixed transposed convolution"), bilinear_apart(state, picture), 1e-6),
        Check(mark("the trained step is an adjoint"), blocks_apart(state, picture), 1e-5),
    ]


def call(state: State, shown: Subject) -> str:
    """Python that names the pixels of a state."""
    package, module = ("lessons.segmentation", "scene") if state.source == "drawn" else ("deconvviz.data", "samples")
    return f"""from {package} import {module}
from deconvviz.tasks.segmentation import predict

found = predict.apply({shown.python}, variant={state.decoder!r})
print(predict.describe(found)["shares"])
predict.write(found, "street.png")
"""


def chosen() -> tuple[State, pictures.Picture]:
    """Draw the controls and read them."""
    kinds = {"drawn": t("a drawn street, truth known"), "photo": t("a photograph")}
    source = choice(t("Look at"), kinds, "source")
    picture = pictures.sample(FIRST)
    if source == "photo":
        picture = upload.choose(LESSON.presets, FIRST)
    decoders = {name: t(segmentation_picture.TITLES[name]) for name in run.DECODERS}
    decoder = choice(t("Decoder"), decoders, "decoder")
    wanted = choice(
        t("Class"), {name: t(word) for name, word in segmentation_picture.WORDS.items()}, "wanted", default=State.wanted
    )
    spots = {"pole": t("a post with a sign"), "walker": t("a walker"), "car": t("a car"), "roof": t("a roof")}
    spots |= {"differ": t("where the decoders differ most")}
    spot = choice(t("Closer look"), spots, "spot", default=State.spot) if source == "drawn" else "differ"
    return State(source, picture.id or FIRST, decoder, wanted, spot), picture


def looked_at(state: State, picture: pictures.Picture) -> tuple[State, Subject]:
    """What the decoders have answered; the drawn street where they refuse a picture."""
    shown = subject(state, picture)
    waiting = t("Three decoders look at the picture: some seconds, the first time on this machine half a minute")
    with st.spinner(waiting):
        try:
            for decoder in run.DECODERS:
                run.answer(shown, decoder)
            return state, shown
        except DeconvvizError as error:
            st.error(str(error))
    return replace(state, source="drawn"), run.drawn()


def badges(state: State, picture: pictures.Picture) -> None:
    """The proofs."""
    meanings = (
        t("Mean IoU of the upper left piece, from the table of counts and from sets of pixels:"),
        t("The unpooled map of the whole picture, and its values put at their switches one at a time:"),
        t("The bilinear step, and a transposed convolution with the kernel ¼ ¾ ¾ ¼ along rows and columns:"),
        t("The trained step, computed in blocks, and the adjoint of a convolution with its kernel:"),
    )
    codes: tuple[proof.Code, ...] = (
        (two_counts, run.iou_by_hand, evaluate.figures_of),
        (run.misplaced, max_unpool),
        (run.bilinear_apart, run.enlarged),
        (run.blocks_apart,),
    )
    proof.badges_of(checks(state, picture), meanings, codes)


def draw(page: frame.Places) -> None:
    """The street with its classes, a closer look, and what was measured."""
    with page.controls:
        state, picture = chosen()
    with page.picture:
        state, shown = looked_at(state, picture)
        box = run.spot(shown, state.spot)
        segmentation_picture.draw(shown, state.decoder)
        if state.source != "drawn":
            st.caption(
                t(
                    "The network knows streets seen from a car. Of anything else it says the likeliest of its eleven "
                    "names."
                )
            )
        segmentation_picture.close(shown, box)
        segmentation_picture.formula(shown, state.decoder, state.wanted)
        st.markdown(t("The first step up, inside the closer look:"))
        segmentation_picture.steps(shown, box)
        badges(state, picture)
        table.claim(state.decoder)
    page.code((predict.apply, predict.first_step), call(state, shown))


LESSON: Lesson = Lesson(
    slug="segmentation",
    title=mark("Segmentation"),
    render=lambda: frame.page(LESSON, draw),
    order=20,
    needs=("pooling-and-switches", "upsampling-and-checkerboards"),
    section="work",
    question=mark("What does a decoder add to a coarse answer?"),
    goal=mark(
        "You will be able to say what each way to enlarge a small map keeps of an edge, and how that is measured."
    ),
    text=mark(
        "The encoder gives up place for meaning: at an eighth of the size it knows there is a pole but not where. A "
        "decoder has to bring the size back.\n\n[[transposed convolution|Transposed convolution]] learns a kernel "
        "that it lays down for every value. [[unpooling|Unpooling]] needs none: the encoder's [[switch|switches]] "
        "say where in its window each maximum was, so places of edges come back from the encoder. Bilinear "
        "enlargement learns nothing; it is a transposed convolution with a kernel that stays.\n\nAll three share one "
        "finished encoder, which stays as it is, and add detail to its coarse answer. They were trained alike, once "
        "each; what differs is how they enlarge. They add little, as the table shows.\n\nMost pixels are road, "
        "building and sky. A network that forgets every pole is still mostly right, so the field counts by class: "
        "mean IoU, and how well the boundaries fit."
    ),
    presets=(
        (mark("A thin post: none finds it"), {"wanted": "pole", "spot": "pole"}),
        (mark("A walker by the switches"), {"decoder": "unpool", "wanted": "pedestrian", "spot": "walker"}),
        (mark("Not a street at all"), {"source": "photo", "wanted": "car"}),
    ),
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("badrinarayanan2017segnet", mark("table 1")),
        ("noh2015learning", ""),
        ("paszke2016enet", ""),
        ("brostow2009semantic", mark("the pictures")),
    ),
)
