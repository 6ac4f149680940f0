"""Lesson: an object is cut out by the name of its class alone; the network shows where, matting finds the edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.tasks.cutout import matting, predict
from deconvviz.types import Check
from lessons._kit.form import frame, proof, slider
from lessons._kit.form.controls import choice, designed, is_offered, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.photo.labels import class_name
from lessons._kit.run import pictures
from lessons.cutout import brush, questions, run, scenes, sums, table
from lessons.cutout import picture as cutout_picture
from lessons.cutout.run import Choice, Subject

FIRST = "motorcycle"
#: What is drawn: all of it, the answer, map and seeds in pairs or alone, what went wrong, the kept measurements.
VIEWS = dict.fromkeys(("all", "answer", "seeds", "matte", "map", "wrong", "table"), "")
#: Pixels of the cut-out on screen: its figures fit below it into the first screen.
WIDE = 560


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    source: str = "yin"
    image: str = FIRST
    wanted: str = ""
    map: str = "deconvnet"
    shares: str = "40-90"
    dots: str = ""
    ground: str = "checks"
    view: str = "all"

    @property
    def choice(self) -> Choice:
        """All but the picture."""
        background, rest = (int(part) for part in self.shares.split("-"))
        return Choice(self.wanted, self.map, background, 100 - rest, self.dots)


def subject(state: State, picture: pictures.Picture | None = None) -> Subject:
    """What is cut out of."""
    if state.source != "photo":
        return run.drawn(state.source)
    return run.photograph(picture or run.sample(state.image))


def found_of(state: State, picture: pictures.Picture | None) -> predict.Cutout | None:
    """The cut-out; None where there is none."""
    found = run.cut(subject(state, picture), state.choice)
    return None if isinstance(found, str) else found


def two_solvers(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest difference between alpha of the sparse solver and of a dense one, on the liveliest piece."""
    part, trimap = sums.part(subject(state, picture).picture)
    return float(np.abs(matting.closed_form(part, trimap) - sums.dense(part, trimap)).max())


def outside(state: State, picture: pictures.Picture | None = None) -> float:
    """By how much alpha leaves 0..1."""
    found = found_of(state, picture)
    return 0.0 if found is None else float(max(0.0, -found.alpha.min(), found.alpha.max() - 1))


