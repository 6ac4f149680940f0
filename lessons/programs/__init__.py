"""Lesson: the programs that five articles print, run until they stop, explained by their shapes, and mended."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from deconvviz.articles.programs import PROGRAMS, attempt, mend, shapes_of
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons.programs import picture, questions, words

#: What a mended program may be off by.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class State:
    """Which program is open."""

    program: str = "003"


def checks(state: State) -> list[Check]:
    """The errors that the mended program ends with."""
    return [Check(words.CHECKS[name][0], error, TOLERANCE) for name, error in mend(state.program).errors.items()]


def call(state: State) -> str:
    """Python that runs the lines of a program until they stop, and the mended one."""
    return f'''from deconvviz.articles.programs import PROGRAMS, attempt, mend, shapes_of

program = PROGRAMS["{state.program}"]
for fault in program.faults:
    print(fault.printed, attempt(fault), sep="\\n")
print(shapes_of(program))
print(mend("{state.program}").score)
'''


def chosen() -> State:
    """Draw the control and read it."""
    return State(choice(t("Program"), {name: t(title) for name, title in words.TITLES.items()}, "program"))


def draw(page: frame.Places) -> None:
    """Where the program stops and why, its shapes, and the mended one with its result and checks."""
    with page.controls:
        state = chosen()
    program = PROGRAMS[state.program]
    with page.picture:
        for number, fault in enumerate(program.faults, start=1):
            picture.fault(number, fault)
        picture.shapes(program)
        st.markdown(f"**{t('The same, mended')}**")
        st.markdown(t(words.MENDED[state.program]))
        picture.result(state.program)
        found = checks(state)
        meanings = [t(words.CHECKS[name][1]) for name in mend(state.program).errors]
        proof.badges_of(found, meanings, [(mend,)] * len(found))
        with st.expander(t("The mended program")):
            st.code(program.mended, language="python", wrap_lines=True)
    page.code((attempt, shapes_of, mend), call(state))


LESSON: Lesson = Lesson(
    slug="five-programs",
    title=mark("Five programs that do not run"),
    render=lambda: frame.page(LESSON, draw),
    order=8,
    question=mark("Why do these programs not run?"),
    goal=mark("You will be able to find where a program stops by writing the shape beside every layer, and mend it."),
    text=mark(
        "Five popular articles print a program each, and none of them runs. The lines that fail are run here as "
        "printed; layers of Keras and PyTorch are computed by this project's operators, so neither has to be "
        "installed.\n\n"
        "Most faults are one: nobody followed the sizes. A 3 × 3 convolution without [[padding]] takes two rows "
        "away, pooling halves, a [[transposed convolution]] with [[stride]] 2 doubles, and the result needs the "
        "size of what it is compared with. Write the shape beside every layer before you run anything.\n\n"
        "A program that runs is not yet right. A loss that is always 0 raises no error, nor does enlarging without "
        "[[switch|switches]]. So every mended program ends with a number that could have been bad, beside that of "
        "an answer that knows nothing, and with a check."
    ),
    presets=(
        (mark("It stops at the second pixel"), {"program": "003"}),
        (mark("A loss that is always 0"), {"program": "001"}),
        (mark("A layer that does not exist"), {"program": "004"}),
    ),
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    needs=("convolution", "pooling-and-switches", "upsampling-and-checkerboards"),
    sources=(
        ("dumoulin2016guide", mark("chapter 4")),
        ("long2015fully", ""),
        ("zeiler2014visualizing", ""),
    ),
)
