"""The story of one's own network: a traced function, its report, a GELU, a batch, and what no program can say."""

from __future__ import annotations

import deconvviz as dv
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.photo.labels import RULES

#: Rules that are defined at rectifiers alone, so that anything else on the path makes them refuse.
REFUSED = ("deconvnet", "guided", "linear")


def rules_left() -> Guess:
    """How many rules apply where one of two rectifiers is a GELU."""
    left = [rule for rule in dv.RULES if rule not in REFUSED]
    reason = t(
        "{rules} needs no rectifier. The others say what to do at a rectifier, and a GELU is none.",
        rules=", ".join(t(RULES[rule]) for rule in left),
    )
    options = {str(n): str(n) for n in (0, 1, len(REFUSED), len(dv.RULES))}
    return Guess(
        prompt=t("Before you look: one of the two ReLUs becomes a GELU. How many of the four rules still apply?"),
        options=options,
        answer=str(len(left)),
        reasons=dict.fromkeys(options, reason),
    )


SCENES = (
    Scene(
        title=mark("Any function will do"),
        text=mark(
            "A network is any JAX function of an image batch. It is traced once, and every [[layer]] and every "
            "[[rectifier]] is found in the program, not in the class: nothing has to be rewritten. This one is a small "
            "example with random weights, so its maps show how it is built, not what it has learned."
        ),
        look=mark("The photograph as the network is fed it, and a map for each rule."),
        parts=("maps",),
    ),
    Scene(
        title=mark("Read the report"),
        text=mark(
            "The report lists the layers that were found and tries every rule. A rule that replaces rectifiers says "
            "how many obey, of how many lie on the path. Where two independent computations exist, it says how far "
            "apart they are."
        ),
        look=mark("The table: four rules, and all of them apply."),
        parts=("own-report",),
    ),
    Scene(
        title=mark("A GELU on the path"),
        text=mark(
            "DeconvNet and its relatives are defined at rectifiers only. What should they do at a GELU? There is no "
            "right answer, so they refuse instead of drawing something, and name the layer from which they still "
            "apply."
        ),
        look=mark("The table, and the line under it that says what to change."),
        parts=("own-report", "own-notes"),
        ask=rules_left,
        then={"variant": "gelu"},
    ),
    Scene(
        title=mark("Other pictures show through"),
        text=mark(
            "In this variant the batch is normalized by its own mean and spread, as in training. Then a map depends on "
            "whichever pictures happen to stand beside yours. No error says so; the report does, because it runs the "
            "picture alone and in company."
        ),
        look=mark("The line that says what to change."),
        values={"variant": "batch"},
        parts=("own-notes",),
    ),
    Scene(
        title=mark("What no program can say"),
        text=mark(
            "Three things are not in the program: the size and range of numbers that the network was trained with, the "
            "names of its classes, and whether it is still in training mode. A wrong range or colours in another "
            "order raise no error, only poor scores. So say it in the InputSpec."
        ),
        look=mark("The photograph as the network is fed it: does it look as it should?"),
        parts=("maps",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a variant, or bring your own network in one of the three ways below. Its weights are read from "
            "safetensors, which hold numbers only; a pickle may run code when it is read, so none is. Does your report "
            "say that anything has to change?"
        ),
        controls=None,
    ),
)
