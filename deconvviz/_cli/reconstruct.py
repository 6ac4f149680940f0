"""`deconvviz reconstruct`: what a unit saw, as a picture, an array, or a recipe."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from deconvviz._cli._common import (
    FILE,
    TEXT_OR_FILE,
    Whole,
    answer,
    check_file,
    check_out,
    json_option,
    load_image,
    sample_id,
    seconds_since,
    table,
)
from deconvviz._cli._user_network import Chosen, load_chosen, network_options
from deconvviz.errors import DeconvvizError

if TYPE_CHECKING:
    from deconvviz.network import Network
    from deconvviz.recipe import Recipe
    from deconvviz.types import DisplayImage, Reconstruction

FORMATS = (".png", ".svg", ".npz")
#: Options that a recipe answers by itself.
IN_RECIPE = ("model", "layer", "channel", "row", "column", "whole", "rules", "start", "mode", "own_scale")


class Job(NamedTuple):
    """One picture to make: the recipe, and what it is made from."""

    recipe: Recipe
    network: Network
    image: DisplayImage
    source: str


@click.command()
@network_options
@click.option(
    "--image", type=TEXT_OR_FILE, metavar="FILE", help="A picture file, or a built-in photograph: sample:cat."
)
@click.option("--layer", metavar="NAME", help="A layer, as `deconvviz layers` names it.")
@click.option("--channel", type=Whole(min=0), help="A channel of it, from 0.")
@click.option("--row", type=Whole(min=0), help="The unit's row; the strongest unit without row and column.")
@click.option("--column", type=Whole(min=0), help="The unit's column.")
@click.option("--all", "whole", is_flag=True, help="Start from the whole map; without --channel, from all maps.")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    help="gradient, deconvnet, guided or linear; repeat it for panels side by side.  [default: deconvnet]",
)
@click.option(
    "--start",
    type=click.Choice(["activation", "one"]),
    default="activation",
    show_default=True,
    help="What goes down: the activation itself, or 1 (the ordinary derivative).",
)
@click.option(
    "--mode",
    type=click.Choice(["colour", "plane"]),
    default="colour",
    show_default=True,
    help="Signed colours around grey, or their sum from blue to red.",
)
@click.option("--own-scale", is_flag=True, help="A scale for each panel instead of one for all.")
@click.option("--out", type=FILE, metavar="FILE", help="Write .png, .svg or .npz there.")
@click.option("--recipe", "recipe_file", type=FILE, metavar="FILE", help="Make this recipe's picture.")
@click.option("--save-recipe", type=FILE, metavar="FILE", help="Write the recipe of the picture.")
@json_option
@click.pass_context
def reconstruct(
    ctx: click.Context,
    chosen: Chosen,
    out: Path | None,
    recipe_file: Path | None,
    save_recipe: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Show what a unit saw in a picture. One panel a rule, with its numbers.

    \b
    Examples:
      deconvviz reconstruct --model caltech --image sample:cat --layer relu3 --channel 7 --out map.png
      deconvviz reconstruct --recipe recipe.json --out map.svg
    """
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz import recipe as recipes
    from deconvviz.figures import files

    start = time.perf_counter()
    if out is not None:
        check_out(out, FORMATS)
    if save_recipe is not None:
        check_file(save_recipe, "--save-recipe")
    job = _from_options(chosen, options) if recipe_file is None else _from_recipe(ctx, recipe_file, chosen, options)
    result = recipes.reconstruct(job.recipe, job.network, job.image)
    recipe = recipes.resolved(job.recipe, result)
    if out is not None:
        files.write(out, recipes.picture(recipe, result, job.network, job.image, out.suffix[1:].lower()))
    if save_recipe is not None:
        files.write(save_recipe, recipe.to_json().encode())
    record = _record(recipe, job.source, result) | {
        "out": out,
        "recipe": save_recipe,
        "images": 1,
        "seconds": seconds_since(start),
    }
    answer(record, as_json, _lines(recipe, result, [out, save_recipe]))


