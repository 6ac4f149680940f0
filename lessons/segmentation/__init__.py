"""Lesson: every pixel of a street gets a name; three decoders on one encoder bring the edges back differently."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from deconvviz.errors import DeconvvizError
from deconvviz.ops import max_unpool
from deconvviz.tasks.segmentation import evaluate, predict
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, is_offered, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.run import pictures
from lessons.segmentation import picture as segmentation_picture
from lessons.segmentation import questions, run, scenes, table
from lessons.segmentation.run import Subject

FIRST = "motorcycle"
#: What is drawn: the answer, the closer look, the first step up, the table of all variants, or the first three.
VIEWS = dict.fromkeys(("all", "answer", "close", "steps", "table"), "")
#: Pixels of the street on screen: its formula fits below it into the first screen.
WIDE = 640
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
    view: str = "all"


def subject(state: State, picture: pictures.Picture | None = None) -> Subject:
    """What is looked at."""
    if state.source == "drawn":
        return run.street()
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
    needed = "tasks.segmentation import drawn" if state.source == "drawn" else "data import samples"
    return f"""from deconvviz.{needed}
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
    if source == "photo" and is_offered("image"):
        picture = upload.choose(FIRST)
    decoders = {name: t(segmentation_picture.TITLES[name]) for name in run.OFFERED}
    decoder = choice(t("Decoder"), decoders, "decoder")
    wanted = choice(
        t("Class"), {name: t(word) for name, word in segmentation_picture.WORDS.items()}, "wanted", default=State.wanted
    )
    spots = {"pole": t("a post with a sign"), "walker": t("a walker"), "car": t("a car"), "roof": t("a roof")}
    spots |= {"differ": t("where the decoders differ most")}
    spot = choice(t("Closer look"), spots, "spot", default=State.spot) if source == "drawn" else "differ"
    return State(source, picture.id or FIRST, decoder, wanted, spot, url_value("view", State.view, VIEWS)), picture


def looked_at(state: State, picture: pictures.Picture) -> tuple[State, Subject]:
    """What is looked at, once its decoder has answered; the drawn street where it refuses a picture."""
    shown = subject(state, picture)
    with st.spinner(t("A decoder looks at the picture: some seconds, the first time on this machine half a minute")):
        try:
            run.answer(shown, state.decoder)
            return state, shown
        except DeconvvizError as error:
            st.error(said(error))
    return replace(state, source="drawn"), run.street()


def proofs(page: frame.Places, state: State, picture: pictures.Picture) -> None:
    """The checks."""
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
    page.checks(checks(state, picture), meanings, codes)


def hero(state: State, shown: Subject) -> None:
    """The picture of the page: what the view asks for, each part in a frame of its own."""
    if state.view in ("all", "answer"):
        with st.container(key="part-answer", width=WIDE):
            segmentation_picture.draw(shown, state.decoder)
        with st.container(key="part-overlap"):
            segmentation_picture.formula(shown, state.decoder, state.wanted)
    if state.view == "table":
        with st.container(key="part-table"):
            table.show()
    if state.view in ("all", "close", "steps"):
        with st.spinner(t("Three decoders look at the picture: some seconds, the first time half a minute")):
            box = run.spot(shown, state.spot)
        with st.container(key="part-close"):
            segmentation_picture.close(shown, box, state.view)
    if state.view in ("all", "steps"):
        with st.container(key="part-steps"):
            st.markdown(t("The first step up, in the middle of this piece, in the channel that is strongest there:"))
            segmentation_picture.steps(shown, box)


def draw(page: frame.Places) -> None:
    """The street with its classes, a closer look, and what was measured."""
    with page.controls:
        state, picture = chosen()
    with page.picture:
        state, shown = looked_at(state, picture)
        hero(state, shown)
    with page.wide:
        page.later(proofs, page, state, picture)
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
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    design=questions.DESIGN,
    sources=(
        ("badrinarayanan2017segnet", mark("table 1")),
        ("noh2015learning", ""),
        ("paszke2016enet", ""),
        ("brostow2009semantic", mark("the pictures")),
    ),
)
