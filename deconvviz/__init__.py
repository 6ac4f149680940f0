"""A course and a laboratory about convolution run backwards: adjoints, DeconvNet, guided backprop, on any JAX network.

The public names are imported (`deconvviz/_public.py`) when one is first used, so that what needs no network, such as
`deconvviz --help`, does not wait a second for JAX.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deconvviz._public import *  # noqa: F403

__all__ = [  # noqa: F405  # given by __getattr__
    "RULES",
    "Check",
    "ConvGeometry",
    "DeconvvizError",
    "InputSpec",
    "Inversion",
    "Layer",
    "LayerVisualization",
    "Network",
    "Reconstruction",
    "Unit",
    "Visualization",
    "activations",
    "conv",
    "conv_adjoint",
    "invert",
    "invert_snapshots",
    "load",
    "max_pool",
    "max_unpool",
    "model_input",
    "predict",
    "prove_maps",
    "reconstruct",
    "reconstruct_many",
    "reconstruct_rules",
    "visualize",
    "visualize_layer",
    "visualize_layer_snapshots",
    "visualize_snapshots",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from deconvviz import _public

    return globals().setdefault(name, getattr(_public, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
