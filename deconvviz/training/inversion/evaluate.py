"""`deconvviz evaluate inversion`: the answers one by one, kept on the way, and the table of them."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from deconvviz import catalog
from deconvviz.models import caltech
from deconvviz.training.checkpoint import write_whole
from deconvviz.training.inversion.bench import Bench, Judge
from deconvviz.training.inversion.table import Plan, as_csv

IMAGES = 4
#: Comes with the package and was trained for another task, on crops of photographs at 48 x 48.
JUDGE = "watermark"


def evaluate(
    data: Path,
    *,
    layers: str | None = None,
    inverters: str | None = None,
    images: int = IMAGES,
    steps: int | None = None,
    judge: str = JUDGE,
    judge_weights: Path | None = None,
    weights: Path | None = None,
    network_weights: Path | None = None,
    csv: Path | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Measures the inverters of the shipped network on pictures that were not trained on.

    Args:
      data: pictures; of the training set itself, the held-out part is taken.
      layers, inverters: which, commas between; all if None.
      images: how many, evenly spaced.
      steps: of each search; 512 and 12 times 32 if None.
      judge, judge_weights: the second network.
      weights, network_weights: inverters, and the network that they are of, in place of the shipped ones.
      csv: the table as a file; beside it FILE.partial while it is made, from which a stopped run goes on.
      progress: a bar, and beforehand how long it takes, on standard error.

    Returns:
      "table": a row for each layer and inverter, each measure with "low" and "high" of its interval; "judge",
      "judge_layers", "images", "seconds".

    Raises:
      NetworkError: a layer that does not exist, or has no trained inverter.
      DataError: no such folder or no images.
      DeconvvizError: an inverter or a judge that does not exist, or a CSV file of another question.
    """
    started = time.perf_counter()
    network = caltech.build(network_weights)
    second = Judge(catalog.model(judge).build(judge_weights))
    bench = Bench(network, second, weights, steps)
    plan = Plan.of(bench, Path(data), layers, inverters, images)
    partial_file = None if csv is None else csv.with_name(csv.name + ".partial")
    known = plan.known(partial_file)
    if progress:
        print(plan.forecast(len(known)), file=sys.stderr, flush=True)
    bar = tqdm(total=len(plan.keys), initial=len(known), unit="answer", disable=not progress, dynamic_ncols=True)
    with bar:
        for layer, inverter, file in plan.keys:
            key = f"{layer} {inverter} {file.name}"
            if key in known:
                continue
            picture = plan.picture(file)
            known[key] = bench.measure(layer, picture, bench.answer(inverter, layer, picture))
            if partial_file is not None:
                write_whole(partial_file, json.dumps({"question": plan.question, "answers": known}).encode())
            bar.update()
    table = plan.table(known)
    if csv is not None and partial_file is not None:
        write_whole(csv, as_csv(table).encode())
        partial_file.unlink(missing_ok=True)
    return {
        "network": network.name, "judge": second.network.name, "judge_layers": list(second.layers), "table": table,
        "images": len(plan.files), "seconds": round(time.perf_counter() - started, 3),
    }  # fmt: skip
