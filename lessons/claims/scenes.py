"""The story of the claims: a formula is a program, an index is lost, no switches, the adjoint taken for an inverse."""

from __future__ import annotations

import numpy as np

from deconvviz.articles.claims import SEEDS
from deconvviz.articles.formulas import FORMULAS
from lessons._kit.claims import card
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene


def channels_read() -> Guess:
    """How many of the three channels the printed convolution reads."""
    formula = FORMULAS["F002.1"]
    given = formula.inputs(SEEDS[0])
    before = np.asarray(formula.printed(**given))
    count = given["x"].shape[-1]
    read = 0
    for channel in range(count):
        changed = np.array(given["x"])
        changed[..., channel] += 1
        read += not np.array_equal(before, formula.printed(**{**given, "x": changed}))
    reason = t("Changing one channel of x after the other changes the result {read} of {count} times.",
               read=read, count=count)  # fmt: skip
    names = {str(n): str(n) for n in range(count + 1)}
    return Guess(
        prompt=t("Before you look: of {count} channels of x, how many does the printed formula read?", count=count),
        options=names,
        answer=str(read),
        reasons=dict.fromkeys(names, reason),
    )


def missed_by_the_adjoint() -> Guess:
    """How far the adjoint stays from the picture that went in."""
    missed = 100 * card.judged("C1").runs.mean("adjoint")
    reason = t("Its distance from x is {missed} % of the length of x, as a mean of {count} runs.",
               missed=f"{missed:.0f}", count=card.judged("C1").runs.count)  # fmt: skip
    options = {"none": t("nothing at all"), "little": t("less than a tenth"), "much": t("more than a tenth")}
    return Guess(
        prompt=t("Before you look: convolve x, then apply the adjoint. How much of x is missed?"),
        options=options,
        answer="none" if missed < 1e-3 else "little" if missed < 10 else "much",
        reasons=dict.fromkeys(options, reason),
    )


SCENES = (
    Scene(
        title=mark("A formula is a program"),
        text=mark(
            "Popular articles explain deconvolution by formulas, and a formula can be run. This one is printed as the "
            "definition. Beside what its article says stands what it gives: one number for the whole picture. No index "
            "on its right side depends on the place for which it is asked."
        ),
        look=mark("The middle picture: the same everywhere."),
        values={"card": "F001.1", "view": "pictures"},
        parts=("pictures",),
    ),
    Scene(
        title=mark("An index is lost"),
        text=mark(
            "Here the sum runs over the channels of the kernel, but x has no channel index. So every slice of the "
            "kernel reads the same numbers, and colours can no longer be told apart. The corrected formula differs by "
            "a single letter."
        ),
        look=mark("The letter c on the right side, in both formulas."),
        values={"card": "F002.1", "view": "lines"},
        parts=("lines",),
        ask=channels_read,
    ),
    Scene(
        title=mark("Unpooling without switches"),
        text=mark(
            "Unpooling puts each maximum back into its own place; the [[switch|switches]] remember which. This formula "
            "has none. It takes the largest number of every window again: the map keeps its size, and bright places "
            "grow. Run it, and the eye sees what the words hide."
        ),
        look=mark("As printed: blocks where single points should stand."),
        values={"card": "F002.3", "view": "pictures"},
        parts=("pictures",),
    ),
    Scene(
        title=mark("The adjoint is taken for an inverse"),
        text=mark(
            "Sentences can be measured, too. “Deconvolution inverts convolution” is the one behind most of the others. "
            "The [[adjoint]] sends every number back along the weights that it came by. That is an inverse for a few "
            "kernels only; for a random one it misses the picture."
        ),
        look=mark("The bars: how far each reconstruction stays from x."),
        values={"card": "C1"},
        parts=("bars",),
        ask=missed_by_the_adjoint,
    ),
    Scene(
        title=mark("A verdict is a rule"),
        text=mark(
            "**Holds**, **fails**, or **only if** a condition is met: a verdict is a rule applied to numbers, not an "
            "opinion. One run is no verdict, and fewer than five show nothing; what is only counted needs one. A "
            "[[transposed convolution]] with a [[stride]] does make maps larger: that much is true."
        ),
        look=mark("The verdict, and below it on what it was measured."),
        values={"card": "C3"},
        parts=("verdict",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "All claims and formulas of the five articles. The board says which verdicts were reached since the app "
            "was started; claims about a network take up to a minute the first time. Evidence holds the intervals of "
            "every mean, and the code."
        ),
        controls=None,
    ),
)
