"""The story of training: a digit of one's own, the loss, steps downhill, digits never seen, gap and overfitting."""

from __future__ import annotations

import math
from typing import Any

from deconvviz.tasks.recognition import ablations
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene


def no_idea() -> Guess:
    """The loss where all ten digits are equally likely."""
    share = 1 / 10
    names = [f"{number:.1f}" for number in (share, -math.log(share), 1 / share)]
    reason = t("The probability of the right digit is {share}; −ln of that is {loss}.", share=share, loss=names[1])
    return Guess(
        prompt=t("Before you look: a network finds all ten digits equally likely. How large is its loss?"),
        options={name: name for name in names},
        answer=names[1],
        reasons=dict.fromkeys(names, reason),
    )


def row(norm: bool = False, drop: bool = False, decoder: bool = False) -> dict[str, Any]:
    """The stored figures of a setting of the three switches."""
    effects = ablations.measured_effects()
    assert effects is not None, "they come with the package"
    return next(one for one in effects["rows"] if (one["norm"], one["drop"], one["decoder"]) == (norm, drop, decoder))


def unseen() -> Guess:
    """How many of the digits held back the plain network gets right, in percent."""
    trained, held = (round(100 * row()[name]) for name in ("accuracy", "held_accuracy"))
    reason = t("It was right on {held} % of the digits that it had never seen, mean of three trainings.", held=held)
    options = [str(n) for n in (60, held, trained)]
    return Guess(
        prompt=t(
            "Before you look: trained on 200 digits, it gets {seen} % of them right. How many of 597 others?",
            seen=trained,
        ),
        options={name: f"{name} %" for name in options},
        answer=str(held),
        reasons=dict.fromkeys(options, reason),
    )


def wider_gap() -> Guess:
    """What batch normalization does to the gap and to the loss on unseen digits."""
    plain, normed = row(), row(norm=True)
    wider, better = (normed[name] > plain[name] for name in ("gap", "held_accuracy"))
    said = t(
        "Its gap is {gap} instead of {before}, and its loss on unseen digits {loss} instead of {old}.",
        gap=f"{normed['gap']:.2f}",
        before=f"{plain['gap']:.2f}",
        loss=f"{normed['held_loss']:.2f}",
        old=f"{plain['held_loss']:.2f}",
    )
    options = {
        "smaller": t("smaller gap, better on unseen digits"),
        "larger": t("larger gap, better on unseen digits"),
        "worse": t("larger gap, worse on unseen digits"),
    }
    return Guess(
        prompt=t("Before you look: batch normalization is switched on. What happens?"),
        options=options,
        answer=("larger" if wider else "smaller") if better else "worse",
        reasons=dict.fromkeys(options, said),
    )


SCENES = (
    Scene(
        title=mark("Write a digit"),
        text=mark(
            "Write a digit into the cells: drag, or use the arrow keys and Enter. A network answers with ten "
            "probabilities. Nobody gave it a rule for what a 3 looks like. It was shown digits together with their "
            "names, and its 225,034 numbers were changed until its answers fitted. That is training."
        ),
        look=mark("Write here; the answer appears beside it."),
        values={"view": "look"},
        parts=("pad",),
        controls=("digit",),
    ),
    Scene(
        title=mark("How wrong, in one number"),
        text=mark(
            "The network computes ten scores z. Raised to powers of e and divided by their sum they become "
            "probabilities p. The [[loss]] looks at the right digit alone: minus the logarithm of its p. Right and "
            "certain gives 0. The less the network expected the right digit, the larger the loss."
        ),
        look=mark("The loss of this digit, with its numbers."),
        values={"view": "loss"},
        parts=("loss",),
        controls=("digit",),
        ask=no_idea,
    ),
    Scene(
        title=mark("Small steps downhill"),
        text=mark(
            "One step: show 32 digits and compute the [[gradient]], which says for each number how the loss changes "
            "with it. Then change all numbers a little, so that the loss falls. One pass over all digits is an "
            "[[epoch]]. Press the button for ten of them, from random numbers; the answer above changes as it learns."
        ),
        look=mark("The training, epoch by epoch."),
        values={"view": "train"},
        parts=("train",),
        controls=("pictures",),
    ),
    Scene(
        title=mark("Digits it never saw"),
        text=mark(
            "Being right on digits that it was trained on says little: it may remember them. So 597 digits are held "
            "back, and only they show what it has learned. How much larger the loss is on unseen digits than on those "
            "it learns from is the **generalization gap**."
        ),
        look=mark("After your answer, the first row: no switch is on."),
        values={"view": "look"},
        parts=("effects",),
        ask=unseen,
        then={"view": "effects"},
    ),
    Scene(
        title=mark("A gap is not a verdict"),
        text=mark(
            "Overfitting is not the same as a gap: the loss on unseen digits rises again, or stays above what "
            "another setting reaches. Batch normalization gives every channel mean 0 and spread 1 over the batch, "
            "then a learned gain and shift; in use it takes the averages that training kept."
        ),
        look=mark("After your answer, the marked row: its gap, and its loss on unseen digits."),
        values={"view": "look"},
        parts=("effects",),
        controls=("norm",),
        ask=wider_gap,
        then={"view": "effects", "norm": "on"},
    ),
    Scene(
        title=mark("Harder to remember"),
        text=mark(
            "Dropout silences half of the last units at random, and weights decay. The decoder gives the digit back by "
            "[[transposed convolution]]; an article claims that this lessens overfitting and vanishing gradients. A "
            "gradient vanishes if it is much shorter in the first layer than in the last. Compare the rows."
        ),
        look=mark("The decoder changes the losses little, the other two change them much."),
        values={"view": "effects"},
        parts=("effects",),
        controls=("drop", "decoder"),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Write digits and see which pixels DeconvNet connects with the answer: red for it, blue against it; how "
            "such a map is made comes later. Train on 100 digits, then on 1200. How far apart do the curves end? "
            "Which digit of yours does a network take for another one, and how certain is it?"
        ),
        controls=None,
    ),
)
