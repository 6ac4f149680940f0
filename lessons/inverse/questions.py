"""Questions about what AᵀA keeps and what A loses; right answers are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.ops import inverse
from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t

#: 1/4, 1/2, 1/4: multiplies stripes of period 4 by a half and stripes of period 2 by nothing.
THREE = np.array([[0.25, 0.5, 0.25]])
#: Cells of the window and of the ring, over their greatest common divisor.
RATIOS = ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (2, 5), (3, 5))


def there_and_back(x: np.ndarray) -> np.ndarray:
    """AᵀAx for the kernel of three."""
    return inverse.blur_adjoint(inverse.blur(x, THREE), THREE)


def gain(seed: int) -> Question:
    """What contrast do stripes of period 4 have after AᵀA?"""
    contrast = 4 * int(np.random.default_rng(seed).integers(2, 25))
    x = contrast * np.array([[0.0, 1.0, 0.0, -1.0] * 3])
    answer = (round(float(there_and_back(x).max())),)
    once = round(float(inverse.blur(x, THREE).max()))
    return question(
        prompt=t(
            "A blur A multiplies stripes of a certain width by K = 1/2. A picture of such stripes has contrast "
            "{contrast}. **What contrast does AᵀAx have?**",
            contrast=contrast,
        ),
        fields=(t("contrast"),),
        answer=answer,
        wrong=[
            (once, t("That is after A alone; the adjoint multiplies by a half once more.")),
            (contrast, t("That would be an inverse. The adjoint multiplies by a half, too; it does not divide.")),
            (2 * contrast, t("That divides instead of multiplying, and forgets A.")),
            (0, t("Only what A multiplies by 0 is gone. Here it is a half.")),
            (once + contrast, t("Nothing is added to the picture: Aᵀ works on what A left of it.")),
        ],
        hint=t("A multiplies by K, and Aᵀ does so again."),
        worked=rf"|K|^2 \cdot {contrast} = \tfrac14 \cdot {contrast} = {answer[0]}",
    )


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
    "gain": (mark("Gain"), gain),
    "stripes": (mark("Stripes"), stripes),
    "lost": (mark("Lost"), lost),
}
