"""Predict, then reveal: questions graded from real arrays, with the reason for a wrong answer where it is known.

Every session begins with numbers of its own; a link with ``?exercise=12`` begins with those of seed 12, for everybody.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st

from lessons._kit.draw import image_row, planes, threshold
from lessons._kit.form import answers, controls, design
from lessons._kit.form.design import Design
from lessons._kit.form.i18n import t

Answer = tuple[int, ...]

#: Seeds that sessions begin with are below this.
SEEDS = 10_000
#: `planes.Plane.pick` of the plane in which a cell is clicked: its row and its column are the answer.
CLICK = "answer"


@dataclass(frozen=True, eq=False)
class Question:
    """One question with the numbers of one person.

    Attributes:
      prompt: translated Markdown.
      fields: translated name of each number that is asked for.
      answer: the right numbers, read from the arrays.
      mistakes: wrong answer -> translated reason why someone would get just that.
      hint: translated; shown after the first wrong answer.
      worked: LaTeX lines that lead to the answer with these numbers.
      picture: rows of planes that belong to the question.
      given: pictures that belong to it.
      choices: pictures to choose among: where there are some, the numbers asked for are theirs, from 1.
      options: for each field the translated names of what it offers, numbered from 1; empty where it asks for a number.
      slide: a map whose threshold is dragged; the answer is where it stands.
      equals: answers that are as right as `answer`.
    """

    prompt: str
    fields: tuple[str, ...]
    answer: Answer
    mistakes: Mapping[Answer, str]
    hint: str
    worked: str
    picture: Sequence[planes.Row] = field(default=())
    given: Sequence[image_row.Picture] = field(default=())
    choices: Sequence[image_row.Picture] = field(default=())
    options: Sequence[Sequence[str]] = field(default=())
    slide: threshold.Slide | None = None
    equals: Collection[Answer] = field(default=())

    def is_right(self, given: Answer) -> bool:
        """Whether an answer is right."""
        return given == self.answer or given in self.equals

    def spelled(self, given: Answer) -> str:
        """An answer for people: what was chosen by its name, numbers as they are.

        >>> Question("?", ("step", "fault"), (1, 2), {}, "", "", options=(("a", "b"), ("x", "y"))).spelled((1, 2))
        'a, y'
        """
        if not self.options:
            return ", ".join(map(str, given))
        return ", ".join(names[number - 1] for names, number in zip(self.options, given, strict=True))


#: Makes the question of a seed.
Maker = Callable[[int], Question]


def question(
    prompt: str,
    fields: tuple[str, ...],
    answer: int | Answer,
    wrong: Iterable[tuple[int | Answer, str]],
    hint: str,
    worked: str,
    picture: Sequence[planes.Row] = (),
) -> Question:
    """A question from its answer and the wrong ones, of which those that happen to be right are left out.

    Args:
      prompt, fields, hint, worked, picture: see `Question`.
      answer: the right numbers; a number alone where there is one field.
      wrong: answers with the translated reason why someone would get just that; the first reason of an answer counts.

    >>> question("?", ("n",), 4, [(4, "lucky"), (5, "forgot the padding"), (5, "something else")], "", "").mistakes
    {(5,): 'forgot the padding'}
    """
    right = _numbers(answer)
    mistakes: dict[Answer, str] = {}
    for mistake, reason in wrong:
        if _numbers(mistake) != right:
            mistakes.setdefault(_numbers(mistake), reason)
    return Question(prompt, fields, right, mistakes, hint, worked, picture)


def by_looking(
    prompt: str,
    choices: Sequence[str | np.ndarray],
    names: Sequence[str],
    facts: Sequence[str],
    fields: tuple[str, ...],
    answer: Answer,
    hint: str,
    given: Sequence[image_row.Picture] = (),
) -> Question:
    """A question that is answered by looking at real pictures: which is which. Every wrong answer gets its reason.

    Args:
      prompt, fields, hint, given: see `Question`.
      choices: the pictures as data addresses or (H, W, 3) uint8, in the order in which they are shown.
      names: what each of them is, short and in letters that LaTeX prints; it says the right answer.
      facts: one sentence on each: what it is, and the number that tells it from the others.
      answer: the numbers, from 1, of the pictures that the fields ask for.

    >>> pictures = [np.zeros((2, 2, 3), np.uint8)] * 2
    >>> found = by_looking("?", pictures, ("a", "b"), ("1 is a.", "2 is b."), ("b",), (2,), "")
    >>> found.mistakes, found.worked
    ({(1,): '1 is a.'}, '1:\\\\;\\\\text{a}\\\\qquad 2:\\\\;\\\\text{b}')
    """
    numbers = range(1, len(choices) + 1)
    mistakes = {}
    for guess in itertools.product(numbers, repeat=len(fields)):
        wrong = [one for one, right in zip(guess, answer, strict=True) if one != right]
        if wrong:
            mistakes[guess] = " ".join(facts[one - 1] for one in dict.fromkeys(wrong))
    shown = tuple(
        image_row.Picture(pixels, "", str(number), alt=t("picture {number}", number=number))
        for number, pixels in zip(numbers, choices, strict=True)
    )
    worked = r"\qquad ".join(rf"{number}:\;\text{{{name}}}" for number, name in zip(numbers, names, strict=True))
    return Question(prompt, fields, answer, mistakes, hint, worked, given=given, choices=shown)


def by_clicking(
    prompt: str,
    picture: Sequence[planes.Row],
    answer: planes.Cell,
    why: Callable[[planes.Cell], str],
    hint: str,
    worked: str,
) -> Question:
    """A question that is answered by clicking one cell of a plane. Every other cell gets its reason.

    Args:
      prompt, picture, hint, worked: see `Question`; the cells of the plane with `CLICK` as its `pick` can be clicked.
      answer: the right cell.
      why: translated: what is wrong with a cell.

    >>> plane = planes.Plane("z", np.zeros((1, 2)), "output", pick=CLICK)
    >>> by_clicking("?", [planes.Row("", [plane])], (0, 1), lambda cell: f"{cell} is quiet", "", "").mistakes
    {(0, 0): '(0, 0) is quiet'}
    """
    (clicked,) = [plane for row in picture for plane in row.planes if plane.pick == CLICK]
    mistakes: dict[Answer, str] = {cell: why(cell) for cell in np.ndindex(*clicked.values.shape) if cell != answer}
    return Question(prompt, (t("row"), t("column")), answer, mistakes, hint, worked, picture)


def by_dragging(
    prompt: str, slide: threshold.Slide, right: Sequence[int], why: Callable[[int], str], hint: str, worked: str
) -> Question:
    """A question that is answered by dragging the threshold of a real map. Every wrong place of it gets its reason.

    Args:
      prompt, hint, worked: see `Question`.
      slide: the map.
      right: the places of the threshold that are right, the best one first.
      why: translated: what is left at a place that is wrong.

    >>> slide = threshold.Slide(np.array([[1.0, 4.0]]), np.zeros((1, 2, 3), np.uint8), "map")
    >>> found = by_dragging("?", slide, (30, 35), lambda stop: f"{slide.passing(stop).sum()} left", "", "")
    >>> found.mistakes[(25,)], found.mistakes[(95,)], found.is_right((35,))
    ('2 left', '1 left', True)
    """
    mistakes: dict[Answer, str] = {(stop,): why(stop) for stop in threshold.STOPS if stop not in right}
    equals = frozenset((stop,) for stop in right)
    return Question(prompt, (t("threshold, %"),), (right[0],), mistakes, hint, worked, slide=slide, equals=equals)


def by_finding(
    prompt: str,
    steps: Sequence[str],
    faults: Sequence[str],
    answer: Answer,
    reasons: Sequence[Sequence[str]],
    hint: str,
    worked: str,
    picture: Sequence[planes.Row] = (),
    choices: Sequence[image_row.Picture] = (),
) -> Question:
    """A question for the fault that was planted in one of several steps: which step, which fault.

    Args:
      prompt, hint, worked, picture, choices: see `Question`; the steps are numbered in it from 1.
      steps: translated name of each step.
      faults: translated name of each fault that is offered.
      answer: the numbers, from 1, of the step and of the fault.
      reasons: for each step, for each fault, translated: why it is not that.

    >>> made = by_finding("?", ("a", "b"), ("x", "y"), (2, 1), [["a is right"] * 2, ["", "no y"]], "", "")
    >>> made.mistakes
    {(1, 1): 'a is right', (1, 2): 'a is right', (2, 2): 'no y'}
    """
    mistakes: dict[Answer, str] = {
        (step, fault): reason
        for step, row in enumerate(reasons, 1)
        for fault, reason in enumerate(row, 1)
        if (step, fault) != answer
    }
    fields = (t("step"), t("fault"))
    return Question(
        prompt, fields, answer, mistakes, hint, worked, picture, choices=choices, options=(tuple(steps), tuple(faults))
    )


def _numbers(answer: int | Answer) -> Answer:
    return answer if isinstance(answer, tuple) else (answer,)


#: Name of what was solved in the session.
SOLVED = "solved"


def is_solved(slug: str, kinds: Iterable[str]) -> bool:
    """Whether all questions of a lesson are solved."""
    return set(kinds) <= set(st.session_state.get(SOLVED, {}).get(slug, ()))


def solved(slug: str) -> set[str]:
    """The questions of a lesson that this session has answered rightly, before the answer was shown."""
    return st.session_state.setdefault(SOLVED, {}).setdefault(slug, set())


def show(slug: str, makers: Mapping[str, Maker], titles: Mapping[str, str], experiment: Design | None = None) -> None:
    """The exercise of a lesson: one question at a time, new numbers on request.

    Args:
      slug: of the lesson; the session remembers under it.
      makers: kind of question -> its maker.
      titles: kind of question -> translated title.
      experiment: the last question, if there is one that a person assesses alone.
    """
    done = solved(slug)
    if experiment is not None:
        titles = {**titles, design.KIND: t(design.TITLE)}
    numbered = {kind: f"{number} {title}" for number, (kind, title) in enumerate(titles.items(), 1)}
    marks = {kind: f"{title} ✓" if kind in done else title for kind, title in numbered.items()}
    kind = st.segmented_control(
        t("Question"),
        list(titles),
        format_func=marks.__getitem__,
        default=next(iter(makers)) if f"{slug}-kind" not in st.session_state else None,
        required=True,
        key=f"{slug}-kind",
        label_visibility="collapsed",
    ) or next(iter(makers))
    if experiment is not None and kind == design.KIND:
        design.show(slug, experiment)
        _for_class(slug)
        return
    began = _first_seed()
    memories = st.session_state.setdefault(f"{slug}-exercise", {})
    memory = memories.setdefault((kind, began), {"seed": began, "given": []})
    question = makers[kind](memory["seed"])
    st.markdown(question.prompt)
    st.caption(t("Numbers {seed}. A link that ends in ?exercise={seed} opens with them.", seed=memory["seed"]))
    key = f"{slug}-{kind}-{memory['seed']}"
    illustrate(question, key, is_answered=True)
    answer = _ask(question, key)
    if answer is not None and (not memory["given"] or memory["given"][-1] != answer):
        memory["given"].append(answer)
        answers.note(slug, kind, memory["seed"], answer)
    if memory["given"]:
        _respond(question, memory, done, kind, st.session_state.setdefault(f"{slug}-revealed", set()))
    _for_class(slug)


def _for_class(slug: str) -> None:
    """What a teacher's link asks for, and the button that saves the answers."""
    due = answers.due()
    if due is not None:
        st.info(
            t("For your class: answer all questions of this page with these numbers by {day}.", day=due.isoformat())
        )
        answers.save_button(slug)


