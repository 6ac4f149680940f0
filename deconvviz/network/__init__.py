"""What a network is: any traced JAX function, its layers, its receptive fields, and its backward passes."""

from deconvviz.network._cache import Programs
from deconvviz.network.backward.reconstruct import reconstruct_units
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import rewritten

__all__ = ["Network", "Programs", "reconstruct_units", "rewritten"]
