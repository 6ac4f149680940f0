"""The proofs that stand beside a picture, each a `Check` with its measured error."""

from deconvviz.checks.network import adjoint, coverage, two_roads
from deconvviz.checks.network_report import Report, RuleReport, report

__all__ = ["Report", "RuleReport", "adjoint", "coverage", "report", "two_roads"]
