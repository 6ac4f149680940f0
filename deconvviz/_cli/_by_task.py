"""Commands made from tasks: each task's options become options of its own command, with help and suggestions."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from deconvviz._cli._common import answer, check_out, image_option, json_option, load_image, seconds_since
from deconvviz.catalog import Option, Task
from deconvviz.errors import nearest

DATA = click.option(
    "--data", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The folder of pictures."
)
OUT = click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Write the result.")
FOLDER = click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Checkpoints, metrics and weights."
)
SEED = click.option("--seed", type=int, default=0, show_default=True, help="Fixes every random draw.")
RESUME = click.option(
    "--resume/--no-resume", default=True, show_default=True, help="Go on from the checkpoint in --out."
)


def tasks() -> Any:
    """All tasks by name."""
    from deconvviz import catalog

    return catalog.tasks()


class OrTask(click.Command):
    """A command whose NAME may be a task: what stands behind it is then read by the command made from that task."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The task's own command where a task's name comes first."""
        if args and args[0] in tasks():
            made = command(tasks()[args[0]], str(self.name))
            return made.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


class ByTask(click.Group):
    """A group with one command a task."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The tasks' names."""
        return sorted(tasks())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command made from that task."""
        if cmd_name not in tasks():
            raise click.UsageError(f"there is no task {cmd_name!r}; {nearest(cmd_name, tasks())}")
        return command(tasks()[cmd_name], str(self.name))


def command(task: Task, function: str) -> click.Command:
    """`deconvviz FUNCTION TASK`, with the options that the task declares for it."""
    common, run = {"apply": _apply, "evaluate": _evaluate, "train": _train}[function](task)
    taken = (*task.options_of(function), *(task.options_of("write") if function == "apply" else ()))
    made = click.Command(task.name, callback=run, help=f"{task.title}: {function}.")
    for option in (*common, *map(_option, taken), json_option):
        option(made)
    return made


def _option(option: Option) -> Callable[[Any], Any]:
    if option.kind is bool:
        return click.option(f"--{option.name.replace('_', '-')}", option.key, is_flag=True, help=option.help)
    if option.choices:
        kind: Any = click.Choice(option.choices)
    else:
        kind = click.Path(path_type=Path) if option.kind is Path else option.kind
    return click.option(f"--{option.name.replace('_', '-')}", option.key, type=kind, help=option.help)


Made = tuple[tuple[Callable[[Any], Any], ...], Callable[..., None]]


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _apply(task: Task) -> Made:
    def run(image: str, out: Path, as_json: bool, **options: Any) -> None:
        from deconvviz import compiled

        start = time.perf_counter()
        check_out(out, task.suffixes)
        compiled.keep()
        ways = {option.key: options.pop(option.key) for option in task.options_of("write")}
        found = task.apply(load_image(image), **_given(options))
        task.write(found, out, **_given(ways))
        record = {"task": task.name, "image": image, **task.describe(found), "out": out, "images": 1}
        _say(record | {"seconds": seconds_since(start)}, as_json)

    return (image_option, OUT), run


def _evaluate(task: Task) -> Made:
    def run(data: Path, as_json: bool, **options: Any) -> None:
        from deconvviz import compiled

        compiled.keep()
        _say(task.evaluate(data, progress=True, **_given(options)), as_json)

    return (DATA,), run


def _train(task: Task) -> Made:
    def run(data: Path, out: Path, seed: int, resume: bool, as_json: bool, **options: Any) -> None:
        start = time.perf_counter()
        assert task.train is not None
        figures = task.train(data, out, seed=seed, resume=resume, progress=True, **_given(options))
        _say({"task": task.name, "out": out, **figures, "seconds": seconds_since(start)}, as_json)

    if task.train is None:
        raise click.UsageError(f"{task.name} has nothing to train: deconvviz apply {task.name} works as it is")
    return (DATA, FOLDER, SEED, RESUME), run


def _say(record: dict[str, Any], as_json: bool) -> None:
    answer(record, as_json, [f"{name}: {value}" for name, value in record.items()])
