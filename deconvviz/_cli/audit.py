"""`deconvviz audit`: can the maps of a network be trusted? Every control of every method, and one report."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Any

import click

import deconvviz as dv
from deconvviz._cli._common import FILE, TEXT_OR_FILE, Whole, answer, check_file, check_out, json_option, seconds_since
from deconvviz._cli._user_network import Chosen, load_chosen, load_user_network, network_options

#: What stands for the built-in photographs.
BUILT_IN = "sample:all"


@click.command()
@network_options
@click.option(
    "--images",
    required=True,
    type=TEXT_OR_FILE,
    metavar="DIR",
    help="A folder of pictures; sample:all, those built in.",
)
@click.option("--out", required=True, type=FILE, metavar="FILE", help="The report, FILE.html.")
@click.option("--method", "methods", multiple=True, metavar="NAME", help="Only this one; may be given again.")
@click.option("--limit", type=Whole(min=1), metavar="N", help="The first N pictures alone.")
@click.option("--layer", metavar="NAME", help="Explain a unit of this layer, with --channel.  [default: the top class]")
@click.option("--channel", type=int, help="Channel of --layer.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the report.")
@click.option("--seed", type=Whole(min=0), default=0, show_default=True, help="Fixes every random draw.")
@json_option
def audit(
    chosen: Chosen,
    images: str,
    out: Path,
    methods: tuple[str, ...],
    limit: int | None,
    layer: str | None,
    channel: int | None,
    language: str,
    seed: int,
    as_json: bool,
) -> None:
    """Measure whether the maps of a network mean anything, and write FILE.html and FILE.json.

    Weights made random, another class, all units of the layer, deletion and insertion, occlusion, shift, noise, edges:
    every control for every method, with intervals over the pictures, a picture on each processor. A stopped audit goes
    on from FILE.partial where it was.

    \b
    Example:
      deconvviz audit --model caltech --images pictures/ --out report.html
    """
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz.data import folder

    start = time.perf_counter()
    chosen.check()
    if (layer is None) != (channel is None):
        raise click.UsageError("--layer and --channel go together: name both, or neither for the top class")
    check_out(out, (".html",))
    check_file(out.with_suffix(".json"), "--out")
    pictures: Any = folder.list_pictures(images)[:limit] if images != BUILT_IN else built_in(limit)
    network, assumed = load_user_network(chosen) if chosen.address else (load_chosen(chosen), ())
    for line in assumed:
        click.echo(line, err=True)
    unit = None if layer is None or channel is None else (layer, channel)
    click.echo(str(dv.audit_forecast(network, pictures, methods or None, unit=unit)), err=True)
    partial = out.with_suffix(".partial")

    def progress(done: int, every: int) -> None:
        spent = time.perf_counter() - start
        end = "\n" if done == every or not sys.stderr.isatty() else "\r"
        click.echo(f"{done} of {every} pictures, {spent:.0f} s" + " " * 9 + end, nl=False, err=True)

    report = dv.audit(
        network, pictures, methods or None, seed, unit=unit, resume=partial, progress=progress, command=_command()
    )
    report.to_html(out, language)
    report.to_json(out.with_suffix(".json"))
    partial.unlink(missing_ok=True)
    record = {
        "network": chosen.name, "images": len(report.pictures), "unreadable": len(report.unreadable),
        "methods": list(report.table), "refused": report.refused, "out": out, "json": out.with_suffix(".json"),
        "sentences": report.sentences, "processor_seconds": round(report.seconds, 3),
        "seconds": seconds_since(start),
    }  # fmt: skip
    answer(record, as_json, [*report.sentences, f"written: {out}", f"written: {out.with_suffix('.json')}"])


def built_in(limit: int | None) -> dict[str, Any]:
    """The photographs of the gallery."""
    from deconvviz.data import samples

    names = [sample.id for sample in samples.SAMPLES.values() if sample.kind == "photo"][:limit]
    return {name: samples.load(name) for name in names}


def _command() -> str:
    """The command line as it was given."""
    return shlex.join(["deconvviz", *sys.argv[1:]])


COMMAND = audit
