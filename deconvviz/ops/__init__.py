"""The mathematics of one layer: convolution, pooling, rectifier, and the backward pass through each.

Every backward pass is an adjoint or a stated rule: pure functions on NHWC arrays that know nothing of networks.
"""

from deconvviz.ops._linear_map import LinearMap, avg_pool_map, conv_map, max_pool_map
from deconvviz.ops._sizes import Padding, Pads
from deconvviz.ops.conv import ConvGeometry, conv, conv_adjoint, conv_vjp
from deconvviz.ops.pool import avg_pool, avg_pool_adjoint, ceil_padding, max_pool, max_unpool, take_switches
from deconvviz.ops.rectify import RECTIFIER_RULES, RULES, BackwardRule, backward, check_rule, rectify

__all__ = [
    "RECTIFIER_RULES",
    "RULES",
    "BackwardRule",
    "ConvGeometry",
    "LinearMap",
    "Padding",
    "Pads",
    "avg_pool",
    "avg_pool_adjoint",
    "avg_pool_map",
    "backward",
    "ceil_padding",
    "check_rule",
    "conv",
    "conv_adjoint",
    "conv_map",
    "conv_vjp",
    "max_pool",
    "max_pool_map",
    "max_unpool",
    "rectify",
    "take_switches",
]
