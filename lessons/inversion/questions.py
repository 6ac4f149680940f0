"""Questions about inversion; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz import priors
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.inversion.run import feature_error
from lessons._kit.run import shipped

#: A layer of each pair is asked for: the first is the earliest, the last the deepest.
DEPTHS = (("relu1", "relu2"), ("relu4",), ("relu5", "relu6"), ("relu7",))

#: Targets of whole numbers whose squares add up to 100.
_TARGETS = ((6, 8, 0, 0), (1, 1, 7, 7), (5, 5, 5, 5), (1, 3, 3, 9), (2, 4, 4, 8))


def error(seed: int) -> Question:
    """What is the normalized feature error?"""
    random = np.random.default_rng(11000 + seed)
    target = random.permutation(_TARGETS[seed % len(_TARGETS)]).astype(np.float64)
    away = np.zeros(4)
    while not ((away != 0).sum() >= 2 and (away > 0).any() and (away < 0).any() and (target + away >= 0).all()):
        away = random.integers(-3, 4, 4).astype(np.float64)
    values = target + away
    answer = (round(100 * feature_error(values, target)),)
    pair = (planes.Plane("a", target[None], "output"), planes.Plane("Φ(x)", values[None], "input"))
    squares, below = (" + ".join(f"{int(one) ** 2}" for one in each) for each in (away, target))
    return question(
        prompt=t(
            "A layer with four units has the values a on the photograph and Φ(x) on the picture x. **What is the "
            "feature error, in hundredths?**"
        ),
        fields=(t("hundredths"),),
        answer=answer,
        wrong=[
            (round(float(np.abs(away).sum())), t("Those are the plain distances: each is squared first.")),
            (round(float(away.sum()) ** 2), t("Square each difference, then add; not the other way round.")),
            (round(10 * float(np.sqrt((away**2).sum()))), t("That is the ratio of the lengths: it is not squared.")),
            (
                round(100 * float((away**2).sum() / (values**2).sum())),
                t("Divide by the target a, what the photograph gives, not by the values of the new picture."),
            ),
            (
                round(100 * float(np.abs(away).sum() / target.sum())),
                t("Both sums are of squares: squared differences over squared targets."),
            ),
            (round(float((away**2).mean() * 100)), t("It is divided by the squared length of a, not by the count.")),
        ],
        hint=t("Four differences, each squared, added up; over the four squared targets, added up."),
        worked=rf"\frac{{{squares}}}{{{below}}} = \frac{{{answer[0]}}}{{100}}",
        picture=(planes.Row("", pair, ("",)),),
    )


def variation(seed: int) -> Question:
    """What is the total variation of a small plane?"""
    random = np.random.default_rng(11100 + seed)
    plane = random.integers(0, 4, (3, 3)).astype(np.float64)
    down, right = np.diff(plane, axis=0), np.diff(plane, axis=1)
    answer = (round(plane.size * float(priors.total_variation(plane[None, :, :, None]))),)
    around = (plane[0] - plane[-1]) ** 2
    beside = (plane[:, 0] - plane[:, -1]) ** 2
    return question(
        prompt=t(
            "Total variation of this plane with power 2: squared steps to the neighbours below and to the right. "
            "**What is their sum?** (The library divides it by the number of pixels.)"
        ),
        fields=(t("sum"),),
        answer=answer,
        wrong=[
            (
                round(float((down**2).sum())),
                t("Those are the steps down; the steps to the right count too."),
            ),
            (
                round(float((right**2).sum())),
                t("Those are the steps to the right; the steps down count too."),
            ),
            (round(float(np.abs(down).sum() + np.abs(right).sum())), t("Here every step is squared.")),
            (
                answer[0] + round(float(around.sum() + beside.sum())),
                t("The picture does not go round: at the border there is no neighbour and no step."),
            ),
            (2 * answer[0], t("Each pair of neighbours counts once: only down and right, not up and left.")),
            (round(float((plane**2).sum())), t("Those are the values squared. What counts is how they change.")),
        ],
        hint=t("Six steps down, six to the right; square each."),
        worked=rf"{round(float((down**2).sum()))} + {round(float((right**2).sum()))} = {answer[0]}",
        picture=(planes.Row("", (planes.Plane("x", plane, "input"),)),),
    )


def held(seed: int) -> Question:
    """How many numbers does a layer hold?"""
    random = np.random.default_rng(11200 + seed)
    step, channels = int(random.choice([2, 4, 8, 16])), int(random.choice([16, 24, 32, 48, 64, 96]))
    height, width = (int(n) for n in random.choice(np.arange(4, 13), 2, replace=False))
    rows, columns = step * height, step * width
    answer = (height * width * channels,)
    return question(
        prompt=t(
            "The picture is {rows} × {columns} × 3 numbers. A layer has maps of {height} × {width}, {channels} of "
            "them. **How many numbers are left to make a picture from?**",
            rows=rows,
            columns=columns,
            height=height,
            width=width,
            channels=channels,
        ),
        fields=(t("numbers"),),
        answer=answer,
        wrong=[
            (height * width, t("That is one map; the layer has one for each channel.")),
            (channels, t("That is the number of maps; each has rows and columns.")),
            (height * channels, t("Rows, columns and channels are all multiplied.")),
            (rows * columns * channels, t("The maps are smaller than the picture by now.")),
            (
                3 * height * width * channels,
                t("The first layer mixes the three colours: they do not count again."),
            ),
            (height * width + channels, t("Multiply; do not add.")),
        ],
        hint=t("One number for each row, column and channel."),
        worked=rf"{height} \cdot {width} \cdot {channels} = {answer[0]}",
    )


def depth(seed: int) -> Question:
    """Which of four pictures comes from the earliest layer, and which from the deepest?"""
    random = np.random.default_rng(11300 + seed)
    layers = [str(random.choice(pair)) for pair in DEPTHS]
    order = [layers[k] for k in random.permutation(len(layers))]
    facts = [
        t(
            "Picture {number} is from {layer}: its error in pixels is {pixels}.",
            number=number,
            layer=layer,
            pixels=f"{shipped.facts()[f'optimize/{layer}'][1]:.2g}",
        )
        for number, layer in enumerate(order, 1)
    ]
    return by_looking(
        prompt=t(
            "Four pictures of the cat, each searched for from one layer alone. **Which one is from the earliest layer, "
            "and which one from the deepest?**"
        ),
        choices=[shipped.arrays()[f"optimize/{layer}"] for layer in order],
        names=order,
        facts=facts,
        fields=(t("earliest layer"), t("deepest layer")),
        answer=(order.index(layers[0]) + 1, order.index(layers[-1]) + 1),
        hint=t("Deeper layers keep less: look at colours and at the finest lines."),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "depth": (mark("How deep"), depth),
    "error": (mark("The error"), error),
    "variation": (mark("Roughness"), variation),
    "held": (mark("What is left"), held),
}
