"""The words of the cards of the claims from the eleventh on, in the form of `lessons._kit.claims.words`."""

from __future__ import annotations

from lessons._kit.form.i18n import mark

TITLES = {
    "C11": mark("Robust to noise and light"),
    "C12": mark("More layers express more"),
    "C13": mark("Efficient"),
    "C14": mark("Takes much computing"),
    "C15": mark("How it came about"),
    "C16": mark("Success in detection"),
    "C17": mark("Size and stride by trial"),
    "C18": mark("The inverse of classification"),
    "C19": mark("The program trains"),
    "C20": mark("The labels fit"),
    "C21": mark("Pretrained kernels"),
    "C22": mark("Pooling saves parameters"),
    "C23": mark("No theory"),
    "C24": mark("The original comes back"),
    "C25": mark("Performs better"),
    "C26": mark("Faster"),
    "C27": mark("W is a size"),
    "C28": mark("Features of two levels"),
    "C29": mark("Marks the object"),
    "C30": mark("From low to high dimension"),
    "C31": mark("Overfits itself"),
    "C32": mark("Generalizes better"),
}

SENTENCES = {
    "C11": {
        "holds": mark(
            "Robust: noise of 0.2 takes {noise} of the overlap and twice the light {light}; every interval ends below "
            "0.1. From a threshold they take {plain_noise} and {plain_light}."
        ),
        "fails": mark("Not robust: noise of 0.2 takes {noise} of the overlap, twice the light {light}."),
        "open": mark("Noise of 0.2 takes {noise} of the overlap, twice the light {light}."),
    },
    "C12": {
        "holds": mark("Two layers have more linear pieces than one, {two} against {one}, without a rectifier too."),
        "only if": mark(
            "Only with a rectifier between them: then two layers have {two} linear pieces where one has {one}. Without "
            "one, two layers are one linear map."
        ),
        "fails": mark("Two layers have no more linear pieces than one: {two} against {one}."),
    },
    "C13": {
        "holds": mark("The decoder takes {number} times the multiplications of the convolution before it."),
        "fails": mark(
            "The decoder of its own program takes {number} times the multiplications of the convolution before it; "
            "the same article calls computing the main limit."
        ),
    },
    "C14": {
        "holds": mark(
            "The decoder of its own program takes {number} times the multiplications of the convolution. That this is "
            "the main limit is not shown."
        ),
        "fails": mark("The decoder takes only {number} times the multiplications of the convolution before it."),
    },
    "C17": {
        "only if": mark(
            "Only what arithmetic leaves open: whether copies of the kernel overlap evenly follows from division "
            "alone, in {number} of all cases."
        ),
        "holds": mark("Division foresees the overlap in {number} of the cases only."),
    },
    "C18": {
        "fails": mark("Segmentation is the same classifier, applied at every cell: they differ by {number}."),
        "holds": mark("A classifier at every cell gives something other than a segmentation: they differ by {number}."),
    },
    "C19": {
        "fails": mark(
            "It computes, and nothing is learned: over one channel the loss is {loss} and its gradient {slope}, "
            "whatever the scores are. Over two channels the gradient is {other}."
        ),
        "holds": mark("The loss over one channel has a gradient: {slope}."),
    },
    "C20": {
        "fails": mark("A folder of classes gives {number} label for a picture where {needed} are needed."),
        "holds": mark("The labels are as many as are needed: {needed}."),
    },
    "C22": {
        "holds": mark("With pooling convolutions have fewer weights: {pooled} instead of {number}."),
        "only if": mark(
            "Only if fully connected scores follow: they shrink from {scores} to {fewer} weights. The convolutions "
            "have {number} either way, and pooling itself has none."
        ),
        "fails": mark("Pooling takes no weights away, neither from convolutions nor from scores."),
    },
    "C23": {
        "fails": mark(
            "Both steps obey the equation that defines the adjoint, ⟨Ax, y⟩ = ⟨x, Aᵀy⟩: its sides differ by {number} "
            "for the filters and by {unpooling} for unpooling."
        ),
        "holds": mark("The equation of the adjoint fails: its sides differ by {number} and {unpooling}."),
    },
    "C24": {
        "holds": mark("The program gives the picture, to {number} of it."),
        "only if": mark("Only with tied kernels and switches, which the program lacks: it misses by {tied}."),
        "fails": mark(
            "The program makes 32 channels, which no picture has; and with tied kernels and switches, which it lacks, "
            "the map still misses the picture by {tied}."
        ),
    },
    "C26": {
        "fails": mark(
            "Convolving back takes as many multiplications again: {number} a pixel instead of {before}; a threshold "
            "takes none."
        ),
        "holds": mark("Convolving back takes no more multiplications: {number} a pixel."),
    },
    "C27": {
        "fails": mark("Taken as a size, w multiplies the whole map by one number and changes nothing else: {number}."),
        "holds": mark("Taken as a size, w changes the map by {number}."),
    },
    "C28": {
        "fails": mark("The three kernels of the program are one: {number} kernel, and features of one kind."),
        "holds": mark("The program has {number} different kernels."),
    },
    "C29": {
        "fails": mark("There is {labels} label for the whole picture, so {boxes} boxes are drawn, one at every pixel."),
        "holds": mark("Pixels have {labels} different labels."),
    },
    "C30": {
        "holds": mark("Convolutions put out fewer numbers than go in, transposed ones more."),
        "only if": mark(
            "Only with a stride and no more channels. The article's own first convolution puts out {number} numbers "
            "for one that goes in, and a transposed one from 32 to 3 channels {back}."
        ),
        "fails": mark("Even with a stride the sizes do not go that way."),
    },
    "C31": {
        "holds": mark("Both: the gradient shrinks to {depth} on its way down, and {heart} dB of noise are memorized."),
        "only if": mark(
            "One of the two: the gradient shrinks to {depth} on its way down, and {heart} dB of noise are memorized."
        ),
        "fails": mark("Not both: gradient {depth} on its way down, and {heart} dB of noise memorized."),
        "open": mark(
            "The gradient at the first layer is {depth} of that at the last, and {heart} dB of noise are memorized."
        ),
    },
    "C32": {
        "holds": mark(
            "Unseen pictures come out {number} dB better with the transposed convolution, fused ones {fused} dB."
        ),
        "fails": mark(
            "Unseen pictures come out {number} dB better with the transposed convolution, fused ones {fused} dB."
        ),
        "open": mark(
            "Unseen pictures come out {number} dB better with the transposed convolution, fused ones {fused} dB."
        ),
    },
}

