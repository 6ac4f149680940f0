"""`jax.jit` for a CPU: of programs that hold little memory at a time, and of those that run a few times only."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax

#: XLA's usual schedule on a CPU starts whatever can start: a backward pass would turn over every kernel at once.
_ONE_AFTER_ANOTHER = (("xla_cpu_scheduler_type", "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"),)
#: Half the time to compile for a run that takes a third longer.
_PLAINLY = (*_ONE_AFTER_ANOTHER, ("xla_backend_optimization_level", 0), ("xla_llvm_disable_expensive_passes", True))


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """A compiled function whose operations wait until their results are needed, where the compiler can be told so.

    >>> jit(lambda x: 2 * x)(4).item()
    8
    """
    return jax.jit(function, compiler_options=_known(_ONE_AFTER_ANOTHER))


def jit_plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is compiled quickly, because it runs once a picture.

    >>> jit_plainly(lambda x: 2 * x)(4).item()
    8
    """
    return jax.jit(function, compiler_options=_known(_PLAINLY))


@cache
def _known(options: tuple[tuple[str, Any], ...]) -> dict[str, Any] | None:
    """The options, or None on other devices and where this release of XLA does not know them."""
    if jax.default_backend() != "cpu":
        return None
    try:
        jax.jit(lambda: 0, compiler_options=dict(options))()
    except jax.errors.JaxRuntimeError:
        return None
    return dict(options)
