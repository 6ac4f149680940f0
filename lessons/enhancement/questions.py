"""Questions about cleaning pictures; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.metrics import psnr
from deconvviz.ops.inverse import response
from deconvviz.tasks.enhancement import data, untrained
from lessons._kit.draw import planes
from lessons._kit.draw.pixels import larger, to_bytes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo import upload
from lessons._kit.run import pictures
from lessons.enhancement.run import cleaned, liveliness

#: Patches that are told apart: photograph, row and column of the corner; rows and columns of each; noise.
PATCHES = (
    ("cat", 60, 150),
    ("cat", 20, 40),
    ("astronaut", 60, 190),
    ("camera", 120, 180),
    ("grass", 80, 80),
    ("coins", 40, 30),
)
PATCH, SIGMA = 64, 25


def decibels(seed: int) -> Question:
    """What is the PSNR of a plane of ten pixels?"""
    random = np.random.default_rng(22000 + seed)
    while True:
        steps = random.integers(-4, 5, 10) * (random.random(10) < random.uniform(0.2, 1))
        total = int((steps**2).sum())
        if total and abs(10 * np.log10(1000 / total) % 1 - 0.5) > 0.1:  # rounded without doubt
            break
    wanted = np.array([random.integers(max(0, -n), min(10, 10 - n) + 1) for n in steps]).reshape(2, 5)
    result = wanted + steps.reshape(2, 5)
    value = round(psnr(result / 10, wanted / 10))
    answer = (total, value)
    size = int(np.abs(steps).sum())
    shown = [
        planes.Plane(t("cleaned"), result.astype(np.float64), "output"),
        planes.Plane(t("truth"), wanted.astype(np.float64), "input"),
    ]
    return question(
        prompt=t(
            "White is 10 here. **What is the sum of the squared differences, and what is the PSNR, rounded to whole "
            "decibels?**"
        ),
        fields=(t("sum of squares"), t("PSNR in dB")),
        answer=answer,
        wrong=[
            ((size, value), t("Those are the sizes of the differences; each has to be squared first.")),
            ((total, -value), t("The peak stands above the fraction line: more decibels mean less error.")),
            ((total, value // 2), t("The factor is 10, since the error is already squared.")),
            ((total, value - 20), t("The peak is 10 here, so 10² = 100 stands above the fraction line, not 1.")),
            ((total, value - 10), t("The mean is over 10 pixels: divide the sum by 10 first.")),
            ((int(steps.sum()) ** 2, value), t("Square each difference, then add; not the other way round.")),
        ],
        hint=t("PSNR is 10 log₁₀ of 10² over the mean squared difference of the 10 pixels."),
        worked=rf"10 \log_{{10}} \frac{{10^2}}{{{total} / 10}} = {10 * np.log10(1000 / total):.2f} \approx {value}",
        picture=(planes.Row("", shown, ("", "")),),
    )


def there_and_back(seed: int) -> Question:
    """What does AᵀA make of one bright pixel?"""
    random = np.random.default_rng(22100 + seed)
    kernel = np.array([[1, 2, 1], [1, 3, 1], [2, 1, 2], [1, 2, 3]][seed % 4])
    bright = int(random.integers(2, 6))
    x = np.zeros((1, 9))
    x[0, 4] = bright
    back, _ = untrained.there_and_back(x, kernel[None].astype(float))
    middle, beside = (round(float(back[0, place])) for place in (4, 5))
    answer = (middle, beside)
    once = bright * int(kernel[1])
    a, b, c = (int(n) for n in kernel)
    return question(
        prompt=t(
            "A row with one bright pixel of {bright}, all others 0. A convolves with ({kernel}), Aᵀ goes back with "
            "the same numbers. **Which value is at the bright place after AᵀA, and which beside it?**",
            bright=bright,
            kernel=", ".join(str(n) for n in kernel),
        ),
        fields=(t("at the bright place"), t("beside it")),
        answer=answer,
        wrong=[
            (
                (once, bright * int(kernel[2])),
                t("That is A x: convolved once. The adjoint lays the kernel over it again."),
            ),
            (
                (once, bright * int(kernel[0])),
                t("That is A x: convolved once. The adjoint lays the kernel over it again."),
            ),
            ((bright, 0), t("That would be the inverse. The adjoint does not undo, it spreads again.")),
            ((beside, middle), t("The two are swapped: the middle is the largest.")),
            ((middle // bright, beside // bright), t("The pixel has the value {bright}, not 1.", bright=bright)),
        ],
        hint=t("AᵀA convolves with the kernel's products with itself, shifted by 0 and by 1."),
        worked=rf"{bright} \cdot ({a}^2 + {b}^2 + {c}^2) = {middle}, \quad "
        rf"{bright} \cdot ({a} \cdot {b} + {b} \cdot {c}) = {beside}",
    )


def frequency(seed: int) -> Question:
    """How much of a wave is left after AᵀA, and after fusing it with the picture?"""
    k = (3, 7, 1, 9, 4, 6, 2, 8, 5)[seed % 9] / 10
    kernel = np.array([[(1 - k) / 4, (1 + k) / 2, (1 - k) / 4]])  # multiplies the wave + - + - by k
    wave = np.resize([1.0, -1.0], (1, 8))
    back, fused = untrained.there_and_back(wave, kernel)
    left, mixed = (round(1000 * float(one[0, 0])) for one in (back, fused))
    gain = round(float(abs(response(kernel, (1, 8))[0, 4])), 6)
    answer = (left, mixed)
    once = round(1000 * k)
    return question(
        prompt=t(
            "A wave in a picture is multiplied by K = {k} when A convolves. **How many thousandths of it are left "
            "after AᵀA, and how many in the mean of that and the picture?**",
            k=f"{gain:g}",
        ),
        fields=(t("after AᵀA, thousandths"), t("in the mean, thousandths")),
        answer=answer,
        wrong=[
            ((once, mixed), t("That is A alone; the adjoint multiplies by K once more.")),
            ((once, (1000 + once) // 2), t("That is A alone; the adjoint multiplies by K once more.")),
            ((1000, 1000), t("That would be an inverse. AᵀA multiplies by |K|².")),
            ((left, 1000 + left), t("That is the sum; the fusion is the mean of the two.")),
            ((left, left // 2), t("The picture that went in is in the mean too, with all of the wave.")),
        ],
        hint=t("There multiplies by K, back by K again; the picture itself has 1000 thousandths."),
        worked=rf"{k:g}^2 = \tfrac{{{left}}}{{1000}}, \quad \tfrac12 (1000 + {left}) = {mixed}",
    )


def patch(seed: int) -> Question:
    """Which of four patches is the photograph, and which the network's answer to its noisy version?"""
    random = np.random.default_rng(22349 + seed)
    id, top, left = PATCHES[int(random.integers(len(PATCHES)))]
    truth = upload.pixels(pictures.sample(id))[top : top + PATCH, left : left + PATCH]
    given = data.damaged(truth, sigma=SIGMA, seed=seed)
    back, _ = untrained.there_and_back(given)
    made = {"photograph": truth, "noisy": given, "network": cleaned(given), "blurred": np.clip(back, 0, 1)}
    titles = {
        "photograph": t("the photograph"), "noisy": t("the photograph with noise"),
        "network": t("the network’s answer"), "blurred": t("AᵀA of the noisy picture"),
    }  # fmt: skip
    order = [list(made)[k] for k in random.permutation(len(made))]
    return by_looking(
        prompt=t(
            "A patch of a photograph, the same with noise of sigma {sigma}, and that noisy patch cleaned in two ways: "
            "by the trained network, and by AᵀA, blur and adjoint. **Which picture is the photograph, and which is the "
            "network’s answer?**",
            sigma=SIGMA,
        ),
        choices=[larger(to_bytes(made[name]), 3) for name in order],
        names=order,
        facts=[
            t(
                "Picture {number} is {name}: neighbouring pixels differ by {steps} steps of 255 on average.",
                number=number,
                name=titles[name],
                steps=f"{liveliness(made[name]):.1f}",
            )
            for number, name in enumerate(order, 1)
        ],
        fields=(t("photograph"), t("network’s answer")),
        answer=(order.index("photograph") + 1, order.index("network") + 1),
        hint=t("The network writes a mean where it does not know: it keeps edges, and loses the finest texture."),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "decibels": (mark("Decibels by hand"), decibels),
    "there-and-back": (mark("There and back"), there_and_back),
    "patch": (mark("Which is which?"), patch),
    "frequency": (mark("What is left of a wave"), frequency),
}
