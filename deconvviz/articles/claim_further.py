"""The claims of the articles from the eleventh on, and their rules.

What is counted or computed exactly follows from its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deconvviz.articles import claim_counts as counts
from deconvviz.articles import claim_cutouts, claim_trials
from deconvviz.articles.claim_runs import EXACT, Claim, Kind, Runs
from deconvviz.articles.formulas import Says


def _robust(runs: Runs) -> Kind:
    """Robust if every change takes less than 0.1 of the overlap, by the t intervals over the photographs."""
    lost = [runs.interval(f"lost {name}") for name in claim_cutouts.names()]
    if all(high < claim_cutouts.ROBUST for _, high in lost):
        return "holds"
    return "fails" if any(low > claim_cutouts.ROBUST for low, _ in lost) else "not shown"


def _expressive(runs: Runs) -> Kind:
    """More layers express more if they have more linear pieces; only with a rectifier if without they stay linear."""
    grows = all(two > one for one, two in zip(runs.values["one layer"], runs.values["two layers"], strict=True))
    if not grows:
        return "fails"
    return "holds" if runs.always("two layers, no rectifier", above=1) else "only if"


def _efficient(runs: Runs) -> Kind:
    """Efficient if the decoder takes no more multiplications than the convolution before it."""
    return "holds" if runs.always("ratio", below=1 + EXACT) else "fails"


def _limited(runs: Runs) -> Kind:
    """Limited by computing if the decoder takes more multiplications than the convolution before it."""
    return "holds" if runs.always("ratio", above=1) else "fails"


def _by_trial(runs: Runs) -> Kind:
    """Left to trial, but for what division foresees for every kernel and stride."""
    return "only if" if runs.always("foreseen", above=1 - EXACT) else "holds"


def _inverse_task(runs: Runs) -> Kind:
    """No inverse of classification if it is classification, applied at every cell."""
    return "fails" if runs.always("difference", below=EXACT) else "holds"


def _trains(runs: Runs) -> Kind:
    """Training can change a weight if the loss over the one channel has a slope."""
    return "holds" if runs.always("slope one channel", above=EXACT) else "fails"


def _labelled(runs: Runs) -> Kind:
    """The labels fit if there are as many as are needed, and the program goes on."""
    return (
        "holds" if runs.values["given"] == runs.values["needed"] and runs.always("program stops", below=1) else "fails"
    )


def _fewer(runs: Runs) -> Kind:
    """Pooling takes parameters away from convolutions; only from the scores behind them if from those alone."""
    if runs.low("convolutions, pooled") < runs.low("convolutions"):
        return "holds"
    return "only if" if runs.low("scores, pooled") < runs.low("scores") else "fails"


def _no_theory(runs: Runs) -> Kind:
    """There is a theory if both steps obey the equation that defines the adjoint."""
    return "fails" if runs.always("filters", below=EXACT) and runs.always("unpooling", below=EXACT) else "holds"


def _original(runs: Runs) -> Kind:
    """The picture is there if the program's result is within a tenth of it; only with switches if that one is."""
    if runs.always("as printed", below=0.1):
        return "holds"
    return "only if" if runs.always("tied, with switches", below=0.1) else "fails"


def _faster(runs: Runs) -> Kind:
    """Faster if convolving back takes no further multiplications."""
    return "holds" if runs.low("convolution and back") <= runs.low("convolution") else "fails"


def _a_size(runs: Runs) -> Kind:
    """w is no size of the kernel if, taken as one, it only multiplies the whole map by a number."""
    return "fails" if runs.always("apart", below=EXACT) else "holds"


def _levels(runs: Runs) -> Kind:
    """Features of several levels take several kernels."""
    return "holds" if runs.always("kernels", above=1) else "fails"


def _extracts(runs: Runs) -> Kind:
    """An object is marked if pixels can have different labels."""
    return "holds" if runs.always("labels", above=1) else "fails"


def _dimension(runs: Runs) -> Kind:
    """Down by convolution and up by the transposed one; only with a stride if channels turn it round."""
    plain = runs.always("convolution 3 to 32 channels", below=1) and runs.always("transposed 32 to 3 channels", above=1)
    strided = runs.always("convolution, stride 2", below=1) and runs.always("transposed, stride 2", above=1)
    return "holds" if plain and strided else "only if" if strided else "fails"


def _own_troubles(runs: Runs) -> Kind:
    """It has both if, in every network, the gradient shrinks on its way down and noise is memorized."""
    depth = [runs.interval(f"depth {name}") for name, _ in claim_trials.PAIRS]
    heart = [runs.interval(f"heart {name}") for name, _ in claim_trials.PAIRS]
    vanish, learn = all(high < 1 for _, high in depth), all(low > 0 for low, _ in heart)
    if any(low > 1 for low, _ in depth) or any(high < 0 for _, high in heart):
        return "fails"
    return "holds" if vanish and learn else "only if" if vanish or learn else "not shown"


