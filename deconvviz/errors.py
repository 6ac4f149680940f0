"""One root for everything deconvviz refuses to do.

A message says what happened, why it may be, what to do, and repeats the caller's own input. The command
line prints it on one line and exits 2; the app prints it beside the control.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DeconvvizError(ValueError):
    """Root of all errors that deconvviz raises on bad input: one line, cut in the middle where it would be endless.

    >>> len(str(DeconvvizError("x" * 9999)))
    1000
    """

    def __init__(self, message: str = "", *more: object) -> None:
        line = " ".join(str(message).splitlines())
        super().__init__(line if len(line) <= 1000 else f"{line[:745]} ... {line[-250:]}", *more)


class GeometryError(DeconvvizError):
    """A convolution or pooling geometry that has no output, or arrays that do not fit it."""


class ImageError(DeconvvizError):
    """A picture that cannot be read, or is larger than the limits."""


class NetworkError(DeconvvizError):
    """A function that cannot be traced as a network, or a layer or channel that it does not have."""


class OperationError(NetworkError):
    """A network that uses an operation which has no counterpart here, whatever it is fed."""


class DeadUnitError(NetworkError):
    """A unit that no picture was found to wake."""


class RuleError(DeconvvizError):
    """A backward rule that cannot apply to this network, or that does not exist."""


class WeightsError(DeconvvizError):
    """A weights file that is missing, truncated, or does not fit the model."""


class DataError(DeconvvizError):
    """A data set folder that is missing or not laid out as expected."""


class TrainingError(DeconvvizError):
    """A training run that cannot start, go on, or resume."""


def check_choice(name: str, value: object, choices: Iterable[str], of: str = "") -> None:
    """Refuses a value that is none of the choices.

    Args:
      name: of the option, as the caller wrote it.
      value: what was given.
      choices: what may be given.
      of: whose choices they are, for the message.

    Raises:
      DeconvvizError: repeats the value and offers the nearest choice.

    >>> check_choice("map", "guidde", ("gradient", "guided"))
    Traceback (most recent call last):
    deconvviz.errors.DeconvvizError: map='guidde' is no choice; did you mean guided?
    """
    known = list(choices)
    if value not in known:
        raise DeconvvizError(f"{name}={value!r} is no choice{f' of {of}' if of else ''}; {nearest(str(value), known)}")


def nearest(name: str, known: Iterable[str], limit: int = 3) -> str:
    """Ready-made tail of a message: the known names closest to a wrong one.

    >>> nearest("relu33", ["relu3_3", "pool3", "conv1"])
    'did you mean relu3_3?'
    >>> nearest("zzz", ["relu1", "pool1"])
    'known: relu1, pool1'
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=limit, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    listing = ", ".join(names[:12])
    return f"known: {listing}" + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
