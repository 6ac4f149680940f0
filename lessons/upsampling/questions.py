"""Questions about how often a transposed convolution writes on a cell; answers are read from the counted arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.ops.upsample import is_even, overlap_counts
from lessons._kit.draw.pixels import to_bytes
from lessons._kit.form.design import Design
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons.upsampling.upsamplers import enlarged


def _draw(seed: int, start: int) -> tuple[np.random.Generator, int, int]:
    """(random numbers, kernel, stride) with a kernel larger than the stride and no multiple of it."""
    random = np.random.default_rng((60 + start, seed))
    pairs = [(k, s) for s in (2, 3) for k in range(s + 1, 30) if k % s]
    k, s = pairs[int(random.integers(len(pairs)))]
    return random, k, s


def count_at(seed: int) -> Question:
    """How often is a cell written to?"""
    random, k, s = _draw(seed, 1)
    n = 16
    counts = overlap_counts(n, k, s)
    r = int(random.integers(1, len(counts) - 1))
    answer = (int(counts[r]),)
    writers = [(u, r - s * u) for u in range(n) if 0 <= r - s * u < k]
    many = -(-k // s)
    terms = r",\quad ".join(rf"{s} \cdot {u} + {i} = {r}" for u, i in writers)
    return question(
        prompt=t(
            "{n} input cells, kernel {k}, stride {s}, no padding. **How often is output cell {r} written to?** "
            "Cells count from 0.",
            n=n,
            k=k,
            s=s,
            r=r,
        ),
        fields=(t("times"),),
        answer=answer,
        wrong=[
            (k, t("That is the number of taps. Neighbouring kernels start {s} cells apart.", s=s)),
            (many, t("That many kernels overlap at most; not at this cell.")),
            (k // s, t("That many overlap at least, away from the border; not at this cell.")),
            (n, t("Not every input cell reaches this far.")),
            (int(counts[r - 1]), t("That is the cell before it.")),
            (int(counts[r + 1]), t("That is the cell after it.")),
            (0, t("Every cell between the first and the last kernel is reached by at least one.")),
        ],
        hint=t(
            "Input cell u writes on cells {s} u to {s} u + {last}. For which u is {r} among them?", s=s, last=k - 1, r=r
        ),
        worked=rf"{terms} \quad\Rightarrow\quad {answer[0]}",
    )


def even_kernel(seed: int) -> Question:
    """Which kernel overlaps evenly?"""
    random, _k, _s = _draw(seed, 2)
    s = int(random.integers(2, 8))
    least = s * int(random.integers(1, 4)) + int(random.integers(1, s))
    result = next(size for size in range(least, least + s + 1) if is_even(size, s))
    answer = (result,)
    return question(
        prompt=t(
            "Stride {s}. **Which is the smallest kernel of at least {least} taps whose copies overlap evenly?**",
            s=s,
            least=least,
        ),
        fields=(t("taps"),),
        answer=answer,
        wrong=[
            (least, t("{k} leaves a rest when divided by {s}: some cells get one kernel more.", k=least, s=s)),
            (result + s, t("Even as well, but not the smallest.")),
            (result - s, t("Even, but smaller than {least}.", least=least)),
            (least + least % 2, t("Even numbers are not the point: the stride must divide the kernel.")),
            (least + 1 - least % 2, t("Odd kernels have a middle, but that does not make the overlap even.")),
            (s, t("With kernel = stride nothing overlaps: even, but smaller than {least}.", least=least)),
        ],
        hint=t("Away from the border the pattern repeats every {s} cells. When do they all get the same?", s=s),
        worked=rf"{result} = {result // s} \cdot {s}",
    )


def which_upsampler(seed: int) -> Question:
    """Which of four enlarged photographs has an uneven overlap, and which was unpooled?"""
    random = np.random.default_rng((65, seed))
    k, s = ((3, 2), (5, 2), (5, 3))[int(random.integers(3))]
    even = 2 * s
    made = {
        "uneven": ("transposed", "ones", k),
        "even": ("transposed", "ones", even),
        "resize": ("resize", "ones", k),
        "unpool": ("unpool", "ones", k),
    }
    names = {
        "uneven": t("transposed convolution, kernel {k}, stride {s}", k=k, s=s),
        "even": t("transposed convolution, kernel {k}, stride {s}", k=even, s=s),
        "resize": t("resize, then convolve"),
        "unpool": t("unpool, then convolve"),
    }
    order = [str(kind) for kind in random.permutation(list(made))]
    top, left = (int(n) for n in random.integers(0, 20, 2))
    choices = []
    for kind in order:
        way, weights, size = made[kind]
        part = enlarged(way, weights, size, s)[s * top : s * top + 72, s * left : s * left + 72]
        choices.append(np.repeat(to_bytes(part)[:, :, None], 3, axis=2))
    return by_looking(
        prompt=t(
            "A part of a photograph, enlarged {s} times in four ways, all weights equal. **In which picture do the "
            "kernels overlap unevenly, and which was unpooled?**",
            s=s,
        ),
        choices=choices,
        names=[names[kind] for kind in order],
        facts=[t("Picture {number}: {name}.", number=number, name=names[kind]) for number, kind in enumerate(order, 1)],
        fields=(t("uneven overlap"), t("unpooled")),
        answer=(order.index("uneven") + 1, order.index("unpool") + 1),
        hint=t("Uneven overlap repeats itself like a grid. Unpooled values stand where a maximum was, not on a grid."),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "looked": (mark("Which is which"), which_upsampler),
    "count": (mark("Count"), count_at),
    "even": (mark("Even"), even_kernel),
}

#: Who is right about a checkerboard?
DESIGN = Design(
    prompt=mark(
        "A network that enlarges photographs draws checkerboards. Its last layer is a transposed convolution with "
        "3 × 3 taps and stride 2. One colleague says: “The uneven overlap is the cause.” Another says: “It has not "
        "been trained long enough.” **Design an experiment that tells who is right.** Say what you change and what "
        "you keep, what you measure and on which pictures, and which result would refute each of the two."
    ),
    model=mark(
        "Change one thing only, the kernel of the last layer: 3 × 3 taps, whose overlap is uneven, against 4 × 4 "
        "taps, whose overlap is even. Data, number of steps and the five seeds are the same for both. Measure on "
        "pictures that were not trained on how much of the energy lies in waves of two pixels, the period of the "
        "stride. Measure the same on the true large pictures: waves that are there have to be drawn. Do so before "
        "training and at several times during it.\n\n"
        "The first is right if 3 × 3 has clearly more than 4 × 4 with every seed, however long they are trained, and "
        "is refuted if both have equally much. The second is right if the waves of 3 × 3 sink to those of the truth as "
        "training goes on, and is refuted if they stay. Both may be right in part; and an even overlap is no promise, "
        "since learned weights can draw checkerboards too."
    ),
    rubric=(
        mark("Only the overlap differs between the networks: same data, same steps, the same several seeds."),
        mark("A checkerboard becomes a number, such as the energy at the period of the stride, on new pictures."),
        mark("A reference is measured in the same way: the true pictures, or a method without a pattern."),
        mark("Lack of training is tested too: the same number at several times of training."),
        mark("It says before measuring which result would refute the one, and which the other."),
    ),
)
