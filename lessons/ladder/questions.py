"""Questions about the ladder; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.ops.rectify import backward
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.run import shipped
from lessons.ladder.picture import NAMES

#: Layers whose three pictures differ so much that the eye tells them apart.
LAYERS = ("relu4", "relu6", "relu7")


def whole(seed: int) -> Question:
    """What passes a rectifier when two units go down together, and when each goes alone?"""
    random = np.random.default_rng(13000 + seed)
    first = int(random.integers(2, 7))
    second = -int(random.choice([n for n in range(1, 8) if n != first]))
    g = np.asarray([first, second], np.float32)
    together = int(backward("deconvnet", np.ones(1, np.float32), g.sum(keepdims=True))[0])
    alone = int(np.asarray(backward("deconvnet", np.ones(2, np.float32), g)).sum())
    answer = (together, alone)
    return question(
        prompt=t(
            "At one cell below a layer, unit A brings {a} and unit B brings {b} in the backward pass. Then comes "
            "DeconvNet's rectifier. **What passes if the whole layer goes backward at once, and what do A alone "
            "and B alone give when their maps are added afterwards?**",
            a=planes.number(first),
            b=planes.number(second),
        ),
        fields=(t("at once"), t("one by one, added")),
        answer=answer,
        wrong=[
            ((alone, together), t("Swapped: together the signals meet before the rectifier and can cancel.")),
            ((alone, alone), t("Together they meet before the rectifier: the negative one cancels part of the other.")),
            ((together, together), t("Alone, the negative signal is stopped before it can cancel anything.")),
            ((first + second, first + second), t("A rectifier lets nothing below zero pass.")),
            ((first + second, alone), t("The sum is below zero here, so nothing passes.")),
            ((together, first - second), t("The negative signal is stopped; it does not turn positive.")),
            ((0, 0), t("One of the two signals is above zero: alone, it passes.")),
        ],
        hint=t("At once: add, then rectify. One by one: rectify each, then add."),
        worked=rf"\max({first} + ({second}),\, 0) = {together}, \quad "
        rf"\max({first},\, 0) + \max({second},\, 0) = {alone}",
    )


def place(seed: int) -> Question:
    """For how many pixels of the picture stands one place of a layer?"""
    random = np.random.default_rng(13100 + seed)
    down, right = (int(n) for n in random.choice(np.arange(2, 9), 2))
    height, width = (int(n) for n in random.choice(np.arange(5, 20), 2, replace=False))
    size, answer = (down * height, right * width), (down * right,)
    return question(
        prompt=t(
            "The picture has {rows} × {columns} pixels, a layer's map has {height} × {width} places. **For how many "
            "pixels does one place stand?**",
            rows=size[0],
            columns=size[1],
            height=height,
            width=width,
        ),
        fields=(t("pixels"),),
        answer=answer,
        wrong=[
            (down, t("That is one side: rows and columns both count.")),
            (down + right, t("Rows times columns, not their sum.")),
            (height * width, t("That is how many places the map has.")),
            (3 * down * right, t("Pixels are counted once, not once a colour.")),
        ],
        hint=t("Divide the rows of the picture by the rows of the map, the columns likewise, and multiply."),
        worked=rf"\frac{{{size[0]}}}{{{height}}} \cdot \frac{{{size[1]}}}{{{width}}} = {answer[0]}",
    )


def methods(seed: int) -> Question:
    """Which of four pictures did the search make, and which the decoder?"""
    random = np.random.default_rng(13300 + seed)
    layer = str(random.choice(LAYERS))
    kinds = ("photograph", *NAMES)
    order = [kinds[k] for k in random.permutation(len(kinds))]
    facts = []
    for number, kind in enumerate(order, 1):
        if kind == "photograph":
            facts.append(t("Picture {number} is the photograph itself.", number=number))
            continue
        feature, pixels, _ = shipped.facts()[f"{kind}/{layer}"]
        facts.append(
            t(
                "Picture {number} is of {method}: feature error {feature}, error in pixels {pixels}.",
                number=number,
                method=t(NAMES[kind]),
                feature=f"{feature:.2g}",
                pixels=f"{pixels:.2g}",
            )
        )
    return by_looking(
        prompt=t(
            "The photograph, and three pictures made from {layer}. **Which one was searched for, and which one did the "
            "decoder make?**",
            layer=layer,
        ),
        choices=[shipped.arrays()[kind if kind == "photograph" else f"{kind}/{layer}"] for kind in order],
        names=[t("photograph") if kind == "photograph" else t(NAMES[kind]) for kind in order],
        facts=facts,
        fields=(t("search"), t("decoder")),
        answer=(order.index("optimize") + 1, order.index("learned") + 1),
        hint=t("Where a layer leaves the picture open, squared error teaches a decoder to blur; a search need not."),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "methods": (mark("Who made it"), methods),
    "whole": (mark("All at once"), whole),
    "place": (mark("One place"), place),
}