def illustrate(question: Question, key: str, *, is_answered: bool = False) -> None:
    """The planes, the map and the pictures that belong to a question.

    Args:
      question: whose they are.
      key: of its fields in the session: what is clicked or dragged is written there.
      is_answered: a cell can be clicked and the threshold be dragged.
    """

    def write(*numbers: int) -> None:
        for i, number in enumerate(numbers):
            st.session_state[f"{key}-{i}"] = number

    if question.picture:
        words = {"row": t("row"), "column": t("column")}
        cell = st.session_state.get(f"{key}-0"), st.session_state.get(f"{key}-1")
        rows = [
            replace(row, planes=[_clickable(plane, cell, is_answered=is_answered) for plane in row.planes])
            for row in question.picture
        ]
        planes.show(rows, f"{key}-picture", words, lambda _plane, clicked: write(*clicked))
    if question.slide is not None:
        stands = st.session_state.get(f"{key}-0") or question.slide.first
        threshold.show(question.slide, stands, f"{key}-slide", write)
    for row in filter(None, (question.given, question.choices)):
        image_row.show(row)


def _clickable(plane: planes.Plane, cell: tuple[Any, Any], *, is_answered: bool) -> planes.Plane:
    """A plane with the cell that was clicked in it; one that cannot be clicked where nothing is answered."""
    if plane.pick != CLICK:
        return plane
    return replace(plane, chosen=cell if None not in cell else None) if is_answered else replace(plane, pick="")


