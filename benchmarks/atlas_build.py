"""How fast an atlas of the shipped network is built, and how much memory that takes: python benchmarks/atlas_build.py.

Another folder: --images DIR. The scan is timed from its second batch on, when everything is compiled.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import deconvviz as dv
from deconvviz import atlas, compiled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", default="sample:textures")
    parser.add_argument("--layers", default="relu2,relu4")
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    compiled.keep()
    net = dv.load("caltech")
    marks: dict[str, list[tuple[int, float]]] = {}
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        about = atlas.build(
            net, options.images, options.layers.split(","), Path(folder) / "atlas", batch=options.batch,
            progress=lambda step, done, total: marks.setdefault(step, []).append((done, time.perf_counter())),
        )  # fmt: skip
        whole = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    (done, first), (every, last) = marks["scan"][1], marks["scan"][-1]
    units = sum(layer["rows"] for layer in about["layers"])
    spent = marks["reconstruct"][-1][1] - marks["reconstruct"][0][1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{every} pictures, {options.layers}, batches of {options.batch}, load {os.getloadavg()[0]:.1f}")
    print(f"scan         {(every - done) / (last - first):.0f} pictures a second")
    print(f"reconstruct  {units} units of {marks['reconstruct'][-1][0]} pictures in {spent:.0f} s, compiling included")
    print(f"whole        {whole:.0f} s, {size / 1e6:.1f} MB on disk, {peak:.0f} MB of memory at most")


if __name__ == "__main__":
    main()
