"""`jax.jit` that holds little memory at a time on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax

#: XLA's usual schedule on a CPU starts whatever can start: a backward pass would turn over every kernel at once.
_ONE_AFTER_ANOTHER = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """A compiled function whose operations wait until their results are needed, where the compiler can be told so.

    >>> jit(lambda x: 2 * x)(4).item()
    8
    """
    return jax.jit(function, compiler_options=_options())


@cache
def _options() -> dict[str, str] | None:
    """The option, or None on other devices and where this release of XLA does not know it."""
    if jax.default_backend() != "cpu":
        return None
    try:
        jax.jit(lambda: 0, compiler_options=_ONE_AFTER_ANOTHER)()
    except jax.errors.JaxRuntimeError:
        return None
    return _ONE_AFTER_ANOTHER
