"""What a network is: any traced JAX function, its layers, its receptive fields, and the ways back down."""

from deconvviz.network._cache import Programs
from deconvviz.network.backward.reconstruct import reconstruct_units, relative_gap, rewritten
from deconvviz.network.network import Network

__all__ = ["Network", "Programs", "reconstruct_units", "relative_gap", "rewritten"]
