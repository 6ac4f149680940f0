"""Questions about what AᵀA keeps and what A loses; right answers are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.metrics import psnr
from deconvviz.ops import inverse
from lessons._kit.draw.pixels import to_bytes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons.inverse import run

#: 1/4, 1/2, 1/4: multiplies stripes of period 4 by a half and stripes of period 2 by nothing.
THREE = np.array([[0.25, 0.5, 0.25]])
#: Cells of the window and of the ring, over their greatest common divisor.
RATIOS = ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (2, 5), (3, 5))


def there_and_back(x: np.ndarray) -> np.ndarray:
    """AᵀAx for the kernel of three."""
    return inverse.blur_adjoint(inverse.blur(x, THREE), THREE)


def which_way(seed: int) -> Question:
    """Which of four pictures did the adjoint make, and which division by K?"""
    random = np.random.default_rng(seed)
    state = run.State(str(random.choice(list(run.PICTURES))), str(random.choice(["motion", "box"])), "1")
    made = run.compute(state)
    ways = [str(way) for way in random.permutation(["y", "adjoint", "divide", "wiener"])]
    names = {
        "y": t("blurred and noisy"), "adjoint": t("by the adjoint"), "divide": t("divided by K"),
        "wiener": t("by Wiener's filter"),
    }  # fmt: skip
    facts = [
        t("Picture {number}: {name}; {decibels} dB against the photograph.", number=number, name=names[way],
          decibels=round(psnr(made[way], made["x"])))
        for number, way in enumerate(ways, 1)
    ]  # fmt: skip
    return by_looking(
        prompt=t(
            "A photograph was blurred, and a little noise added (standard deviation 1 % of white). Here are the "
            "result and three ways back. **Which picture is by the adjoint, and which divides every frequency by K?**"
        ),
        choices=[_grey(made[way]) for way in ways],
        names=[names[way] for way in ways],
        facts=facts,
        fields=(t("adjoint"), t("divided by K")),
        answer=(ways.index("adjoint") + 1, ways.index("divide") + 1),
        hint=t("The adjoint blurs once more. Where K is nearly 0, division makes noise large."),
    )


def _grey(plane: np.ndarray) -> np.ndarray:
    """A plane as (H, W, 3) uint8: 0 black, 1 white, clipped beyond."""
    return np.repeat(to_bytes(plane)[:, :, None], 3, axis=2)


def stripes(seed: int) -> Question:
    """What comes back of stripes that the kernel removes?"""
    random = np.random.default_rng(100 + seed)
    mean, half = int(random.integers(5, 40)), int(random.integers(1, 5))
    x = np.array([[mean - half, mean + half] * 4], float)
    answer = (round(float(there_and_back(x)[0, 0])),)
    return question(
        prompt=t(
            "x is {a}, {b}, {a}, {b}, … without end. A takes a quarter, a half and a quarter of three neighbours. "
            "**What is the value of AᵀAx at the first {a}?**",
            a=mean - half,
            b=mean + half,
        ),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (mean - half, t("That is the value that went in. A had already removed the stripes; Aᵀ cannot know them.")),
            (mean + half, t("That is the neighbour's value, and it is gone as well.")),
            (0, t("Only the stripes are gone; their mean passes, because the weights sum to 1.")),
            (2 * mean, t("The weights sum to 1, so the mean stays as it was.")),
            (half, t("That is the contrast, which is what was lost.")),
        ],
        hint=t("Compute Ax at one cell first: a quarter of the left, half of its own, a quarter of the right."),
        worked=rf"\tfrac14 \cdot {mean + half} + \tfrac12 \cdot {mean - half} + \tfrac14 \cdot {mean + half}"
        rf" = {answer[0]}",
    )


def lost(seed: int) -> Question:
    """How many directions does a box blur lose?"""
    random = np.random.default_rng(200 + seed)
    common = int(random.integers(1, 11))
    more, ring = RATIOS[int(random.integers(len(RATIOS)))] if common > 1 else (2, 3)
    n, k = common * ring, common * more
    a = inverse.blur_matrix(np.full((1, k), 1.0 / k), (1, n))
    rank = int(np.linalg.matrix_rank(a))
    answer = (n - rank,)
    return question(
        prompt=t(
            "{n} cells in a ring, each replaced by the mean of {k} neighbours. As a matrix, A is {n} × {n}. "
            "**How many singular values are 0?**",
            n=n,
            k=k,
        ),
        fields=(t("how many"),),
        answer=answer,
        wrong=[
            (rank, t("That is the rank, which counts what survives. The question is what is lost.")),
            (n, t("Then nothing at all would survive; the mean does.")),
            (k, t("The mean survives, and so does every wave that does not fit into {k} cells.", k=k)),
            (n - k + 1, t("That counts windows that fit without going around the edge.")),
            (0, t("A blur with such windows has zeros: stripes that the window averages away.")),
            (
                1,
                t("Count all stripes that a window averages to zero, not only the finest.")
                if answer[0]
                else t("No wave of this ring fits a whole number of times into {k} cells.", k=k),
            ),
            (k - 1, t("So many waves fit into {k} cells; count those that the ring of {n} holds too.", k=k, n=n)),
        ],
        hint=t(
            "A ring of {n} holds {n} waves. K is 0 for those of which a whole number, not none, fits into {k} cells.",
            k=k,
            n=n,
        ),
        worked=rf"{n} - \operatorname{{rank}} A = {n} - {rank} = {answer[0]}",
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "looked": (mark("Which is which"), which_way),
    "stripes": (mark("Stripes"), stripes),
    "lost": (mark("Lost"), lost),
}
