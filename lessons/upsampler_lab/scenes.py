"""The story of the swapped last layer: four windows, overlap, an even picture before and after training, scores."""

from __future__ import annotations

from deconvviz.tasks.super_resolution import predict
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons.upsampler_lab import run
from lessons.upsampler_lab.picture import NAMES

#: Steps of 255 from which on a ripple counts as a pattern.
SEEN = 0.1


def even_overlap() -> Guess:
    """For which kernel all pixels are sums of as many products."""
    blocks = {str(k): run.counts("transposed", k) for k in (7, 8, 9, 10)}
    reasons = {
        k: t("With k = {k} pixels are sums of {low} to {high} products.", k=k, low=block.min(), high=block.max())
        if block.min() < block.max()
        else t("With k = {k} every pixel is the sum of {count} products.", k=k, count=block.min())
        for k, block in blocks.items()
    }
    even = next(k for k, block in blocks.items() if block.min() == block.max())
    return Guess(
        prompt=t("Before you look: with which k is the overlap of the transposed convolution even?"),
        options={k: f"k = {k}" for k in blocks},
        answer=even,
        reasons=reasons,
    )


def patterned() -> Guess:
    """Whose answer to an even picture has a pattern before training."""
    ripples = {kind: run.flat(kind, False).ripple for kind in run.KINDS}
    options = {
        "": t("none: the overlap is even"),
        "transposed": t("transposed convolution alone"),
        "transposed unpool": t("transposed convolution and unpooling"),
        " ".join(run.KINDS): t("all four"),
    }
    reason = t(
        "Ripple in steps of 255: {values}.", values=", ".join(f"{t(NAMES[k])} {v:.2f}" for k, v in ripples.items())
    )
    return Guess(
        prompt=t("Before you look: whose answer to an even picture has a pattern?"),
        options=options,
        answer=" ".join(kind for kind, ripple in ripples.items() if ripple > SEEN),
        reasons=dict.fromkeys(options, reason),
    )


def left_over() -> Guess:
    """What is left of the transposed convolution's ripple after training."""
    before, after = (run.flat("transposed", trained).ripple for trained in (False, True))
    options = {"most": t("more than half"), "some": t("a tenth to a half"), "little": t("less than a tenth")}
    share = after / before
    reason = t(
        "The ripple of the transposed convolution falls from {before} to {after} steps of 255.",
        before=f"{before:.2f}",
        after=f"{after:.2f}",
    )
    return Guess(
        prompt=t("Before you look: how much of the transposed convolution’s pattern is left after training?"),
        options=options,
        answer="most" if share > 0.5 else "some" if share >= 0.1 else "little",
        reasons=dict.fromkeys(options, reason),
    )


def best() -> Guess:
    """Whose enlargements of Set5 come nearest to the truth."""
    known = predict.variants()
    result = {kind: known[run.variant(kind)]["figures"]["psnr"] for kind in run.KINDS}
    return Guess(
        prompt=t("Before you look: which last layer has the highest PSNR on Set5?"),
        options={kind: t(NAMES[kind]) for kind in result},
        answer=max(result, key=result.__getitem__),
        reasons={kind: t("It has {psnr} dB.", psnr=f"{psnr:.2f}") for kind, psnr in result.items()},
    )


SCENES = (
    Scene(
        title=mark("Four last layers"),
        text=mark(
            "One network for super-resolution was trained four times, with the same seed, on the same parts of "
            "pictures in the same order. Only the last layer differs, which makes the map three times larger: a "
            "[[transposed convolution]], a sub-pixel convolution, a resize with a convolution, an [[unpooling]] with a "
            "convolution. Each has as many weights."
        ),
        look=mark("The same window by all four: can you tell them apart?"),
        values={"view": "windows"},
        parts=("windows",),
    ),
    Scene(
        title=mark("Kernels that overlap"),
        text=mark(
            "A transposed convolution lays its kernel down once for every cell, three pixels apart, and adds up where "
            "kernels overlap. If the [[stride]] does not divide the [[kernel]], some pixels are sums of more products "
            "than others: four to nine with 8 × 8 taps. That makes a checkerboard before anything is learned."
        ),
        look=mark("How many products each pixel is the sum of, for all four layers."),
        values={"view": "overlap"},
        parts=("overlap",),
        controls=("k",),
        ask=even_overlap,
        then={"k": "9"},
    ),
    Scene(
        title=mark("Even overlap, other weights"),
        text=mark(
            "The networks have k = 9, so every pixel is the sum of nine products. But at stride 3 a pixel meets every "
            "third tap, and which ones depends on its place in its block: neighbours are sums with other weights. An "
            "even grey picture shows what a layer is inclined to while its weights are random."
        ),
        look=mark("Even counts; after your answer, what becomes of an even grey picture before training."),
        values={"view": "overlap", "k": "9"},
        parts=("overlap", "before"),
        ask=patterned,
        then={"view": "before"},
    ),
    Scene(
        title=mark("Two that begin even"),
        text=mark(
            "Resizing first lets one kernel pass over equal neighbours, so every pixel of an even picture meets all "
            "of its weights. Sub-pixel convolution has nine kernels, one for each place of a block; it is even here "
            "because it begins with nine equal ones. Transposed convolution and unpooling begin with other weights at "
            "every place."
        ),
        look=mark("One colour is even; blue is darker than the mean, red lighter."),
        values={"view": "before"},
        parts=("before",),
    ),
    Scene(
        title=mark("After training"),
        text=mark(
            "Now each is trained for a thousand steps on small pictures and the large ones they were made from. "
            "Nothing in the loss asks for evenness. But a pattern over a smooth wall or sky costs squared error "
            "wherever there is one, so training works against it."
        ),
        look=mark("The even picture before training; after your answer, what becomes of it afterwards."),
        values={"view": "before"},
        parts=("before", "after"),
        controls=("layer",),
        ask=left_over,
        then={"view": "after"},
    ),
    Scene(
        title=mark("One layer, written twice"),
        text=mark(
            "At stride 3 a transposed convolution of 9 × 9 taps is a sub-pixel convolution of 3 × 3 taps whose weights "
            "stand in another order. Unpooling reads other neighbours at the lower and right places of a block. "
            "Resizing smooths first, and its convolution takes nine times the products. What does that do to the "
            "scores?"
        ),
        look=mark("Four windows; after your answer, the scores. One run each: a tenth of a decibel says nothing."),
        values={"view": "windows"},
        parts=("windows", "table"),
        ask=best,
        then={"view": "table"},
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a photograph and a last layer, and drag the divider between truth and enlargement. Move k past "
            "multiples of three. Which layer would you take for a network that draws faces, and what would you "
            "measure, over how many runs, to defend that choice?"
        ),
        controls=None,
    ),
)