def _generalizes(runs: Runs) -> Kind:
    """It generalizes better if, in every pair, pictures that no network was shown come out better with it."""
    better = [runs.interval(f"better {name}") for name, _ in claim_trials.PAIRS]
    if all(low > 0 for low, _ in better):
        return "holds"
    return "fails" if any(high < 0 for _, high in better) else "not shown"


def _none(seed: int, subject: Any = None) -> dict[str, float]:
    return {}


def _never(runs: Runs) -> Kind:
    return "not measurable"


def _claim(
    id: str,
    article: str,
    chinese: str,
    english: str,
    measure: Callable[..., dict[str, float]],
    rule: Callable[[Runs], Kind],
    data: str,
    lesson: str,
    sources: tuple[str, ...],
    formulas: tuple[str, ...] = (),
    **more: Any,
) -> Claim:
    return Claim(id, (article,), Says(chinese, english), formulas, lesson, measure, rule, False, data, sources, **more)


def _open(id: str, article: str, chinese: str, english: str, why: str, source: str) -> Claim:
    """A claim that names nothing that could be measured."""
    return _claim(id, article, chinese, english, _none, _never, "", "five-programs", (source,), why=why)


_UPSAMPLING, _PROGRAMS = "upsampling-and-checkerboards", "five-programs"

