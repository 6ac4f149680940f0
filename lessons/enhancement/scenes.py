"""The story of enhancement: noise goes, three lines without training, a clean picture, blocks, what stays lost."""

from __future__ import annotations

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.run import pictures
from lessons.enhancement import run
from lessons.enhancement.run import Damage

#: The photograph of the scenes.
IMAGE = "camera"


def untrained_gain() -> Guess:
    """Whether blur and adjoint bring the noisy picture nearer to the photograph, beside what the network does."""
    result = run.shown(pictures.sample(IMAGE), Damage(sigma=25), "main").psnr
    gains = {name: result[name] - result["given"] for name in ("back", "cleaned")}
    answer = "worse" if gains["back"] <= 0 else "less" if gains["back"] < gains["cleaned"] else "more"
    reason = t(
        "AᵀA x is {back} dB better than the noisy picture, the network’s answer {network} dB.",
        back=f"{gains['back']:.1f}",
        network=f"{gains['cleaned']:.1f}",
    )
    options = {
        "worse": t("it makes it worse"),
        "less": t("better, but less than the network"),
        "more": t("better than the network"),
    }
    return Guess(
        prompt=t("Before you look: what does AᵀA, without training, do to this noisy picture?"),
        options=options,
        answer=answer,
        reasons=dict.fromkeys(options, reason),
    )


def least_harm() -> Guess:
    """Which way leaves a clean photograph nearest to what it was."""
    result = run.shown(pictures.sample(IMAGE), Damage(), "main").psnr
    names = {"back": "AᵀA x", "fused": "(x + AᵀA x) / 2", "cleaned": t("the trained network")}
    return Guess(
        prompt=t("Before you look: a clean photograph goes in. Which answer is nearest to it?"),
        options=names,
        answer=max(names, key=result.__getitem__),
        reasons={name: t("It comes out with {psnr} dB.", psnr=f"{result[name]:.1f}") for name in names},
    )


SCENES = (
    Scene(
        title=mark("Noise goes"),
        text=mark(
            "Every pixel of the left picture has noise, with a standard deviation of 25 steps of 255. Drag the "
            "divider: a trained network has cleaned the right one. PSNR says how far a picture is from the photograph "
            "before the damage; it rises from 20.6 to 29.3 dB. Ten decibels more mean a tenth of the squared error."
        ),
        look=mark("Smooth ground and edges, left and right of the divider."),
        values={"view": "compare"},
        parts=("compare",),
        controls=("sigma",),
    ),
    Scene(
        title=mark("Three lines without training"),
        text=mark(
            "A popular article prints three lines: convolve, come back by [[transposed convolution]], fuse the result "
            "with the picture. Without training, one kernel there and back is AᵀA: it multiplies each [[frequency]] by "
            "|K|². That weakens noise, since it weakens everything fine, and detail with it."
        ),
        look=mark("The noisy picture; after your answer, what each way makes of it."),
        values={"view": "compare"},
        parts=("compare", "lines"),
        ask=untrained_gain,
        then={"view": "lines"},
    ),
    Scene(
        title=mark("Nothing to clean"),
        text=mark(
            "The network has the same three lines with learned kernels. What comes back is added to the picture, so a "
            "map of zeros would leave it alone. It was shown noise of sigma 0 to 55 and JPEG blocks, and nothing tells "
            "it which it has before it. What if there is no damage at all?"
        ),
        look=mark("After your answer: a clean photograph, changed in three ways."),
        values={"view": "compare"},
        parts=("compare", "lines"),
        ask=least_harm,
        then={"view": "lines", "damage": "none"},
    ),
    Scene(
        title=mark("Blocks of JPEG"),
        text=mark(
            "JPEG cuts a picture into blocks of 8 × 8 pixels and keeps mainly the coarse waves of each. At low quality "
            "the borders of the blocks show. The same network smooths them away. It gains less than with noise: what "
            "JPEG threw away is gone, and only likely pixels can take its place."
        ),
        look=mark("Blocks left of the divider, and the gain in decibels."),
        values={"view": "compare", "damage": "jpeg", "image": "cat"},
        parts=("compare",),
        controls=("quality",),
    ),
    Scene(
        title=mark("What stays lost"),
        text=mark(
            "Cleaning is guessing. Where noise has covered a texture, the network writes a mean of what may have been "
            "there. Squared error rewards that: more decibels, less life. The window shows where it is most wrong: "
            "between neighbouring pixels little difference is left."
        ),
        look=mark("How much neighbouring pixels differ, in the photograph and cleaned."),
        values={"view": "worst", "sigma": "50"},
        parts=("worst",),
        controls=("sigma",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Damage a photograph of your own, or choose “none” for one that is noisy already: then PSNR compares with "
            "the noisy one, and only your eye can judge. Which texture goes first? The small networks, four ways to "
            "fuse, know sigma 25 alone: what do they do at 50?"
        ),
        controls=None,
    ),
)
