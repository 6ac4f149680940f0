"""The checks that stand beside a picture, each a `Check` with its measured error."""

from deconvviz.checks.network import adjoint, agreement, coverage
from deconvviz.checks.network_report import Report, RuleReport, report

__all__ = ["Report", "RuleReport", "adjoint", "agreement", "coverage", "report"]
