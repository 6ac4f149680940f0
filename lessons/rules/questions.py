"""Questions about the four rules; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.ops.rectify import backward
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, by_finding, question
from lessons._kit.form.i18n import mark, t


def _numbers(seed: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """z and g of whole numbers from -4 to 4."""
    random = np.random.default_rng(seed)
    z, g = random.integers(-4, 5, (2, *size))
    return z.astype(np.float32), g.astype(np.float32)


def _picture(z: np.ndarray, g: np.ndarray) -> tuple[planes.Row, ...]:
    pair = (planes.Plane(t("z, forward"), z, "input"), planes.Plane(t("g, backward"), g, "output"))
    return (planes.Row("", pair, ("",)),)


def one_cell(seed: int) -> Question:
    """What passes at one cell, by three rules?"""
    random = np.random.default_rng(9000 + seed)
    open_, up = (bool(seed % 2), seed % 4 < 2)
    z = np.asarray(random.integers(1, 13) * (1 if open_ else -1), np.float32)
    g = np.asarray(random.integers(1, 13) * (1 if up else -1), np.float32)
    if open_ and up:  # nothing would be stopped
        z = np.asarray(0, np.float32)
    gradient, deconvnet, guided = (int(backward(rule, z, g)) for rule in ("gradient", "deconvnet", "guided"))
    answer = (gradient, deconvnet, guided)
    a, b = int(z), int(g)
    return question(
        prompt=t(
            "At a rectifier z = {z} in the forward pass and g = {g} arrives in the backward pass. **What leaves "
            "it, by each rule?**",
            z=planes.number(a),
            g=planes.number(b),
        ),
        fields=(t("gradient"), t("DeconvNet"), t("guided")),
        answer=answer,
        wrong=[
            ((deconvnet, gradient, guided), t("Gradient and DeconvNet are swapped: the gradient looks at z alone.")),
            ((b, b, b), t("That is g under the linear rule. The other three stop something here.")),
            ((a * (b > 0), b * (a > 0), 0), t("What passes is g, never z.")),
            ((gradient, deconvnet, gradient or deconvnet), t("Guided backprop needs both to be above zero.")),
            ((0, 0, 0), t("One of the three lets g through here, if anything does: look at one sign at a time.")),
            ((max(a, 0), max(b, 0), max(min(a, b), 0)), t("What passes is g, never z.")),
            ((b, deconvnet, guided), t("The gradient stops g where z is not above zero.")),
            ((gradient, b, guided), t("DeconvNet stops g where g is not above zero.")),
            (
                (abs(gradient), abs(deconvnet), abs(guided)),
                t("A rule stops a number or lets it pass; it never turns its sign."),
            ),
        ],
        hint=t(
            "Gradient: is z above zero? DeconvNet: is g above zero? Guided: are both? Zero itself is not above zero."
        ),
        worked=(rf"g\,[z>0] = {gradient}, \quad \max(g,\,0) = {deconvnet}, \quad \max(g,\,0)\,[z>0] = {guided}"),
    )


#: A rule that is broken (its number among `RULES`) and how: 1 the gate is ignored, 2 the sign of g is ignored, 3 z
#: leaves in place of g, 4 minus signs are lost.
RULES = ("gradient", "deconvnet", "guided", "linear")
BROKEN = ((0, 1), (0, 3), (0, 4), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 3), (3, 4))


def _broken(rule: str, fault: int, z: np.ndarray, g: np.ndarray) -> np.ndarray:
    """What a rectifier lets pass under a rule with a fault."""
    right = np.asarray(backward(rule, z, g))
    without = {"gradient": "linear", "guided": "deconvnet"}, {"deconvnet": "linear", "guided": "gradient"}
    if fault <= len(without):
        return np.asarray(backward(without[fault - 1][rule], z, g))
    return np.where(right != 0, z, 0) if fault == 3 else np.abs(right)


def wrong_rule(seed: int) -> Question:
    """Which of four rules was broken, and how?"""
    z, g = next(pair for pair in (_numbers(9100 + 50 * seed + i, (3, 4)) for i in range(50)) if _telling(*pair))
    at, fault = BROKEN[7 * seed % len(BROKEN)]
    names = [t("gradient"), t("DeconvNet"), t("guided"), t("linear")]
    made = [_broken(rule, fault, z, g) if n == at else np.asarray(backward(rule, z, g)) for n, rule in enumerate(RULES)]
    faults = (t("z is not looked at"), t("the sign of g is not looked at"), t("z leaves, not g"), t("minus signs lost"))
    free = t("This rule does not look at z: that is no fault."), t("This rule lets negative signals pass.")
    denied = [
        t("Where z is not above zero, it holds 0 as it should."),
        t("Where g is below zero, it holds 0 as it should."),
        t("What leaves has the size of g, not of z."),
        t("Compare the sizes, not only the signs, with g."),
    ]
    if at in (1, 3):
        denied[0] = free[0]
    if at in (0, 3):
        denied[1] = free[1]
    fine = (
        t("That one is right: g where z is above zero, else 0."),
        t("That one is right: g where g is above zero, else 0."),
        t("That one is right: g where both are above zero, else 0."),
        t("That one is right: g everywhere."),
    )
    strip = [
        planes.Plane(f"{n}: {name}", one, "kernel") for n, (name, one) in enumerate(zip(names, made, strict=True), 1)
    ]
    return by_finding(
        prompt=t(
            "What leaves a rectifier by four rules; in one a fault was planted. **Which rule is not the one that its "
            "name says, and what is wrong?**"
        ),
        steps=names,
        faults=faults,
        answer=(at + 1, fault),
        reasons=[denied if n == at else [fine[n]] * len(faults) for n in range(len(RULES))],
        hint=t("Take a cell with z ≤ 0 and g > 0, then one with z > 0 and g < 0, and look at all four."),
        worked=rf"{at + 1}:\;\text{{{names[at]}, {faults[fault - 1]}}}",
        picture=(*_picture(z, g), planes.Row("", strip, ("", "", ""))),
    )


def _telling(z: np.ndarray, g: np.ndarray) -> bool:
    """Whether every fault shows."""
    shut, negative = (z <= 0) & (g > 0), (z > 0) & (g < 0)
    both = (z > 0) & (g > 0)
    return bool(shut.any() and negative.any() and ((z <= 0) & (g < 0)).any() and (both & (z != g)).any())


def two_rectifiers(seed: int) -> Question:
    """What is left after two rectifiers with a weight between?"""
    random = np.random.default_rng(9200 + seed)
    down_sign, weight_sign, lower_sign = ((1, -1, 1), (1, 1, -1), (-1, -1, 1))[seed % 3]
    g, weight = down_sign * int(random.integers(1, 5)), weight_sign * int(random.integers(2, 5))
    upper, lower = int(random.integers(1, 5)), lower_sign * int(random.integers(1, 5))

    def down(rule: str) -> int:
        middle = backward(rule, np.asarray(upper, np.float32), np.asarray(g, np.float32)) * weight
        return int(backward(rule, np.asarray(lower, np.float32), np.asarray(middle, np.float32)))

    answer = (down("gradient"), down("deconvnet"))
    once = weight * max(g, 0)
    return question(
        prompt=t(
            "g = {g} goes backward through a rectifier with z = {upper}, then a weight of {weight}, then a "
            "rectifier with z = {lower}. **What arrives, by the gradient and by the DeconvNet?**",
            g=planes.number(g),
            upper=planes.number(upper),
            weight=planes.number(weight),
            lower=planes.number(lower),
        ),
        fields=(t("gradient"), t("DeconvNet")),
        answer=answer,
        wrong=[
            (
                (g * weight * (lower > 0), once),
                t("The DeconvNet rectifies again after the weight, not only before it."),
            ),
            (
                (g * weight, max(g * weight, 0)),
                t("Both rectifiers act: the upper one first, then the weight, then the lower."),
            ),
            ((g * weight, answer[1]), t("The gradient looks at the lower z too, not only the upper one.")),
            (
                (max(g * weight, 0) * (lower > 0), answer[1]),
                t("The gradient lets negative signals pass where z was above zero."),
            ),
            ((answer[1], answer[0]), t("The two rules are swapped.")),
            ((g * (lower > 0), max(g, 0)), t("The signal is multiplied by the weight between the rectifiers.")),
            ((0, 0), t("One rule at a time, from the top: rectifier, weight, rectifier.")),
        ],
        hint=t("From the top: the rule, then times the weight, then the rule again with the other z."),
        worked=(
            rf"{g}\,[{upper}>0] \cdot ({weight}) \cdot [{lower}>0] = {answer[0]}, \quad "
            rf"\max(\max({g},\,0) \cdot ({weight}),\, 0) = {answer[1]}"
        ),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "bug": (mark("Find the fault"), wrong_rule),
    "cell": (mark("One cell"), one_cell),
    "two": (mark("Two in a row"), two_rectifiers),
}
