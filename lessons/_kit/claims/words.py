"""The words of the cards of claims and formulas, marked for the catalogue; the numbers come from running the code."""

from __future__ import annotations

from lessons._kit.form.i18n import mark

#: Card -> its title.
TITLES = {
    "C1": mark("C1 the inverse of convolution"),
    "C2": mark("C2 lost detail comes back"),
    "C3": mark("C3 higher resolution"),
    "C4": mark("C4 flip the kernel"),
    "C5": mark("C5 many parameters"),
    "C6": mark("C6 lessens vanishing gradients"),
    "C7": mark("C7 from high level to low level"),
    "C8": mark("C8 more accurate cut-outs"),
    "C9": mark("C9 better segmentation"),
    "C10": mark("C10 lets us understand"),
    "F000.1": mark("F000.1 deconvolution"),
    "F001.1": mark("F001.1 deconvolution"),
    "F002.1": mark("F002.1 convolution"),
    "F002.2": mark("F002.2 inverse convolution"),
    "F002.3": mark("F002.3 unpooling"),
    "F003.1": mark("F003.1 deconvolution"),
    "F003.2": mark("F003.2 pooling"),
    "F004.1": mark("F004.1 convolve"),
    "F004.2": mark("F004.2 deconvolve"),
    "F004.3": mark("F004.3 fuse"),
}

#: Verdict -> its word and colour.
KINDS = {
    "holds": (mark("holds"), "green"),
    "fails": (mark("fails"), "red"),
    "only if": (mark("only if"), "orange"),
    "unmeasured": (mark("not measured"), "gray"),
}

#: Claim -> verdict -> sentence. {number} is the mean of the claim's first number, as a percentage where it is a share.
SENTENCES = {
    "C1": {
        "only if": mark("It inverts only if the filters are orthonormal. Here the adjoint misses x by {number}."),
        "holds": mark("The adjoint gave x back for every seed."),
        "fails": mark("It never gave x back: the adjoint misses it by {number}."),
    },
    "C2": {
        "fails": mark("Of the energy that the blur removed, {number} came back."),
        "holds": mark("The energy that the blur removed came back: {number} of it."),
        "only if": mark("Some of the energy that the blur removed came back: {number}."),
    },
    "C3": {
        "only if": mark("Only by a stride, or by unpooling. At stride 1 one input row is {number} output rows."),
        "holds": mark("At stride 1 already one input row is {number} output rows."),
        "fails": mark("Neither stride nor unpooling made more rows: {number}."),
    },
    "C4": {
        "only if": mark(
            "Right for one channel at stride 1. In general: zeros between, flip, swap channels, new padding."
        ),
        "holds": mark("Flipping was enough in every case."),
        "fails": mark("Flipping was wrong even for one channel at stride 1."),
    },
    "C5": {
        "only if": mark("Only if the decoder is learned. The deconvnet borrows every weight: {number} of its own."),
        "holds": mark("The mirrored half has weights of its own: {number} of the network's."),
        "fails": mark("Neither the deconvnet nor a learned decoder has weights of its own."),
    },
    "C6": {
        "only if": mark(
            "The gap to unseen pictures shrinks by adding the picture, not by the transposed convolution. That brings "
            "{number} times as much of the gradient to the first layer, before training."
        ),
        "holds": mark("Both: {number} times as much of the gradient reaches the first layer, and the gap is smaller."),
        "fails": mark(
            "Neither: with the transposed convolution {number} times as much of the gradient reaches the first layer, "
            "and the gap is no smaller."
        ),
    },
    "C7": {
        "fails": mark(
            "The other way round: colour and edges explain {number} of the first layer, and less with depth."
        ),
        "holds": mark("Colour and edges explain {number} of the first layer, and more with depth."),
        "only if": mark("Undecided: colour and edges explain {number} of the first layer; the seeds disagree beyond."),
    },
    "C8": {
        "holds": mark("The cut-out overlaps the true object by {number}; noise and other light take at most {also}."),
        "only if": mark(
            "Only in noise, or only in other light: the overlap with the true object is {number}, and one of them "
            "takes {also}."
        ),
        "fails": mark(
            "The cut-out overlaps the true object by {number}: accurate would be 0.8. Noise and other light take at "
            "most {also} of that: robust is below 0.1."
        ),
    },
    "C9": {
        "holds": mark("With it the mean IoU is {number}, clearly above bilinear enlargement."),
        "only if": mark(
            "Higher resolution helps, but plain enlargement does as well: with transposed convolution the mean IoU is "
            "{number}."
        ),
        "fails": mark("With it the mean IoU is {number}: no better than without a decoder."),
    },
    "C10": {
        "only if": mark(
            "It shows what lower layers respond to, hardly the class: with the scores' weights shuffled, "
            "the deconvnet map still has a rank correlation of {number} with the trained one."
        ),
        "holds": mark(
            "Its maps change with the weights, the top ones included: the rank correlation falls to {number}."
        ),
        "fails": mark("Its maps hardly change even when all weights are shuffled."),
    },
}

