"""What is said of the five programs, marked for the catalogue; every number comes from running them."""

from __future__ import annotations

from lessons._kit.form.i18n import mark

#: Program -> its name.
TITLES = {
    "003": mark("Cut an object out (NumPy)"),
    "000": mark("Name every pixel (Keras)"),
    "001": mark("Encode, decode, fuse (PyTorch)"),
    "002": mark("Back to the picture (Keras)"),
    "004": mark("Enhance a picture (Keras)"),
}

#: Fault -> why it is one.
FAULTS = {
    "000.1": mark("No line of the program makes or loads data."),
    "000.2": mark(
        "With pictures and labels at hand, the loss compares every score with a label, and there are 1,016 rows of "
        "scores for 256 rows of labels: one pooling halves, three decoders double."
    ),
    "001.1": mark(
        "The data set gives one class for a whole picture; naming every pixel takes one for every pixel, so the "
        "labels lack two axes."
    ),
    "001.2": mark(
        "With a label for every pixel it runs, and the loss is {value} whatever the weights are: the softmax over "
        "one single channel is always 1. Nothing is ever learned."
    ),
    "002.1": mark("The layer knows no such argument: its size follows from kernel, stride and padding."),
    "002.2": mark(
        "Without the argument it runs, and what is called the original picture has {value} channels, made with new "
        "random weights. It enlarges last instead of first, and without switches: every value is repeated, not put "
        "back."
    ),
    "003.1": mark("The picture is never read: the comment that announces it is followed by no line."),
    "003.2": mark(
        "The kernel is read at the place of the picture. At the first pixel it is still whole, and NumPy takes its "
        "columns for colours; at the second one column is missing, and the sizes no longer fit."
    ),
    "003.3": mark(
        "The largest of all sums over the whole map gives {value} label for all pixels, so the same box is drawn at "
        "every one of them. The three kernels are one and the same, too."
    ),
    "004.1": mark("Keras has no layer of that name: what is meant is called Conv2DTranspose."),
    "004.2": mark("Layers for pooling, flattening and full connection are used but never imported."),
    "004.3": mark(
        "With the right name: without padding a transposed convolution makes 30 × 30 × 32 of 28 × 28 × 1, and these "
        "cannot be added."
    ),
}

#: Program -> what was mended.
MENDED = {
    "000": mark(
        "Padding keeps the rows, one decoder answers one pooling, and a softmax replaces three sigmoids, since a "
        "pixel has one class. Data of its own: rectangles of two kinds in noise."
    ),
    "001": mark(
        "An encoder halves twice before two decoders double; two channels for two classes; a label for every pixel; "
        "and the fusion with the picture, which the article describes and the program leaves out."
    ),
    "002": mark(
        "Unpool by the switches, rectify, filter with the same kernel, in this order: DeconvNet. Of all units at "
        "once it gives a map that is like the picture; of one unit, what that unit responds to. The picture itself "
        "does not come back."
    ),
    "003": mark(
        "It draws a picture of its own, reads three different kernels each from its own corner, gives every pixel a "
        "label, and draws one box around what was cut out."
    ),
    "004": mark(
        "Padding keeps the size and the transposed convolution returns to one channel, so that both maps can be "
        "added. It was trained on this one picture, and measured on it: of other pictures this says nothing."
    ),
}

#: Program -> (what its number measures, its bar, the bar beside it).
SCORES = {
    "000": (mark("Share of pixels named rightly"), mark("mended"), mark("all pixels called ground")),
    "001": (mark("Share of pixels named rightly"), mark("mended"), mark("all pixels called ground")),
    "002": (
        mark("Correlation of the map with the picture"),
        mark("with its own switches"),
        mark("with the switches of the picture moved by 5 columns"),
    ),
    "003": (mark("Overlap with the true object (IoU)"), mark("mended"), mark("the whole picture cut out")),
    "004": (mark("PSNR in dB"), mark("mended"), mark("the noisy picture itself")),
}

#: Program -> what its three pictures are.
PICTURES = {
    "000": (mark("picture"), mark("true classes"), mark("named")),
    "001": (mark("picture"), mark("true classes"), mark("named")),
    "002": (mark("picture"), mark("all units, backward"), mark("the strongest unit, backward")),
    "003": (mark("picture"), mark("true object"), mark("cut out")),
    "004": (mark("noisy"), mark("clean"), mark("enhanced")),
}

#: Check -> (its name, what is compared).
CHECKS = {
    "fits": (mark("the sizes fit"), mark("0 if the result has the size of what it is compared with, else 1:")),
    "loss": (
        mark("loss by hand"),
        mark("The loss that was made small, against the same written out in NumPy from the scores:"),
    ),
    "derivative": (
        mark("derivative of the unit"),
        mark("The map of one unit against the derivative that JAX works out from the forward pass:"),
    ),
    "features": (
        mark("loop and operator agree"),
        mark("The features of the loop over pixels against the convolution of the library:"),
    ),
    "dot test": (
        mark("dot test"),
        mark("⟨Ax, y⟩ and ⟨x, Aᵀy⟩ of the trained kernel: the transposed convolution is the adjoint:"),
    ),
}
