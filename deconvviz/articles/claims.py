"""The claims of the five articles: the code that measures each, and the rule that turns its numbers to a verdict.

`CLAIMS` maps the id to a `Claim`; `judge` runs one over several seeds. No verdict is written down, and fewer than
`ENOUGH` runs of something that differs from run to run give none.
"""

from __future__ import annotations

from collections.abc import Sequence

from deconvviz.articles import claim_cutouts, claim_decoders, claim_further, claim_trials
from deconvviz.articles import claim_measures as measures
from deconvviz.articles.claim_measures import Subject
from deconvviz.articles.claim_runs import CONFIDENCE, ENOUGH, EXACT, SEEDS, Claim, Judgement, Kind, Runs, Stored
from deconvviz.articles.formulas import Says

__all__ = [
    "CLAIMS", "CONFIDENCE", "ENOUGH", "EXACT", "SEEDS", "Claim", "Judgement", "Kind", "Runs", "Says", "Stored",
    "Subject", "judge",
]  # fmt: skip


def judge(claim: Claim, subject: Subject | None = None, seeds: Sequence[int] = SEEDS) -> Judgement:
    """Measure a claim over several seeds.

    Args:
      claim: of `CLAIMS`.
      subject: the trained network and its pictures, where `claim.subject` asks for it.
      seeds: of the random arrays; what is stored has its own, and counts need one.

    Returns:
      "unmeasured" if the claim is about a trained network and there is none; "not measurable" if it names nothing that
      could be measured.

    Raises:
      DataError, WeightsError: the package lacks the stored figures of a claim.

    >>> judge(CLAIMS["C1"]).kind, judge(CLAIMS["C10"]).kind
    ('only if', 'unmeasured')
    """
    if claim.why:
        return Judgement("not measurable", Runs({}))
    if claim.subject and subject is None:
        return Judgement("unmeasured", Runs({}))
    if claim.stored is not None:
        seeds = range(claim.stored().runs)
    measured = [claim.measure(seed, subject) for seed in (seeds[:1] if claim.counted else seeds)]
    runs = Runs({name: tuple(run[name] for run in measured) for name in measured[0]})
    if claim.counted or runs.count >= ENOUGH:
        return Judgement(claim.rule(runs), runs)
    return Judgement("one run" if runs.count == 1 else "not shown", runs)


def _inverse(runs: Runs) -> Kind:
    """Inverse if A'A x is x; where that is so for some filters, orthonormal ones or a tight frame, only for such."""
    if runs.always("adjoint", below=EXACT):
        return "holds"
    special = runs.always("orthonormal", below=EXACT) or runs.always("tight frame", below=EXACT)
    return "only if" if special else "fails"


def _recovers(runs: Runs) -> Kind:
    """Detail comes back if the frequencies that the kernel removed carry energy again."""
    return (
        "holds" if runs.always("adjoint", above=0.5) else "fails" if runs.always("adjoint", below=0.01) else "only if"
    )


def _resolution(runs: Runs) -> Kind:
    """Higher resolution if one step in the input is more than one step in the output."""
    if runs.always("stride 1", above=1):
        return "holds"
    return "only if" if runs.always("stride 2", above=1) and runs.always("unpool", above=1) else "fails"


def _flipping(runs: Runs) -> Kind:
    """Flipping is enough if no other case needs more."""
    if not runs.always("one channel", below=EXACT):
        return "fails"
    others = ("channels as they were", "stride 2")
    return "holds" if all(runs.always(name, below=EXACT) for name in others) else "only if"


def _parameters(runs: Runs) -> Kind:
    """Many parameters if the backward pass has weights of its own: the deconvnet's, and a learned decoder's."""
    if runs.always("deconvnet", above=0.5):
        return "holds"
    return "only if" if runs.always("learned decoder", above=0.5) else "fails"


