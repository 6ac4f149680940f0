"""Where the numbers of a claim come from when nobody measures them on the spot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stored:
    """Figures that come with the package.

    Attributes:
      command: the command line that made them.
      date: when they were stored, YYYY-MM-DD.
      runs: how many runs there are, each from a seed of its own.
    """

    command: str
    date: str
    runs: int
