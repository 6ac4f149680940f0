"""The exercise of the robust network: a change brought back into its ball, and gradients told apart."""

from __future__ import annotations

import numpy as np

from lessons._kit.draw.planes import Plane, Row
from lessons._kit.form.exercise import Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import TITLES
from lessons._kit.run.pictures import PHOTOS
from lessons.robust import picture, run

#: Whole numbers whose squares add up to a square.
TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29))


def ball(seed: int) -> Question:
    """A change of two pixels that is too long, brought back to its radius."""
    random = np.random.default_rng(5100 + seed)
    first, second, radius = TRIPLES[int(random.integers(len(TRIPLES)))]
    times = int(random.integers(2, 5))
    signs = random.choice((-1, 1), 2)
    answer = (int(signs[0]) * first, int(signs[1]) * second)
    long = (times * answer[0], times * answer[1])
    clipped = (int(signs[0]) * min(times * first, radius), int(signs[1]) * min(times * second, radius))
    return question(
        prompt=t(
            "After a step the change of two pixels is ({first}, {second}). Its length may be at most {radius}. "
            "**Project it onto the ball: what is the change then?**",
            first=long[0],
            second=long[1],
            radius=radius,
        ),
        fields=(t("first pixel"), t("second pixel")),
        answer=answer,
        wrong=[
            (long, t("That is longer than the radius: the square root of the sum of squares counts.")),
            (clipped, t("That cuts each pixel off by itself: the direction changes, and it is still too long.")),
            ((abs(answer[0]), abs(answer[1])), t("The signs stay: the direction is kept.")),
        ],
        hint=t("Take the length, the root of the sum of squares, and scale both pixels by radius over length."),
        worked=rf"\sqrt{{({long[0]})^2 + ({long[1]})^2}} = {times * radius}, \quad"
        rf" \tfrac{{{radius}}}{{{times * radius}}} \cdot ({long[0]},\; {long[1]}) = ({answer[0]},\; {answer[1]})",
        picture=[Row("", [Plane("d", np.array([long]), "kernel")])],
    )


def whose(seed: int) -> Question:
    """Which of four gradients of two photographs are the robust network's?"""
    random = np.random.default_rng(5400 + seed)
    images = [str(image) for image in random.choice(PHOTOS, 2, replace=False)]
    made = [(image, training) for image in images for training in ("plain", "robust")]
    order = [made[n] for n in random.permutation(len(made))]
    answer = tuple(order.index((image, "robust")) + 1 for image in images)
    return by_looking(
        prompt=t(
            "Four gradients: of two photographs, from the plain and from the robust network. **Which ones are the "
            "robust network's?**"
        ),
        choices=[picture.pixels(run.map_of(image, training, "gradient")) for image, training in order],
        names=[f"{training}, {image}" for image, training in order],
        facts=[
            t("Picture {number} is the robust network's, of: {name}.", number=number, name=t(TITLES[image]))
            if training == "robust"
            else t("Picture {number} is the plain network's, of: {name}.", number=number, name=t(TITLES[image]))
            for number, (image, training) in enumerate(order, 1)
        ],
        fields=tuple(t(TITLES[image]) for image in images),
        answer=answer,
        hint=t("Look for outlines that you can name, and for grain that is spread over the whole picture."),
    )


QUESTIONS = {"ball": (mark("Back into the ball"), ball), "whose": (mark("Whose gradient?"), whose)}
