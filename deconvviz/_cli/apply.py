"""`deconvviz apply`: use an application on a picture."""

from __future__ import annotations

import click

from deconvviz._cli._commands_of import ByTask


@click.group("apply", cls=ByTask)
def apply() -> None:
    """Use an application on a picture; `deconvviz apply TASK --help` lists its options.

    \b
    Example:
      deconvviz apply cutout --image sample:motorcycle --class Motorbikes --out cut.png --json
    """


COMMAND = apply