NUMBERS = {
    "C11": {
        "noise": ("lost noise 0.2", ""), "light": ("lost brightness 2", ""),
        "plain_noise": ("slipped noise 0.2", ""), "plain_light": ("slipped brightness 2", ""),
    },
    "C12": {"one": ("one layer", ""), "two": ("two layers", "")},
    "C13": {"number": ("ratio", "")},
    "C14": {"number": ("ratio", "")},
    "C17": {"number": ("foreseen", "share")},
    "C18": {"number": ("difference", "")},
    "C19": {
        "loss": ("loss one channel", ""), "slope": ("slope one channel", ""), "other": ("slope two channels", ""),
    },
    "C20": {"number": ("given", "whole"), "needed": ("needed", "whole")},
    "C22": {
        "number": ("convolutions", "whole"), "pooled": ("convolutions, pooled", "whole"), "scores": ("scores", "whole"),
        "fewer": ("scores, pooled", "whole"),
    },
    "C23": {"number": ("filters", ""), "unpooling": ("unpooling", "")},
    "C24": {"number": ("as printed", "share"), "tied": ("tied, with switches", "share")},
    "C26": {"number": ("convolution and back", "whole"), "before": ("convolution", "whole")},
    "C27": {"number": ("apart", "")},
    "C28": {"number": ("kernels", "whole")},
    "C29": {"labels": ("labels", "whole"), "boxes": ("boxes", "whole")},
    "C30": {"number": ("convolution 3 to 32 channels", ""), "back": ("transposed 32 to 3 channels", "")},
    "C31": {"depth": ("depth none", ""), "heart": ("heart none", "")},
    "C32": {"number": ("better none", ""), "fused": ("better add", "")},
}  # fmt: skip

#: Claim -> why nothing can be measured: the words of `deconvviz.articles.claim_further`, marked.
WHY = {
    "C15": mark(
        "a story about history: the papers of 2010 and 2011 give another reason, inferring maps that explain a picture"
    ),
    "C16": mark("no detector, no data and no figure is named; the part about segmentation is a claim of its own here"),
    "C21": mark("no such kernels are named, nor where they could be had"),
    "C25": mark(
        "better than what, and on which data, is not said; DeconvNet changes no score of the network it is put on"
    ),
}

