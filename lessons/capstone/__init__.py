"""Capstone: audit four networks, of which three were trained with a planted fault, and write the report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st

from deconvviz.metrics import relative_error
from deconvviz.models import watermark
from deconvviz.ops import ConvGeometry, conv
from deconvviz.training import chain
from deconvviz.training.planted import pictures
from deconvviz.types import Check
from lessons._kit.form import answers, frame, method_card
from lessons._kit.form.controls import choice, is_offered
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons.capstone import picture as capstone_picture
from lessons.capstone import questions, report, run, scenes

SLUG = "audit-a-network-with-a-planted-fault"


@dataclass(frozen=True)
class State:
    """What the person has chosen: the letters hold the verdicts, and the tests that are to show them."""

    case: str = "1"
    network: str = "A"
    picture: str = "1"
    test: str = "new"
    method: str = "occlusion"
    a: str = ""
    b: str = ""
    c: str = ""
    d: str = ""
    test_a: str = ""
    test_b: str = ""
    test_c: str = ""
    test_d: str = ""


def by_hand(state: State) -> float:
    """Distance between the scores of the chosen network and those of its layers one after the other, in float64."""
    params = run.params(run.order(int(state.case))[state.network])
    number = int(state.picture) - 1
    x = pictures.inputs(run.shown(int(state.case))[number : number + 1])
    result = np.asarray(run.network(run.order(int(state.case))[state.network]).run(x))
    signal = np.asarray(x, np.float64)
    for i, (size, stride, _) in enumerate(watermark.CHAIN, start=1):
        geometry = ConvGeometry(stride, padding=size // 2)
        signal = np.asarray(conv(signal, params[f"conv{i}.kernel"], geometry)) + params[f"conv{i}.bias"]
        signal = np.maximum(signal, 0)
    return relative_error(result, signal.mean(axis=(1, 2)) @ params["logits.kernel"] + params["logits.bias"])


def only_that_part(state: State) -> float:
    """The largest change outside the mark's square when the mark is changed, and outside the digit's for the digit."""
    parts = run.shown(int(state.case))[int(state.picture) - 1]
    outside = [
        np.abs(pictures.changed(parts, part).image() - parts.image())[~parts.region(part)] for part in ("mark", "digit")
    ]
    return float(max(change.max() for change in outside))


def counted(state: State) -> float:
    """How far the figures on screen are from counting the pictures one at a time, for the chosen network."""
    return _counted(int(state.case), state.network)


@lru_cache(maxsize=64)
def _counted(case: int, letter: str) -> float:
    away = 0
    params = run.params(run.order(case)[letter])
    for test in capstone_picture.COUNTED:
        total = 0
        for parts in run.shown(case):
            before, after = (
                int(chain.answers(params, pictures.inputs([parts], change))[0]) for change in ("", _change(test))
            )
            total += before == parts.digit if test == "new" else before != after
        away = max(away, abs(total - run.count(case, letter, test)))
    return float(away)


def _change(test: str) -> str:
    return "" if test == "new" else test


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("layer by layer"), by_hand(state), 1e-5),
        Check(mark("one part changes"), only_that_part(state), 1e-9),
        Check(mark("counted one by one"), counted(state), 1e-9),
    ]


def call(state: State) -> str:
    """Python that makes the figures of a state, for each of the four networks: which of them it is, is not said."""
    return f"""import deconvviz as dv
from deconvviz.checks.audit.planted import mass_inside
from deconvviz.data import samples
from deconvviz.models import planted
from deconvviz.training import chain
from deconvviz.training.planted import pictures

grounds = pictures.grounds([samples.load(name) for name in {run.GROUNDS}])
shown = pictures.drawn(grounds, {run.PICTURES}, [{state.case}, 7], held_out=True)
digits = [parts.digit for parts in shown]
for fault in planted.FAULTS:  # one of them is network {state.network}
    params, _ = planted.read(fault)
    before = chain.answers(params, pictures.inputs(shown))
    right = (before == digits).sum()
    moved = {{change: (chain.answers(params, pictures.inputs(shown, change)) != before).sum()
             for change in ("mark", "ground", "digit")}}
    parts, unit = shown[{int(state.picture) - 1}], ("logits", int(before[{int(state.picture) - 1}]))
    map = dv.attribute(planted.build(fault), parts.image(), unit, {state.method!r}{_options(state.method)}).pixels
    shares = {{part: mass_inside(map, parts.region(part)) for part in ("digit", "mark", "ground")}}
"""


def _options(method: str) -> str:
    return "".join(f", {name}={value}" for name, value in run.options(method).items())


def chosen() -> State:
    """Draw the controls and read them."""
    case = choice(t("Case"), {str(n): str(n) for n in range(1, run.CASES + 1)}, "case")
    letter = choice(t("Network"), {name: name for name in run.LETTERS}, "network", tabs=True)
    shown = {str(n): str(n) for n in range(1, run.PICTURES + 1)}
    number = choice(t("Picture"), shown, "picture")
    tests = {name: t(text) for name, text in capstone_picture.TESTS.items()}
    test = choice(t("Test"), tests, "test", default=State.test)
    methods = {name: t(text) for name, text in capstone_picture.METHODS.items()}
    return State(case, letter, number, test, choice(t("Map"), methods, "method", about=method_card.about))


def verdicts() -> dict[str, report.Verdict]:
    """Draw the verdicts beside each other and read them; "" says nothing yet."""
    faults = {"": "–"} | {name: t(text) for name, text in capstone_picture.FAULTS.items()}
    tests = {"": "–"} | {name: t(text) for name, text in capstone_picture.TESTS.items()}
    result = {}
    for letter, column in zip(run.LETTERS, st.columns(len(run.LETTERS)), strict=True):
        with column:
            fault = choice(t("Network {letter}", letter=letter), faults, letter.lower())
            result[letter] = report.Verdict(fault, choice(t("shown by"), tests, f"test_{letter.lower()}"))
    return result


def draw(page: frame.Places) -> None:
    """The pictures, the figures of the test, the report, and the checks."""
    with page.controls:
        state = chosen()
    with page.picture:
        capstone_picture.draw(int(state.case), state.network, int(state.picture) - 1, state.test, state.method)
        given = verdicts()
        if is_offered("a"):
            with st.container(key="part-report"):
                report.draw(int(state.case), given, questions.is_confirmed(SLUG, int(state.case), answers.known()))
    meanings = [
        t("The scores of the network on this picture, against its layers computed one after the other in float64:"),
        t("Changing the mark, or the digit, leaves every pixel outside its square as it was:"),
        t("The figures of all tests for this network, against one picture at a time:"),
    ]
    page.checks(checks(state), meanings, [(by_hand, conv), (only_that_part, pictures.changed), (_counted,)])
    page.code((run.count, pictures.changed, report.supported), call(state))


LESSON: Lesson = Lesson(
    slug=SLUG,
    title=mark("Audit a network"),
    render=lambda: frame.page(LESSON, draw),
    order=22,
    needs=("cover-and-see",),
    section="trust",
    question=mark("Which of these four networks would you trust?"),
    goal=mark("You will be able to audit a network: form a hypothesis from maps, decide it by tests, and report it."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    design=questions.DESIGN,
    sources=(
        ("adebayo2018sanity", mark("section 3.2: labels at random")),
        ("zhang2018excitation", mark("the pointing game")),
        ("alpaydin1998optical", mark("the digits")),
    ),
)
