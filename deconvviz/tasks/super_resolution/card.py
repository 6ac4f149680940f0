"""The card of super-resolution's weights: what they are, how they were made, what was measured of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deconvviz.models import held_out
from deconvviz.tasks._shared import weights
from deconvviz.tasks.super_resolution import evaluate, network
from deconvviz.training import cards

_TEMPLATE = cards.Template(Path(__file__).with_name("card.md"))

TASK = "super_resolution"
#: How the variants begin that differ in the last layer alone.
SWAP = "swap-"


def card(path: str | Path) -> str:
    """Markdown of a file of weights: data, commands, figures, licence."""
    path = Path(path)
    known = weights.variants(TASK, path)
    first = next(iter(known.values()))
    parts = [_TEMPLATE.fill("head")]
    alike: dict[tuple[str, int], list[str]] = {}
    for name, about in known.items():
        options = about["options"]
        alike.setdefault((options.get("network", "fsrcnn"), options.get("blocks", network.BLOCKS)), []).append(name)
    for (kind, blocks), names in sorted(alike.items()):
        options = known[names[0]]["options"]
        kernels = network.weights(3, **{key: options[key] for key in ("network", "blocks") if key in options})[
            "kernels"
        ]
        parts.append(_TEMPLATE.fill(kind, names=", ".join(names), kernels=kernels, width=network.WIDTH, blocks=blocks))
    if "images" in first["figures"]:
        parts += [_TEMPLATE.fill("protocol", images=first["figures"]["images"]), cards.table(_main(known, path)) + "\n"]
    held = held_out.measured(TASK, path)
    if held:
        decibels = ", ".join(f"{name} {value:.2f} dB" for name, value in held["figures"].items())
        parts.append(_TEMPLATE.fill("held", images=held["images"], set=held["set"], figures=decibels))
    else:
        parts.append(_TEMPLATE.fill("unmeasured"))
    swapped = {name: about for name, about in known.items() if name.startswith(SWAP)}
    if swapped:
        last, recipe = network.TAPS**2 * network.FEATURES, next(iter(swapped.values()))["recipe"]
        steps = recipe["epochs"] * recipe["steps"]
        parts += [
            _TEMPLATE.fill("swap", last=last, steps=steps, batch=recipe["batch"]),
            cards.table(_swap(swapped, path)) + "\n",
        ]
    said = [line for about in known.values() for line in (*about["before"], about["command"])]
    commands = "".join(f"    {line}\n" for line in dict.fromkeys(said))
    back = {_folder(about): about["figures"]["held_back"] for about in known.values()}
    counts = ", ".join(f"{count} of {folder}" for folder, count in back.items())
    parts.append(_TEMPLATE.fill("end", held=counts) + commands)
    return "\n".join(parts)


def _folder(about: dict[str, Any]) -> str:
    """The name of the pictures that a variant was trained on."""
    return str(about["command"].split("--data ")[1].split()[0])


def _main(known: dict[str, Any], path: Path) -> list[list[Any]]:
    rows: list[list[Any]] = [[
        "variant", "numbers", "held back, dB", "Set5, one turn, dB", "SSIM", "8 turns, dB", "SSIM", "bicubic, dB",
        "SSIM", "CPU minutes",
    ]]  # fmt: skip
    for name, about in known.items():
        f = about["figures"]
        if "psnr_turns" in f and not name.startswith(SWAP):
            pairs = [(f"{f['psnr' + way]:.2f}", f"{f['ssim' + way]:.4f}") for way in ("", "_turns", "_bicubic")]
            rows.append([
                name, f"{weights.weights_of(path, name):,}", f"{f['held_back_psnr']:.2f}",
                *(value for pair in pairs for value in pair), f"{about['cpu_seconds'] / 60:.1f}",
            ])  # fmt: skip
    return rows


def _swap(known: dict[str, Any], path: Path) -> list[list[Any]]:
    head = [["last layer", "held back, dB", "Set5 PSNR, dB", "SSIM", "ripple at first", "ripple after"]]
    rows = []
    for name, about in known.items():
        trained = weights.load(TASK, name, network.make, path)
        first, after = (evaluate.ripple(one, 3) for one in (network.make(about["options"]), trained))
        f = about["figures"]
        rows.append([
            about["options"]["upsampler"], f"{f['held_back_psnr']:.2f}", f"{f.get('psnr', 0):.2f}",
            f"{f.get('ssim', 0):.4f}", f"{first:.2f}", f"{after:.2f}",
        ])  # fmt: skip
    return head + rows