DATA = {
    "C11": mark("14 photographs of alphamatting.com, one network, whose classes they are not; a run is a photograph"),
    "C12": mark("random kernels of 3 at stride 2 along one axis, on a random line"),
    "C13": mark("the layers of the article's own program, counted"),
    "C14": mark("the layers of the article's own program, counted"),
    "C17": mark("all kernels of 1 to 8 and strides of 1 to 4, counted"),
    "C18": mark("random maps of 5 × 6 cells with 8 channels, 11 classes"),
    "C19": mark("20 random scores over one channel, as in the program, and over two"),
    "C20": mark("the labels of one picture of 64 × 64, counted"),
    "C22": mark("two convolutions and ten scores behind maps of 16 × 16, counted"),
    "C23": mark("random arrays: a convolution at stride 2, and pooling at its switches"),
    "C24": mark("random pictures of 8 × 10 and 32 random kernels"),
    "C26": mark("three kernels of 3 × 3 on three channels, counted at a pixel"),
    "C27": mark("random maps of 8 × 9 and four random kernels"),
    "C28": mark("the three kernels of the program, counted"),
    "C29": mark("the labels and boxes of the program on a picture of 224 × 224, counted"),
    "C30": mark("numbers in and out of layers, counted"),
    "C31": mark("small networks of the enhancement page with a transposed convolution, on parts of 4 grey pictures"),
    "C32": mark("small networks of the enhancement page, 25 pictures that none was shown"),
}

CAPTIONS = {
    "C11": mark("Overlap with the true object (IoU), by photograph (1: the same)"),
    "C12": mark("Linear pieces along a line"),
    "C13": mark("Multiplications for one picture"),
    "C14": mark("Multiplications for one picture"),
    "C17": mark("Share of kernels and strides whose overlap division foresees"),
    "C18": mark("Distance between the two (0: the same)"),
    "C19": mark("Loss, and length of its gradient with respect to the scores (0: nothing is learned)"),
    "C20": mark("Labels of one picture"),
    "C22": mark("Weights"),
    "C23": mark("Distance between ⟨Ax, y⟩ and ⟨x, Aᵀy⟩"),
    "C24": mark("Distance from the picture (∞: another shape)"),
    "C26": mark("Multiplications at a pixel"),
    "C27": mark("Distance at best brightness (0: the same map)"),
    "C28": mark("Different kernels, and what they give"),
    "C29": mark("Different kernels, and what they give"),
    "C30": mark("Numbers out for one number in"),
    "C31": mark("Gradient at the first inner convolution over that at the last, before training (1: nothing vanishes)"),
    "C32": mark("PSNR on pictures that no network was shown, with the transposed convolution less without, dB"),
}

_KERNELS = {
    "kernels": mark("different kernels of three"),
    "labels": mark("labels for the whole picture"),
    "boxes": mark("boxes drawn"),
}
_EFFORT = {
    "encoder": mark("the convolution"),
    "decoder": mark("the three decoders"),
    "ratio": mark("decoders over convolution"),
}

LABELS = {
    "C12": {
        "two layers, no rectifier": mark("two layers, no rectifier"),
        "one layer": mark("one layer and its rectifier"),
        "two layers": mark("two layers, each with a rectifier"),
    },
    "C13": _EFFORT,
    "C14": _EFFORT,
    "C17": {"foreseen": mark("foreseen by division")},
    "C18": {"difference": mark("classifier at every cell and segmentation")},
    "C19": {
        "loss one channel": mark("loss, one channel"),
        "slope one channel": mark("gradient, one channel"),
        "loss two channels": mark("loss, two channels"),
        "slope two channels": mark("gradient, two channels"),
    },
    "C20": {
        "given": mark("labels that the folder gives"),
        "needed": mark("labels that are needed"),
        "program stops": mark("the program stops there (1: yes)"),
    },
    "C22": {
        "convolutions": mark("two convolutions"),
        "convolutions, pooled": mark("two convolutions with pooling"),
        "scores": mark("ten scores, not pooled"),
        "scores, pooled": mark("ten scores, pooled"),
    },
    "C23": {"filters": mark("filtering"), "unpooling": mark("unpooling")},
    "C24": {
        "as printed": mark("the program as printed"),
        "tied, with switches": mark("tied kernels and switches"),
    },
    "C26": {
        "convolution": mark("convolution alone"),
        "convolution and back": mark("convolution, and back"),
        "threshold": mark("a threshold"),
    },
    "C27": {"apart": mark("with w as a size, and without w")},
    "C28": _KERNELS,
    "C29": _KERNELS,
    "C30": {
        "convolution 3 to 32 channels": mark("convolution, 3 to 32 channels"),
        "convolution, stride 2": mark("convolution, stride 2"),
        "transposed 32 to 3 channels": mark("transposed convolution, 32 to 3 channels"),
        "transposed, stride 2": mark("transposed convolution, stride 2"),
    },
}

#: Numbers that are counts.
COUNTS = (
    "encoder", "decoder", "given", "needed", "program stops", "convolutions", "convolutions, pooled", "scores",
    "scores, pooled", "convolution", "convolution and back", "threshold", "kernels", "labels", "boxes",
)  # fmt: skip
