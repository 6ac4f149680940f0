"""The story of adjoint and inverse: blurred twice, lost frequencies, division by almost nothing, and holding back."""

from __future__ import annotations

import numpy as np

from deconvviz.ops import inverse
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.inverse import run

CLEAN = run.State(noise="0")


def closer() -> Guess:
    """Whether the adjoint brings the blurred picture closer to the photograph."""
    planes = run.compute(CLEAN)
    before, after = (float(np.mean((planes[method] - planes["x"]) ** 2)) for method in ("y", "adjoint"))
    answer = "same" if np.isclose(before, after) else "closer" if after < before else "farther"
    return Guess(
        prompt=t("Before you look: y goes back through the adjoint. Is the result closer to x than y is?"),
        options={"closer": t("closer"), "same": t("as far"), "farther": t("farther away")},
        answer=answer,
        reasons={
            "closer": t("The adjoint does not take the smearing back. It smears once more, the other way."),
            "same": t("The adjoint changes the picture: it smears once more, the other way."),
            "farther": t("The adjoint smears once more, the other way, so every edge gets wider."),
        },
    )


def lost_share() -> Guess:
    """How much of the energy at the lost frequencies Wiener's filter brings back where there is no noise."""
    planes = run.compute(CLEAN)
    gone = np.abs(inverse.response(run.kernel(CLEAN), run.SIZE)) < run.ZERO
    energy = {method: float((np.abs(np.fft.fft2(planes[method])[gone]) ** 2).sum()) for method in ("x", "wiener")}
    share = energy["wiener"] / energy["x"]
    answer = "none" if share < 1e-6 else "some" if share < 0.5 else "most"
    reason = t("y says nothing about them: whatever stood there, y would be the same.")
    return Guess(
        prompt=t("Before you look: without noise, how much of the frequencies with K = 0 does Wiener's filter return?"),
        options={"most": t("most of them"), "some": t("some of them"), "none": t("none of them")},
        answer=answer,
        reasons=dict.fromkeys(("most", "some", "none"), reason),
    )


def divided_noise() -> Guess:
    """What noise of one percent becomes where y is divided by K."""
    state = run.State()
    k = run.kernel(state)
    noise = run.compute(state)["y"] - run.compute(CLEAN)["y"]
    times = float(run.divided(noise, k).std() / noise.std())
    answer = next(n for n, most in (("1", 3.0), ("10", 30.0), ("100", np.inf)) if times < most)
    reason = t("Here it grows {times} times: most at frequencies of which A left least.", times=f"{times:.1f}")
    return Guess(
        prompt=t("Before you look: noise of 1 % is added. About how many times larger is it after dividing by K?"),
        options={n: n for n in ("1", "10", "100")},
        answer=answer,
        reasons=dict.fromkeys(("1", "10", "100"), reason),
    )


SCENES = (
    Scene(
        title=mark("Blurred twice"),
        text=mark(
            "A camera that moves smears each pixel over nine: that is a convolution A. The blurred picture is y = A x. "
            "The [[adjoint]] Aᵀ sends each number of y back to the nine pixels that it came from. Papers call such a "
            "layer a deconvolution. Does it sharpen the picture?"
        ),
        look=mark("The photograph, and what the blur makes of it."),
        values={"view": "blurred", "noise": "0"},
        parts=("y",),
        ask=closer,
        then={"view": "back"},
    ),
    Scene(
        title=mark("Frequency by frequency"),
        text=mark(
            "A blur A multiplies each [[frequency]] of a picture by a number K. The adjoint multiplies by its complex "
            "conjugate, so there and back is |K|²: what A made weak, Aᵀ makes weaker. The pictures below show the "
            "frequencies: where they get dark, detail goes."
        ),
        look=mark("The dark stripes in the spectrum of y, wider in that of Aᵀy."),
        values={"view": "gains", "noise": "0"},
        parts=("spectrum-y", "spectrum-adjoint"),
        controls=("kernel",),
    ),
    Scene(
        title=mark("Black is lost"),
        text=mark(
            "An inverse would **divide** by K. Where K is 0 there is nothing to divide: that is the [[null space]], "
            "and it is lost to every method that knows only y. Wiener's filter knows K and brightens what is weak. "
            "The black columns it cannot fill."
        ),
        look=mark("The black columns, in the spectrum of y and after Wiener's filter."),
        values={"view": "lost", "noise": "0"},
        parts=("spectrum-y", "spectrum-wiener"),
        controls=("kernel",),
        ask=lost_share,
    ),
    Scene(
        title=mark("Divide, and noise explodes"),
        text=mark(
            "Without noise, dividing by K brings back all but the black columns. Now a little noise, hardly visible, "
            "is added to y. Where K is near 0, it is divided by almost nothing and drowns what the picture had "
            "there. The stripes that were dark are now bright."
        ),
        look=mark("With noise: bright stripes, where it was divided by a small K."),
        values={"view": "divide", "noise": "0"},
        parts=("spectrum-divide", "divide"),
        controls=("noise", "kernel"),
        ask=divided_noise,
        then={"noise": "1"},
    ),
    Scene(
        title=mark("Hold back where noise wins"),
        text=mark(
            "Wiener's filter divides where the picture is stronger than the noise, and holds back elsewhere. "
            "Richardson–Lucy goes step by step and never below zero. Both need to know K. This is the oldest meaning "
            "of [[deconvolution]]. In much noise Aᵀy is often closer than y: it smooths."
        ),
        look=mark("The best number of each column is bold."),
        values={"view": "noise"},
        parts=("table",),
        controls=("noise", "kernel"),
    ),
    Scene(
        title=mark("When the adjoint is enough"),
        text=mark(
            "Aᵀ alone is enough where all singular values are equal and there is no null space: a shift, orthonormal "
            "filters, cells that only move. Here A shifts by one pixel, and Aᵀ shifts back. Most layers of a network "
            "are not like that: to go back through them is not to undo them."
        ),
        look=mark("The third picture is the first one again."),
        values={"view": "layers", "kernel": "shift", "noise": "0"},
        parts=("x", "adjoint"),
        controls=("kernel",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a photograph, a blur and the noise. Which blur loses frequencies for good, and which only weakens "
            "them? How much noise does it take until dividing is worse than doing nothing? Where is Aᵀy closer to x "
            "than y is?"
        ),
        controls=None,
    ),
)
