"""A network of one's own by its address ``package.module:object``: imported, put into inference mode, wrapped.

Importing runs the module, as Python's ``import`` does; nothing is ever read from a pickle.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from deconvviz.errors import NetworkError, nearest
from deconvviz.network.adopt.wrap import ANYTHING, Adopted, InputOptions, wrapped
from deconvviz.network.network import Network

__all__ = ["Adopted", "InputOptions", "load", "wrapped"]

#: Endings of files that hold weights: a network is code.
_WEIGHTS = (".pkl", ".pickle", ".pt", ".pth", ".npz", ".npy", ".h5", ".msgpack", ".safetensors", ".eqx", ".ckpt")


def load(address: str, options: InputOptions = ANYTHING, *, torch: bool = False) -> Adopted:
    """The network that an address names, from an installed package or the current folder.

    The object may be a `Network`; a function ``(N, H, W, C) -> outputs``; a Flax NNX module; an Equinox module; a
    PyTorch module; or a function without arguments that makes one of these. Modules are put into inference mode.

    Args:
      address: ``package.module:object``; the object may lie deeper, ``module:holder.object``.
      options: what is known about the input of an object that is no `Network`. A size or number of channels that is not
        given is found by trying, and reported in ``assumed``.
      torch: the object has to be a PyTorch module, or a function that makes one.

    Raises:
      NetworkError: no such module or object, one that raises, or one that is no network; says what to do.

    >>> load("jax.nn:relu", InputOptions(size=(6, 8))).network.layers[0].shape
    (6, 8, 3)
    """
    target = _object(address)
    try:
        adopted = wrapped(target, address, options, torch)
        _check_numbers(adopted.network, address)
        return adopted
    except NetworkError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # somebody else's code raises whatever it likes
        raise NetworkError(
            f"{address} was called without arguments, to make a network, and raised {_first_line(error)}"
        ) from error


def _check_numbers(network: Network, address: str) -> None:
    """Refuse weights that are NaN: compiled maxima drop them, and layers would show plain zeros."""
    for value in network.program().flat.consts:
        if jax.dtypes.issubdtype(value.dtype, np.inexact) and (bad := int(np.isnan(np.asarray(value)).sum())):
            raise NetworkError(
                f"{address} has {bad:,} weights that are NaN, in an array of shape {tuple(np.shape(value))}; its "
                "training diverged, or its file is damaged: load others"
            )


def _object(address: str) -> Any:
    """What the address names, after importing its module."""
    module_name, colon, path = address.partition(":")
    parts = [*module_name.split("."), *path.split(".")]
    is_file = Path(module_name).suffix in (".py", *_WEIGHTS)
    if is_file or not colon or not all(part.isidentifier() for part in parts):
        raise NetworkError(
            "a network of your own is named package.module:object, as in mynet:net for the object net of mynet.py; "
            f"got {address!r}{_hint(module_name, path)}"
        )
    target: Any = _module(module_name)
    for depth, name in enumerate(path.split(".")):
        try:
            has = hasattr(target, name)
        except Exception as error:  # a __getattr__ of its own
            raise NetworkError(f"{address} cannot be looked up: {name} raised {_first_line(error)}") from error
        if not has:
            where = ":".join(filter(None, (module_name, ".".join(path.split(".")[:depth]))))
            known = [known for known in getattr(target, "__dict__", {}) if not known.startswith("_")]
            raise NetworkError(f"{where} has no {name!r}; {nearest(name, known) if known else 'it is empty'}")
        target = getattr(target, name)
    return target


def _hint(module: str, path: str) -> str:
    """What a wrong address probably meant."""
    file = Path(module)
    if file.suffix in _WEIGHTS:
        return f": {file.name} holds weights, and a network is code that loads them; a pickle is never read"
    if file.suffix == ".py" or len(file.parts) > 1:
        folder = f" in the folder {file.parent}" if len(file.parts) > 1 else ""
        return f": for the file {file.name}, {file.stem}:{path or 'object'}{folder}"
    return f": which object of {module}?" if module and not path else ""


def _module(name: str) -> Any:
    """The imported module; the current folder is looked into as well, as ``python -m`` does."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name != missing and not name.startswith(f"{missing}."):
            raise NetworkError(
                f"{name} cannot be imported: it needs {missing!r}, which is not installed in {sys.prefix}"
            ) from error
        known = list(_neighbours(missing))
        tail = f"; {nearest(missing, known)}" if known else ""
        raise NetworkError(
            f"there is no module {missing!r}, neither in {here} nor among the installed packages{tail}"
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise NetworkError(f"{name} cannot be imported: it raised {_first_line(error)}") from error


def _neighbours(missing: str) -> Iterator[str]:
    """Modules that stand where the missing one was looked for."""
    parent, _, _ = missing.rpartition(".")
    package = sys.modules.get(parent)
    paths = [os.getcwd()] if not parent else list(getattr(package, "__path__", ()))
    for info in pkgutil.iter_modules(paths):
        yield f"{parent}.{info.name}" if parent else info.name


def _first_line(error: BaseException) -> str:
    """An error of somebody else's code: its kind, its first line, and where it was raised."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({error.filename}, line {error.lineno})"
    first = (str(error).strip().splitlines() or [""])[0][:300]
    user_frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_user_file(f.filename)]
    where = f" ({user_frames[-1].filename}, line {user_frames[-1].lineno})" if user_frames else ""
    return f"{type(error).__name__}{': ' if first else ''}{first}{where}"


def _is_user_file(file: str) -> bool:
    """True for files outside Python, the installed packages and this one."""
    package = str(Path(__file__).resolve().parents[2])
    return not file.startswith((package, "<", os.path.dirname(os.__file__))) and "site-packages" not in file
