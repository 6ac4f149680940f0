"""Questions about last layers; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np
from flax import nnx

from deconvviz.models.upsamplers import Upsample
from deconvviz.ops.upsample import overlap_counts
from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t


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


def weights(seed: int) -> Question:
    """How many weights does a sub-pixel layer have?"""
    random = np.random.default_rng(26100 + seed)
    scale, channels = 2 + seed % 3, int(random.integers(2, 8))
    layer = Upsample("subpixel", channels, 1, scale, 3, rngs=nnx.Rngs(0))
    answer = (int(layer.kernel[...].size),)
    return question(
        prompt=t(
            "A sub-pixel layer with kernels of 3 × 3 makes one channel, {s} times larger, of {channels} channels. "
            "**How many weights are in its kernels?**",
            s=scale,
            channels=channels,
        ),
        fields=(t("weights"),),
        answer=answer,
        wrong=[
            (9 * channels, t("Each of the {count} places of a block has a kernel of its own.", count=scale**2)),
            (9 * channels * scale, t("A block has rows and columns: {count} places.", count=scale**2)),
            (9 * scale**2, t("Every channel that comes in needs a kernel.")),
        ],
        hint=t("It convolves to one channel for each place of a block, then rearranges."),
        worked=rf"3 \cdot 3 \cdot {channels} \cdot {scale}^2 = {answer[0]}",
    )


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
    "uneven": (mark("Fewest and most"), uneven),
    "weights": (mark("Weights"), weights),
    "ripple": (mark("Even overlap, other taps"), ripple),
}
