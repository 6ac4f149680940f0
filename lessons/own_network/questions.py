"""Questions about one's own network: what obeys a rule, and which input size fits."""

from __future__ import annotations

import numpy as np

from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t


def coverage(seed: int) -> Question:
    """How many rectifiers obey, of how many activations?"""
    draw = np.random.default_rng(seed)
    relu, gelu = (int(n) for n in draw.choice(np.arange(2, 9), 2, replace=False))
    answer = (relu, relu + gelu)
    return question(
        prompt=t(
            "On the path from a unit to the picture lie {relu} ReLUs and {gelu} GELUs. The rule is DeconvNet, and "
            "what is not supported may keep its gradient. The report says: a of b rectifiers obey.",
            relu=relu,
            gelu=gelu,
        ),
        fields=("a", "b"),
        answer=answer,
        wrong=[
            ((gelu, relu + gelu), t("Those are the GELUs; the rule is defined at ReLUs.")),
            ((relu, relu), t("The GELUs lie on the path too: they count, and do not obey.")),
            ((relu + gelu, relu + gelu), t("A GELU is no rectifier: it keeps its ordinary derivative.")),
        ],
        hint=t("b counts every activation on the path."),
        worked=rf"a = {relu}, \quad b = {relu} + {gelu} = {relu + gelu}",
    )


def input_size(seed: int) -> Question:
    """Which size does a dense layer after a flattened map ask for?"""
    draw = np.random.default_rng(seed)
    side, channels, pools = int(draw.integers(3, 13)), int(draw.choice([8, 16, 24])), int(draw.integers(2, 5))
    size, numbers = side * 2**pools, side * side * channels
    answer = (size,)
    return question(
        prompt=t(
            "A network for square pictures halves its map with {pools} pools, and its convolutions keep the size. "
            "The last map has {channels} channels; flattened, it enters a dense layer of {numbers} inputs. How many "
            "rows does a picture that fits have?",
            pools=pools,
            channels=channels,
            numbers=numbers,
        ),
        fields=(t("rows"),),
        answer=answer,
        wrong=[
            (side, t("That is the side of the last map; each pool halved it.")),
            (size // 2, t("One pool is missing.")),
            (numbers // channels, t("That is the area of the last map, in cells.")),
        ],
        hint=t("Divide by the channels, then take the square root: the side of the last map."),
        worked=rf"\sqrt{{{numbers} / {channels}}} = {side}, \quad {side} \cdot 2^{{{pools}}} = {size}",
    )


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "coverage": (mark("Who obeys"), coverage),
    "size": (mark("Which size fits"), input_size),
}
