"""A function of several arguments as a function of the image batch alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from deconvviz.errors import NetworkError


def of_image(
    function: Callable[..., Any], inputs: Mapping[str, Any] | Sequence[Any] | None, vary: str | int | None
) -> Callable[[Any], Any]:
    """The function with all arguments but one given.

    Args:
      function: of an image batch and more.
      inputs: the other arguments, by name or in order.
      vary: the name of the image batch where the others have names, else its place; the first if None.

    Raises:
      NetworkError: names and places are mixed, the image is given twice, or a place does not exist.

    >>> of_image(lambda depth, image: image * depth, {"depth": 3.0}, "image")(2.0)
    6.0
    """
    rest = {} if inputs is None else inputs
    by_name = isinstance(rest, Mapping)
    if by_name and not (isinstance(vary, str) and vary not in rest):
        raise NetworkError(
            "vary is the name of the argument that is the image batch, one that inputs does not give; "
            f"got vary={vary!r}, inputs={sorted(rest)}"
        )
    place = vary if isinstance(vary, int) else 0
    if not by_name and (isinstance(vary, str) or not 0 <= place <= len(rest)):
        raise NetworkError(
            f"vary is the place of the image batch among {len(rest) + 1} arguments, 0 to {len(rest)}; got vary={vary!r}"
        )

    def call(x: Any) -> Any:
        if isinstance(rest, Mapping):
            return function(**{**rest, str(vary): x})
        values = list(rest)
        return function(*values[:place], x, *values[place:])

    return call


def one_by_one(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of a batch of one as a function of any batch.

    An argument of shape (1, 1, 3, 8) may belong to an image or be a kernel; each image meets it as it is.
    """

    def call(x: Any) -> Any:
        if x.shape[0] == 1:
            return function(x)
        each = jax.vmap(lambda image: function(image[None]))(x)
        return jax.tree.map(lambda a: a[:, 0] if a.ndim > 1 and a.shape[1] == 1 else a, each)

    return call
