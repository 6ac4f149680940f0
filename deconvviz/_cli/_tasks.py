"""Which trainings there are: every module of `deconvviz.training` with a function `train` or `evaluate`."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from deconvviz.errors import nearest

TRAININGS = Path(__file__).resolve().parent.parent / "training"


def known(function: str) -> list[str]:
    """Names of the modules that define ``function``, found without running them.

    >>> "caltech" in known("train")
    True
    """
    return sorted(path.stem for path in TRAININGS.glob("[!_]*.py") if _defines(path, function))


def named(name: str, function: str, also: Iterable[str] = ()) -> Callable[..., dict[str, Any]]:
    """``deconvviz.training.<name>.<function>``; `also` are further names that a message may offer.

    Raises:
      click.UsageError: there is none of that name.
    """
    names = known(function)
    if name not in names:
        raise click.UsageError(f"nothing to {function} is called {name!r}; {nearest(name, sorted({*names, *also}))}")
    found: Callable[..., dict[str, Any]] = getattr(importlib.import_module(f"deconvviz.training.{name}"), function)
    return found


def _defines(path: Path, function: str) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body)
