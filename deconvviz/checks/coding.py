"""Coding tasks: a function that somebody wrote, measured against the library."""

from __future__ import annotations

import math
from collections.abc import Callable


def check_task(name: str, measure: Callable[[], float], tolerance: float = 1e-5, hint: str = "") -> bool:
    """Run the check of a task, print one line about it, and say whether it holds.

    Args:
      name: of the task, for the line.
      measure: calls what was written and returns its error, 0 where it is right; whatever it raises is printed.
      tolerance: largest error with which the task is solved.
      hint: printed where the error is larger.

    >>> check_task("twice", lambda: abs(2 * 3 - 6.0))
    twice: solved (error 0e+00, at most 1e-05)
    True
    >>> check_task("twice", lambda: abs(3 * 3 - 6.0), hint="Multiply by 2.")
    twice: not yet (error 3e+00, at most 1e-05). Multiply by 2.
    False
    """
    try:
        error = float(measure())
    except NotImplementedError:
        print(f"{name}: not written yet")
        return False
    except Exception as trouble:  # whatever a beginner's function does
        print(f"{name}: stops with {type(trouble).__name__}: {trouble}")
        return False
    solved = math.isfinite(error) and error <= tolerance
    verdict = "solved" if solved else "not yet"
    print(
        f"{name}: {verdict} (error {error:.0e}, at most {tolerance:.0e})" + (f". {hint}" if hint and not solved else "")
    )
    return solved
