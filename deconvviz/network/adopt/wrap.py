"""From what an address names to a `Network`: factories called, modules put into inference mode, a size that fits."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import jax
from flax import nnx

from deconvviz.errors import NetworkError, OperationError
from deconvviz.network.adopt import equinox
from deconvviz.network.network import Network
from deconvviz.types import InputSpec, Size

#: Sizes that are tried where none is given: a dense layer after a flattened map fits one of them only.
SIZES = (224, 32, 28, 64, 128, 96, 256, 227, 299, 384, 112, 48)
Channels: TypeAlias = Literal["RGB", "BGR", "L"] | int
CHANNELS: tuple[Channels, ...] = ("RGB", "L")


@dataclass(frozen=True)
class InputOptions:
    """What a person says about the input of an object that is no `Network`; None where nothing was said.

    Attributes:
      size: (height, width) in pixels.
      channels: "RGB", "BGR" or "L", or how many there are.
      low_high: the range that 0..1 is brought to, (0, 255) for bytes.
      mean, std: subtracted and divided by after that, one number or one a channel.

    >>> InputOptions(size=(28, 28), low_high=(-1.0, 1.0)).spec((28, 28), "L").mean
    (1.0,)
    """

    size: Size | None = None
    channels: Channels | None = None
    low_high: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def spec(self, size: Size, channels: Channels) -> InputSpec:
        """The input at a size and with channels."""
        depth = channels if isinstance(channels, int) else 1 if channels == "L" else 3
        low, high = self.low_high or (0.0, 1.0)
        mean = tuple(m - low for m in self.mean or (0.0,) * depth)
        std = self.std or (1.0,) * depth
        return InputSpec(size=size, mean=mean, std=std, scale=high - low, channels=channels)

    def __str__(self) -> str:
        return ", ".join(field.name for field in fields(self) if getattr(self, field.name) is not None)


ANYTHING = InputOptions()


@dataclass(frozen=True, eq=False)
class Adopted:
    """A network of one's own.

    Attributes:
      network: ready to run.
      assumed: one sentence for everything that was not said and was found by trying.
    """

    network: Network
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Call:
    """One way of making an object a network: ``network(input_spec=..., name=...)``."""

    network: Callable[..., Network]
    note: str = ""


def wrapped(target: Any, address: str, options: InputOptions = ANYTHING, torch: bool = False) -> Adopted:
    """The object as a `Network`; a function without arguments is called first.

    Raises:
      NetworkError: if it is none, or fits no size; or no PyTorch module where that is asked for.
    """
    model = target
    if not isinstance(target, Network):
        _refuse_foreign(target, address)
        if not _is_torch(target) and _needed(target, address) == []:
            model = target()
            if not isinstance(model, Network):
                _refuse_foreign(model, f"{address}()")
    if torch and not _is_torch(model):
        raise NetworkError(
            f"{address} is no PyTorch module but of type {type(model).__name__}: name a torch.nn.Module, or a function "
            "without arguments that makes one; other networks are named with --network"
        )
    if isinstance(model, Network):
        if options != ANYTHING:
            raise NetworkError(
                f"{address} is a deconvviz Network, which says itself what it is fed ({model.input_spec}): leave out "
                f"what you gave besides ({options}), or change its InputSpec"
            )
        return Adopted(model)
    needed = ["x"] if _is_torch(model) else _needed(model, address)
    if len(needed) != 1:
        problem = f"takes {', '.join(needed)}" if needed else "made another function without arguments"
        raise NetworkError(
            f"{address} {problem}, and a network is a function of one image batch: close over the rest, as in "
            "net = functools.partial(forward, params), or lambda x: model(x, train=False)"
        )
    return _fitted(list(_calls(model)), address, options)


def _refuse_foreign(target: Any, address: str) -> None:
    """Things that are no network in JAX, each with what to do instead."""
    kind = type(target).__name__
    linen = any(cls.__module__.startswith("flax.linen") for cls in type(target).__mro__)
    if linen:
        raise NetworkError(
            f"{address} is the Linen module {kind}, which holds no weights: give "
            "net = dv.Network.from_linen(module, variables, input_spec=dv.InputSpec(size=(height, width)))"
        )
    if not callable(target) or isinstance(target, nnx.Variable):
        raise NetworkError(
            f"{address} is no network but {'None' if target is None else f'of type {kind}'}: give a deconvviz Network, "
            "a function of an image batch (N, H, W, C), an NNX, Equinox or PyTorch module, or a function without "
            "arguments that makes one"
        )


def _is_torch(target: Any) -> bool:
    """True for a PyTorch module; PyTorch is not imported for the question."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(target, torch.nn.Module)


