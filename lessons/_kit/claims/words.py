"""The words of the cards of claims and formulas, marked for the catalogue; the numbers come from running the code."""

from __future__ import annotations

from lessons._kit.claims import further
from lessons._kit.form.i18n import mark

#: Article -> what it is about: the numbers are the register's own.
ARTICLES = {
    "000": mark("a popular article on segmentation"),
    "001": mark("a popular article on encoder and decoder"),
    "002": mark("a popular article on visualization"),
    "003": mark("a popular article on cutting out"),
    "004": mark("a popular article on enhancement"),
}

#: Card -> its title.
TITLES = {
    "C1": mark("The inverse of convolution"),
    "C2": mark("Lost detail comes back"),
    "C3": mark("Higher resolution"),
    "C4": mark("Flip the kernel"),
    "C5": mark("Many parameters"),
    "C6": mark("Lessens vanishing gradients"),
    "C7": mark("From high level to low level"),
    "C8": mark("More accurate cut-outs"),
    "C9": mark("Better segmentation"),
    "C10": mark("Lets us understand"),
    **further.TITLES,
    "F000.1": mark("Formula: deconvolution (segmentation)"),
    "F001.1": mark("Formula: deconvolution (encoder and decoder)"),
    "F002.1": mark("Formula: convolution (visualization)"),
    "F002.2": mark("Formula: inverse convolution (visualization)"),
    "F002.3": mark("Formula: unpooling (visualization)"),
    "F003.1": mark("Formula: deconvolution (cut-out)"),
    "F003.2": mark("Formula: pooling (cut-out)"),
    "F004.1": mark("Formula: convolve (enhancement)"),
    "F004.2": mark("Formula: deconvolve (enhancement)"),
    "F004.3": mark("Formula: fuse (enhancement)"),
}

#: Verdict -> its word and colour.
KINDS = {
    "holds": (mark("holds"), "green"),
    "fails": (mark("fails"), "red"),
    "only if": (mark("only if"), "orange"),
    "not shown": (mark("not shown"), "gray"),
    "one run": (mark("one run"), "gray"),
    "unmeasured": (mark("not measured"), "gray"),
    "not measurable": (mark("not measurable"), "gray"),
}

