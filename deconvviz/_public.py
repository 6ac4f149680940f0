"""Where the public names live; `deconvviz/__init__.py` lists them and gets each from here at first use."""

# ruff: noqa: F401  # imported for others

from deconvviz.api import (
    activations,
    invert,
    invert_snapshots,
    load,
    model_input,
    predict,
    prove_maps,
    reconstruct,
    reconstruct_many,
    reconstruct_rules,
    visualize,
    visualize_layer,
    visualize_layer_snapshots,
    visualize_snapshots,
)
from deconvviz.errors import DeconvvizError
from deconvviz.network import Network
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, max_pool, max_unpool
from deconvviz.ops.rectify import RULES
from deconvviz.types import Check, InputSpec, Inversion, Layer, LayerVisualization, Reconstruction, Unit, Visualization
