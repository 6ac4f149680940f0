"""The exercise of the capstone: name the faults of a case, with the figure that shows one; a share against chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deconvviz.models import planted
from lessons._kit.draw.planes import Plane, Row
from lessons._kit.form import answers
from lessons._kit.form.design import Design
from lessons._kit.form.exercise import Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons.capstone import picture, run

#: The number by which each kind of network is named.
NUMBERS = {fault: number for number, fault in enumerate(planted.FAULTS, 1)}
#: Pictures (case, number from 0) whose occlusion maps tell the network that rests on the mark, and the honest one, from
#: the others: by `CLEAR` of the map at least. Most pictures do not.
TELLING = (
    (1, 12), (1, 14), (5, 6), (5, 11), (5, 20), (5, 22), (9, 1), (9, 2), (9, 6), (9, 8), (9, 9), (9, 10), (9, 17),
)  # fmt: skip
CLEAR = 0.15


def verdict(seed: int) -> Question:
    """All four networks of a case, and how often the mark moves the one with shuffled labels, which differs by case."""
    case = seed % run.CASES + 1
    kinds = run.order(case)
    by_kind = {fault: letter for letter, fault in kinds.items()}
    named = tuple(NUMBERS[kinds[letter]] for letter in run.LETTERS)
    moved = run.count(case, by_kind["labels"], "mark")

    def swapped(one: str, two: str) -> tuple[int, ...]:
        other = {NUMBERS[one]: NUMBERS[two], NUMBERS[two]: NUMBERS[one]}
        accused = by_kind[two] if one == "labels" else by_kind[one] if two == "labels" else by_kind["labels"]
        return (*(other.get(number, number) for number in named), run.count(case, accused, "mark"))

    shown = ", ".join(f"{letter} {number}" for letter, number in zip(run.LETTERS, named, strict=True))
    return question(
        prompt=t(
            "Open **case {case}** above and audit it. Name each network by a number: 1 honest, 2 rests on the mark, 3 "
            "rests on the ground, 4 learned shuffled labels. As evidence write how many of 24 answers of the network "
            "that you call 4 change with the mark.",
            case=case,
        ),
        fields=("A", "B", "C", "D", t("changed by the mark")),
        answer=(*named, moved),
        wrong=[
            (swapped("watermark", "background"),
             t("2 and 3 are exchanged. Both fail on new pictures; change the mark alone, then the ground alone.")),
            (swapped("honest", "labels"),
             t("1 and 4 are exchanged. Both are right where they were trained; look at new pictures.")),
            (swapped("background", "labels"),
             t("3 and 4 are exchanged. Both fail on new pictures; only one of them changes with the ground.")),
            (swapped("watermark", "labels"),
             t("2 and 4 are exchanged. Both fail on new pictures; only one of them changes with the mark.")),
            ((*named, run.count(case, by_kind["labels"], "new")),
             t("The verdicts are right. The evidence is how many answers the mark changes, not how many are right.")),
        ],
        hint=t("A test that moves one part alone shows what rests on it. Compare all four networks in each test."),
        worked=rf"\text{{{shown}}}: \quad {moved} / {run.PICTURES}",
    )  # fmt: skip


def is_confirmed(slug: str, case: int, known: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the verdicts on this very case were given rightly before the exercise showed them.

    Args:
      slug: of the lesson.
      case: number of the case.
      known: "lesson/question/seed" -> what was answered, as `answers.known` returns it.
    """
    right = list(verdict(case - 1).answer)
    return any(
        right in one["given"][: answers.TRIES]
        for place, one in known.items()
        if place.startswith(f"{slug}/verdict/") and int(place.rpartition("/")[2]) % run.CASES == case - 1
    )


