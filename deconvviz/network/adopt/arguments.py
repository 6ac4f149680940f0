"""A function of several arguments as a function of the image batch alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from deconvviz.errors import NetworkError


def of_image(
    function: Callable[..., Any], inputs: Mapping[str, Any] | Sequence[Any] | None, vary: str | int | None
) -> Callable[[Any], Any]:
    """The function with all arguments but one given.

    Args:
      function: of an image batch and more.
      inputs: the other arguments, by name or in order; arrays (1, ...) are repeated for each image of a batch.
      vary: the name of the image batch where the others have names, else its place; the first if None.

    Raises:
      NetworkError: names and places are mixed, the image is given twice, or a place does not exist.

    >>> both = of_image(lambda depth, image: image * depth, {"depth": jnp.full((1, 1), 3.0)}, "image")
    >>> both(jnp.ones((2, 1))).tolist()
    [[3.0], [3.0]]
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
        def repeated(value: Any) -> Any:
            is_single = getattr(value, "ndim", 0) > 0 and value.shape[0] == 1
            return jnp.broadcast_to(value, (x.shape[0], *value.shape[1:])) if is_single else value

        others = jax.tree.map(repeated, rest)
        if isinstance(others, Mapping):
            return function(**{**others, str(vary): x})
        values = list(others)
        return function(*values[:place], x, *values[place:])

    return call
