"""Which of several results is a network's output: by its key, its place, or the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import jax

from deconvviz.errors import NetworkError, nearest


class Chosen:
    """A function whose results are listed, the chosen one first.

    Attributes:
      names: of all results, once it was called: keys and places, with / between; the chosen one's is `name`.

    >>> heads = Chosen(lambda x: {"logits": x, "aux": 2 * x}, "aux")
    >>> heads(1.0), heads.names
    ([2.0, 1.0], ('logits', 'aux'))
    """

    def __init__(self, function: Callable[[Any], Any], output: str | int | None = None) -> None:
        self._function, self._output = function, output
        self.names: tuple[str, ...] = ()
        self.name = ""

    def __call__(self, x: Any) -> list[Any]:
        """The results as a list.

        Raises:
          NetworkError: there is no result of the name that was chosen.
        """
        leaves = list(_leaves(self._function(x), ""))
        self.names = tuple(name for name, _ in leaves)
        output = None if self._output is None else str(self._output)
        if output is None and not leaves:
            return []
        at = next((i for i, name in enumerate(self.names) if output in (None, name)), None)
        if at is None:
            known = nearest(str(output), self.names) if leaves else "it returns no array"
            raise NetworkError(f"the network has no output {self._output!r}; {known}")
        self.name = self.names[at]
        return [leaves[at][1], *(value for i, (_, value) in enumerate(leaves) if i != at)]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Arrays with their paths; dicts in their own order, where JAX would sort their keys."""
    inner: list[tuple[Any, Any]]
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, (list, tuple)):
        keys = getattr(value, "_fields", range(len(value)))
        inner = list(zip(keys, value, strict=True))
    elif is_dataclass(value) and not isinstance(value, type):
        inner = [(entry.name, getattr(value, entry.name)) for entry in fields(value)]
    else:
        leaves = jax.tree.leaves(value)
        if len(leaves) == 1 and leaves[0] is value:
            yield path, value
            return
        inner = list(enumerate(leaves))
    for key, entry in inner:
        if entry is not None and not isinstance(entry, str):
            yield from _leaves(entry, f"{path}/{key}" if path else str(key))