CLAIMS: tuple[Claim, ...] = (
    _claim(
        "C11", "003",
        "反卷积技术能够在图像中存在噪声、光照变化等不稳定因素的情况下，仍然能够准确地抠取物体",
        "Deconvolution still cuts objects out accurately where there is noise or a change of light.",
        claim_cutouts.robustness, _robust,
        "14 photographs of alphamatting.com, one network, whose classes they are not; a run is a photograph",
        "cut-out", ("levin2008closed", "otsu1979threshold"), ("F003.1", "F003.2"), stored=claim_cutouts.stored,
    ),
    _claim(
        "C12", "000",
        "这种方法可以在卷积神经网络中增加更多的层，从而提高模型的表达能力。",
        "More layers can be added to the network, which raises its expressive power.",
        counts.expressive, _expressive, "random kernels of 3 at stride 2 along one axis, on a random line",
        _UPSAMPLING, ("dumoulin2016guide",),
    ),
    _claim(
        "C13", "000",
        "可以在有限的计算资源下实现高效的图像分割与识别。",
        "It segments and recognizes efficiently with limited computing.",
        counts.effort, _efficient, "the layers of the article's own program, counted",
        _PROGRAMS, ("dumoulin2016guide",), counted=True,
    ),
    _claim(
        "C14", "000",
        "反卷积技术在实际应用中的主要限制是计算资源的消耗。",
        "Its main limit in practice is how much computing it takes.",
        counts.effort, _limited, "the layers of the article's own program, counted",
        _PROGRAMS, ("dumoulin2016guide",), counted=True,
    ),
    _open(
        "C15", "000",
        "CNN在处理较小的对象或细粒度的特征时，仍然存在一定的局限性。这就导致了反卷积技术的诞生。",
        "Networks had trouble with small objects; this is what gave birth to deconvolution.",
        "a story about history: the papers of 2010 and 2011 give another reason, inferring maps that explain a picture",
        "zeiler2010deconvolutional",
    ),
    _open(
        "C16", "000",
        "反卷积技术在图像分割和对象检测等任务中取得了显著的成功。",
        "Deconvolution had remarkable success in segmentation and detection.",
        "no detector, no data and no figure is named; the part about segmentation is a claim of its own here",
        "long2015fully",
    ),
    _claim(
        "C17", "000",
        "通常情况下，可以通过实验来确定最佳的卷积核大小和步长。",
        "The best kernel size and stride can usually be determined by experiment.",
        counts.foreseen, _by_trial, "all kernels of 1 to 8 and strides of 1 to 4, counted",
        _UPSAMPLING, ("odena2016deconvolution",), counted=True,
    ),
    _claim(
        "C18", "001",
        "这个任务可以被看作是图像分类的逆过程",
        "Segmentation can be seen as the inverse of classification.",
        counts.classifier, _inverse_task, "random maps of 5 x 6 cells with 8 channels, 11 classes",
        "segmentation", ("long2015fully",),
    ),
    _claim(
        "C19", "001",
        "接着，我们定义了损失函数和优化器，并训练了模型。",
        "The program defines a loss and an optimizer, and trains the model.",
        counts.one_channel, _trains, "20 random scores over one channel, as in the program, and over two",
        _PROGRAMS, ("long2015fully",),
    ),
    _claim(
        "C20", "001",
        "然后，我们定义了训练和测试函数，并加载了数据集。",
        "The program loads the data set that it trains and tests on.",
        counts.labels, _labelled, "the labels of one picture of 64 x 64, counted",
        _PROGRAMS, ("long2015fully",), counted=True,
    ),
    _open(
        "C21", "001",
        "这里我们可以使用预训练的反卷积核来进行反卷积操作。",
        "Pretrained deconvolution kernels can be used.",
        "no such kernels are named, nor where they could be had",
        "zeiler2014visualizing",
    ),
    _claim(
        "C22", "002",
        "通过池化层，可以减少参数数量，降低模型复杂度。",
        "Pooling reduces the number of parameters.",
        counts.pooled, _fewer, "two convolutions and ten scores behind maps of 16 x 16, counted",
        "pooling-and-switches", ("dumoulin2016guide",), counted=True,
    ),
    _claim(
        "C23", "002",
        "缺乏理论基础：反卷积技术目前仍然缺乏足够的理论基础",
        "Deconvolution lacks a theory so far.",
        counts.theory, _no_theory, "random arrays: a convolution at stride 2, and pooling at its switches",
        "convolution-and-its-adjoint", ("zeiler2014visualizing", "dumoulin2016guide"),
    ),
    _claim(
        "C24", "002",
        "最后，我们通过反卷积神经网络进行前向传播，得到了原始图像。",
        "A forward pass through the deconvolutional network gives the original image.",
        counts.original, _original, "random pictures of 8 x 10 and 32 random kernels",
        _PROGRAMS, ("zeiler2014visualizing",), ("F002.3",),
    ),
    _open(
        "C25", "002",
        "在图像分类、图像生成、图像恢复等方面提供更好的性能。",
        "It performs better in classification, generation and restoration.",
        "better than what, and on which data, is not said; DeconvNet changes no score of the network it is put on",
        "zeiler2014visualizing",
    ),
    _claim(
        "C26", "003",
        "反卷积技术能够在较短时间内完成图像抠取任务，从而提高了抠取的效率。",
        "Deconvolution cuts out in less time, and so more efficiently.",
        counts.multiplications, _faster, "three kernels of 3 x 3 on three channels, counted at a pixel",
        "cut-out", ("otsu1979threshold",), counted=True,
    ),
    _claim(
        "C27", "003",
        "$w_{k}$表示卷积核的大小。",
        "In its formula, w is the size of the kernel.",
        counts.kernel_size, _a_size, "random maps of 8 x 9 and four random kernels",
        "convolution", ("dumoulin2016guide",), ("F003.1",),
    ),
    _claim(
        "C28", "003",
        "使用反卷积技术提取图像中的特征，包括低层次特征和高层次特征。",
        "Features are extracted, of low and of high level.",
        counts.kernels, _levels, "the three kernels of the program, counted",
        _PROGRAMS, ("zeiler2014visualizing",), counted=True,
    ),
    _claim(
        "C29", "003",
        "根据物体的类别和位置信息，进行物体抠取操作。",
        "The object is cut out by its class and its place.",
        counts.kernels, _extracts, "the labels and boxes of the program on a picture of 224 x 224, counted",
        _PROGRAMS, ("levin2008closed",), counted=True,
    ),
    _claim(
        "C30", "004",
        "传统卷积技术是从高维空间到低维空间的映射，而反卷积技术是从低维空间到高维空间的映射。",
        "Convolution maps from a space of high dimension to one of low dimension, deconvolution the other way.",
        counts.dimensions, _dimension, "numbers in and out of layers, counted",
        "convolution-and-its-adjoint", ("dumoulin2016guide",), counted=True,
    ),
    _claim(
        "C31", "004",
        "反卷积技术在处理高分辨率图像增强任务时可能存在过拟合和梯度消失的问题。",
        "Deconvolution may itself overfit and have vanishing gradients.",
        counts.own_troubles, _own_troubles,
        "small networks of the enhancement page with a transposed convolution, on parts of 4 grey pictures",
        "enhancement", ("ioffe2015batch",), stored=claim_trials.stored,
    ),
    _claim(
        "C32", "004",
        "提高图像增强的效果，减少过拟合和梯度消失的问题，提高模型的泛化能力。",
        "It makes models generalize better.",
        counts.generalizes, _generalizes,
        "small networks of the enhancement page, 25 pictures that none was shown",
        "enhancement", ("ioffe2015batch",), stored=claim_trials.stored,
    ),
)  # fmt: skip
