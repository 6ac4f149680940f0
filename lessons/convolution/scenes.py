"""The story of the first lesson: one window, all windows, their number, channels, the turned kernel, a photograph."""

from __future__ import annotations

import numpy as np

from deconvviz.ops import conv
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.convolution import values


def flat() -> Guess:
    """What the kernel of the vertical edge makes of a picture without edges."""
    z = np.asarray(conv(values.picture("flat", "", 1), values.kernel("edge", "", 1)))
    options = {"0": t("0 everywhere"), "8": t("8 everywhere"), "1": t("1 everywhere, as in x")}
    return Guess(
        prompt=t("Before you look: what will z be if every cell of x is 1?"),
        options=options,
        answer=f"{z.max():.0f}",
        reasons={
            "0": t("The weights of this kernel add up to 0, so it answers to differences only."),
            "8": t("That counts every weight as positive; here the right column takes away what the left one adds."),
            "1": t("Only a kernel whose weights add up to 1 leaves an even picture as it is."),
        },
    )


def one_pixel() -> Guess:
    """In which order the weights of 1 to 6 come out around a single pixel, when the kernel is not turned."""
    z = np.asarray(conv(values.picture("pixel", "", 1), values.kernel("numbered", "", 1)))[0, 1:3, 1:4, 0]
    kernel = values.kernel("numbered", "", 1)[:, :, 0, 0]
    turned, same = np.array_equal(z, kernel[::-1, ::-1]), np.array_equal(z, kernel)
    return Guess(
        prompt=t("Before you look: what will z show if x is a single 1 among zeros?"),
        options={
            "same": t("the kernel as it is written"),
            "turned": t("the kernel turned by 180°"),
            "one": t("a single number"),
        },
        answer="turned" if turned else "same" if same else "one",
        reasons={
            "same": t("The first window that meets the pixel meets it with its last weight, 6. So 6 comes first."),
            "turned": t("The first window that meets the pixel meets it with its last weight, 6. So 6 comes first."),
            "one": t(
                "Every window that holds the pixel puts out the weight that lies on it: six windows, six weights."
            ),
        },
    )


SCENES = (
    Scene(
        title=mark("One window, one number"),
        text=mark(
            "A [[kernel]] is a small table of weights. Lay it on a window of the picture, multiply each number by the "
            "weight on it, and add up the products. The sum is one cell of the output. Choose another cell of **z** "
            "and watch its window move."
        ),
        look=mark("The nine products, and the one number that they add up to."),
        parts=("products", "sum"),
    ),
    Scene(
        title=mark("The same weights everywhere"),
        text=mark(
            "The window visits every place, and the weights stay the same. So a pattern that is found in one place is "
            "found in any other. This kernel subtracts what lies to the right from what lies to the left: it answers "
            "where brightness changes from column to column."
        ),
        look=mark("Where z is not zero, there is an edge in x."),
        parts=("output",),
        controls=("kernel",),
        ask=flat,
        then={"picture": "flat"},
    ),
    Scene(
        title=mark("How many cells are there?"),
        text=mark(
            "The window has to fit, so the output is smaller than the picture. [[padding|Padding]] puts zeros around "
            "the picture and makes more room. [[stride|Stride]] is how far the window moves each time: with 2, every "
            "other place is left out in both directions. Then a pattern is found again only if it moves by a whole "
            "number of strides."
        ),
        look=mark("The size of z, and the two lines below that count its rows and columns."),
        values={"stride": "2", "cell": "1,1"},
        parts=("output", "sizes"),
        controls=("stride", "padding"),
    ),
    Scene(
        title=mark("Three channels, one plane"),
        text=mark(
            "A colour picture has three channels, and the kernel has a slice for each. Every slice reads its own "
            "channel. All products are added into **one** plane. A layer has one kernel for each plane that it puts "
            "out, and adds a bias to each plane."
        ),
        look=mark("Three sums, one for each channel, added up to one cell of z."),
        values={"channels": "3"},
        parts=("products", "sum"),
        controls=("channels",),
    ),
    Scene(
        title=mark("Is the kernel turned?"),
        text=mark(
            "Mathematics turns the kernel by 180° before it slides. Networks do not: what they call convolution is "
            "correlation. For learned weights the flip makes no difference; in formulas it does. A single bright "
            "pixel shows which of the two you have."
        ),
        look=mark("The order of the numbers in z, beside their order in w."),
        values={"kernel": "numbered", "cell": "1,2", "tap": "1,1"},
        parts=("output",),
        controls=("turned",),
        ask=one_pixel,
        then={"picture": "pixel"},
    ),
    Scene(
        title=mark("The same on a photograph"),
        text=mark(
            "Nothing changes when the picture is a photograph: every pixel on the right is a sum of nine products. "
            "Zero is neutral here, one colour stands for positive sums and the other for negative ones. Choose a place "
            "and read its window down to the products."
        ),
        look=mark("The window in the middle, and the sum that it gives."),
        values={"picture": "camera", "cell": "28,66"},
        parts=("sum",),
        controls=("kernel",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Type numbers of your own into **x** and **w**. [[dilation|Dilation]] sets how far apart the taps of the "
            "kernel lie. Can you write a kernel that finds horizontal edges? One that moves the picture by one column? "
            "One that leaves it as it is?"
        ),
        controls=None,
    ),
)
