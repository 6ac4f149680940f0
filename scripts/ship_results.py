"""Make again what pages show before anything is computed: python scripts/ship_results.py. Some minutes on two cores.

The ladder of the cat with its searches, and the first sheet of feature visualization, from the shipped weights, with
the steps and the seed that the pages themselves take. tests/lessons/test_shipped.py compares it with the code.
"""

from __future__ import annotations

import json

import numpy as np
from safetensors.numpy import save_file

import deconvviz as dv
from lessons._kit.draw.pixels import to_bytes
from lessons._kit.inversion import run as inversion
from lessons._kit.run import networks, pictures, shipped
from lessons.ladder import run as ladder
from lessons.visualization import State, sheet_of
from lessons.visualization import run as visualization


def main() -> None:
    loaded, picture = networks.load("caltech"), pictures.sample(shipped.PICTURE)
    arrays = {"photograph": to_bytes(pictures.fitted(loaded, picture).model)}
    facts: dict[str, object] = {"digest": loaded.digest}
    *_, climbed = ladder.ladder_snapshots(loaded, picture, 0, ladder.STEPS)
    photograph = pictures.fitted(loaded, picture).model
    for (layer, method), rung in climbed.rungs.items():
        name = f"{method}/{layer}"
        arrays[name] = to_bytes(rung.image)
        image = arrays[name].astype(np.float32) / 255
        run = inversion.of(shipped.PICTURE, layer)
        facts[name] = [inversion.measured(run, image), ladder.pixel_error(image, photograph), rung.step]
        if rung.map is not None:
            limit = float(np.abs(rung.map).max())
            arrays[f"map/{layer}"] = np.rint(127 * rung.map / limit).astype(np.int8)
            facts[f"map/{layer}"] = limit
        if rung.losses is not None:
            arrays[f"losses/{layer}"] = np.asarray(rung.losses, np.float32)
        print(name, facts[name], flush=True)
    channels = sheet_of(State().run)
    *_, sheet = dv.visualize_layer_snapshots(loaded.network, shipped.SHEET, channels, steps=visualization.TILE)
    arrays["sheet"] = np.stack([to_bytes(image) for image in sheet.images])
    arrays["sheet/activations"] = np.asarray(sheet.activations, np.float32)
    arrays["sheet/dead"] = np.asarray(sheet.dead)
    facts["sheet"] = [int(channel) for channel in channels]
    whole = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    save_file(whole, shipped.FILE, {"facts": json.dumps(facts)})
    print(f"{shipped.FILE.name}: {shipped.FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
