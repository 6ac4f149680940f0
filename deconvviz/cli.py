"""The command line: `python -m deconvviz`, entry point `deconvviz`.

Every command is one file in `deconvviz/_cli/` with a constant `COMMAND`; a new one needs no entry anywhere. Commands
print their answer on stdout (with `--json` exactly one line), progress and complaints on stderr. Bad input is one
line and exit status 2, Ctrl-C one line and 130.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from deconvviz.errors import DeconvvizError, nearest

COMMANDS = Path(__file__).resolve().parent / "_cli"
BAD_INPUT = 2
INTERRUPTED = 130


class Interrupted(Exception):
    """Ctrl-C while a command ran."""


class Commands(click.Group):
    """A group whose commands are the modules of `deconvviz/_cli` that define `COMMAND`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, without importing what they import when they run."""
        return sorted(path.stem for path in COMMANDS.glob("[!_]*.py") if _defines(path, "COMMAND"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        known = self.list_commands(ctx)
        if cmd_name not in known:
            raise click.UsageError(f"no command {cmd_name!r}; {nearest(cmd_name, known)}")
        command: click.Command = importlib.import_module(f"deconvviz._cli.{cmd_name}").COMMAND
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an interrupt is handed to `main`, past click, which would add an empty line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise Interrupted from interrupt

    def main(  # type: ignore[override]  # click's own overloads differ by the value of standalone_mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run one command line and exit with its status."""
        extra.pop("standalone_mode", None)
        try:
            with _without_warnings():
                status = super().main(args, prog_name or "deconvviz", standalone_mode=False, **extra)
            if sys.stdout is not None:  # a shell may close it: >&-
                sys.stdout.flush()
        except (Interrupted, KeyboardInterrupt, click.exceptions.Abort):
            if sys.stderr.isatty():
                click.echo(err=True)  # the terminal stands behind ^C
            _complain("stopped by Ctrl-C; nothing half-written was left behind", INTERRUPTED)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(BAD_INPUT)
        except click.ClickException as error:
            _complain(f"{error.format_message()} {_where_help(error)}", BAD_INPUT)
        except BrokenPipeError:
            # The reader of stdout has gone (`deconvviz layers ... | head`): that is its right.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except DeconvvizError as error:
            _complain(str(error), BAD_INPUT)
        except OSError as error:
            path = f": {error.filename}" if error.filename else ""
            _complain(f"{error.strerror or error}{path}", BAD_INPUT)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" not in str(error):
                raise
            _complain("memory ran out; close other programs, or ask for less at once", BAD_INPUT)
        sys.exit(status if isinstance(status, int) else 0)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Print no warnings of libraries among the lines of a command; ``python -W default`` still shows them."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.showwarning = lambda *_, **__: None
        yield


def _defines(path: Path, name: str) -> bool:
    """True if the module assigns ``name`` at its top level; the module is not run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _where_help(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"(see: {context.command_path} --help)" if context else "(see: deconvviz --help)"


def _complain(message: str, status: int) -> NoReturn:
    """One line on stderr, whatever the message was, and exit."""
    try:
        click.echo(f"deconvviz: {' '.join(message.split())}", err=True)
    finally:
        sys.exit(status)


@click.group("deconvviz", cls=Commands, invoke_without_command=True)
@click.version_option(package_name="deconvviz", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Convolution run backwards: what a unit of a network saw in a picture.

    \b
    Example:
      deconvviz reconstruct --model caltech --image sample:cat --layer relu3 --channel 7 --out map.png
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
