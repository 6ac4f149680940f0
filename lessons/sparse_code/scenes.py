"""The story of a word: a picture explained by few stamps, and the search for them that later uses left out."""

from __future__ import annotations

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.sparse_code import run
from lessons.sparse_code.picture import percent

_DEAR, _FIRST = run.WEIGHTS[-1], str(run.STEPS[0])


def how_much_is_missing() -> Guess:
    """What the code misses of the first photograph, beside what one transposed convolution does."""
    state = run.State()
    share = run.missing(run.stamped(state), state.image)
    said = t("It is {share}.", share=percent(share))
    return Guess(
        prompt=t("Before you look: how much of the picture do the stamps of the code at the right miss?"),
        options={"half": t("more than half"), "third": t("a quarter to a half"), "quarter": t("less than a quarter")},
        answer="half" if share > 0.5 else "third" if share >= 0.25 else "quarter",
        reasons=dict.fromkeys(("half", "third", "quarter"), said),
    )


def after_the_search() -> Guess:
    """Whether the numbers of the code that are not zero become more or fewer."""
    first, *_, last = (one.nonzero[-1] for one in run.codes(run.State.image, run.State.weight))
    said = t("After one step {first} are not zero, after {steps} steps {last}.", first=percent(first),
             steps=run.STEPS[-1], last=percent(last))  # fmt: skip
    return Guess(
        prompt=t(
            "Before you look: after 400 steps less of the picture is missing. Are more numbers of the code in use?"
        ),
        options={"more": t("more"), "same": t("about as many"), "fewer": t("fewer")},
        answer="more" if last > first + 0.05 else "fewer" if last < first - 0.05 else "same",
        reasons=dict.fromkeys(("more", "same", "fewer"), said),
    )


SCENES = (
    Scene(
        title=mark("Stamps that add up"),
        text=mark(
            "In 2010 a deconvolutional network explained a picture. Take each [[kernel]] of a layer as a stamp. Lay "
            "few stamps down, each as strong as needed, so that they add up to the photograph. The list of places and "
            "strengths is a **code**. Here the stamps are the 32 kernels of the shipped network's first layer."
        ),
        look=mark("The right picture: it is made of stamps alone."),
        parts=("stamps",),
        controls=("image",),
    ),
    Scene(
        title=mark("Sending back once is not enough"),
        text=mark(
            "Today the word often means the middle picture: what the kernels answer, sent back once by the "
            "[[transposed convolution]]. Kernels that are alike answer to the same edge, and each lays its stamp "
            "there. Even at its best strength the sum misses 69 % of the cat."
        ),
        look=mark("The middle picture; after your answer, the number under the right one."),
        values={"steps": _FIRST},
        parts=("once",),
        ask=how_much_is_missing,
        then={"steps": str(run.STEPS[-1])},
    ),
    Scene(
        title=mark("Search for the code"),
        text=mark(
            "The code has 32 768 numbers, the picture 12 288: it cannot be read off. So search. Lay the stamps down; "
            "convolve what is still missing with the kernels; add a little of that to the code; move every number "
            "towards zero. Each step lowers the squared error plus the price of the code."
        ),
        look=mark("The first bars: what is missing, step by step."),
        values={"steps": "10"},
        parts=("bars", "stamps"),
        without=("places",),
        controls=("steps",),
    ),
    Scene(
        title=mark("The first step is a layer"),
        text=mark(
            "Begin with nothing. What is missing is then the whole picture: convolve it with the kernels and set small "
            "numbers to zero. A convolution, then a [[rectifier]] for each sign: that is a [[layer]] of a network. "
            "What a network leaves out is every step after the first."
        ),
        look=mark("The code: numbers nearly everywhere."),
        values={"steps": _FIRST},
        parts=("code",),
        ask=after_the_search,
        then={"steps": str(run.STEPS[-1])},
    ),
    Scene(
        title=mark("Stamps compete"),
        text=mark(
            "Why fewer? A kernel's answer depends on the picture alone. A number of the code also depends on the other "
            "stamps: what one of them explains, the others need not. That is called explaining away. A single pass "
            "through a layer cannot do it."
        ),
        look=mark("Every number of the answers is in use; of the code, fewer than half."),
        parts=("responses", "code"),
    ),
    Scene(
        title=mark("What a stamp costs"),
        text=mark(
            "The weight is the price of a stamp of strength 1. At ten times the price, 4 % of the code's numbers are "
            "left, and 55 % of the picture is missing. A code that is both short and exact needs better stamps: in "
            "2010 the kernels were learned for it. These here were learned to name objects."
        ),
        look=mark("Both groups of bars."),
        values={"weight": _DEAR},
        parts=("bars",),
        without=("places",),
        controls=("weight",),
    ),
    Scene(
        title=mark("What became of the word"),
        text=mark(
            "In 2011 such layers were stacked, with [[switch|switches]] of max pooling between. In 2014 DeconvNet took "
            "over switches and transposed convolution, and left the search out. Since 2015 the transposed convolution "
            "alone is often called deconvolution. Now choose for yourself: which photograph needs the most stamps?"
        ),
        controls=None,
    ),
)
