"""`deconvviz weights`: public weights on this machine, and how they come there."""

from __future__ import annotations

from pathlib import Path

import click

from deconvviz import catalog
from deconvviz._cli._common import FILE, answer, json_option, table
from deconvviz.catalog import ModelEntry
from deconvviz.errors import WeightsError


@click.group()
def weights() -> None:
    """Get public weights, and see where they are looked for.

    Looked for in this order: --weights FILE; DECONVVIZ_WEIGHTS, a folder or a file; deconvviz's own folder.
    """


@weights.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the networks whose weights do not come with deconvviz, and whether they are here.

    \b
    Example:
      deconvviz weights list
    """
    # Not at the top: `--help` imports every command, and this takes 0.3 s.
    from deconvviz.models import public_weights

    records, rows = [], []
    for entry in catalog.models().values():
        if entry.weights is None:
            continue
        file, info = public_weights.find(entry), entry.weights
        fetched = info.url is not None
        records.append(
            {"name": entry.name, "title": entry.title, "path": file, "fetched": fetched, "page": info.page,
             "licence": info.licence, "file": info.file}
        )  # fmt: skip
        here = str(file) if file else f"deconvviz weights fetch {entry.name}" if fetched else f"get {info.page}"
        rows.append((entry.name, info.licence, here))
    record = {"weights": records, "folder": public_weights.folder()}
    answer(record, as_json, [*table(("name", "licence", "here, or how to get it"), sorted(rows))])


@weights.command()
@click.argument("name", metavar="NAME")
@click.option("--out", type=FILE, metavar="DIR", help="Where to put the file.")
@json_option
def fetch(name: str, out: Path | None, as_json: bool) -> None:
    """Download the weights of the network NAME. The checksum is verified; a broken download goes on where it was.

    \b
    Example:
      deconvviz weights fetch squeezenet
    """
    from deconvviz.models import public_weights

    file = public_weights.fetch(_entry(name), out)
    answer({"name": name, "path": file, "bytes": file.stat().st_size}, as_json, [str(file)])


@weights.command()
@click.argument("name", metavar="[NAME]", required=False)
@json_option
def path(name: str | None, as_json: bool) -> None:
    """Print the file that the network NAME would be loaded from; without NAME, the folder that downloads go to.

    \b
    Example:
      deconvviz weights path squeezenet
    """
    from deconvviz.models import public_weights

    if name is None:
        answer({"folder": public_weights.folder()}, as_json, [str(public_weights.folder())])
        return
    entry = _entry(name)
    file = public_weights.find(entry)
    if file is None:
        assert entry.weights is not None
        raise WeightsError(
            f"the weights of {name} are not on this machine: "
            + (f"run 'deconvviz weights fetch {name}'" if entry.weights.url else f"get them from {entry.weights.page}")
        )
    answer({"name": name, "path": file}, as_json, [str(file)])


def _entry(name: str) -> ModelEntry:
    return catalog.model(name)


COMMAND = weights