#: Claim -> verdict -> sentence. Names in braces stand in `NUMBERS`; "open" is for "one run" and "not shown".
SENTENCES = {
    "C1": {
        "only if": mark(
            "It inverts only if AᵀA is a multiple of the identity; orthonormal filters are one case. "
            "Here the adjoint misses x by {number}."
        ),
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
            "One of the two: with the transposed convolution {number} times as much of the gradient reaches the "
            "first layer before training, and {heart} dB more noise is memorized."
        ),
        "holds": mark(
            "Both: {number} times as much of the gradient reaches the first layer, and {heart} dB more noise is "
            "memorized."
        ),
        "fails": mark(
            "Not both: with the transposed convolution {number} times as much of the gradient reaches the first "
            "layer, and {heart} dB more noise is memorized."
        ),
        "open": mark(
            "With the transposed convolution {number} times as much of the gradient reaches the first layer before "
            "training, as a mean whose t interval is {low} to {high}. No network memorized more than {most} dB of "
            "its noise, so there was hardly any overfitting to lessen; the gap to other pictures is no measure of "
            "it, for they differ in difficulty."
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
        "holds": mark(
            "Accurate: the cut-out overlaps the true object by {number}, a threshold by {plain}; accurate is 0.8 and "
            "more."
        ),
        "fails": mark(
            "Not accurate: the cut-out overlaps the true object by {number}, a threshold by {plain}; accurate is 0.8 "
            "and more, and the whole interval lies below."
        ),
        "open": mark(
            "The cut-out overlaps the true object by {number}, a threshold by {plain}; accurate is 0.8 and more."
        ),
    },
    "C9": {
        "holds": mark("With it the mean IoU is {number}, a point and more above bilinear enlargement, {bilinear}."),
        "only if": mark(
            "Higher resolution helps, but plain enlargement does as well: the mean IoU is {number} with transposed "
            "convolution, {bilinear} with bilinear enlargement, {coarse} without a decoder."
        ),
        "fails": mark("With it the mean IoU is {number}: less than a point above {coarse} without a decoder."),
        "not shown": mark(
            "Trained from end to end, mean IoU: {number} with transposed convolution, {bilinear} bilinear, {unpool} by "
            "switches, {coarse} without a decoder; the seeds disagree too much for a verdict."
        ),
        "open": mark(
            "Each decoder was trained once, for three epochs, on an encoder that was finished without it. Mean IoU: "
            "{number} with transposed convolution, {bilinear} bilinear, {unpool} by switches, {coarse} without a "
            "decoder; boundaries gain {edges} points by switches. The claim is about networks trained from end to end, "
            "and those were not compared."
        ),
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
    **further.SENTENCES,
}

#: Claim -> name in its sentences -> (number, form): "share" is a percentage, "fine" one of two decimals,
#: "whole" a count.
NUMBERS = {
    "C1": {"number": ("adjoint", "share")},
    "C2": {"number": ("adjoint", "share")},
    "C3": {"number": ("stride 1", "")},
    "C4": {},
    "C5": {"number": ("deconvnet", "share")},
    "C6": {"number": ("times none", ""), "heart": ("less none", "")},
    "C7": {"number": ("first", "share")},
    "C8": {"number": ("none", ""), "plain": ("threshold none", "")},
    "C9": {
        "number": ("transposed", "fine"), "bilinear": ("bilinear", "fine"), "unpool": ("unpool", "fine"),
        "coarse": ("coarse", "fine"),
    },
    "C10": {"number": ("deconvnet top", "")},
    **further.NUMBERS,
}  # fmt: skip
#: Verdict without one: what it says of the runs.
OPEN = {
    "one run": mark("One run is no verdict; {enough} are needed."),
    "not shown": mark("{runs} runs do not decide it; at least {enough} are needed, and they must agree."),
}
#: Claim -> what it was measured on: the words of `deconvviz.articles.claims`, marked.
DATA = {
    "C1": mark("random arrays of 7 or 8 rows and 9 columns, kernels of 3 × 3: for a counterexample, not for a proof"),
    "C2": mark("a random row of 16 to 28 numbers, blurred over four: for a counterexample, not for a proof"),
    "C3": mark("sizes of arrays, of 4 to 9 rows with kernels of 2 to 5"),
    "C4": mark("random arrays of 6 × 8 with kernels of 2 or 3 rows: for a counterexample, not for a proof"),
    "C5": mark("the weights of one network, the shipped one, counted"),
    "C6": mark("small networks of the enhancement page, trained on parts of 4 grey pictures; 25 pictures held back"),
    "C7": mark("one network, the shipped one; a seed chooses on which of the gallery's photographs the fit is made"),
    "C8": mark("14 photographs of alphamatting.com, one network, whose classes they are not; a run is a photograph"),
    "C9": mark("101 validation pictures of CamVid, frames between training frames; one frozen encoder"),
    "C10": mark("one network, the shipped one; a seed chooses the photograph of the gallery and the shuffling"),
    **further.DATA,
}
#: Claim -> what else a reader must know.
NOTES = {
    "C8": mark(
        "What helps here is colour, not deconvolution: with a map that is the same everywhere, and so with no network, "
        "the cut-outs overlap as well as far as fourteen photographs tell."
    ),
    "C9": mark(
        "The experiment that decides it is ready and resumable: `{command}` trains all four with their encoders from "
        "five seeds, at half size, in about {hours} hours of one core, estimated from the time of a step. It has not "
        "been run."
    ),
    "C10": mark(
        "Shuffling keeps each layer's weights and only moves them; Adebayo et al. (2018) drew new ones, trained on "
        "shuffled labels too, and did not test DeconvNet. Their test has been criticised: how much a map changes "
        "depends on the task (Yona and Greenfeld 2021), and noisy maps pass more easily (Binder et al. 2023). So the "
        "bars also compare each map with the edges of the photograph, for which no network is needed."
    ),
    "C12": mark(
        "Measured twice, by one rule. The first networks had one channel and no bias: with these five seeds the second "
        "layer adds linear pieces in one network of five, and the claim fails. Four channels and biases, which "
        "networks in use have, were taken after that was known."
    ),
}

#: Claim -> what its bars measure.
CAPTIONS = {
    "C1": mark("Distance from the picture that went in (0: it came back; 1: nothing in common)"),
    "C2": mark("Energy that came back in the frequencies that the blur removed (1: all)"),
    "C3": mark("Output rows for one more input row"),
    "C4": mark("Distance from the adjoint (∞: not even the size)"),
    "C5": mark("Weights of its own, as a share of the network's"),
    "C6": mark("Gradient at the first inner convolution over that at the last, before training (1: nothing vanishes)"),
    "C7": mark("Share of each layer that colour and edges at the same place explain, on other pictures"),
    "C8": mark("Overlap with the true object (IoU), by photograph (1: the same)"),
    "C9": mark("Mean IoU and boundary F1 on the validation pictures of CamVid"),
    "C10": mark("Rank correlation with the map of the trained network (1: the same map)"),
    **further.CAPTIONS,
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

_CUTOUTS = {
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
}

#: Claim -> number -> what it is. Numbers that are not named here have names of their own (layers).
LABELS = {
    "C1": {
        "adjoint": mark("by the adjoint"),
        "least squares": mark("by solving (least squares)"),
        "orthonormal": mark("by the adjoint, orthonormal filters"),
        "tight frame": mark("by the adjoint, filters that are not orthonormal but have AᵀA = I"),
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
    "C8": _CUTOUTS,
    "C11": _CUTOUTS,
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
        "gradient edges": mark("gradient, trained, with the photograph's edges"),
        "deconvnet top": mark("deconvnet, class scores shuffled"),
        "deconvnet half": mark("deconvnet, upper half shuffled"),
        "deconvnet all": mark("deconvnet, all shuffled"),
        "deconvnet edges": mark("deconvnet, trained, with the photograph's edges"),
        "guided top": mark("guided, class scores shuffled"),
        "guided half": mark("guided, upper half shuffled"),
        "guided all": mark("guided, all shuffled"),
        "guided edges": mark("guided, trained, with the photograph's edges"),
    },
    "C31": {f"depth {name}": text for name, text in TRIALS.items()},
    **further.LABELS,
}

#: Claim -> numbers without a bar of their own here: they are shown elsewhere on the card.
UNSHOWN = {"C5": ("network",), "C7": ("first", "last", "field first", "field last")}
#: Beginnings of the names of numbers that have bars of their own -> what these measure.
APART = {
    "times": mark("Gradient with the transposed convolution, times that with nearest neighbours (at most 1 of each)"),
    "less": mark("Noise memorized with the transposed convolution, less that with nearest neighbours, dB"),
    "after": mark("Gradient at the first inner convolution over that at the last, after training"),
    "heart": mark("Memorization: PSNR on pictures shown less that on the same with other noise, dB"),
    "unseen": mark("PSNR on pictures that no network was shown, dB"),
    "gap": mark("Generalization gap: PSNR on pictures shown less that on others, which differ in difficulty, dB"),
    "lost": mark("How much of the cut-out's overlap a change costs, by photograph"),
    "slipped": mark("How much of the threshold's overlap a change costs, by photograph"),
    "better": mark("PSNR on pictures that no network was shown, with the transposed convolution less without, dB"),
    "gain": mark("Mean IoU with transposed convolution, less that without it"),
}
#: Numbers of those -> what they are, where the name is no small network.
PARTS = {
    "noise 0.1": mark("noise 0.1"),
    "noise 0.2": mark("noise 0.2"),
    "brightness 0.25": mark("a quarter of the light"),
    "brightness 0.5": mark("half the light"),
    "brightness 2": mark("twice the light"),
    "bilinear": mark("bilinear"),
    "coarse": mark("no decoder"),
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
    "F004.2": mark(
        "A'A x: each frequency multiplied by |K| squared; with a blur as the kernel, the image blurred twice"
    ),
    "F004.3": mark(
        "the image with its frequencies weighted by (1 + |K| squared) / 2: those that the kernel removed lose most, "
        "none comes back"
    ),
}

#: Formula -> what must be known to read the corrected one: the notes of `deconvviz.articles.formulas`, marked.
REMARKS = {
    "F004.3": mark(
        "b is the blurred picture that is there, with which x begins: one step of Landweber's iteration. With the y "
        "of the first line, which is A x, in the place of b nothing would be added."
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