def seeds_moved(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest difference between alpha and the seeds, where there are seeds, at the size that was solved."""
    found = found_of(state, picture)
    if found is None:
        return 0.0
    known = found.trimap != 0.5
    return float(np.abs(found.solved - found.trimap)[known].max())


def box_missed(state: State, picture: pictures.Picture | None = None) -> float:
    """Pixels with alpha above a half outside the box, and sides of the box that touch none."""
    found = found_of(state, picture)
    if found is None:
        return 0.0
    top, left, bottom, right = found.box
    inside = found.alpha[top:bottom, left:right] > 0.5
    sides = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
    return float((found.alpha > 0.5).sum() - inside.sum() + sum(not side.any() for side in sides))


def checks(state: State, picture: pictures.Picture | None = None) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("sparse solver as dense"), two_solvers(state, picture), 1e-5),
        Check(mark("alpha between 0 and 1"), outside(state, picture), 0.0),
        Check(mark("seeds kept"), seeds_moved(state, picture), 0.0),
        Check(mark("box around the object"), box_missed(state, picture), 0.0),
    ]


def call(state: State, shown: Subject) -> str:
    """Python that makes the cut-out of a state."""
    drawn, dots = state.source != "photo", run.dots_of(state.dots)
    size = shown.picture.shape[:2]
    options = [f"class_name={state.wanted!r}"] if state.wanted else []
    options += [f"map={state.map!r}"] if state.map != "gradient" else []
    options += [f"{name}={value}" for name, value in state.choice.options.items()]
    if state.map == run.HAND:
        options = [f"trimap=np.full({size}, 0.5)", f"work={run.WORK}"]
    options += ["strokes=(level == 1, level == 0)"] if dots else []
    lines = ["import numpy as np", ""] if dots or state.map == run.HAND else []
    lines += [f"from deconvviz.{'tasks.cutout import drawn' if drawn else 'data import samples'}"]
    lines += ["from deconvviz.tasks.cutout import predict as cutout", ""]
    if dots:
        lines += [f"dots = {run.on_pixels(dots, size)}  # object or not, row, column", f"level = np.full({size}, 0.5)"]
        lines += [f"rows, columns = np.indices({size})", "for is_object, row, column in dots:"]
        lines += [f"    level[np.hypot(rows - row, columns - column) <= {run.radius(size):.3f}] = is_object"]
    lines += [f"found = cutout.apply({shown.python}, {', '.join(options)})", "print(found.label, found.box)"]
    return "\n".join([*lines, 'cutout.write(found, "cut-out.png")', ""])


def chosen() -> tuple[State, pictures.Picture]:
    """Draw the controls and read them."""
    kinds = {"photo": t("a photograph"), **{id: t(title) for id, title in run.SCENES.items()}}
    source = choice(t("Cut out from"), kinds, "source", default=State.source)
    picture = pictures.sample(designed("image", FIRST))
    if source == "photo" and is_offered("image"):
        picture = upload.choose(FIRST)
    shown = subject(State(source), picture)
    with st.spinner(t("Asking the network what it sees")):
        guesses = run.guesses(shown)
    names = {"": t("first guess: {label}", label=class_name(guesses[0][0]))}
    names |= {label: f"{class_name(label)} · {100 * share:.0f} %" for label, share in guesses}
    wanted = choice(t("Class"), names, "wanted")
    maps = {
        "gradient": t("gradient"), "deconvnet": t("DeconvNet"), "guided": t("guided"), "evidence": t("a middle layer"),
        run.HAND: t("nowhere: only my dots"),
    }  # fmt: skip
    where = choice(t("Where the class is seen"), maps, "map", default=State.map)
    shares = State().choice.background, 100 - State().choice.foreground
    low, high = slider.span(t("Seeds: weakest % background, strongest from % on object"), 5, 95, 5, "shares", shares)
    dots = _own_dots(shown)
    grounds = {name: t(title) for name, title in cutout_picture.GROUNDS.items()}
    ground = choice(t("Lay it over"), grounds, "ground", tabs=True)
    view = url_value("view", State.view, VIEWS)
    return State(source, picture.id or FIRST, wanted, where, f"{low}-{high}", dots, ground, view), picture


def _own_dots(shown: Subject) -> str:
    """The dots of the URL; those on the picture before are forgotten."""
    last, now = st.session_state.get("cut-dots-on"), st.session_state.get("dots", "")
    if last and last[0] != shown.digest and last[1] == now:
        st.session_state["dots"] = ""
    dots = url_value("dots", "", _Dots())
    st.session_state["cut-dots-on"] = shown.digest, dots
    return "" if dots == brush.NONE else dots


class _Dots(dict[str, object]):
    """Every text that is a list of dots, for `url_value`."""

    def __contains__(self, text: object) -> bool:
        return text == brush.NONE or bool(run.dots_of(str(text)))


def proofs(page: frame.Places, state: State, picture: pictures.Picture) -> None:
    """The checks."""
    meanings = (
        t("Alpha of a small piece, with its outermost ring as seeds, by the sparse solver and by a dense one:"),
        t("The largest amount by which any alpha leaves 0 … 1:"),
        t("Largest difference between alpha and the seeds, at the size that was solved:"),
        t("Pixels with alpha above a half outside the box, plus sides of the box without such a pixel:"),
    )
    codes: tuple[proof.Code, ...] = (
        (two_solvers, sums.dense, matting.closed_form), (outside,), (seeds_moved,), (box_missed, predict.box_of),
    )  # fmt: skip
    page.checks(checks(state, picture), meanings, codes)


def hero(state: State, shown: Subject, found: predict.Cutout | str) -> None:
    """The picture of the page: what the view asks for, each part in a frame of its own."""
    if isinstance(found, str):
        st.error(t("Nothing could be cut out: {reason}", reason=said(found)))
    elif state.view in ("all", "answer"):
        with st.container(key="part-answer", width=WIDE):
            cutout_picture.compare(shown, found, state.ground)
    planes = {"seeds": "ms", "matte": "sa", "map": "pm", "wrong": "cs", "table": "c", "all": "sma"}
    if state.view in planes:
        cutout_picture.planes(shown, found, state.dots, state.ground, planes[state.view])
    if not isinstance(found, str) and state.view in ("answer", "wrong"):
        with st.container(width=WIDE):
            cutout_picture.overlap(shown, found)
    if state.view == "table":
        with st.container(key="part-table"):
            table.photographs()
    if not isinstance(found, str) and state.view in ("all", "matte"):
        with st.container(key="part-blend"):
            cutout_picture.blend_of(shown, found)


def draw(page: frame.Places) -> None:
    """The object on its new ground, map, seeds and alpha, the blend of one pixel, and what was measured."""
    with page.controls:
        state, picture = chosen()
    shown = subject(state, picture)
    with page.picture:
        with st.spinner(t("Cutting out: some seconds, the first time on this machine half a minute")):
            found = run.cut(shown, state.choice)
        hero(state, shown, found)
    with page.wide:
        if not isinstance(found, str):
            cutout_picture.take_away(found)
        page.later(proofs, page, state, picture)
        cutout_picture.quality(shown, found)
        table.claim(shown, state.choice)
    page.code((predict.apply, matting.closed_form), call(state, shown))


LESSON: Lesson = Lesson(
    slug="cut-out",
    title=mark("Cut-out"),
    render=lambda: frame.page(LESSON, draw),
    order=23,
    needs=("four-rules-at-a-rectifier",),
    section="work",
    question=mark("Can a network that knows only names cut an object out?"),
    goal=mark("You will be able to say how a class map becomes an object with a soft edge, and where it goes wrong."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("levin2008closed", ""),
        ("simonyan2014deep", mark("section 3")),
        ("rhemann2009perceptually", mark("the figures")),
        ("otsu1979threshold", ""),
    ),
)
