"""`deconvviz check`: what can be done with a network of one's own, and what to change."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deconvviz._cli._common import FILE, TEXT_OR_FILE, answer, by, json_option, load_image, seconds_since, table
from deconvviz._cli._user_network import Chosen, load_chosen, load_user_network, network_options
from deconvviz.errors import DeconvvizError

if TYPE_CHECKING:
    from deconvviz.checks import Report, RuleReport
    from deconvviz.network import Network

#: Pictures of a folder that are looked at.
MOST = 16
#: What to do about what was assumed.
SAY_IT = "Say it with --size, --channels, --input-range, --mean and --std, or make it a dv.Network."


@click.command()
@network_options
@click.option(
    "--image",
    default="sample:cat",
    show_default=True,
    type=TEXT_OR_FILE,
    metavar="FILE",
    help="A picture file, or a built-in photograph.",
)
@click.option("--layer", metavar="NAME", help="Where the rules start.  [default: the last layer]")
@click.option(
    "--images",
    type=FILE,
    metavar="DIR",
    help="A folder of pictures: also look for dead channels, and for a wrong range or channel order.",
)
@json_option
@click.pass_context
def check(
    ctx: click.Context, chosen: Chosen, image: str, layer: str | None, images: Path | None, as_json: bool
) -> None:
    """Try everything on a network of your own. Finds its layers, runs it forward, and applies each rule.

    Says how many rectifiers obey, how far the two computations differ, what is not supported and what to change. Exits
    with 0 if all is well, with 1 if a rule is refused or something has to be changed, with 2 on bad input.

    \b
    Example:
      deconvviz check --network package.module:object --image cat.png
    """
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz import checks
    from deconvviz.data.preprocess import model_input

    start = time.perf_counter()
    chosen.check()
    network, assumed = load_user_network(chosen) if chosen.address else (load_chosen(chosen), ())
    x = model_input(load_image(image, network.input_spec), network.input_spec)
    result = checks.report(network, x, layer)
    grey, hints = _diagnosis(result, x), _hints(network, images)
    record = _record(chosen, image, result, assumed) | {"diagnosis": grey or None, "hints": hints}
    record |= {"images": 1, "seconds": seconds_since(start)}
    remarks = [*([grey] if grey else []), *hints]
    lines = _lines(chosen, image, result, assumed) + (
        ["", "Worth knowing:", *(f"- {remark}" for remark in remarks)] if remarks else []
    )
    answer(record, as_json, lines)
    ctx.exit(0 if result.applies else 1)


def _diagnosis(report: Report, x: Any) -> str:
    """Why the deconvnet's map of the strongest unit is grey; empty where it is not, or where the rule is refused."""
    from deconvviz.checks import grey
    from deconvviz.network import reconstruct_units

    try:
        (reconstruction,) = reconstruct_units(report.network, x, [report.unit], prove=False)
        return grey.diagnosis(report.network, x, reconstruction)
    except DeconvvizError:
        return ""


def _hints(network: Network, images: Path | None) -> list[str]:
    """What a folder of pictures shows of the network: dead channels, and a range in which it is much surer."""
    from deconvviz.checks import grey
    from deconvviz.data import folder
    from deconvviz.data.preprocess import model_input

    if images is None:
        return []
    pictures = [load_image(str(path)) for path in folder.list_pictures(images)[:MOST]]
    dead = grey.dead_channels(network, [model_input(picture, network.input_spec) for picture in pictures])
    hint = grey.better_input(network, pictures)
    return [*grey.dead_sentences(dead, network, len(pictures)), *([hint] if hint else [])]


def _record(chosen: Chosen, image: str, report: Report, assumed: tuple[str, ...]) -> dict[str, Any]:
    """The answer as JSON."""
    network = report.network
    return {
        "network": chosen.name,
        "image": image,
        "input": network.input_spec.size,
        "channels": network.input_spec.channels,
        "assumed": assumed,
        "layers": len(network.layers),
        "kinds": _kinds(network),
        "parameters": sum(layer.parameters for layer in network.layers),
        "output": report.output,
        "finite": report.finite,
        "top": [{"index": index, "value": value} for index, value in report.top],
        "layer": report.layer,
        "channel": report.unit.channel,
        "activation": report.activation,
        "rules": [
            {
                "rule": rule.rule,
                "applies": not rule.refused,
                "refused": rule.refused or None,
                "obeyed": rule.coverage.obeyed,
                "rectifiers": rule.coverage.total,
                "unsupported": rule.coverage.unsupported,
                "agreement": rule.agreement,
                "seconds": round(rule.seconds, 3),
            }
            for rule in report.rules
        ],
        "notes": report.notes,
        "ok": report.applies,
    }


def _kinds(network: Network) -> dict[str, int]:
    """Kind of layer -> how many, the most frequent first."""
    return dict(Counter(layer.kind for layer in network.layers).most_common())


def _lines(chosen: Chosen, image: str, report: Report, assumed: tuple[str, ...]) -> list[str]:
    """The answer for people."""
    network, spec = report.network, report.network.input_spec
    kinds = ", ".join(f"{count} {kind}" for kind, count in _kinds(network).items())
    parameters = sum(layer.parameters for layer in network.layers)
    facts = [
        ("network", chosen.name if network.name in ("network", chosen.name) else f"{chosen.name}, {network.name}"),
        ("input", f"{by(spec.size)}, {spec.channels}, {_range(spec)}"),
        *(("" if i else "assumed", line) for i, line in enumerate([*assumed, SAY_IT] if assumed else [])),
        ("layers", f"{len(network.layers)}: {kinds}; {parameters:,} parameters"),
        ("forward", _forward(image, report)),
        ("unit", f"{report.layer}, channel {report.unit.channel}, its strongest: activation {report.activation:.4g}"),
    ]
    rows = [_row(rule) for rule in report.rules]
    lines = [f"{name:9} {value}" for name, value in facts]
    lines += ["", *table(("rule", "applies", "coverage", "two computations differ by", "seconds"), rows)]
    if report.notes:
        lines += ["", "What to change:", *(f"- {note}" for note in report.notes)]
    else:
        lines += ["", f"All {len(report.rules)} rules apply."]
    return lines


def _range(spec: Any) -> str:
    """The range of the numbers that the network is fed, from black to white of its first channel."""
    black, white = ((value - spec.mean[0]) / spec.std[0] for value in (0.0, spec.scale))
    return f"values from {black:.4g} to {white:.4g}"


def _forward(image: str, report: Report) -> str:
    shape = by(report.output) if report.output else "one number"
    line = f"{shape} from {image} in {report.seconds:.2g} s with compiling"
    if not report.finite:
        return f"{line}; NOT FINITE"
    labels = report.network.labels
    names = [(labels[index] if labels else f"output {index}", value) for index, value in report.top]
    return line + "".join(f"; {name} {value:.4g}" for name, value in names)


def _row(report: RuleReport) -> tuple[str, str, str, str, str]:
    """A rule as a row of the table."""
    agreement = "-" if report.agreement is None else f"{report.agreement:.1g}"
    if report.refused:
        return report.rule, "refused", _coverage(report), "-", "-"
    applies = "yes" if report.largest else "yes, all zero"
    return report.rule, applies, _coverage(report), agreement, f"{report.seconds:.1f}"


def _coverage(report: RuleReport) -> str:
    if report.rule == "gradient":
        return "ordinary derivative"
    return str(report.coverage) if report.coverage.total else "no rectifier"


COMMAND = check
