"""Make again what pages show before anything is computed: python scripts/ship_results.py. Some minutes on two cores.

The ladder of the cat with its searches, the first sheet of feature visualization, the maps of the units that pages
open with, and what growth, generation and the swap of upsamplers open with, from the shipped weights, with the steps
and the seed that the pages themselves take.
tests/lessons/test_shipped.py compares it with the code. `generation` needs photographs of Caltech-101 too, in the
folder caltech101 of the one that DECONVVIZ_DATA names.

    python scripts/ship_results.py          all of it
    python scripts/ship_results.py units    the maps alone; the rest stays (so for learned, growth, generation, swap)
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

import deconvviz as dv
from deconvviz.models import inverters
from deconvviz.tasks.generation import data as pictures_of
from deconvviz.tasks.generation.nearest import nearest
from deconvviz.types import Unit
from lessons import fields, rules, upsampler_lab
from lessons import generation as generating
from lessons import growth as growing
from lessons._kit.draw.pixels import crop, to_bytes
from lessons._kit.inversion import run as inversion
from lessons._kit.photo import selection
from lessons._kit.photo.twins import TWINS
from lessons._kit.restoration import run as restoration
from lessons._kit.run import engine, networks, pictures, shipped
from lessons.generation import run as generated
from lessons.growth import network as grown
from lessons.ladder import run as ladder
from lessons.rules import network as four_rules
from lessons.upsampler_lab import run as swapped
from lessons.visualization import State, sheet_of
from lessons.visualization import run as visualization


def twin(_: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """The ladder of the network that was trained on pictures moved against it."""
    loaded = networks.load(TWINS["robust"])
    facts["digest robust"] = loaded.digest
    climbed(loaded, arrays, facts, "robust/")


def climbed(loaded: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any], prefix: str = "") -> None:
    """The ladder of the photograph, with its searches."""
    picture = pictures.sample(shipped.PICTURE)
    photograph = pictures.fitted(loaded, picture).model
    arrays["photograph"] = to_bytes(photograph)
    *_, whole = ladder.ladder_snapshots(loaded, picture, 0, ladder.STEPS)
    for (layer, _), rung in whole.rungs.items():
        name = of_rung(loaded, rung, photograph, arrays, facts, prefix)
        if rung.map is not None:
            limit = float(np.abs(rung.map).max())
            arrays[f"{prefix}map/{layer}"] = np.rint(127 * rung.map / limit).astype(np.int8)
            facts[f"{prefix}map/{layer}"] = limit
            if prefix:
                del arrays[name]
        if rung.losses is not None and not prefix:
            arrays[f"losses/{layer}"] = np.asarray(rung.losses, np.float32)
        print(name, facts[name], flush=True)


def learned(loaded: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """The rungs of the trained decoders, of which there are new ones; the searches stay."""
    picture = pictures.sample(shipped.PICTURE)
    photograph = pictures.fitted(loaded, picture).model
    for layer in inverters.layers(loaded.network):
        rung = ladder.learned(inversion.of(shipped.PICTURE, layer))
        name = of_rung(loaded, rung, photograph, arrays, facts)
        print(name, facts[name], flush=True)


def of_rung(
    loaded: networks.Loaded, rung: ladder.Rung, photograph: np.ndarray, arrays: dict[str, np.ndarray],
    facts: dict[str, Any], prefix: str = "",
) -> str:  # fmt: skip
    """Stores the picture of a rung in 8 bits, with the errors that it has then, and gives its name."""
    name = f"{prefix}{rung.method}/{rung.layer}"
    arrays[name] = to_bytes(rung.image)
    image = arrays[name].astype(np.float32) / 255
    run = inversion.Run(loaded, pictures.sample(shipped.PICTURE), rung.layer)
    facts[name] = [inversion.measured(run, image), ladder.pixel_error(image, photograph), rung.step]
    return name


def sheet(loaded: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """The first sheet of feature visualization."""
    channels = sheet_of(State().run)
    *_, made = dv.visualize_layer_snapshots(loaded.network, shipped.SHEET, channels, steps=visualization.TILE)
    arrays["sheet"] = np.stack([to_bytes(image) for image in made.images])
    arrays["sheet/dead"] = np.asarray(made.dead)
    facts["sheet"] = [int(channel) for channel in channels]
    answers(arrays, facts)


def answers(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """What each channel of the sheet, a column, says of each of its pictures, a row, in 8 bits."""
    runs = [visualization.of(shipped.SHEET, channel) for channel in facts["sheet"]]
    sheet = arrays["sheet"].astype(np.float32) / 255
    maps = [dv.activations(runs[0].loaded.network, image, shipped.SHEET) for image in sheet]
    arrays["sheet/answers"] = np.array([[visualization.by_hand(run, one) for run in runs] for one in maps], np.float32)
    arrays["sheet/activations"] = arrays["sheet/answers"].diagonal()


def visions(loaded: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """The runs that the scenes of feature visualization show."""
    for place in visualization.SHIPPED:
        run = visualization.of(*place)
        *_, last = visualization.snapshots(run, visualization.STEPS)
        vision(run, last.images, arrays, facts)


def vision(run: visualization.Run, images: np.ndarray, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """The last pictures of a run in 8 bits, and what is measured on them."""
    name = visualization.shipped_name(*run.named)
    facts.pop(name, None)
    arrays[name] = np.stack([to_bytes(image) for image in images])
    sheet = arrays[name].astype(np.float32) / 255
    values = [visualization.plain_pass(run, image) for image in sheet]
    best, photograph = sheet[int(np.argmax(values))], visualization.natural(run)
    facts[name] = {
        "digest": run.loaded.digest,
        "activations": values,
        "fine": visualization.fine(best),
        "survives": visualization.survives(run, best),
        "natural": [photograph.id, photograph.value, photograph.place],
    }
    print(name, facts[name], flush=True)


def opened() -> list[tuple[str, Unit]]:
    """Photograph and unit of the pages that open with the maps of one."""
    loaded, first = networks.load("caltech"), selection.FIRST_PICTURE
    name = selection.first_layer(tuple(layer for layer in loaded.network.layers if layer.shape))
    maps = selection.planes(engine.forward(loaded, pictures.sample(first)).maps[name])
    laboratory = selection.resolve(loaded.network.layer(name), maps, None, None, None).unit
    state = rules.State()
    ruled = four_rules.place(state.image, state.layer).units[int(state.rank) - 1]
    return [(first, laboratory), (state.image, ruled), (fields.State().image, fields.compute(fields.State()).unit)]


def units(loaded: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """The maps of those units by every rule, in their receptive fields: they are zero outside."""
    for id, unit in opened():
        name = shipped.unit_name(id, unit)
        image = pictures.fitted(loaded, pictures.sample(id)).model
        found = dv.reconstruct_rules(loaded.network, image, unit, prove=False)
        one = next(iter(found.values()))
        coverage = {rule: [result.coverage.obeyed, result.coverage.total] for rule, result in found.items()}
        facts[name] = {"activation": one.activation, "box": list(one.receptive_field), "coverage": coverage}
        for rule, result in found.items():
            arrays[f"{name}/{rule}"] = crop(result.map, result.receptive_field)
        print(name, facts[name], flush=True)


def growth(loaded: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """What the lesson on growing features plays: its first photograph and layer, after every epoch."""
    image, layer = growing.State().image, growing.State().layer
    for epoch in grown.EPOCHS:
        name, result = grown.shipped_name(image, layer, epoch), grown.compute(image, layer, epoch)
        for i, file in enumerate(result.maps):
            if file:
                arrays[f"{name}/{i}"] = np.frombuffer(file, np.uint8)
        facts[name] = {
            "digests": [grown.network(one).digest for one in (epoch, grown.EPOCHS[-1])],
            "units": [[unit.channel, unit.row, unit.column] for unit in result.units],
            **{part: getattr(result, part) for part in ("activations", "boxes", "inners", "norms", "end_norms")},
        }
        print(name, result.mean, flush=True)


def generation(loaded: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """The pictures that the lesson on generation opens with, and the photographs nearest to its first draws."""
    state = generating.State()
    where = (state.wanted, int(state.first), int(state.second), state.decoder)
    name = generated.walk_name(*where)
    arrays[name] = to_bytes(generated.compute_walk(*where))
    facts[name] = shipped.digest("generation")
    data = os.environ.get("DECONVVIZ_DATA")
    if not data:
        raise SystemExit("the photographs nearest to drawn pictures: name the folder of the data in DECONVVIZ_DATA")
    about = generated.model().about
    part, _ = pictures_of.split(Path(data) / "caltech101", generated.model().labels, about["recipe"]["held_out"])
    known = pictures_of.read(part)
    for label in generated.model().labels:
        made = generated.decode(generated.drawn(label, 0), state.decoder)
        rows, distances = nearest(made, known)
        file, name = io.BytesIO(), generated.nearest_name(label, 0, state.decoder)
        Image.fromarray(to_bytes(np.concatenate(list(known[rows]), axis=1))).save(file, "WEBP", quality=80, method=6)
        arrays[name] = np.frombuffer(file.getvalue(), np.uint8)
        facts[name] = {"digest": shipped.digest("generation"), "distances": [round(float(one), 4) for one in distances]}
        print(name, arrays[name].nbytes, facts[name]["distances"], flush=True)


def swap(loaded: networks.Loaded, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """The enlargements that the swap of upsamplers opens with, brightness alone."""
    picture = pictures.sample(upsampler_lab.State().image)
    for kind in swapped.KINDS:
        name = f"{swapped.variant(kind)}/{picture.id}"
        plane = restoration.shown(picture, swapped.SCALE, True, swapped.variant(kind)).planes["network"]
        arrays[name] = np.rint(255 * plane).astype(np.uint8)
        facts[name] = shipped.digest("super_resolution")


PARTS: dict[str, Callable[..., None]] = {
    "ladder": climbed, "twin": twin, "learned": learned, "sheet": sheet, "visions": visions, "units": units,
    "growth": growth, "generation": generation, "swap": swap,
}  # fmt: skip


def main() -> None:
    loaded = networks.load("caltech")
    arrays, facts = {}, dict[str, Any]()
    if sys.argv[1:]:
        arrays, facts = dict(shipped.arrays()), dict(shipped.facts())
        if facts["digest"] != loaded.digest:
            raise SystemExit("the stored results are of other weights: make all of them again")
    facts["digest"] = loaded.digest
    for part in sys.argv[1:] or PARTS:
        PARTS[part](loaded, arrays, facts)
    whole = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    save_file(whole, shipped.FILE, {"facts": json.dumps(facts)})
    print(f"{shipped.FILE.name}: {shipped.FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
