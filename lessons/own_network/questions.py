"""Questions about one's own network: what obeys a rule, and which input size fits."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np

from deconvviz.data import samples
from deconvviz.data.preprocess import at_most, display, model_input
from deconvviz.metrics import normalized_error
from deconvviz.types import InputSpec
from lessons._kit.draw.pixels import to_bytes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.run import pictures

#: What the network of the question was trained with: centred bytes, blue first, as many public weights are.
SPEC = InputSpec(size=(96, 96), channels="BGR", scale=255.0, mean=(104.0, 117.0, 123.0), std=64.0)
#: Least relative squared distance of any two of the pictures: grey photographs show no swapped colours.
CLEAR = 0.03
#: Fault -> (in words, what the InputSpec says instead).
FAULTS: dict[str, tuple[str, InputSpec]] = {
    "colours": (mark("red and blue swapped"), replace(SPEC, channels="RGB", mean=SPEC.mean[::-1])),
    "mean": (mark("mean not subtracted"), replace(SPEC, mean=0.0)),
    "spread": (mark("not divided by the spread"), replace(SPEC, std=1.0)),
    "size": (mark("stretched instead of cropped"), replace(SPEC, fit="stretch")),
}


def fed(image: str, spec: InputSpec) -> np.ndarray:
    """What a network trained with `SPEC` takes a photograph prepared like that for, (96, 96, 3) in 0..1."""
    return np.clip(display(model_input(_small(image), spec), SPEC), 0, 1)


@cache
def _small(image: str) -> np.ndarray:
    return at_most(samples.load(image), 2 * SPEC.size[0])


def preparation(seed: int) -> Question:
    """Which of four pictures is prepared rightly, and which has a given fault?"""
    random = np.random.default_rng(99_000 + seed)
    while True:
        image = str(random.choice(pictures.PHOTOS))
        faults = [str(name) for name in random.choice(list(FAULTS), 3, replace=False)]
        kinds = ["right", *faults]
        shown = {kind: fed(image, SPEC if kind == "right" else FAULTS[kind][1]) for kind in kinds}
        if min(normalized_error(shown[one], shown[other]) for one, other in combinations(kinds, 2)) > CLEAR:
            break
    order = [kinds[k] for k in random.permutation(len(kinds))]
    facts = []
    for number, kind in enumerate(order, 1):
        away = normalized_error(shown[kind], shown["right"])
        words = t("prepared rightly") if kind == "right" else t(FAULTS[kind][0])
        facts.append(t("Picture {number}: {fault}, relative squared error {error}.", number=number, fault=words,
                       error=f"{away:.2g}"))  # fmt: skip
    asked = faults[0]
    return by_looking(
        prompt=t(
            "One photograph, fed to one network by four InputSpecs, and shown as the network takes it, by the range "
            "and the order of colours that it was trained with. **Which picture is prepared rightly, and in which "
            "is the fault “{fault}”?**",
            fault=t(FAULTS[asked][0]),
        ),
        choices=[to_bytes(shown[kind]) for kind in order],
        names=order,
        facts=facts,
        fields=(t("prepared rightly"), t(FAULTS[asked][0])),
        answer=(order.index("right") + 1, order.index(asked) + 1),
        hint=t("Skin and sky tell of colours, white and black of the range, circles of the shape."),
    )


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
    "fed": (mark("How it is fed"), preparation),
    "coverage": (mark("Who obeys"), coverage),
    "size": (mark("Which size fits"), input_size),
}
