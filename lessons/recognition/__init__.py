"""Lesson: a small network learns digits while one looks on, and shows what its answers rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.data import digits
from deconvviz.metrics import relative_error
from deconvviz.tasks.recognition import predict
from deconvviz.tasks.recognition.train import snapshots
from deconvviz.types import Check
from lessons._kit.form import frame, proof, slider
from lessons._kit.form.controls import choice, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.run import jobs
from lessons.recognition import pad, picture, questions, run, scenes
from lessons.recognition.run import Training

FIRST = 200
#: What is shown: the digit with what the network says of it, the loss of that, the training, or what switches change.
VIEWS = dict.fromkeys(("all", "look", "loss", "train", "effects"), "")


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    norm: str = "off"
    drop: str = "off"
    decoder: str = "off"
    pictures: str = str(FIRST)
    digit: str = "3"
    pad: str = ""
    view: str = "all"

    @property
    def training(self) -> Training:
        """The training that it asks for."""
        on = [value == "on" for value in (self.norm, self.drop, self.decoder)]
        return Training(on[0], on[1], on[2], int(self.pictures), 0)


def by_hand(state: State) -> float:
    """Relative distance of the network's scores from those added up window by window in float64."""
    params, _ = run.params_of(state.training)
    shown, _ = run.picture(state.digit, state.pad)
    scores = np.asarray(run.network(params).run(shown[None, :, :, None].astype(np.float32)))[0]
    return relative_error(scores, run.scores_by_hand(params, shown))


def two_computations(state: State) -> float:
    """Relative difference of the map computed in two ways."""
    params, _ = run.params_of(state.training)
    shown, _ = run.picture(state.digit, state.pad)
    result = run.look(params, shown, None, True).agreement
    return math.inf if result is None else result


def leaked(state: State) -> float:
    """Digits that are both learned from and held back."""
    kinds = digits.load()[1]
    train, held = digits.split(kinds)
    chosen = train[digits.split(kinds[train], int(state.pictures))[1]]
    return float(len(set(chosen.tolist()) & set(held.tolist())))


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("scores by hand"), by_hand(state), 1e-5),
        Check(mark("two computations agree"), two_computations(state), 1e-5),
        Check(mark("no test digit was trained on"), leaked(state), 0.0),
    ]


def call(state: State) -> str:
    """Python that trains and looks as the page does."""
    options = ", ".join(f"{name}={value!r}" for name, value in state.training.options.items())
    if state.digit == run.OWN:
        written = np.rint(run.LEVELS * run.cells(state.pad)).astype(int).tolist()
        small = f"small = np.array({written}, np.float32)[None] / {run.LEVELS}"
    else:
        small = f"""pictures, kinds = digits.load()
held_back = digits.split(kinds)[1]
small = pictures[[row for row in held_back if kinds[row] == {state.digit}][:1]]"""
    return f"""import numpy as np

from deconvviz.data import digits
from deconvviz.tasks.recognition import predict, train
from deconvviz.tasks.recognition.network import network

for snapshot in train.snapshots({options}):
    print(snapshot.step, snapshot.records[-1])
net = network(snapshot.params, tuple("0123456789"))
{small}
print(predict.look(net, digits.enlarged(small)[0, :, :, 0]).label)
"""


def chosen() -> State:
    """Draw the controls and read them."""
    two = {"off": t("off"), "on": t("on")}
    norm = choice(t("Batch normalization"), two, "norm", tabs=True)
    drop = choice(t("Regularization: dropout, decay of weights"), two, "drop", tabs=True)
    decoder = choice(t("Decoder of transposed convolutions"), two, "decoder", tabs=True)
    pictures = slider.stops(t("Digits to learn from"), run.PICTURES, "pictures", FIRST)
    digit = choice(t("Digit to look at"), picture.gallery_names(), "digit", default=State.digit)
    written = url_value("pad", "", _Pads())
    if digit == run.OWN and not written:
        st.markdown(t("Nothing is written yet, so this is a {digit}.", digit=State.digit))
        digit = State.digit
    return State(norm, drop, decoder, str(pictures), digit, written, url_value("view", State.view, VIEWS))


class _Pads(dict[str, object]):
    """Every text that is a digit of one's own, for `url_value`."""

    def __contains__(self, text: object) -> bool:
        return text == "" or bool(run.cells(str(text)).any())


def proofs(page: frame.Places, state: State) -> None:
    """The checks."""
    meanings = (
        t("The scores of this digit, and the same in float64, window by window; relative distance:"),
        t("The map by the network's own derivative with changed rules, and layer by layer; relative difference:"),
        t("How many of the digits it learns from are among those that it is measured on:"),
    )
    codes: tuple[proof.Code, ...] = ((by_hand, run.scores_by_hand), (two_computations,), (leaked, digits.split))
    page.checks(checks(state), meanings, codes)


def look(state: State) -> None:
    """The digit and what the answer rests on, with the training as far as it has come."""
    params, trained = run.params_of(state.training)
    shown, right = run.picture(state.digit, state.pad)
    writing, answer = st.columns([3, 8], gap="medium")
    with writing, st.container(key="part-pad"):
        pad.show(state.pad, "digits-pad")
    with answer:
        _answer(params, shown, right, with_loss=state.view in ("all", "loss"))
    if not trained and state.view in ("all", "train"):
        st.markdown(t("This is the network that comes with the app. Train your own below, and it answers here."))


def _answer(params: dict[str, Any], shown: np.ndarray, right: int | None, *, with_loss: bool) -> None:
    with st.spinner(t("Sending the score back to the digit, some seconds the first time")):
        result = run.look(params, shown)
    picture.looked(result, result.label, right)
    if right is not None and with_loss:
        with st.container(key="part-loss"):
            st.latex(picture.loss_line(result, right))


def train(state: State) -> None:
    """The training: the button that begins it, or its curves as it goes."""
    st.markdown(f"#### {t('Learning')}")
    job = run.find(state.training)
    if job is None:
        st.button(
            t("Train it now: {epochs} epochs, about {seconds} s", epochs=run.EPOCHS, seconds=15),
            key="digits-train",
            type="primary",
            on_click=run.begin,
            args=(state.training,),
        )
        return
    jobs.watch(job, picture.training, "digits-job")


def draw(page: frame.Places) -> None:
    """A digit and what the answer rests on, the training, and its effects."""
    with page.controls:
        state = chosen()
    with page.picture:
        if state.view != "effects":
            look(state)
        if state.view in ("all", "train"):
            with st.container(key="part-train"):
                train(state)
        if state.view in ("all", "effects"):
            with st.container(key="part-effects"):
                picture.effects(state.training)
    proofs(page, state)
    page.code((snapshots, predict.look), call(state))


LESSON: Lesson = Lesson(
    slug="recognition",
    title=mark("What is training?"),
    render=lambda: frame.page(LESSON, draw),
    order=2,
    needs=("convolution",),
    question=mark("What does a network learn, and what does it only remember?"),
    goal=mark(
        "You will be able to read the curves of a training run, and tell the generalization gap from overfitting."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("ioffe2015batch", ""),
        ("srivastava2014dropout", ""),
        ("zeiler2014visualizing", mark("section 2")),
        ("alpaydin1998optical", mark("the digits")),
    ),
)
