"""`deconvviz attribute`: which pixels a unit, or a class, rests on, by any method."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

import deconvviz as dv
from deconvviz._cli._common import FILE, TEXT_OR_FILE, Whole, answer, check_out, json_option, load_image, seconds_since
from deconvviz._cli._user_network import Chosen, load_chosen, network_options


@click.command()
@network_options
@click.option(
    "--image",
    required=True,
    type=TEXT_OR_FILE,
    metavar="FILE",
    help="A picture file, or a built-in photograph: sample:cat.",
)
@click.option("--layer", metavar="NAME", help="Of the unit.  [default: the last layer]")
@click.option("--channel", type=int, help="Of the unit; a class is a channel of the scores.  [default: the largest]")
@click.option("--method", default="occlusion", show_default=True, metavar="NAME", help="deconvnet, grad_cam, ...")
@click.option("--seed", type=Whole(min=0), default=0, show_default=True, help="Of the method's random draws.")
@click.option("--out", type=FILE, metavar="FILE", help="Write the map as a PNG, blue to red.")
@json_option
def attribute(
    chosen: Chosen,
    image: str,
    layer: str | None,
    channel: int | None,
    method: str,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Draw which pixels a unit or a class rests on, by one method.

    \b
    Example:
      deconvviz attribute --model caltech --image sample:cat --method grad_cam --out map.png
    """
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz.checks import audit as audits
    from deconvviz.checks.audit.run import chosen_unit
    from deconvviz.figures import files, scale

    start = time.perf_counter()
    chosen.check()
    if out is not None:
        check_out(out, (".png",))
    network, picture = load_chosen(chosen), load_image(image)
    if channel is not None and layer is None:
        raise click.UsageError(f"--channel {channel} is of a layer: name it with --layer")
    if channel is None:
        x = dv.model_input(network, picture)
        unit = chosen_unit(network, x, None)
        if layer is not None:
            values = network.taps(x, [network.layer(layer).name])[layer][0]
            unit = dv.Unit(layer, int(values.reshape(-1, values.shape[-1]).max(axis=0).argmax()))
    else:
        unit = dv.Unit(str(layer), channel)
    result = dv.attribute(network, picture, unit, method, seed)
    if out is not None:
        files.write_png(out, scale.diverging_rgb(result.pixels, scale.signed_limit(result.pixels)))
    record: dict[str, Any] = {
        "network": chosen.name, "image": image, "layer": result.unit.layer, "channel": result.unit.channel,
        "row": result.unit.row, "column": result.unit.column, "value": result.value, "method": result.method,
        "seed": seed, "options": result.options, "lowest": float(result.pixels.min()),
        "highest": float(result.pixels.max()), **result.facts,
        "note": result.note or None, "out": out, "images": 1, "seconds": seconds_since(start),
    }  # fmt: skip
    about = audits.card(method)
    record |= {"assumes": about.assumes, "limits": about.limits, "measured": about.measured, "where": about.where}
    lines = [f"{name}: {value}" for name, value in record.items() if value is not None and name != "measured"]
    answer(record, as_json, lines + [f"- {line}" for line in about.measured])


COMMAND = attribute
