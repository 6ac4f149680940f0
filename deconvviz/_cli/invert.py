"""`deconvviz invert`: a picture that a layer can hardly tell from the one it was shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import deconvviz as dv
from deconvviz._cli._common import (
    FILE,
    Whole,
    answer,
    check_file,
    check_out,
    image_option,
    json_option,
    load_image,
    seconds_since,
    typed,
)
from deconvviz._cli._optimized import run, run_options
from deconvviz._cli._user_network import Chosen, load_chosen, network_options
from deconvviz.errors import DeconvvizError

if TYPE_CHECKING:
    from deconvviz.network import Network
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
    help="optimize, learned (one pass of a decoder, for some layers of caltech), or refined (160 steps from there).",
)
@click.option("--restarts", type=Whole(min=1), default=1, show_default=True, help="Starts; the best counts.")
@run_options
@click.option("--out", type=FILE, metavar="FILE.png", help="Write the picture there.")
@click.option("--checkpoint", type=FILE, metavar="FILE", help="Keep the run there, and go on from it.")
@json_option
def invert(
    chosen: Chosen, image: str, layer: str, method: str, restarts: int, out: Path | None, checkpoint: Path | None,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Invert a layer. Finds a picture that the layer answers like the one it is shown.

    \b
    Examples:
      deconvviz invert --model caltech --image sample:cat --layer relu4 --out inverted.png
      deconvviz invert --model caltech --image sample:cat --layer relu4 --method learned --out learned.png
      deconvviz invert --model caltech --image sample:cat --layer relu4 --checkpoint run.safetensors --out inverted.png
    """
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz.figures import files, montage
    from deconvviz.methods.feature_inversion import check_method

    start = time.perf_counter()
    if out is not None:
        check_out(out, (".png",))
    chosen.check()
    check_method(method)
    if checkpoint is not None:
        _check(checkpoint, method)
    network, picture = load_chosen(chosen), load_image(image)
    begin = partial(dv.invert_snapshots, network, picture, layer, method, restarts=restarts)
    chosen_options = typed(options)
    known = 0
    if checkpoint is None:
        snapshots = begin(**chosen_options)
    else:
        known, snapshots = _resumed(checkpoint, begin, network, layer, chosen_options)
    result: Inversion = run(snapshots, lambda now: f"feature error {now.feature_error:.4f}")
    if out is not None:
        files.write(out, montage.png_bytes(result.image))
    record = {
        "model": chosen.name,
        "image": image,
        "layer": layer,
        "method": method,
        "seed": result.seed,
        "restart": result.restart,
        "steps": result.step,
        "resumed": known,
        "feature_error": result.feature_error,
        "normalized_image_error": result.image_error,
        "loss": result.losses[-1] if len(result.losses) else None,
        "note": result.note or None,
        "out": out,
        "images": 1,
        "seconds": seconds_since(start),
    }
    answer(record, as_json, _lines(chosen, result, out))


def _check(checkpoint: Path, method: str) -> None:
    """Refuses before the work what could not be kept after it."""
    check_file(checkpoint, "--checkpoint")
    if method != "optimize":
        raise DeconvvizError(f"--checkpoint {checkpoint}: method {method!r} answers within seconds; leave it out")


def _resumed(
    path: Path, begin: Callable[..., Iterator[Inversion]], network: Network, layer: str, chosen_options: dict[str, Any]
) -> tuple[int, Iterator[Inversion]]:
    """(steps that an earlier process has done, the snapshots from there on), each written down as it comes."""
    from deconvviz.figures import files
    from deconvviz.methods import run_files

    seed = {"seed": chosen_options.pop("seed")} if "seed" in chosen_options else {}
    known = run_files.read(path) if path.exists() else None
    settings = run_files.settings_of(network, layer, chosen_options)

    def keeping() -> Iterator[Inversion]:
        try:
            for now in begin(resume=known, **seed, **settings):
                files.write(path, run_files.packed(now))
                yield now
        except DeconvvizError as error:
            if known is None or "cannot go on" not in str(error):
                raise
            raise DeconvvizError(
                f"--checkpoint {path} holds another run, of {known.layer} with seed {known.seed}: {error}; delete it, "
                "or name another file"
            ) from error

    return (known.step if known else 0), keeping()


def _lines(chosen: Chosen, result: Inversion, out: Path | None) -> list[str]:
    """The answer for people."""
    how = {
        "learned": "one pass of a trained decoder",
        "refined": f"{result.step} steps from the answer of a trained decoder",
        "optimize": f"{result.step} steps from seed {result.seed}",
    }[result.method]
    return [
        f"{chosen.name}, {result.layer}: {how}",
        f"feature error {result.feature_error:.4g} (squared, over the target), in pixels {result.image_error:.4g}",
        *([f"note: {result.note}"] if result.note else []),
        *([f"written: {out}"] if out else []),
    ]


COMMAND = invert
