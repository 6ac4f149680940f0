"""The proofs that stand beside a picture, each a `Check` with its measured error."""

from deconvviz.checks.network import adjoint, coverage, two_roads

__all__ = ["adjoint", "coverage", "two_roads"]