def _needed(target: Any, address: str) -> list[str]:
    """Names of the arguments that a call has to give."""
    try:  # the metaclass of NNX modules hides what a class is made from
        signature = inspect.signature(
            inspect.getattr_static(target, "__init__") if isinstance(target, type) else target
        )
    except (TypeError, ValueError):
        return ["x"]
    parameters = list(signature.parameters.values())[1 if isinstance(target, type) else 0 :]
    explicit = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p.name for p in explicit if p.default is p.empty]
    if isinstance(target, type) and needed:
        raise NetworkError(
            f"{address} is a class that cannot be made without {', '.join(needed)}: name an instance of it, or a "
            f"function without arguments that returns one, as in def net(): return {target.__name__}(...)"
        )
    starred = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    return needed or (["x"] if starred and not explicit else [])


def _calls(target: Any) -> Iterator[_Call]:
    """How an object may be called: Equinox's own layers take one image with its channels first.

    Keras layers are in inference mode unless told otherwise; models of Hugging Face are given their images channels
    first.
    """
    if _is_torch(target):
        yield _Call(functools.partial(Network.from_torch, target))
    elif isinstance(target, nnx.Module):
        yield _function(nnx.view(target, raise_if_not_found=False, deterministic=True, use_running_average=True))
    elif equinox.is_module(target):
        fixed = equinox.scoped(sys.modules["equinox"].nn.inference_mode(target))
        yield _function(
            lambda x: jax.vmap(fixed)(x.transpose(0, 3, 1, 2)),
            "It is called image by image with channels first, (C, H, W), as Equinox's own layers are.",
        )
        yield _function(fixed)
    else:
        yield _function(target)
        yield _function(
            lambda x: target(x.transpose(0, 3, 1, 2)),
            "It is called with channels first, (N, C, H, W): channels last cannot be traced.",
        )


def _function(function: Callable[[Any], Any], note: str = "") -> _Call:
    return _Call(functools.partial(Network, function), note)


def _fitted(calls: list[_Call], address: str, options: InputOptions) -> Adopted:
    """The first size and channels, of those that are given or may be, at which the object can be traced."""
    sizes = [options.size] if options.size else [(n, n) for n in SIZES]
    channels: tuple[Channels, ...] = (options.channels,) if options.channels else CHANNELS
    adopted, reasons = _first(calls, address, options, [(size, c) for size in sizes for c in channels])
    if adopted is not None:
        return adopted
    if options.size or options.channels:
        other, _ = _first(calls, address, options, [((n, n), c) for n in SIZES for c in CHANNELS])
        if other is not None:
            height, width = other.network.input_spec.size
            fits = other.network.input_spec.channels
            raise NetworkError(
                f"{address}: {reasons[0]}. It can be traced at {height} x {width} with channels={fits!r} "
                f"(--size {height} {width} --channels {fits})"
            )
        raise NetworkError(f"{address}: {reasons[0]}")
    raise NetworkError(
        f"{address}: no input size was given, and none of {', '.join(map(str, SIZES))} fits, with 3 channels or 1. "
        f"Give it (--size HEIGHT WIDTH, or dv.Network with an InputSpec). At the first of them {reasons[0]}"
    )


def _first(
    calls: list[_Call], address: str, options: InputOptions, tried: list[tuple[Size, Channels]]
) -> tuple[Adopted | None, list[NetworkError]]:
    """The first that can be traced, with what was assumed; else the reasons."""
    reasons: list[NetworkError] = []
    for call in calls:
        for size, channels in tried:
            try:
                network = call.network(input_spec=options.spec(size, channels), name=address)
            except OperationError:
                raise
            except NetworkError as error:
                reasons.append(error)
                continue
            output = network.about.get("output")
            output = output and f"The output is {output.split(';')[0]}: not given."
            notes = filter(None, [*_assumed(options, size, channels, call), network.about.get("mode"), output])
            return Adopted(network, tuple(notes)), reasons
    return None, reasons


def _assumed(options: InputOptions, size: Size, channels: Channels, call: _Call) -> Iterator[str]:
    """What was not said."""
    if options.size is None:
        yield f"Input size {size[0]} x {size[1]}: not given, the first that can be traced."
    if options.channels is None:
        counted = "1 grey channel" if channels == "L" else "3 channels, red first"
        yield f"{counted}: not given, what can be traced."
    if options.low_high is None and options.mean is None and options.std is None:
        yield "Values from 0 to 1: not given."
    if call.note:
        yield call.note
