"""Questions about streets; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from deconvviz.figures.scale import sequential_rgb
from deconvviz.ops import max_pool, max_unpool
from deconvviz.ops.upsample import overlap_counts, resize_nearest, transposed_conv
from deconvviz.tasks.segmentation import drawn, evaluate
from lessons._kit.draw import planes
from lessons._kit.draw.pixels import larger
from lessons._kit.form.design import Design
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons.segmentation import run

#: Upper left corners of pieces of the drawn street that hold an edge, and the side of a piece.
EDGES, EDGE = ((196, 206), (180, 374), (70, 112), (60, 404), (30, 340), (170, 60)), 32
#: How many values a transposed convolution of 3 taps at stride 2 adds up at each of the four kinds of places.
WRITTEN = np.outer(*[overlap_counts(8, 3, 2)[2:4]] * 2)
#: Way up -> what it is called where its answer is worked out.
NAMES = {"unpool": "unpooled", "bilinear": "bilinear", "copy": "copied", "transposed": "transposed"}


def rare(seed: int) -> Question:
    """How good is it to call everything road?"""
    random = np.random.default_rng(20000 + seed)
    size = (4, 5)
    true = np.full(size, 3)
    pixels = random.choice(20, 1 + (7 * seed + int(random.integers(2))) % 9, replace=False)
    true.ravel()[pixels] = 2
    table = evaluate.confusion(np.full(size, 3), true)
    result = evaluate.figures_of(table)
    road = int(table[3, 3])
    answer = (round(100 * result["global"]), round(100 * result["class_average"]))
    plane = planes.Plane(t("truth: 1 is pole, 0 is road"), (true == 2).astype(np.float64), "output")
    return question(
        prompt=t(
            "A network calls every pixel road. **What percentage of all pixels is right, and what is the mean of the "
            "two classes' percentages?**"
        ),
        fields=(t("pixels right, %"), t("mean over classes, %")),
        answer=answer,
        wrong=[
            (
                (answer[0], answer[0]),
                t("The mean over classes counts both classes alike, however few pixels they have."),
            ),
            ((answer[1], answer[0]), t("The two are swapped.")),
            ((answer[0], 100), t("The pole has a class of its own, and none of its pixels was found: 0 %.")),
            ((100 - answer[0], 50), t("That is the share of the pole, which is wrong everywhere.")),
        ],
        hint=t("Of the road all pixels are right, of the pole none."),
        worked=rf"\frac{{{road}}}{{20}} = {answer[0]}\,\%, \quad \frac{{100\,\% + 0\,\%}}{{2}} = {answer[1]}\,\%",
        picture=(planes.Row("", [plane], ("",)),),
    )


def place(seed: int) -> Question:
    """Where does unpooling put a value?"""
    random = np.random.default_rng(20100 + seed)
    before = random.permutation(16).reshape(1, 4, 4, 1).astype(np.float32)
    _, switches = max_pool(jnp.asarray(before), 2)
    values = (10 * (1 + random.permutation(4))).reshape(1, 2, 2, 1).astype(np.float32)
    result = np.asarray(max_unpool(jnp.asarray(values), switches, (4, 4)))[0, :, :, 0]
    i, j = ((0, 1), (1, 0), (1, 1))[int(random.integers(3))]
    switch = int(np.asarray(switches)[0, i, j, 0])
    answer = (switch // 4, switch % 4)
    shown = [
        planes.Plane(t("what the encoder pooled"), before[0, :, :, 0], "input"),
        planes.Plane(t("values of the decoder"), values[0, :, :, 0], "kernel"),
    ]
    return question(
        prompt=t(
            "The encoder pooled 2 × 2 windows of the left plane. **In which row and column, counted from 0, does "
            "unpooling with its switches put the {value} of the right plane?**",
            value=f"{values[0, i, j, 0]:g}",
        ),
        fields=(t("row"), t("column")),
        answer=answer,
        wrong=[
            ((answer[1], answer[0]), t("Row first, then column.")),
            ((2 * i, 2 * j), t("That is the corner of the window; the switch says where in it the maximum was.")),
            ((answer[0] + 1, answer[1] + 1), t("Rows and columns are counted from 0.")),
            ((i, j), t("That is the value's place in the small map.")),
        ],
        hint=t("Find the window of the left plane that belongs to the value, and the largest number in it."),
        worked=rf"\max = {before[0, answer[0], answer[1], 0]:g} \;\Rightarrow\; ({answer[0]}, {answer[1]}): "
        rf"{result[answer]:g}",
        picture=(planes.Row("", shown, ("", "")),),
    )


def edge(seed: int) -> Question:
    """Which way up drew this edge?"""
    random = np.random.default_rng(20200 + seed)
    row, column = EDGES[int(random.integers(len(EDGES)))]
    side = slice(row, row + EDGE), slice(column, column + EDGE)
    piece = jnp.asarray(drawn.street().picture[side].mean(axis=2)[None, :, :, None])
    values, switches = max_pool(piece, 2)
    ones = np.ones((3, 3, 1, 1), np.float32)
    ways = {
        "unpool": max_unpool(values, switches, (EDGE, EDGE)),
        "bilinear": run.enlarged(np.asarray(values)[0, :, :, 0])[None, :, :, None],
        "copy": resize_nearest(values, 2),
        "transposed": transposed_conv(values, ones, 2)[:, :EDGE, :EDGE],
    }
    planes_of = {name: np.asarray(map)[0, :, :, 0] for name, map in ways.items()}
    order = [list(planes_of)[k] for k in random.permutation(len(planes_of))]
    said = {
        "unpool": t(
            "It is unpooled: each value stands at its switch, and {percent} % of the pixels are 0.",
            percent=f"{100 * float((planes_of['unpool'] == 0).mean()):.0f}",
        ),
        "bilinear": t("It is bilinear: every pixel is a weighted mean of four values, so every edge is soft."),
        "copy": t("It copies each value to 2 × 2 pixels: blocks, and no place in them."),
        "transposed": t(
            "It is a transposed convolution with 3 × 3 equal weights: {few} to {most} values meet in a pixel, which "
            "draws a grid.",
            few=int(WRITTEN.min()),
            most=int(WRITTEN.max()),
        ),
    }
    return by_looking(
        prompt=t(
            "A piece of the drawn street was pooled by two and enlarged again in four ways. **Which picture was "
            "unpooled with switches, and which is a transposed convolution of 3 × 3 equal weights at stride 2?**"
        ),
        choices=[larger(sequential_rgb(planes_of[name], 0.0, float(planes_of[name].max())), 6) for name in order],
        names=[NAMES[name] for name in order],
        facts=[t("Picture {number}:", number=number) + " " + said[name] for number, name in enumerate(order, 1)],
        fields=(t("unpooled"), t("transposed convolution")),
        answer=(order.index("unpool") + 1, order.index("transposed") + 1),
        hint=t("One way leaves most pixels at 0. Another writes more often on some pixels than on others."),
    )


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "rare": (mark("The pole that nobody misses"), rare),
    "edge": (mark("Which way up?"), edge),
    "place": (mark("Back to the switch"), place),
}

#: May one write that unpooling keeps edges better?
DESIGN = Design(
    prompt=mark(
        "One training each gave a mean IoU of 57.6 % with a transposed convolution as decoder and of 57.9 % with "
        "unpooling, on 101 validation pictures. You would like to write: “Switches keep edges better.” **Design an "
        "experiment after which you may write that, or may not.** Say what you train and how often, what you measure "
        "and on which pictures, which control you need, and which result would forbid the sentence."
    ),
    model=mark(
        "The sentence is about edges, so measure there: boundary F1, and not mean IoU alone, which the inside of "
        "large surfaces decides. Train each decoder with five seeds or more, because another seed may move the figure "
        "by more than 0.3 points. Encoder, data and number of steps are the same, and each decoder gets equally many "
        "tries to find its learning rate.\n\n"
        "Two controls tell switches from everything else that differs. One is a decoder with as many weights and no "
        "switches. The other is unpooling with the switches of a different picture: if switches carry the edges, "
        "wrong ones have to do harm.\n\n"
        "Settings are chosen on validation pictures; what judges is measured once, on test pictures that no choice has "
        "seen. Report the difference for each seed, and its 95 % interval. If the interval contains 0, the sentence is "
        "not shown. If wrong switches do as well as right ones, or the control without switches gains as much, it is "
        "refuted."
    ),
    rubric=(
        mark("It measures at edges and not over all pixels alone, because the sentence is about edges."),
        mark("Several seeds for each decoder with everything else alike, and the difference with its interval."),
        mark("A control that tells switches from other differences: as many weights without them, or wrong switches."),
        mark("Pictures that choose the settings and pictures that judge are different ones."),
        mark("It says beforehand what forbids the sentence, and keeps “not shown” apart from “refuted”."),
    ),
)
