"""Lesson: the programs that five articles print, run until they stop, explained by their shapes, and mended."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from deconvviz.articles.programs import PROGRAMS, attempt, mend, shapes_of
from deconvviz.types import Check
from lessons._kit.form import frame
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons.programs import picture, questions, scenes, words

#: What a mended program may be off by.
TOLERANCE = 1e-5
#: Name in the URL -> what of a program is shown.
VIEWS = {
    "all": mark("everything"),
    "printed": mark("as printed"),
    "layers": mark("the layers"),
    "shapes": mark("the shapes"),
    "mended": mark("the result, mended"),
}


@dataclass(frozen=True)
class State:
    """Which program is open, and what of it is shown."""

    program: str = "003"
    view: str = "all"


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
    """Draw the controls and read them."""
    program = choice(t("Program"), {name: t(title) for name, title in words.TITLES.items()}, "program")
    return State(program, choice(t("Show"), {name: t(title) for name, title in VIEWS.items()}, "view"))


def draw(page: frame.Places) -> None:
    """Where the program stops and why, its shapes, and the mended one with its result and checks."""
    with page.controls:
        state = chosen()
    program = PROGRAMS[state.program]
    with page.picture:
        if state.view in ("all", "printed"):
            with st.container(key="part-fault"):
                for number, fault in enumerate(program.faults, start=1):
                    picture.fault(number, fault)
        if state.view in ("all", "layers", "shapes"):
            with st.container(key="part-shapes"):
                picture.shapes(program, is_asked=state.view == "layers")
        if state.view in ("all", "mended"):
            st.markdown(f"**{t('The same, mended')}**")
            st.markdown(t(words.MENDED[state.program]))
            with st.container(key="part-result"):
                picture.result(state.program)
    result = checks(state)
    meanings = [t(words.CHECKS[name][1]) for name in mend(state.program).errors]
    page.checks(result, meanings, [(mend,)] * len(result))
    with page.wide, st.expander(t("The mended program")):
        st.code(program.mended, language="python", wrap_lines=True)
    page.code((attempt, shapes_of, mend), call(state))


LESSON: Lesson = Lesson(
    slug="five-programs",
    title=mark("Five programs that do not run"),
    render=lambda: frame.page(LESSON, draw),
    order=8,
    question=mark("Why do these programs not run?"),
    goal=mark("You will be able to find where a program stops by writing the shape beside every layer, and mend it."),
    scenes=scenes.SCENES,
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
