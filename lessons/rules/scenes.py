"""The story of four rules: what goes up and what comes down, who asks which of them, and what that does to a map."""

from __future__ import annotations

import numpy as np

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.photo.labels import RULES
from lessons.rules import grid


def same_as_gradient() -> Guess:
    """Which other rule gives what the gradient gives where every z is above zero."""
    result = grid.below(*grid.numbers("open"))
    others = ("linear", "deconvnet", "guided")
    (answer,) = (rule for rule in others if np.array_equal(result[rule], result["gradient"]))
    asks = t("It stops every negative g, which the gradient lets pass.")
    return Guess(
        prompt=t("Before you look: if every z is above zero, which rule gives the same as the gradient?"),
        options={rule: t(RULES[rule]) for rule in others},
        answer=answer,
        reasons={
            "linear": t("Every gate is open, so the rectifier might as well not be there."),
            "deconvnet": asks,
            "guided": asks,
        },
    )


def none_above_zero() -> Guess:
    """How many of the signals DeconvNet lets through where none is above zero."""
    _, g = grid.numbers("falling")
    passed, there = np.count_nonzero(grid.below(*grid.numbers("falling"))["deconvnet"]), np.count_nonzero(g)
    opened = np.count_nonzero(grid.below(*grid.numbers("falling"))["gradient"])
    return Guess(
        prompt=t(
            "Before you look: no g is above zero. How many of the {there} signals does DeconvNet let pass?", there=there
        ),
        options={str(n): str(n) for n in (passed, opened, there)},
        answer=str(passed),
        reasons={
            str(passed): t("It looks only at whether g is above zero, and none is."),
            str(opened): t("That is how many the gradient lets pass: it looks at z, and not at the sign of g."),
            str(there): t("That would be the linear rule, which stops nothing."),
        },
    )


SCENES = (
    Scene(
        title=mark("What went up, what comes down"),
        text=mark(
            "In the forward pass a [[rectifier]] keeps its input z where z is above zero; zero itself stops. In the "
            "backward pass a signal g arrives at the same place. What may pass? Four rules are in use. **Linear** "
            "looks at neither: it takes the rectifier away. Raise cells of z and g and watch the four."
        ),
        look=mark("The forward z and the backward g, the same cells twice."),
        values={"view": "numbers"},
        parts=("z", "g"),
    ),
    Scene(
        title=mark("The gradient looks at z"),
        text=mark(
            "Where z was above zero, a small change of z is a small change of the output; elsewhere it changes "
            "nothing. So the **gradient** lets g pass where z is above zero, whatever the sign of g. It is the "
            "derivative of this network, and the only rule here that is."
        ),
        look=mark("The dashed cells are stopped because z is not above zero."),
        values={"view": "numbers"},
        parts=("z", "gradient"),
        controls=("numbers",),
        ask=same_as_gradient,
        then={"numbers": "open"},
    ),
    Scene(
        title=mark("DeconvNet looks at g"),
        text=mark(
            "**DeconvNet** rectifies the signal itself and forgets z. So it is not the derivative. Without [[max "
            "pooling]], hence without [[switch|switches]], its map would be the same for every photograph, but for a "
            "factor: only the switches remember what was seen."
        ),
        look=mark("The framed cells are stopped because g is negative."),
        values={"view": "numbers"},
        parts=("g", "deconvnet"),
        controls=("numbers",),
        ask=none_above_zero,
        then={"numbers": "falling"},
    ),
    Scene(
        title=mark("Guided backpropagation looks at both"),
        text=mark(
            "**Guided** lets g pass where z and g are both above zero: the gradient's mask and DeconvNet's, one after "
            "the other, in either order. The methods differ in little else: whether they begin with the activation or "
            "with 1, and whether magnitudes are shown."
        ),
        look=mark("Each cell that one of the two rules stops is stopped here."),
        values={"view": "numbers"},
        parts=("gradient", "deconvnet", "guided"),
        controls=("numbers",),
    ),
    Scene(
        title=mark("The same on a trained network"),
        text=mark(
            "One unit of a trained network, the same photograph, four rules at every rectifier on the way down. "
            "DeconvNet and guided drop every negative signal. The guided map follows the edges of the photograph more "
            "closely than the gradient and the linear map. Choose two rules and see their difference."
        ),
        look=mark("The four maps of one and the same unit."),
        values={"view": "maps"},
        parts=("maps",),
        controls=("image", "pair"),
    ),
    Scene(
        title=mark("Sharp is not the same as true"),
        text=mark(
            "Now ask six units at one place, near the top of the network. Their gradients differ, as different units "
            "should. Their guided maps are almost identical: they show what is in the photograph, and hardly which "
            "unit was chosen. Sharp is not the same as true."
        ),
        look=mark("How alike the maps of different units are, rule by rule."),
        values={"view": "units", "layer": "relu7", "pair": "gradient-guided"},
        parts=("units",),
        controls=("rank", "layer"),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Write numbers of your own, with all rules side by side; then choose a photograph, a layer and a unit. "
            "For which numbers do all four rules agree? On which layer do two rules differ most, and on which least?"
        ),
        controls=None,
    ),
)
