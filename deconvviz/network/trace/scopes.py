"""Module paths of a Flax NNX model as scopes of its program.

Linen opens a scope for each module; NNX opens none. A private copy of the model is made whose modules open the scope
of their own path when called. The caller's model is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx


def scoped(model: nnx.Module, call: Callable[[Any, Any], Any] = lambda model, x: model(x)) -> Callable[[Any], Any]:
    """A function of one image batch that runs a copy of the model with its module paths as scopes.

    Args:
      model: any NNX module in inference mode (``nnx.view(model, use_running_average=True, deterministic=True)``).
      call: how it is called with the batch.
    """
    graphdef, state = nnx.split(model)

    def run(x: Any) -> Any:
        copy = nnx.merge(graphdef, state)
        modules = [(path, m) for path, m in nnx.iter_graph(copy) if path and isinstance(m, nnx.Module) and callable(m)]
        paths = {path for path, _ in modules}
        for path, module in modules:
            above = max((n for n in range(1, len(path)) if path[:n] in paths), default=0)
            _open_scope(module, "/".join(str(part) for part in path[above:]))
        return call(copy, x)

    return run


def _open_scope(module: nnx.Module, name: str) -> None:
    """Give one private module a class of its own that calls its parent's ``__call__`` inside a scope.

    Scopes nest as the calls do, so the name is the path below the nearest module that opens one itself.
    """
    cls = type(module)

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        with jax.named_scope(name):
            return cls.__call__(self, *args, **kwargs)

    module.__class__ = type(cls.__name__, (cls,), {"__call__": __call__})