#: Claim -> the number in its sentence, and whether it is a share.
NUMBER = {
    "C1": ("adjoint", True),
    "C2": ("adjoint", True),
    "C3": ("stride 1", False),
    "C4": ("one channel", True),
    "C5": ("deconvnet", True),
    "C6": ("transposed", False),
    "C7": ("first", True),
    "C8": ("none", False),
    "C9": ("transposed", True),
    "C10": ("deconvnet top", False),
}
#: Claim -> the second number in its sentence, {also}.
ALSO = {"C8": "lost"}

#: Claim -> what its bars measure.
CAPTIONS = {
    "C1": mark("Distance from the picture that went in (0: it came back; 1: nothing in common)"),
    "C2": mark("Energy that came back in the frequencies that the blur removed (1: all)"),
    "C3": mark("Output rows for one more input row"),
    "C4": mark("Distance from the adjoint (∞: not even the size)"),
    "C5": mark("Weights of its own, as a share of the network's"),
    "C6": mark("Gradient at the first inner convolution over that at the last, before training (1: nothing vanishes)"),
    "C7": mark("Share of each layer that colour and edges at the same place explain, on other pictures"),
    "C8": mark("Overlap with the true object (IoU), mean of the photographs (1: the same)"),
    "C9": mark("Mean IoU and boundary F1 on the validation pictures of CamVid"),
    "C10": mark("Rank correlation with the map of the trained network (1: the same map)"),
}

#: Small network of the enhancement page -> what it is.
TRIALS = {
    "none": mark("transposed convolution, no fusion"),
    "none-resize": mark("nearest neighbours and convolution, no fusion"),
    "add": mark("transposed convolution, added to the picture"),
    "add-resize": mark("nearest neighbours and convolution, added to the picture"),
    "weighted": mark("weighted with the picture"),
    "concatenate": mark("joined with the picture by a convolution"),
    "none-norm": mark("batch normalization, no fusion"),
    "add-norm": mark("batch normalization, added to the picture"),
    "weighted-norm": mark("batch normalization, weighted"),
    "concatenate-norm": mark("batch normalization, joined by a convolution"),
}

