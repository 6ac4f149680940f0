"""Which network a command is about: a shipped one by name, or one of the user's own by its address."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deconvviz._cli._common import Whole, load_network, weights_option

if TYPE_CHECKING:
    from deconvviz.network import Network

#: Options that say what a network of one's own is fed.
_INPUT = ("--size", "--channels", "--input-range", "--mean", "--std")


class Numbers(click.ParamType):
    """Numbers with commas between them: 0.5 or 0.485,0.456,0.406."""

    name = "NUMBERS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not one number, or one a channel with commas between them", param, ctx)


class ChannelsOption(click.ParamType):
    """RGB, BGR, L, or how many channels there are."""

    name = "RGB|BGR|L|NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | int:
        """The name, or the number."""
        if value in ("RGB", "BGR", "L"):
            return str(value)
        if str(value).isascii() and str(value).isdigit() and int(value) > 0:
            return int(value)
        self.fail(f"{value!r} is neither RGB, BGR or L, nor a number of channels", param, ctx)


@dataclass(frozen=True)
class Chosen:
    """What the options of `network_options` say.

    Attributes:
      model: name of a shipped network.
      weights: a file to use in place of its own weights.
      network: address of a network of one's own.
      torch: the same, of a PyTorch module.
      size, channels, input_range, mean, std: what that is fed.
    """

    model: str | None = None
    weights: Path | None = None
    network: str | None = None
    torch: str | None = None
    size: tuple[int, int] | None = None
    channels: Any = None
    input_range: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @property
    def name(self) -> str:
        """How the answer names the network."""
        return str(self.address or self.model)

    @property
    def address(self) -> str | None:
        """The address of a network of one's own."""
        return self.network or self.torch

    @property
    def is_named(self) -> bool:
        """True if there is a network at all."""
        return self.model is not None or self.address is not None

    def check(self) -> None:
        """Refuse options that do not go together.

        Raises:
          click.UsageError: no network, two of them, or options of the other kind.
        """
        if not self.is_named:
            raise click.UsageError(
                "name a network: --model caltech, or your own with --network package.module:object, or --torch"
            )
        networks = [f"--{n} {value}" for n in ("model", "network", "torch") if (value := getattr(self, n)) is not None]
        if len(networks) > 1:
            too_many = "two networks: leave one out" if len(networks) == 2 else "three networks: leave two out"
            raise click.UsageError(f"{' and '.join(networks)} are {too_many}")
        fed = [o for o in _INPUT if getattr(self, o[2:].replace("-", "_")) is not None]
        if self.model is not None and fed:
            raise click.UsageError(f"{self.model} knows what it is fed: leave out {' and '.join(fed)}, or --model")
        if self.address is not None and self.weights is not None:
            raise click.UsageError(
                f"a network of your own loads its weights itself: leave out --weights, or {networks[0].split()[0]}"
            )


def load_chosen(chosen: Chosen, name: str | None = None) -> Network:
    """The network of the options; ``name`` stands for a model that they do not name."""
    if chosen.address is None:
        return load_network(name or str(chosen.model), chosen.weights)
    return load_user_network(chosen)[0]


def load_user_network(chosen: Chosen) -> tuple[Network, tuple[str, ...]]:
    """A network of one's own, and what was assumed about its input.

    What its module prints goes to stderr: stdout holds the answer alone.
    """
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz import compiled
    from deconvviz.network.adopt import load

    compiled.keep()
    options = load.InputOptions(chosen.size, chosen.channels, chosen.input_range, chosen.mean, chosen.std)
    with contextlib.redirect_stdout(sys.stderr):
        adopted = load.load(str(chosen.address), options, torch=chosen.torch is not None)
    return adopted.network, adopted.assumed


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --model, --weights, --network, ...; the command gets them as one ``chosen``."""

    @functools.wraps(command)
    def collected(*args: Any, **options: Any) -> Any:
        chosen = Chosen(**{field.name: options.pop(field.name) for field in fields(Chosen)})
        return command(*args, chosen=chosen, **options)

    for option in reversed(_OPTIONS):
        collected = option(collected)
    return collected


_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("--model", metavar="NAME", help="A shipped network, e.g. caltech."),
    weights_option,
    click.option(
        "--network",
        metavar="MODULE:OBJECT",
        help="Your own network: a dv.Network, a function of (N, H, W, C), an NNX, Equinox or PyTorch module, or a "
        "function without arguments that makes one. Its module is imported, also from the current folder.",
    ),
    click.option("--torch", metavar="MODULE:OBJECT", help="The same, and it has to be a PyTorch module (N, C, H, W)."),
    click.option("--size", type=Whole(min=1), nargs=2, metavar="H W", help="Your network's input, in pixels."),
    click.option(
        "--channels",
        type=ChannelsOption(),
        help="Its channels; L is one grey channel, 4 or 12 so many of any numbers, from an array in --image FILE.npy.",
    ),
    click.option(
        "--input-range", type=float, nargs=2, metavar="LOW HIGH", help="What 0..1 is brought to: -1 1, 0 255."
    ),
    click.option("--mean", type=Numbers(), metavar="NUMBERS", help="Subtracted after that, e.g. 0.485,0.456,0.406."),
    click.option("--std", type=Numbers(), metavar="NUMBERS", help="Divides after that."),
)
