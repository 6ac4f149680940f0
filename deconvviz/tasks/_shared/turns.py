"""The mean over all turns and reflections of a picture: a network's errors differ from turn to turn, and cancel.

Source: timofte2016seven
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deconvviz.errors import DeconvvizError

#: Turns and reflections of a square.
TURNS = 8


def check_turns(turns: int) -> None:
    """Refuses a number of turns that is neither 1 nor 8.

    Raises:
      DeconvvizError: another one.
    """
    if turns not in (1, TURNS):
        raise DeconvvizError(f"turns is {TURNS}, all turns and reflections of the picture, or 1; got {turns}")


def over_turns(run: Callable[[np.ndarray], np.ndarray], plane: np.ndarray, turns: int) -> np.ndarray:
    """What `run` makes of a plane (H, W), at its size or larger.

    Formula: with turns of 8 ``mean over g of g^-1 f(g x)``, g the turns and reflections of a square: the network is not
    the same in all directions, so its errors differ, and their mean is smaller.

    Source: timofte2016seven

    >>> over_turns(lambda x: np.cumsum(x, axis=0), np.ones((3, 3)), 8).tolist()
    [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]
    """
    if turns == 1:
        return run(plane)
    answers = []
    for quarter in range(4):
        turned = np.rot90(plane, quarter)
        answers.append(np.rot90(run(turned) + run(turned[::-1])[::-1], -quarter))
    return np.asarray(sum(answers)) / TURNS
