"""A course and a laboratory about convolution run backwards: adjoints, DeconvNet, guided backprop, on any JAX network."""

from deconvviz.api import activations, load, model_input, predict, reconstruct, reconstruct_many
from deconvviz.errors import DeconvvizError
from deconvviz.network import Network
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, max_pool, max_unpool
from deconvviz.ops.rectify import RULES
from deconvviz.types import Check, InputSpec, Layer, Reconstruction, Unit

__all__ = [
    "RULES",
    "Check",
    "ConvGeometry",
    "DeconvvizError",
    "InputSpec",
    "Layer",
    "Network",
    "Reconstruction",
    "Unit",
    "activations",
    "conv",
    "conv_adjoint",
    "load",
    "max_pool",
    "max_unpool",
    "model_input",
    "predict",
    "reconstruct",
    "reconstruct_many",
]
