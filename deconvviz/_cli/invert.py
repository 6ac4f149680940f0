"""`deconvviz invert`: a picture that a layer can hardly tell from the one it was shown."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deconvviz._cli._common import answer, check_out, image_option, json_option, load_image, seconds_since
from deconvviz._cli._optimized import given, run, run_options
from deconvviz._cli._own import Chosen, load_chosen, network_options

if TYPE_CHECKING:
    from deconvviz.types import Inversion


@click.command()
@network_options
@image_option
@click.option("--layer", required=True, metavar="NAME", help="A layer, as `deconvviz layers` names it.")
@click.option(
    "--method",
    default="optimize",
    show_default=True,
    metavar="NAME",
    help="optimize, or learned (one pass of a decoder, for some layers of caltech).",
)
@click.option("--restarts", type=click.IntRange(min=1), default=1, show_default=True, help="Starts; the best counts.")
@run_options
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.png", help="Write the picture there.")
@json_option
def invert(
    chosen: Chosen, image: str, layer: str, method: str, restarts: int, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Invert a layer. Finds a picture that the layer answers like the one it is shown.

    \b
    Examples:
      deconvviz invert --model caltech --image sample:cat --layer relu4 --out inverted.png
      deconvviz invert --model caltech --image sample:cat --layer relu4 --method learned --out learned.png
    """
    import deconvviz as dv
    from deconvviz.figures import files, montage
    from deconvviz.methods.feature_inversion import check_method

    start = time.perf_counter()
    if out is not None:
        check_out(out, (".png",))
    chosen.check()
    check_method(method)
    network, picture = load_chosen(chosen), load_image(image)
    found: Inversion = run(
        dv.invert_snapshots(network, picture, layer, method, restarts=restarts, **given(options)),
        lambda now: f"feature error {now.feature_error:.4f}",
    )
    if out is not None:
        files.write(out, montage.png_bytes(found.image))
    record = {
        "model": chosen.name,
        "image": image,
        "layer": layer,
        "method": method,
        "seed": found.seed,
        "restart": found.restart,
        "steps": found.step,
        "feature_error": found.feature_error,
        "normalized_image_error": found.image_error,
        "loss": found.losses[-1] if len(found.losses) else None,
        "note": found.note or None,
        "out": out,
        "images": 1,
        "seconds": seconds_since(start),
    }
    answer(record, as_json, _lines(chosen, found, out))


def _lines(chosen: Chosen, found: Inversion, out: Path | None) -> list[str]:
    """The answer for people."""
    how = "one pass of a trained decoder" if found.method == "learned" else f"{found.step} steps from seed {found.seed}"
    return [
        f"{chosen.name}, {found.layer}: {how}",
        f"feature error {found.feature_error:.4g} (squared, over the target), in pixels {found.image_error:.4g}",
        *([f"note: {found.note}"] if found.note else []),
        *([f"written: {out}"] if out else []),
    ]


COMMAND = invert