def _first_seed() -> int:
    """The seed of the link; one of the session's own where it names none."""
    text = controls.url_text(answers.SEED)
    if text.isascii() and text.isdigit() and int(text) < SEEDS:
        return int(text)
    if text:
        controls.is_stale(answers.SEED, text, ())
    return int(st.session_state.setdefault("own-numbers", own_seed()))


def own_seed() -> int:
    """A seed that another person will hardly begin with too."""
    return random.randrange(SEEDS)


def _ask(question: Question, key: str) -> Answer | None:
    """The form; the answer when it was sent and is complete."""
    pictures = [str(number) for number in range(1, len(question.choices) + 1)]
    offered = question.options or [pictures] * len(question.fields)
    with st.form(f"{key}-form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        # The threshold is written on its map: the field that holds it is not drawn once more.
        with st.container(key=f"unseen-{key}") if question.slide is not None else nullcontext():
            numbers = [
                _field(name, names, f"{key}-{i}")
                for i, (name, names) in enumerate(zip(question.fields, offered, strict=True))
            ]
        sent = st.form_submit_button(t("Check my prediction"))
    if not sent:
        return None
    if any(number is None for number in numbers):
        if any(plane.pick == CLICK for row in question.picture for plane in row.planes):
            st.warning(t("Click a cell first: a guess is fine, it will be explained."))
        elif question.slide is not None:
            st.warning(t("Drag the threshold first: a guess is fine, it will be explained."))
        elif question.options:
            st.warning(t("Choose a step and a fault first: a guess is fine, it will be explained."))
        elif question.choices:
            st.warning(t("Choose a picture for each first: a guess is fine, it will be explained."))
        else:
            st.warning(t("Write a whole number first: a guess is fine, it will be explained."))
        return None
    return tuple(int(number) for number in numbers if number is not None)


def _field(name: str, offered: Sequence[str], key: str) -> int | None:
    """One number of the answer: the place, from 1, of what is offered; a number that is written where nothing is."""
    if not offered:
        return st.number_input(name, value=None, step=1, key=key, width=160)
    return st.radio(
        name,
        range(1, len(offered) + 1),
        index=None,
        format_func=lambda number: offered[number - 1],
        horizontal=True,
        key=key,
        width="content",
    )


def _respond(
    question: Question, memory: dict[str, Any], done: set[str], kind: str, revealed: set[tuple[str, int]]
) -> None:
    """What the person reads after an answer; one that was shown before does not count.

    Args:
      question, memory: the question, its seed and what was answered.
      done: kinds that are solved; this may be added.
      kind: of the question.
      revealed: (kind, seed) of the questions whose answer was shown; this may be added.
    """
    numbers = (kind, memory["seed"])
    tries = memory["given"]
    answer = question.spelled(tries[-1])
    is_right = question.is_right(tries[-1])
    if is_right and numbers in revealed:
        st.info(t("{answer} is the answer shown above. Take new numbers; only those count.", answer=answer))
    elif is_right:
        done.add(kind)
        st.success(t("Right: {answer}.", answer=answer))
        st.latex(question.worked)
    else:
        reason = question.mistakes.get(tries[-1])
        st.error(t("Not {answer}.", answer=answer) + (f" {reason}" if reason else ""))
        if len(tries) < answers.TRIES:
            st.info(question.hint)
        else:
            revealed.add(numbers)
            st.markdown(t("The arrays say {answer}:", answer=question.spelled(question.answer)))
            st.latex(question.worked)
    if is_right or len(tries) >= answers.TRIES:
        st.button(t("New numbers"), on_click=memory.update, kwargs={"seed": memory["seed"] + 1, "given": []})
