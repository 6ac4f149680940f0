"""Lesson: an object is cut out by the name of its class alone; the network shows where, matting finds the edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.tasks.cutout import matting, predict
from deconvviz.types import Check
from lessons._kit.form import frame, proof, slider
from lessons._kit.form.controls import choice, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.run import pictures
from lessons.cutout import picture as cutout_picture
from lessons.cutout import questions, run, scene, sums, table
from lessons.cutout.run import Choice, Subject

FIRST = "motorcycle"
#: Dots on and around the stop sign.
DOTS = (
    "ocljfonri0oi0cyoi0pwo7xjfoc8eeopwn1oi0jfon1doodbohoi0g7oi0moo5yjfou8jfb2j77"
    "b2jjfbxgjfbi026bi0y6b904bbwewebss4bb3mweb3m26bxg90"
)


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    source: str = "photo"
    image: str = FIRST
    wanted: str = ""
    map: str = "gradient"
    shares: str = "10-80"
    dots: str = ""

    @property
    def choice(self) -> Choice:
        """All but the picture."""
        background, rest = (int(part) for part in self.shares.split("-"))
        return Choice(self.wanted, self.map, background, 100 - rest, self.dots)


#: What the page opens with: a map of a class from which most of the object is found; its failures are presets.
OPENS = State(source="yin", map="deconvnet", shares="40-90")


def subject(state: State, picture: pictures.Picture | None = None) -> Subject:
    """What is cut out of."""
    if state.source != "photo":
        return run.scene(state.source)
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
    options = [f"class_name={state.wanted!r}"] if state.wanted else []
    options += [f"map={state.map!r}"] if state.map != "gradient" else []
    options += [f"{name}={value}" for name, value in state.choice.options.items()]
    scene = "from lessons.cutout import scene\n" if state.source != "photo" else ""
    size = shown.picture.shape[:2]
    if state.map == run.HAND:
        options = [f"trimap=np.full({size}, 0.5)", f"work={run.WORK}"]
        scene = f"import numpy as np\n{scene}"
    dots = f"\nfrom lessons.cutout import run as cutout_run\nstrokes = cutout_run.masks({state.dots!r}, {size})\n"
    dots, seeds = (dots, ["strokes=strokes"]) if state.dots else ("", [])
    options += seeds
    return f"""from deconvviz.data import samples
from deconvviz.tasks.cutout import predict as cutout
{scene}{dots}
found = cutout.apply({shown.python}, {", ".join(options)})
print(found.label, found.box)
cutout.write(found, "cut-out.png")
"""


def chosen() -> tuple[State, pictures.Picture]:
    """Draw the controls and read them."""
    kinds = {"photo": t("a photograph"), **{id: t(title) for id, title in scene.SCENES.items()}}
    source = choice(t("Cut out from"), kinds, "source", default=OPENS.source)
    picture = pictures.sample(FIRST)
    if source == "photo":
        picture = upload.choose(LESSON.presets, FIRST)
    shown = subject(State(source), picture)
    with st.spinner(t("Asking the network what it sees")):
        guesses = run.guesses(shown)
    names = {"": t("first guess: {label}", label=guesses[0][0])}
    names |= {label: f"{label} · {100 * share:.0f} %" for label, share in guesses}
    wanted = choice(t("Class"), names, "wanted")
    maps = {
        "gradient": t("gradient"), "deconvnet": t("DeconvNet"), "guided": t("guided"), "evidence": t("a middle layer"),
        run.HAND: t("nowhere: only my dots"),
    }  # fmt: skip
    where = choice(t("Where the class is seen"), maps, "map", default=OPENS.map)
    shares = OPENS.choice.background, 100 - OPENS.choice.foreground
    low, high = slider.span(t("Seeds: weakest % background, strongest from % on object"), 5, 95, 5, "shares", shares)
    dots = _own_dots(shown)
    id = picture.id or FIRST
    return State(source, id, wanted, where, f"{low}-{high}", dots), picture


def _own_dots(shown: Subject) -> str:
    """The dots of the URL; those on the picture before are forgotten."""
    last, now = st.session_state.get("cut-dots-on"), st.session_state.get("dots", "")
    if last and last[0] != shown.digest and last[1] == now:
        st.session_state["dots"] = ""
    dots = url_value("dots", "", _Dots())
    st.session_state["cut-dots-on"] = shown.digest, dots
    return dots


class _Dots(dict[str, object]):
    """Every text that is a list of dots, for `url_value`."""

    def __contains__(self, text: object) -> bool:
        return text == "" or bool(run.dots_of(str(text)))


def badges(state: State, picture: pictures.Picture) -> None:
    """The proofs."""
    meanings = (
        t("Alpha of a small piece, with its outermost ring as seeds, by the sparse solver and by a dense one:"),
        t("The largest amount by which any alpha leaves 0 … 1:"),
        t("Largest difference between alpha and the seeds, at the size that was solved:"),
        t("Pixels with alpha above a half outside the box, plus sides of the box without such a pixel:"),
    )
    codes: tuple[proof.Code, ...] = (
        (two_solvers, sums.dense, matting.closed_form), (outside,), (seeds_moved,), (box_missed, predict.box_of),
    )  # fmt: skip
    proof.badges_of(checks(state, picture), meanings, codes)


def draw(page: frame.Places) -> None:
    """The object on its new ground, the blend of one pixel, and what was measured."""
    with page.controls:
        state, picture = chosen()
    shown = subject(state, picture)
    with page.picture:
        with st.spinner(t("Cutting out: some seconds, the first time on this machine half a minute")):
            found = run.cut(shown, state.choice)
        cutout_picture.draw(shown, found, state.choice)
        if not isinstance(found, str):
            row, column = cutout_picture.softest(found)
            st.markdown(t("A pixel is a blend. Red at row {row}, column {column}:", row=row, column=column))
            st.latex(cutout_picture.blend(shown, found))
        badges(state, picture)
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
    text=mark(
        "The network has seen names, never an outline. Sent back from the [[score]] of a class, its signal says with "
        "which pixels the score is connected most. The strongest become seeds of the object, the weakest seeds of "
        "the background: a [[trimap]].\n\n[[matting|Matting]] decides the rest. In every window of 3 × 3 pixels "
        "alpha should be as close as possible to a linear function of colour, so it flows over even surfaces and "
        "stops at edges. One sparse system of equations gives all of it.\n\nThe weak spot is the beginning. The "
        "network looks at what tells classes apart, a wheel or an eye, and at nothing else; a busy background "
        "attracts the map too. A wrong seed spreads, since matting believes it. A few dots of yours put it right: on "
        "the drawn stop sign, whose outline is known, the overlap rises to 0.99."
    ),
    presets=(
        (mark("Truth known: it goes wrong"), {"source": "stop", "map": "gradient", "shares": "10-80"}),
        (mark("The same with 25 dots of a hand"), {"source": "stop", "map": "hand", "dots": DOTS}),
        (mark("A photograph: tank and fork are lost"), {"source": "photo", "map": "gradient", "shares": "10-80"}),
    ),
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
