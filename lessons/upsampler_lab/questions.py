"""Questions about last layers; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.data.colour import brightness
from deconvviz.ops.upsample import overlap_counts
from deconvviz.tasks.super_resolution import data, predict
from lessons._kit.draw.pixels import larger, to_bytes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo import upload
from lessons._kit.restoration import run as restoration
from lessons._kit.run import pictures
from lessons.upsampler_lab import run

#: Patches that hold slanted edges: photograph, row and column of the corner; rows and columns of each.
PATCHES = (
    ("astronaut", 60, 170),
    ("astronaut", 318, 240),
    ("astronaut", 290, 330),
    ("camera", 100, 180),
    ("coffee", 100, 150),
)
PATCH = 72
#: The last layers whose answers are shown, the first of them with the fault.
SHOWN = ("subpixel", "transposed", "resize")


def uneven(seed: int) -> Question:
    """What are the fewest and the most products of a pixel?"""
    scale = 2 + seed % 2
    taps = int(np.random.default_rng(26000 + seed).choice([n for n in range(scale + 1, 11 * scale) if n % scale]))
    line = overlap_counts(36, taps, scale)[taps:-taps]
    block = np.outer(line, line)
    answer = (int(block.min()), int(block.max()))
    low, high = int(line.min()), int(line.max())
    return question(
        prompt=t(
            "A transposed convolution has a kernel of {k} × {k} and stride {s}. **What are the fewest and the most "
            "products that a pixel away from the border is the sum of?**",
            k=taps,
            s=scale,
        ),
        fields=(t("fewest"), t("most")),
        answer=answer,
        wrong=[
            ((int(line.min()), int(line.max())), t("That is along one axis; rows and columns multiply.")),
            ((answer[1], answer[1]), t("The stride does not divide the kernel: some pixels get fewer.")),
            ((answer[0], answer[0]), t("The stride does not divide the kernel: some pixels get more.")),
            ((taps**2, taps**2), t("Only the taps that meet a cell count; cells are {s} pixels apart.", s=scale)),
        ],
        hint=t("Along one axis it is {k} / {s}, once rounded down and once up.", k=taps, s=scale),
        worked=rf"{low} \cdot {low} = {answer[0]},\quad {high} \cdot {high} = {answer[1]}",
    )


def planted(seed: int) -> Question:
    """Which of four patches comes from a network with a planted fault, and which is the photograph?"""
    random = np.random.default_rng(26100 + seed)
    id, top, left = PATCHES[int(random.integers(len(PATCHES)))]
    photograph = upload.pixels(pictures.sample(id), restoration.LONGER)[top : top + PATCH, left : left + PATCH]
    small, truth = data.pair(brightness(photograph), run.SCALE)
    answers = {kind: predict.enlarge(small, run.SCALE, run.module(kind, True)) for kind in SHOWN}
    made = {"photograph": truth, **answers, "planted": swapped(answers["subpixel"])}
    del made["subpixel"]
    titles = {
        "photograph": t("the photograph"), "transposed": t("by a transposed convolution, as trained"),
        "resize": t("by resizing, then convolving, as trained"),
        "planted": t("by a sub-pixel convolution whose rows and columns were swapped in every block"),
    }  # fmt: skip
    order = [list(made)[n] for n in random.permutation(len(made))]
    off = {name: 255 * float(np.sqrt(((plane - truth) ** 2).mean())) for name, plane in made.items()}
    return by_looking(
        prompt=t(
            "A patch of a photograph, and three networks that enlarged it three times. In one of them a fault was "
            "planted: the last layer writes the nine pixels of every block in a wrong order. **Which picture comes "
            "from that network, and which is the photograph?**"
        ),
        choices=[larger(np.repeat(to_bytes(made[name])[..., None], 3, axis=-1), 3) for name in order],
        names=order,
        facts=[
            t(
                "Picture {number} is {name}: {steps} steps of 255 off the photograph (root mean square).",
                number=number,
                name=titles[name],
                steps=f"{off[name]:.1f}",
            )
            for number, name in enumerate(order, 1)
        ],
        fields=(t("planted fault"), t("photograph")),
        answer=(order.index("planted") + 1, order.index("photograph") + 1),
        hint=t("Look along slanted edges: pixels in a wrong place make teeth that repeat every three pixels."),
    )


def swapped(large: np.ndarray) -> np.ndarray:
    """(3 h, 3 w) with rows and columns swapped in every block of 3 x 3.

    >>> swapped(np.arange(9.0).reshape(3, 3)).astype(int).tolist()
    [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    """
    rows, columns = (n // run.SCALE for n in large.shape)
    blocks = large.reshape(rows, run.SCALE, columns, run.SCALE)
    return blocks.transpose(0, 3, 2, 1).reshape(large.shape)


def ripple(seed: int) -> Question:
    """How far apart are the pixels that an even picture becomes?"""
    random = np.random.default_rng(26200 + seed)
    kernel = random.integers(1, 6, 4)
    value = int(random.integers(2, 5))
    even, odd = value * int(kernel[0] + kernel[2]), value * int(kernel[1] + kernel[3])
    if even == odd:
        kernel[0] += 1
        even = value * int(kernel[0] + kernel[2])
    answer = (abs(even - odd),)
    return question(
        prompt=t(
            "A row of cells that are all {value} goes through a transposed convolution with the taps {taps} and "
            "stride 2. Pixels take two values in turn. **How far are these apart?**",
            value=value,
            taps=", ".join(map(str, kernel)),
        ),
        fields=(t("difference"),),
        answer=answer,
        wrong=[
            (0, t("The overlap is even, but each place meets other taps.")),
            (abs(even - odd) // value, t("The taps are multiplied by the value of the picture.")),
            (value * int(kernel.sum()), t("No pixel meets all four taps: each meets every second one.")),
            (value * int(kernel.max() - kernel.min()), t("Two taps meet each pixel; add them first.")),
        ],
        hint=t("One pixel meets the first and the third tap, its neighbour the second and the fourth."),
        worked=rf"|{value} ({kernel[0]} + {kernel[2]}) - {value} ({kernel[1]} + {kernel[3]})| = {answer[0]}",
    )


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "planted": (mark("Find the fault"), planted),
    "uneven": (mark("Fewest and most"), uneven),
    "ripple": (mark("Even overlap, other taps"), ripple),
}