def _from_options(chosen: Chosen, options: dict[str, Any]) -> Job:
    """The picture that the options describe."""
    from deconvviz import recipe as recipes
    from deconvviz.types import Unit

    missing = [] if chosen.is_named else ["--model, --network or --torch"]
    needed = ("image", "layer") if options["whole"] else ("image", "layer", "channel")
    missing += [f"--{name}" for name in needed if options[name] is None]
    if missing:
        raise click.UsageError(f"{', '.join(missing)} missing: give them, or a --recipe FILE that holds them")
    if options["whole"] and (options["row"] is not None or options["column"] is not None):
        raise click.UsageError("--all starts from the whole map: leave out --row and --column, or --all")
    chosen.check()
    network = load_chosen(chosen)
    image = load_image(options["image"], network.input_spec)
    position: dict[str, Any] = {name: "all" if options["whole"] else options[name] for name in ("row", "column")}
    recipe = recipes.describe(
        network,
        image,
        Unit(options["layer"], "all" if options["channel"] is None else options["channel"], **position),
        model=chosen.name,
        sample=sample_id(options["image"]),
        rules=options["rules"] or ("deconvnet",),
        start=options["start"],
        mode=options["mode"],
        scale="own" if options["own_scale"] else "shared",
    )
    return Job(recipe, network, image, options["image"])


def _from_recipe(ctx: click.Context, file: Path, chosen: Chosen, options: dict[str, Any]) -> Job:
    """The picture that a recipe file describes; its own photograph has to be given again."""
    from deconvviz import recipe as recipes
    from deconvviz import storage

    typed = click.core.ParameterSource.COMMANDLINE
    repeated = [
        p.opts[0] for p in ctx.command.params if p.name in IN_RECIPE and ctx.get_parameter_source(p.name) == typed
    ]
    if repeated:
        names = " and ".join(repeated)
        raise click.UsageError(f"the recipe already says {names}: leave out --recipe, or {names}")
    text = storage.read_bytes(file, lambda reason: DeconvvizError(f"--recipe {file} cannot be read: {reason}"))
    try:
        recipe = recipes.Recipe.from_json(text.decode())
    except UnicodeDecodeError as error:
        raise DeconvvizError(
            f"--recipe {file} is not a text file, so it is no recipe; got byte {error.start}"
        ) from error
    source = options["image"] or (f"sample:{recipe.image}" if recipe.image else None)
    if source is None:
        raise DeconvvizError(f"the recipe {file} is of a picture that is not built in: give it again with --image FILE")
    _same_network(recipe, chosen, file)
    network = load_chosen(chosen, recipe.model)
    return Job(recipe, network, load_image(source, network.input_spec), source)


def _same_network(recipe: Recipe, chosen: Chosen, file: Path) -> None:
    """A recipe may come from anybody: a module that it names is imported only if the person names it too."""
    if ":" in recipe.model and chosen.address is None:
        raise DeconvvizError(
            f"the recipe {file} is of a network that is not shipped, and a module is imported only if you name it: "
            f"give --network {recipe.model}, or --torch {recipe.model}, if you trust it"
        )
    if chosen.address is not None and chosen.address != recipe.model:
        option = "--torch" if chosen.torch else "--network"
        raise DeconvvizError(f"the recipe {file} is of {recipe.model}; got {option} {chosen.address}: leave it out")


def _record(recipe: Recipe, source: str, results: tuple[Reconstruction, ...]) -> dict[str, Any]:
    first = results[0]
    return {
        "model": recipe.model,
        "image": source,
        "layer": recipe.layer,
        "channel": recipe.channel,
        "row": recipe.row,
        "column": recipe.column,
        "activation": first.activation,
        "start": recipe.start,
        "receptive_field": first.receptive_field,
        "maps": [
            {
                "rule": result.rule,
                "lowest": float(result.map.min()),
                "highest": float(result.map.max()),
                "obeyed": result.coverage.obeyed,
                "rectifiers": result.coverage.total,
                "agreement": result.agreement,
            }
            for result in results
        ],
    }


def _lines(recipe: Recipe, results: tuple[Reconstruction, ...], written: list[Path | None]) -> list[str]:
    first = results[0]
    place = "whole map" if recipe.row == "all" else f"row {recipe.row}, column {recipe.column}"
    top, left, bottom, right = first.receptive_field
    rows = [
        (
            result.rule,
            f"{result.map.min():.4g} .. {result.map.max():.4g}",
            str(result.coverage),
            "-" if result.agreement is None else f"{result.agreement:.1g}",
        )
        for result in results
    ]
    return [
        f"{recipe.model}, {recipe.layer}, channel {recipe.channel}, {place}: activation {first.activation:.5g}",
        f"sees rows {top} to {bottom - 1}, columns {left} to {right - 1}",
        *table(("rule", "range", "coverage", "two computations differ by"), rows),
        *(f"written: {path}" for path in written if path is not None),
    ]


COMMAND = reconstruct