#: Claim -> number -> what it is. Numbers that are not named here have names of their own (layers).
LABELS = {
    "C1": {
        "adjoint": mark("by the adjoint"),
        "least squares": mark("by solving (least squares)"),
        "orthonormal": mark("by the adjoint, orthonormal filters"),
        "null space": mark("at stride 2: share of all pictures that the kernel cannot see"),
    },
    "C2": {
        "adjoint": mark("by the adjoint"),
        "least squares": mark("by solving (least squares)"),
        "fused with the blurred picture": mark("by fusing both pictures"),
    },
    "C3": {
        "stride 1": mark("transposed convolution, stride 1"),
        "stride 2": mark("transposed convolution, stride 2"),
        "unpool": mark("unpooling 2 × 2"),
    },
    "C4": {
        "one channel": mark("one channel, stride 1"),
        "channels as they were": mark("3 channels, stride 1"),
        "channels swapped": mark("3 channels, also swapped"),
        "stride 2": mark("one channel, stride 2"),
        "stride 2, zeros put between": mark("3 channels, stride 2: zeros between, swapped, new padding"),
    },
    "C5": {
        "deconvnet": mark("deconvnet (tied to the network)"),
        "learned decoder": mark("learned decoder, mirror of the network"),
    },
    "C6": {f"depth {name}": text for name, text in TRIALS.items()},
    "C8": {
        "none": mark("cut-out, the picture as it is"),
        "threshold none": mark("threshold, the picture as it is"),
        "noise 0.1": mark("cut-out, noise 0.1"),
        "threshold noise 0.1": mark("threshold, noise 0.1"),
        "noise 0.2": mark("cut-out, noise 0.2"),
        "threshold noise 0.2": mark("threshold, noise 0.2"),
        "brightness 0.25": mark("cut-out, a quarter of the light"),
        "threshold brightness 0.25": mark("threshold, a quarter of the light"),
        "brightness 0.5": mark("cut-out, half the light"),
        "threshold brightness 0.5": mark("threshold, half the light"),
        "brightness 2": mark("cut-out, twice the light"),
        "threshold brightness 2": mark("threshold, twice the light"),
    },
    "C9": {
        "transposed": mark("transposed convolution"),
        "unpool": mark("unpooling with switches"),
        "bilinear": mark("bilinear"),
        "coarse": mark("no decoder"),
        "transposed edges": mark("transposed convolution, boundaries"),
        "unpool edges": mark("unpooling with switches, boundaries"),
        "bilinear edges": mark("bilinear, boundaries"),
        "coarse edges": mark("no decoder, boundaries"),
    },
    "C10": {
        "gradient top": mark("gradient, class scores shuffled"),
        "gradient half": mark("gradient, upper half shuffled"),
        "gradient all": mark("gradient, all shuffled"),
        "deconvnet top": mark("deconvnet, class scores shuffled"),
        "deconvnet half": mark("deconvnet, upper half shuffled"),
        "deconvnet all": mark("deconvnet, all shuffled"),
        "guided top": mark("guided, class scores shuffled"),
        "guided half": mark("guided, upper half shuffled"),
        "guided all": mark("guided, all shuffled"),
    },
}

#: Numbers that only the rule needs, or that have another unit.
UNSHOWN = (
    "first", "last", "field first", "field last", "network", "transposed", "lost", "lost to noise",
    "lost to brightness", "threshold lost",
)  # fmt: skip
#: Beginnings of the names of numbers that have bars of their own -> what these measure.
APART = {
    "after": mark("The same after training"),
    "gap": mark("Overfitting: PSNR on the noisy pictures that were shown less that on others, dB"),
    "heart": mark("Of that, noise learned by heart: less that on the same pictures with other noise, dB"),
}

#: Formula -> what the printed one really computes: the words of `deconvviz.articles.formulas`, marked.
COMPUTES = {
    "F000.1": mark(
        "true convolution (flipped kernel) of one channel, shifted by one row and one column, as large as its input: "
        "there is no stride, so no resolution is gained"
    ),
    "F001.1": mark("one number for the whole image: no index on the right depends on the output position"),
    "F002.1": mark("one channel through the kernel summed over its channels: x has lost its channel index"),
    "F002.2": mark(
        "one plane of y through the adjoint of the kernel summed over its outputs; with the missing index it is the "
        "adjoint, the inverse of nothing"
    ),
    "F002.3": mark("grey dilation, a maximum filter: the same size as before, no switches, every place filled"),
    "F003.1": mark("an ordinary convolution that uses only the diagonal of its kernel: one index s serves both axes"),
    "F003.2": mark(
        "windows of (h+1) x (w+1) at every position: both bounds are included and there is no stride, so almost "
        "nothing gets smaller"
    ),
    "F004.1": mark(
        "a convolution, as said: each frequency is multiplied by a number, and where that is near 0 it is gone"
    ),
    "F004.2": mark("A'A x: the image blurred twice, each frequency multiplied by |K| squared"),
    "F004.3": mark(
        "the image with its frequencies weighted by (1 + |K| squared) / 2: those that the kernel removed lose most, "
        "none comes back"
    ),
}

#: Formula -> slug of the lesson about it.
LESSONS = {
    "F000.1": "upsampling-and-checkerboards",
    "F001.1": "convolution-and-its-adjoint",
    "F002.1": "convolution",
    "F002.2": "convolution-and-its-adjoint",
    "F002.3": "pooling-and-switches",
    "F003.1": "convolution",
    "F003.2": "pooling-and-switches",
    "F004.1": "adjoint-is-not-inverse",
    "F004.2": "adjoint-is-not-inverse",
    "F004.3": "adjoint-is-not-inverse",
}
