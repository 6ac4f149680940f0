"""The mathematics of one layer: convolution, pooling, rectifier, and the way back through each.

Every way back is an adjoint or a stated rule: pure functions on NHWC arrays that know nothing of networks.
"""

from deconvviz.ops.conv import ConvGeometry, conv, conv_adjoint, conv_vjp
from deconvviz.ops.rectify import RULES, Rule, backward, check_rule, rectify

__all__ = [
    "RULES",
    "ConvGeometry",
    "Rule",
    "backward",
    "check_rule",
    "conv",
    "conv_adjoint",
    "conv_vjp",
    "rectify",
]