def _training(runs: Runs) -> Kind:
    """Lessens both if, with it, more of the gradient arrives and less noise is memorized, in every network.

    By the t intervals of the ratio of gradients and of the difference in memorized noise; the gap to other pictures
    decides nothing, because the pictures differ in difficulty. Only in one of the two if the other is not shown.
    """
    times = [runs.interval(f"times {name}") for name, _ in claim_trials.PAIRS]
    heart = [runs.interval(f"less {name}") for name, _ in claim_trials.PAIRS]
    more, less = all(low > 1 for low, _ in times), all(high < 0 for _, high in heart)
    if any(high < 1 for _, high in times) or any(low > 0 for low, _ in heart):
        return "fails"
    return "holds" if more and less else "only if" if more or less else "not shown"


def _direction(runs: Runs) -> Kind:
    """From high level to low level if colour and edges explain more of the last layer than of the first."""
    first, last = runs.values["first"], runs.values["last"]
    rises = all(b > a for a, b in zip(first, last, strict=True))
    falls = all(b < a for a, b in zip(first, last, strict=True)) and runs.low("field last") > runs.high("field first")
    return "holds" if rises else "fails" if falls else "only if"


def _understands(runs: Runs) -> Kind:
    """It shows the class if the map changes with the weights of the scores; the lower layers if it changes with those.

    A map that keeps more than 0.7 of its rank order without the trained scores does not depend on them.
    """
    whole = all(runs.always(f"{rule} all", below=0.5) for rule in ("deconvnet", "guided"))
    top = all(runs.always(f"{rule} top", below=0.7) for rule in ("deconvnet", "guided"))
    return "holds" if top and whole else "only if" if whole else "fails"


def _segments(runs: Runs) -> Kind:
    """It segments better if it beats bilinear enlargement by a point; if only no decoder at all, resolution did it.

    By the t intervals of the differences between decoders that were trained from one seed.
    """
    (gain, _), (alone, most) = runs.interval("gain bilinear"), runs.interval("gain coarse")
    if min(gain, alone) > claim_decoders.POINT:
        return "holds"
    return "only if" if alone > claim_decoders.POINT else "fails" if most < claim_decoders.POINT else "not shown"


def _cuts_out(runs: Runs) -> Kind:
    """Accurate if the mean overlap is 0.8 or more, by the t interval over the photographs."""
    low, high = runs.interval("none")
    return "holds" if low >= claim_cutouts.ACCURATE else "fails" if high < claim_cutouts.ACCURATE else "not shown"


CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        Claim(
            "C1",
            ("002", "004"),
            Says(
                "它是一种逆向卷积操作，通过反卷积算法，可以将卷积神经网络（CNN）的输出图像逆向推导出原始图像的特征映射。",
                "It is an inverse convolution: it derives the feature maps of the original image back from the "
                "network's output.",
            ),
            ("F002.2", "F004.2"),
            "adjoint-is-not-inverse",
            measures.inverse,
            _inverse,
            False,
            "random arrays of 7 or 8 rows and 9 columns, kernels of 3 x 3: for a counterexample, not for a proof",
            ("zeiler2010deconvolutional", "dumoulin2016guide"),
        ),
        Claim(
            "C2",
            ("001", "004"),
            Says(
                "反卷积是一种深度学习中的技术，它旨在恢复图像中的细节信息，以及原始图像中丢失的信息。",
                "Deconvolution restores the details of an image, and the information that it has lost.",
            ),
            ("F004.2", "F004.3"),
            "adjoint-is-not-inverse",
            measures.recovers,
            _recovers,
            False,
            "a random row of 16 to 28 numbers, blurred over four: for a counterexample, not for a proof",
            ("wiener1949extrapolation",),
        ),
        Claim(
            "C3",
            ("000",),
            Says(
                "反卷积技术可以在低层次的特征上进行反卷积操作，从而生成更高分辨率的特征图",
                "Deconvolution of low-level features gives feature maps of higher resolution.",
            ),
            ("F000.1",),
            "upsampling-and-checkerboards",
            measures.resolution,
            _resolution,
            False,
            "sizes of arrays, of 4 to 9 rows with kernels of 2 to 5",
            ("dumoulin2016guide",),
        ),
        Claim(
            "C4",
            ("000",),
            Says(
                "反卷积操作可以通过将卷积操作的核心翻转并进行逆向卷积实现。",
                "It is done by flipping the kernel of the convolution and convolving backwards.",
            ),
            ("F000.1", "F002.2"),
            "convolution-and-its-adjoint",
            measures.flipping,
            _flipping,
            False,
            "random arrays of 6 x 8 with kernels of 2 or 3 rows: for a counterexample, not for a proof",
            ("dumoulin2016guide",),
        ),
        Claim(
            "C5",
            ("002",),
            Says(
                "由于反卷积技术通常需要较大的参数数量，因此可能导致模型过拟合问题，影响泛化性能。",
                "Deconvolution usually needs many parameters, so the model may overfit.",
            ),
            ("F002.2",),
            "upsampler-lab",
            measures.parameters,
            _parameters,
            True,
            "the weights of one network, the shipped one, counted",
            ("zeiler2014visualizing",),
            counted=True,
        ),
        Claim(
            "C6",
            ("004",),
            Says(
                "反卷积技术可以用于生成更高质量的图像，同时减少过拟合和梯度消失的问题。",
                "Deconvolution makes images of higher quality and lessens overfitting and vanishing gradients.",
            ),
            ("F004.2",),
            "enhancement",
            claim_trials.gradients_and_memory,
            _training,
            False,
            "small networks of the enhancement page, trained on parts of 4 grey pictures; 25 pictures held back",
            ("ioffe2015batch", "he2016deep"),
            claim_trials.stored,
        ),
        Claim(
            "C7",
            ("003",),
            Says(
                "卷积技术是从高层次的特征逐步提取到低层次的特征，而反卷积技术是从低层次的特征逐步提取到高层次的特征。",
                "Convolution goes step by step from high-level features to low-level ones, deconvolution from "
                "low-level to high-level ones.",
            ),
            ("F003.1",),
            "laboratory",
            measures.direction,
            _direction,
            True,
            "one network, the shipped one; a seed chooses on which of the gallery's photographs the fit is made",
            ("zeiler2014visualizing", "yosinski2015understanding"),
        ),
        Claim(
            "C8",
            ("003",),
            Says(
                "反卷积技术能够更好地捕捉到图像中的细节和结构信息，从而提高了图像抠取的准确性。",
                "Deconvolution captures details and structure better, and so makes cut-outs more accurate.",
            ),
            ("F003.1", "F003.2"),
            "cut-out",
            claim_cutouts.accuracy,
            _cuts_out,
            False,
            "14 photographs of alphamatting.com, one network, whose classes they are not; a run is a photograph",
            ("levin2008closed", "xu2017deep"),
            claim_cutouts.stored,
        ),
        Claim(
            "C9",
            ("000", "001"),
            Says(
                "反卷积技术可以在低层次的特征上进行反卷积操作，从而生成更高分辨率的特征图，从而提高对象检测和分割的准确性。",
                "Deconvolution of low-level features gives maps of higher resolution and so better detection and "
                "segmentation.",
            ),
            ("F000.1", "F001.1"),
            "segmentation",
            claim_decoders.decoders,
            _segments,
            False,
            "101 validation pictures of CamVid, frames between training frames; one frozen encoder",
            ("noh2015learning", "badrinarayanan2017segnet", "brostow2009semantic"),
            claim_decoders.stored,
        ),
        Claim(
            "C10",
            ("002",),
            Says(
                "反卷积技术可以帮助我们更好地理解卷积神经网络的工作原理",
                "Deconvolution helps us to understand better how a convolutional network works.",
            ),
            ("F002.2", "F002.3"),
            "does-the-map-know-the-network",
            measures.understands,
            _understands,
            True,
            "one network, the shipped one; a seed chooses the photograph of the gallery and the shuffling",
            (
                "adebayo2018sanity",
                "nie2018theoretical",
                "sixt2020explanations",
                "yona2021revisiting",
                "binder2023shortcomings",
            ),
        ),
        *claim_further.CLAIMS,
    )
}