def planted_truth(seed: int) -> Question:
    """How much of a map lies on the mark, and how much would by chance."""
    random = np.random.default_rng(3000 + seed)
    values = random.integers(0, 6, (4, 5))
    row, column = (int(n) for n in (random.integers(3), random.integers(4)))
    frame = [(r, c) for r in (row, row + 1) for c in (column, column + 1)]
    for cell in frame:
        values[cell] += int(random.integers(2, 9))
    values[(row + 2) % 4, (column + 2) % 5] += -int(values.sum()) % 5
    total, inside = int(values.sum()), int(sum(values[cell] for cell in frame))
    chance = total * len(frame) // values.size
    return question(
        prompt=t(
            "A map of 4 × 5 pixels; the frame is where the mark was stamped. **How much of the map lies on the mark, "
            "and how much would lie there if the map knew nothing and were spread evenly?**"
        ),
        fields=(t("on the mark"), t("by chance")),
        answer=(inside, chance),
        wrong=[
            ((inside, total), t("That is the whole map. Spread evenly, the frame has its share of the area: 4 of 20.")),
            ((inside, total // 4), t("The frame has 4 pixels, so its share is 4 of 20 and not a quarter.")),
            ((total - inside, chance), t("That is what lies beside the mark.")),
            ((int(max(values[cell] for cell in frame)), chance), t("That is the largest pixel; all four are added.")),
        ],
        hint=t("Add the four framed pixels. Then add all twenty, and take four twentieths."),
        worked=rf"{inside}, \quad {total} \cdot \tfrac{{4}}{{20}} = {chance}",
        picture=[Row("", [Plane(t("map"), values, "output", frame=frame)])],
    )


def four_maps(seed: int) -> Question:
    """Four networks' maps of one picture: which rests on the mark, and which is honest?"""
    random = np.random.default_rng(3100 + seed)
    case, number = TELLING[int(random.integers(len(TELLING)))]
    letters = [run.LETTERS[int(i)] for i in random.permutation(len(run.LETTERS))]
    kinds = [run.order(case)[letter] for letter in letters]
    maps = [run.explained(case, letter, number, "occlusion") for letter in letters]
    names = [t(picture.FAULTS[kind]) for kind in kinds]
    return by_looking(
        prompt=t(
            "One picture, and its occlusion maps by four networks: red speaks for the network's answer. **Which map "
            "is of the network that rests on the mark, and which of the honest one?**"
        ),
        choices=[picture.heat(one.values) for one in maps],
        names=names,
        facts=[
            t(
                "Picture {place}: {name}; {mark} % of the map on the mark, {digit} % on the digit.",
                place=place,
                name=name,
                mark=round(100 * one.shares["mark"]),
                digit=round(100 * one.shares["digit"]),
            )
            for place, (name, one) in enumerate(zip(names, maps, strict=True), 1)
        ],
        fields=(t("rests on the mark"), t("honest")),
        answer=(kinds.index("watermark") + 1, kinds.index("honest") + 1),
        hint=t("Find the mark in the picture. Which map has most of its colour there, and which on the digit?"),
        given=[picture.shown(case, number)],
    )


QUESTIONS = {
    "verdict": (mark("The verdict"), verdict),
    "maps": (mark("Four maps"), four_maps),
    "planted": (mark("On the mark"), planted_truth),
}

#: Does the answer rest on the lungs?
DESIGN = Design(
    prompt=mark(
        "A network tells from X-ray pictures whether somebody has pneumonia. Its map lies over the lungs, and its "
        "maker writes: “It looks at the lungs.” The pictures come from two hospitals, one of which treats far more "
        "cases, and each prints a mark of its own into a corner. **Design an experiment that tells whether the answer "
        "rests on the lungs.** Say which pictures and controls you need, what you measure, and which result would "
        "refute the maker."
    ),
    model=mark(
        "Test the map first. It may lie over the lungs only because it follows edges, and ribs have many. Shuffle the "
        "weights of the network, layer by layer from the top: a map that hardly changes says nothing about this "
        "network.\n\n"
        "Then test the answer, without a map. Take pictures that were not trained on, ill and healthy from both "
        "hospitals. Cover the lungs in some copies and the mark in others, each with a control: patches of the same "
        "size at random places. Fill them with blurred surroundings, since black patches are something that the "
        "network never saw. Also swap the marks of the two hospitals. Measure each time how far the score of "
        "pneumonia moves, with its spread over the pictures.\n\n"
        "The maker is refuted if covering the lungs moves the score no more than its control does, or if a mark that "
        "is swapped turns answers while the lungs stay as they were. Which movement counts is written down beforehand."
    ),
    rubric=(
        mark("The map itself is tested: with shuffled weights it has to change."),
        mark("The answer is tested without a map: lungs and mark are covered or swapped, and the score is measured."),
        mark("Each covered region has a control of the same size, filled so that the filling is nothing new itself."),
        mark("New pictures, ill and healthy from both hospitals, so that the mark and the illness come apart."),
        mark("It says before measuring which result would refute the maker."),
    ),
)
