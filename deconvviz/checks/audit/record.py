"""What an audit measures, as one record that the sentences and the report are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deconvviz.checks.audit.intervals import Interval


@dataclass(frozen=True, eq=False)
class AuditRecord:
    """What was measured of a network's maps.

    Attributes:
      network: its name.
      digest: of its program and weights.
      layer: of the units explained.
      pictures: name, unit and value of each.
      unreadable: name -> why it was left out.
      table: method -> control -> `Interval` over the pictures.
      curves: order of pixels -> "deletion grey", ... -> an `Interval` a step.
      refused: method -> why it cannot apply.
      skipped: control -> why it was left out.
      agreement: rule -> relative difference of two independent computations, on the first picture.
      coverage: rule -> how many rectifiers obey, in words.
      adjoint: relative gap of the dot test on the first picture.
      settings: method -> its options in this audit.
      seed: of all draws.
      versions: of deconvviz, jax, numpy, Python.
      command: how it was made.
      seconds: of processor time for the controls, compiling included.
      examples: for the report: label -> (H, W, 3) picture or map (H, W), of the first picture.
    """

    network: str
    digest: str
    layer: str
    pictures: tuple[dict[str, Any], ...]
    unreadable: dict[str, str]
    table: dict[str, dict[str, Interval]]
    curves: dict[str, dict[str, tuple[Interval, ...]]]
    refused: dict[str, str]
    skipped: dict[str, str]
    agreement: dict[str, float]
    coverage: dict[str, str]
    adjoint: float | None
    settings: dict[str, dict[str, Any]]
    seed: int
    versions: dict[str, str]
    command: str
    seconds: float
    examples: dict[str, np.ndarray] = field(repr=False)
