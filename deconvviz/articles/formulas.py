"""The ten printed formulas about convolution and "deconvolution", each run as printed and as corrected.

`FORMULAS` maps the id to a `Formula`; `measure` runs one. The app, the tests and ``deconvviz formulas`` read these
objects, so a formula is written down once.
"""

from __future__ import annotations

import math

import numpy as np

from deconvviz.articles._formulas import inputs, operators, periodic, sums
from deconvviz.articles._formulas.record import Formula, Says
from deconvviz.metrics import relative_error
from deconvviz.types import Array

__all__ = ["FORMULAS", "TOLERANCE", "Formula", "Says", "apart", "measure"]

#: What two computations of the same numbers may differ by: the operators are float32.
TOLERANCE = 1e-5


def apart(a: Array, b: Array) -> float:
    """`relative_error` at a's best brightness: ``min over f of norm(f a - b) / norm(b)``, from 0 to 1, or infinite.

    >>> apart(np.array([2.0, 2.0]), np.array([3.0, 3.0])), apart(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    (0.0, 1.0)
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape:
        return math.inf
    return relative_error(first * np.vdot(first, second) / (np.vdot(first, first) or 1.0), second)


def measure(formula: Formula, seed: int = 0) -> dict[str, float]:
    """Run a formula on the arrays of a seed.

    Args:
      formula: of `FORMULAS`.
      seed: of its arrays; other seeds have other sizes.

    Returns:
      relative distances: "said": as printed, from what the article says comes out, at the best brightness (infinite:
      not even the size); "equals": as printed, from what it really computes; "corrected": as corrected, from the
      operator; "corrected_said": as corrected, from what the article says, at the best brightness.

    >>> errors = measure(FORMULAS["F002.1"])
    >>> errors["said"] > 0.1, errors["equals"] < 1e-5, errors["corrected"] < 1e-5
    (True, True, True)
    """
    arguments = formula.inputs(seed)
    printed, corrected, claimed = (f(**arguments) for f in (formula.printed, formula.corrected, formula.claimed))
    return {
        "said": apart(printed, claimed),
        "equals": relative_error(printed, formula.equals(**arguments)),
        "corrected": relative_error(corrected, formula.target(**arguments)),
        "corrected_said": apart(corrected, claimed),
    }


_TRANSPOSED = (
    r"y_{u,v,o} = \sum_{\substack{i,\,j,\,c\\ s \mid u+p-i\\ s \mid v+p-j}}"
    r" w_{i,j,o,c}\; x_{\frac{u+p-i}{s},\,\frac{v+p-j}{s},\,c}"
)

FORMULAS: dict[str, Formula] = {
    formula.id: formula
    for formula in (
        Formula(
            "F000.1",
            "000",
            r"y(x,y) = \sum_{m=1}^{M}\sum_{n=1}^{N}w_{mn}x(x-m,y-n)",
            _TRANSPOSED,
            Says(
                "反卷积技术的基本思想是通过在低层次的特征上进行反卷积操作，从而生成更高分辨率的特征图。",
                "The basic idea is to apply deconvolution to low-level features and so make feature maps of higher "
                "resolution.",
            ),
            "true convolution (flipped kernel) of one channel, shifted by one row and one column, as large as its "
            "input: there is no stride, so no resolution is gained",
            inputs.of_000,
            sums.f000_1_printed,
            operators.true_convolution,
            operators.larger,
            operators.larger_written_out,
            operators.larger,
            ("dumoulin2016guide",),
        ),
        Formula(
            "F001.1",
            "001",
            r"y(x) = \sum_{k=1}^{K} \sum_{i=1}^{I} \sum_{j=1}^{J} w_{k,i,j} * x_{i-1,j-1}",
            _TRANSPOSED,
            Says(
                "通过这个数学模型，我们可以看到反卷积是通过卷积核对输入图像进行操作的。",
                "By this model we see that deconvolution operates on the input image through kernels.",
            ),
            "one number for the whole image: no index on the right depends on the output position",
            inputs.of_001,
            sums.f001_1_printed,
            operators.constant,
            operators.larger,
            operators.larger_written_out,
            operators.larger,
            ("dumoulin2016guide", "long2015fully"),
        ),
        Formula(
            "F002.1",
            "002",
            r"y(x,y) = \sum_{c=1}^{C} \sum_{k=1}^{K} \sum_{l=1}^{L} w(c,k,l) \cdot x(x+k-1, y+l-1)",
            r"y(x,y) = \sum_{c=1}^{C} \sum_{k=1}^{K} \sum_{l=1}^{L} w(c,k,l) \cdot x(c,\, x+k-1,\, y+l-1)",
            Says(
                "卷积操作是深度学习中一种常用的操作，可以用来将输入特征映射与权重特征映射相乘，"
                "然后通过卷积核进行卷积，从而得到输出特征映射。",
                "Convolution multiplies the input maps with the weight maps to give the output map.",
            ),
            "one channel through the kernel summed over its channels: x has lost its channel index",
            inputs.of_002_1,
            sums.f002_1_printed,
            operators.one_channel,
            operators.correlation,
            sums.f002_1_corrected,
            operators.correlation,
            ("dumoulin2016guide",),
        ),
        Formula(
            "F002.2",
            "002",
            r"x(u,v) = \sum_{c=1}^{C} \sum_{k=1}^{K} \sum_{l=1}^{L} w(c,k,l) \cdot y(u-k+1, v-l+1)",
            r"x_{u,v,c} = \sum_{o,k,l} w_{k,l,c,o}\; y_{u-k+1,\,v-l+1,\,o} = (A^\top y)_{u,v,c}",
            Says(
                "逆向卷积操作是反卷积技术的核心操作，可以将卷积操作逆向推导出原始图像的特征映射。",
                "The inverse convolution is the core of the technique; it derives the feature map of the original "
                "image back from the convolution.",
            ),
            "one plane of y through the adjoint of the kernel summed over its outputs; with the missing index it is "
            "the adjoint, the inverse of nothing",
            inputs.of_002_2,
            sums.f002_2_printed,
            operators.one_plane_back,
            operators.the_input,
            sums.f002_2_corrected,
            operators.adjoint,
            ("zeiler2014visualizing", "dumoulin2016guide"),
        ),
        Formula(
            "F002.3",
            "002",
            r"x(u,v) = \max_{k=1}^{K} \max_{l=1}^{L} y(u-k+1, v-l+1)",
            r"x_{u,v} = \sum_{(i,j):\; s_{i,j} = (u,v)} y_{i,j}, \qquad s_{i,j}: \text{switch}",
            Says(
                "反池化操作是反卷积技术的另一个核心操作，可以将输出特征映射逆向推导出原始图像。",
                "Unpooling is the other core operation; it derives the original image back from the output map.",
            ),
            "grey dilation, a maximum filter: the same size as before, no switches, every place filled",
            inputs.of_002_3,
            sums.f002_3_printed,
            operators.dilated,
            operators.the_input,
            sums.f002_3_corrected,
            operators.unpooled,
            ("zeiler2014visualizing",),
        ),
        Formula(
            "F003.1",
            "003",
            r"y(x,y) = \sum_{c=1}^{C} \sum_{k=1}^{K} \sum_{s=1}^{S} v_{c,k,s} g_{c,x+s-1,y+s-1} w_{k}",
            r"y(x,y) = \sum_{c=1}^{C} \sum_{k=1}^{K} \sum_{s=1}^{S} v_{c,k,s}\; g_{c,\,x+k-1,\,y+s-1}",
            Says(
                "使用反卷积操作将特征图转换为特征映射。",
                "Deconvolution turns the feature map into a feature representation.",
            ),
            "an ordinary convolution that uses only the diagonal of its kernel: one index s serves both axes",
            inputs.of_003_1,
            sums.f003_1_printed,
            operators.diagonal,
            operators.whole_kernel,
            sums.f003_1_corrected,
            operators.whole_kernel,
            ("dumoulin2016guide",),
        ),
        Formula(
            "F003.2",
            "003",
            r"p_{i,j} = \max_{i \leq x \leq i + h, j \leq y \leq j + w} y(x,y)",
            r"p_{i,j} = \max_{is \leq x < is + h,\; js \leq y < js + w} y(x,y)",
            Says(
                "对特征映射进行池化操作，以降低特征的维度并提取特征的结构信息。",
                "Pooling lowers the dimension of the feature maps and extracts their structure.",
            ),
            "windows of (h+1) x (w+1) at every position: both bounds are included and there is no stride, so almost "
            "nothing gets smaller",
            inputs.of_003_2,
            sums.f003_2_printed,
            operators.wide_windows,
            operators.pooled,
            sums.f003_2_corrected,
            operators.pooled,
            ("zeiler2014visualizing",),
        ),
        Formula(
            "F004.1",
            "004",
            r"y = Conv(x, k)",
            r"y_{u,v} = \sum_{i,j} k_{i,j}\; x_{u+i,\,v+j}, \qquad Y = K X",
            Says(
                "首先，将原始图像进行卷积操作，以生成一组特征图。",
                "First the original image is convolved, which gives a set of feature maps.",
            ),
            "a convolution, as said: each frequency is multiplied by a number, and where that is near 0 it is gone",
            inputs.of_004,
            periodic.f004_1_printed,
            operators.spectrum("there"),
            operators.wrapped,
            periodic.f004_1_printed,
            operators.wrapped,
            ("dumoulin2016guide",),
        ),
        Formula(
            "F004.2",
            "004",
            r"x' = DeConv(y, k)",
            r"x' = (A^\top A + \lambda I)^{-1} A^\top y, \qquad X' = \frac{\overline{K}\,Y}{|K|^2 + \lambda}",
            Says(
                "然后，将特征图进行反卷积操作，以恢复原始图像的细节信息。",
                "Then the feature maps are deconvolved, which restores the details of the original image.",
            ),
            "A'A x: each frequency multiplied by |K| squared; with a blur as the kernel, the image blurred twice",
            inputs.of_004,
            periodic.f004_2_printed,
            operators.spectrum("there and back"),
            operators.the_input,
            periodic.f004_2_corrected,
            operators.spectrum("solved"),
            ("wiener1949extrapolation", "hunt1973application"),
        ),
        Formula(
            "F004.3",
            "004",
            r"x'' = Fuse(x, x')",
            r"x'' = x + A^\top (b - A x), \qquad x = b",
            Says(
                "最后，将恢复的图像与原始图像进行融合，以生成更高质量的图像。",
                "Last, the restored image is fused with the original one, which gives an image of higher quality.",
            ),
            "the image with its frequencies weighted by (1 + |K| squared) / 2: those that the kernel removed lose "
            "most, none comes back",
            inputs.of_004,
            periodic.f004_3_printed,
            operators.spectrum("mean"),
            operators.the_truth,
            periodic.f004_3_corrected,
            operators.spectrum("residual"),
            ("landweber1951iteration", "vancittert1931einfluss"),
            "b is the blurred picture that is there, with which x begins: one step of Landweber's iteration. With the "
            "y of the first line, which is A x, in the place of b nothing would be added.",
        ),
    )
}
