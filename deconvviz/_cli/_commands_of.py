"""Commands made from records: the options of a task or training become options of its own command."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from deconvviz import catalog
from deconvviz._cli._common import (
    FILE,
    Whole,
    answer,
    check_out,
    image_option,
    json_option,
    load_image,
    seconds_since,
    table,
    typed,
)
from deconvviz.catalog import Option, Task, Trainable
from deconvviz.errors import nearest

DATA = click.option("--data", required=True, type=FILE, metavar="DIR", help="The folder of pictures.")
OUT = click.option("--out", required=True, type=FILE, metavar="FILE", help="Write the result.")
FOLDER = click.option("--out", required=True, type=FILE, metavar="DIR", help="Checkpoints, metrics and weights.")
SEED = click.option("--seed", type=Whole(min=0), default=0, show_default=True, help="Fixes every random draw.")
RESUME = click.option(
    "--resume/--no-resume", default=True, show_default=True, help="Go on from the checkpoint in --out."
)


#: Options without a value, of all commands that are made here.
FLAGS = frozenset({"--json", "--resume", "--no-resume"})


def name_position(args: Sequence[str]) -> int:
    """Where the first word stands that is neither an option nor its value; 0 if there is none.

    >>> [name_position(line.split()) for line in ("--json --data pictures caltech", "caltech --data d", "--help")]
    [3, 0, 0]
    """
    at = 0
    while at < len(args) and args[at].startswith("-"):
        at += 1 if "=" in args[at] or args[at] in FLAGS else 2
    return at if at < len(args) else 0


class ByTask(click.Group):
    """A group with one command a task."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The tasks' names."""
        return sorted(catalog.tasks())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command made from that task."""
        known = catalog.tasks()
        if cmd_name not in known:
            raise click.UsageError(f"there is no task {cmd_name!r}; {nearest(cmd_name, known)}")
        return command(known[cmd_name], str(self.name))


class ByName(ByTask):
    """A group with one command for every task and training; trainings of a layer are called NAME:LAYER."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """NAME may also stand behind its options, as where it is an argument: `evaluate --data DIR NAME`."""
        at = name_position(args)
        return super().parse_args(ctx, [args[at], *args[:at], *args[at + 1 :]] if at else args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of what can be trained, or measured."""
        records = [record for record in self.records().values() if getattr(record, str(self.name)) is not None]
        return sorted(record.name + (":LAYER" if record.per_layer else "") for record in records)

    @staticmethod
    def records() -> dict[str, Trainable]:
        """All tasks and trainings."""
        return {**catalog.tasks(), **catalog.trainings()}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command made from that task or training."""
        if cmd_name in catalog.tasks():
            return super().get_command(ctx, cmd_name)
        name, colon, layer = cmd_name.partition(":")
        record = self.other(name)
        if record is None:
            known = sorted({*self.records(), *self.others()})
            raise click.UsageError(f"nothing to {self.name} is called {name!r}; {nearest(name, known)}")
        if record.per_layer and not layer:
            raise click.UsageError(f"{cmd_name!r} says no layer: {name}:LAYER, for example {name}:relu4")
        if colon and not record.per_layer:
            raise click.UsageError(f"{cmd_name!r} names a layer, which {name!r} does not take: leave out ':{layer}'")
        return command(record, str(self.name), network=cmd_name, fixed={"layer": layer} if layer else {})

    def other(self, name: str) -> Trainable | None:
        """What is no task."""
        return catalog.trainings().get(name)

    def others(self) -> Iterable[str]:
        """Further names that a message offers."""
        return ()


def command(
    record: Trainable, function: str, network: str = "", fixed: Mapping[str, Any] = MappingProxyType({})
) -> click.Command:
    """`deconvviz FUNCTION NAME`, with the options that the record declares for it.

    Args:
      record: a task or a training.
      function: "apply", "evaluate" or "train".
      network: what a training was called by, in its answer.
      fixed: options that the name has answered.
    """
    if function == "apply":
        assert isinstance(record, Task)
        common, run = _apply(record)
    else:
        common, run = _evaluate(record, fixed) if function == "evaluate" else _train(record, network, fixed)
    options = (*record.options_of(function), *(record.options_of("write") if function == "apply" else ()))
    click_command = click.Command(
        network or record.name, callback=run, help=f"{record.title}: {function}.", short_help=record.title
    )
    for option in (*common, *(_option(option) for option in options if option.key not in fixed), json_option):
        option(click_command)
    return click_command


def _option(option: Option) -> Callable[[Any], Any]:
    if option.kind is bool:
        return click.option(f"--{option.name.replace('_', '-')}", option.key, is_flag=True, help=option.help)
    if option.choices:
        kind: Any = click.Choice(option.choices)
    else:
        kind = FILE if option.kind is Path else option.kind
    return click.option(f"--{option.name.replace('_', '-')}", option.key, type=kind, help=option.help)


CommandParts = tuple[tuple[Callable[[Any], Any], ...], Callable[..., None]]


def _apply(task: Task) -> CommandParts:
    def run(image: str, out: Path, as_json: bool, **options: Any) -> None:
        # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
        from deconvviz import compiled

        start = time.perf_counter()
        check_out(out, task.suffixes)
        compiled.keep()
        written = {option.key: options.pop(option.key) for option in task.options_of("write")}
        result = task.apply(load_image(image), **typed(options))
        task.write(result, out, **typed(written))
        record = {"task": task.name, "image": image, **task.describe(result), "out": out, "images": 1}
        _answer(record | {"seconds": seconds_since(start)}, as_json)

    return (image_option, OUT), run


def _evaluate(record: Trainable, fixed: Mapping[str, Any]) -> CommandParts:
    def run(data: Path, as_json: bool, **options: Any) -> None:
        from deconvviz import compiled

        compiled.keep()
        _answer(record.evaluate(data, progress=True, **typed(options), **fixed), as_json)

    return (DATA,), run


def _train(record: Trainable, network: str, fixed: Mapping[str, Any]) -> CommandParts:
    def run(data: Path, out: Path, seed: int, resume: bool, as_json: bool, **options: Any) -> None:
        start = time.perf_counter()
        assert record.train is not None
        figures = record.train(data, out, seed=seed, resume=resume, progress=True, **typed(options), **fixed)
        subject = {"network": network} if network else {"task": record.name}
        _answer({**subject, "out": out, **figures, "seconds": seconds_since(start)}, as_json)

    if record.train is None:
        raise click.UsageError(f"{record.name} has nothing to train: deconvviz apply {record.name} works as it is")
    return (DATA, FOLDER, SEED, RESUME), run


def _answer(record: dict[str, Any], as_json: bool) -> None:
    lines: list[str] = []
    for name, value in record.items():
        rows = value if isinstance(value, list) and value and isinstance(value[0], dict) else None
        lines += [f"{name}: {value}"] if rows is None else ["", *_rows(rows), ""]
    answer(record, as_json, lines)


def _rows(rows: list[dict[str, Any]]) -> list[str]:
    """A table; a number with the ends of its interval, NAME_low and NAME_high, in one cell; lists are for --json.

    >>> _rows([{"layer": "relu1", "psnr": 30.125, "psnr_low": 29.0, "psnr_high": 31.0, "each": [29.5, 30.75]}])
    ['layer  psnr', 'relu1  30.125 [29.000, 31.000]']
    """
    shown = {name: value for name, value in rows[0].items() if not isinstance(value, list)}
    names = [name for name in shown if not name.endswith(("_low", "_high"))]

    def cell(row: dict[str, Any], name: str) -> str:
        value = row[name]
        if isinstance(value, str):
            return value
        low, high = row.get(f"{name}_low", math.nan), row.get(f"{name}_high", math.nan)
        return f"{value:.3f}" + ("" if math.isnan(low) else f" [{low:.3f}, {high:.3f}]")

    return table(names, [[cell(row, name) for name in names] for row in rows])
