"""`deconvviz atlas`: the pictures of a folder that excite each channel most, with what the units saw."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from deconvviz._cli._common import (
    FILE,
    TEXT_OR_FILE,
    Whole,
    answer,
    check_out,
    json_option,
    plain,
    seconds_since,
    table,
)
from deconvviz._cli._user_network import Chosen, load_chosen, network_options
from deconvviz.errors import DeconvvizError


class Layers(click.ParamType):
    """Names with commas between them, each with the number of channels to keep if not all: relu2,relu4:16."""

    name = "LAYERS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int | None]:
        """Layer -> number of channels, None for all."""
        if isinstance(value, dict):
            return value
        result: dict[str, int | None] = {}
        for part in filter(None, (part.strip() for part in str(value).split(","))):
            name, colon, count = part.rpartition(":")
            counted = bool(colon) and count.isascii() and count.isdigit()
            result[name if counted else part] = int(count) if counted else None
        if not result:
            self.fail(f"{value!r} names no layer; write relu2,relu4, or relu2:16 for 16 of its channels", param, ctx)
        return result


@click.group()
def atlas() -> None:
    """Build and show an atlas: for each channel the pictures that excite it most."""


@atlas.command()
@network_options
@click.option(
    "--images",
    required=True,
    type=TEXT_OR_FILE,
    metavar="DIR",
    help="The pictures, sub-folders too; or sample:textures.",
)
@click.option("--layers", required=True, type=Layers(), help="relu2,relu4; relu4:16 keeps 16 channels.")
@click.option("--out", required=True, type=FILE, metavar="DIR", help="The folder of the atlas.")
@click.option("--rule", default="deconvnet", show_default=True, help="gradient, deconvnet, guided or linear.")
@click.option("--top", type=Whole(min=1), default=9, show_default=True, help="Pictures a channel.")
@click.option("--batch", type=Whole(min=1), default=32, show_default=True, help="Pictures a device at once.")
@click.option("--coordinator", metavar="HOST:PORT", help="Several processes: where process 0 waits for the others.")
@click.option("--processes", type=Whole(min=1), help="How many they are.")
@click.option("--process", type=Whole(min=0), help="Which of them this is, from 0.")
@click.option("--cluster", is_flag=True, help="Several processes, started by Slurm, Open MPI or the like.")
@json_option
def build(
    chosen: Chosen, images: str, layers: dict[str, int | None], out: Path, as_json: bool, coordinator: str | None,
    processes: int | None, process: int | None, cluster: bool, **settings: Any,
) -> None:  # fmt: skip
    """Find the pictures that excite each channel most, and what the units saw. A stopped build goes on where it was.

    \b
    Examples:
      deconvviz atlas build --model caltech --images photographs --layers relu2,relu4 --out atlas
      deconvviz atlas build --model caltech --images sample:textures --layers relu3:16 --out atlas
    """
    start = time.perf_counter()
    chosen.check()
    several = (coordinator, processes, process)
    if any(value is not None for value in several) and (cluster or None in several):
        raise click.UsageError("--coordinator, --processes and --process go together, and without --cluster")
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz import atlas as atlases

    team = atlases.join(*several) if cluster or coordinator else atlases.Team()
    network = load_chosen(chosen)
    with Bars(team.index == 0) as bars:
        about = atlases.build(network, images, layers, out, progress=bars.show, team=team, **settings)
    if team.index:
        return
    record = {
        "model": chosen.name, "out": out, "rule": about["rule"], "top": about["top"], **about["images"],
        "layers": [{key: layer[key] for key in ("name", "rows", "silent")} for layer in about["layers"]],
        "errors": about["errors"], "processes": team.size, "seconds": seconds_since(start),
    }  # fmt: skip
    answer(record, as_json, _built(record))


def _built(record: dict[str, Any]) -> list[str]:
    """The answer for people."""
    broken = [f"skipped: {error['image']}: {error['reason']}" for error in record["errors"][:20]]
    more = record["broken"] - len(broken)
    layers = [(layer["name"], layer["rows"], len(layer["silent"])) for layer in record["layers"]]
    return [
        f"{record['used']} of {record['listed']} pictures, {record['rule']}, top {record['top']}: {record['out']}",
        *table(("layer", "rows", "silent channels"), layers),
        *broken,
        *([f"skipped: {more} more, listed in {record['out'] / 'atlas.json'}"] if more else []),
    ]  # fmt: skip


class Bars:
    """Progress and time left on stderr, one bar a step of the build."""

    def __init__(self, visible: bool) -> None:
        self._visible, self._step, self._bar = visible, "", None

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, step: str, done: int, total: int) -> None:
        """What `deconvviz.atlas.build` reports."""
        from tqdm import tqdm

        if step != self._step:
            self.__exit__()
            self._step = step
            self._bar = tqdm(
                desc=step,
                total=total,
                initial=done,
                unit="picture",
                disable=None if self._visible else True,
                leave=False,
            )
        if self._bar is not None:
            self._bar.update(done - self._bar.n)


@atlas.command()
@click.option("--atlas", "folder", type=FILE, metavar="DIR", help="Else the shipped one.")
@click.option("--layer", required=True, metavar="NAME", help="A layer of the atlas.")
@click.option("--channel", required=True, type=Whole(min=0), help="A channel of it, from 0.")
@click.option("--out", type=FILE, metavar="FILE.png", help="Patches and reconstructions.")
@json_option
def show(folder: Path | None, layer: str, channel: int, out: Path | None, as_json: bool) -> None:
    """Show a channel: its pictures, strongest first. The PNG has patches on the left, reconstructions on the right.

    \b
    Example:
      deconvviz atlas show --layer relu2 --channel 3 --out channel.png
    """
    from deconvviz import atlas as atlases
    from deconvviz.atlas import contact
    from deconvviz.figures import files, montage

    if out is not None:
        check_out(out, (".png",))
    opened = atlases.Atlas.open(folder or atlases.SHIPPED)
    rows = opened.rows(layer, channel)
    result = [
        {"rank": row.rank, "image": row.image, "digest": row.digest, "activation": row.activation, "box": row.box,
         "row": row.unit.row, "column": row.unit.column, "scale": row.scale}
        for row in rows
    ]  # fmt: skip
    if out is not None:
        if not rows:
            raise DeconvvizError(f"channel {channel} of {layer} is silent: no picture of {opened.folder} excites it")
        recipe_rows = [
            {"image": row.image, "activation": row.activation, "box": row.box, "scale": row.scale} for row in rows
        ]
        text = {"recipe": json.dumps(plain({"layer": layer, "channel": channel, "rows": recipe_rows}))}
        files.write(out, montage.png_bytes(contact.picture(opened, rows), text=text))
    network = opened.about["network"]["name"]
    record = {"network": network, "layer": layer, "channel": channel, "rule": opened.about["rule"], "rows": result,
              "out": out}  # fmt: skip
    lines = table(
        ("activation", "row", "column", "image"),
        [(f"{row.activation:.5g}", row.unit.row, row.unit.column, row.image) for row in rows],
    )
    written = [f"written: {out}"] if out is not None else []
    answer(record, as_json, [f"{network}, {layer}, channel {channel}: {len(rows)} pictures", *lines, *written])


COMMAND = atlas
