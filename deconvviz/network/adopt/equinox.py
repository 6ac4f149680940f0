"""Paths of an Equinox module as scopes of its program, as `trace.scopes` does for Flax NNX."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import sys
from typing import Any

import jax


def is_module(value: Any) -> bool:
    """True for an Equinox module; Equinox is not imported for the question."""
    equinox = sys.modules.get("equinox")
    return equinox is not None and isinstance(value, equinox.Module)


def scoped(value: Any, name: str = "") -> Any:
    """A copy of a module whose modules open the scope of their own path when called; the module itself is left alone.

    Args:
      value: a module, or what a module holds.
      name: its path below the nearest module, "layers/0".
    """
    if is_module(value):
        copy = object.__new__(_opening(type(value), name))
        for key, child in (
            (f.name, getattr(value, f.name)) for f in dataclasses.fields(value) if hasattr(value, f.name)
        ):
            object.__setattr__(copy, key, scoped(child, key))
        return copy
    if isinstance(value, dict):
        return {key: scoped(child, f"{name}/{key}") for key, child in value.items()}
    if type(value) in (list, tuple):
        return type(value)(scoped(child, f"{name}/{place}") for place, child in enumerate(value))
    return value


def _opening(cls: Any, name: str) -> Any:
    """The class with a ``__call__`` inside a scope; Equinox's own layers open none of their own besides."""
    is_equinox = cls.__module__.startswith("equinox.")
    if not (name or is_equinox) or not callable(getattr(cls, "__call__", None)):  # noqa: B004  # not that of its metaclass
        return cls
    call = inspect.unwrap(cls.__call__) if is_equinox else cls.__call__

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        with jax.named_scope(name) if name else contextlib.nullcontext():
            return call(self, *args, **kwargs)

    return type(cls)(cls.__name__, (cls,), {"__call__": __call__, "__module__": cls.__module__})
