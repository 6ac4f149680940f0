"""DeconvNet reconstructions of VGG16 against Captum: time, memory and agreement, same weights, same threads.

    python benchmarks/peers.py                          # both in this environment (the peers extra)
    python benchmarks/peers.py --peer OTHER/bin/python  # PyTorch and Captum in another environment
    python benchmarks/peers.py --full                   # Captum really walks all 512 units of the last task

Each side is a process of its own for each task, with the same random weights and the same picture. The two take turns,
round after round, so that a busy machine disturbs both alike; the median of each is shown. What is timed goes from the
picture to the maps, in float32; positions of units are given to both. Without --full, Captum's time for 512 units is
512 / 32 of its time for 32 of them: it has no road for many units, each one costs a whole forward and backward pass.
Peak memory is that of a pass that is compiled already, with the maps of all units held on both sides.
That both make the same map is measured in float64. In float32 a window now and then holds two maxima that differ by
rounding alone; there the two go back to different places, and the maps differ by about a thousandth.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
THREADS = len(os.sched_getaffinity(0))
Codes = list[tuple[int, int, int]]
Maps = Callable[..., list[np.ndarray]]


@dataclass(frozen=True)
class Task:
    """So many units of a layer of one picture, and the share of Captum's time that they may take."""

    name: str
    layer: str
    units: int
    target: float


TASKS = (
    Task("one unit", "conv5_3", 1, 0.9),
    Task("nine units", "conv5_3", 9, 0.5),
    Task("every channel", "conv4_3", 512, 0.1),
)
SAMPLE = 32


def deconvviz_maps(layer: str, weights: Path, x: np.ndarray) -> tuple[Maps, Callable[[], Codes]]:
    """Maps of units (channel, row, column) by this library, and every channel's strongest place."""
    import jax

    import deconvviz as dv
    from deconvviz.network import reconstruct_units

    net = dv.load("vgg16", weights=weights)

    def maps(codes: Codes, dtype: str = "float32") -> np.ndarray:
        units = [dv.Unit(layer, *code) for code in codes]
        with jax.enable_x64(dtype == "float64"):
            seen = reconstruct_units(net, x.astype(dtype), units, start="one", prove=False)
        return [one.map for one in seen]

    def places() -> Codes:
        values = net.taps(x, [layer])[layer][0]
        best = values.reshape(-1, values.shape[-1]).argmax(0)
        return [(c, int(at) // values.shape[1], int(at) % values.shape[1]) for c, at in enumerate(best)]

    return maps, places


def captum_maps(layer: str, weights: Path, x: np.ndarray) -> tuple[Maps, None]:
    """The same maps by Captum's NeuronDeconvolution, (units, H, W, C)."""
    import warnings

    import torch
    from captum.attr import NeuronDeconvolution
    from safetensors.torch import load_file

    sys.path.insert(0, str(ROOT / "tests" / "peers"))
    import torch_nets

    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    net = torch_nets.NETS["vgg16"]().eval()
    net.load_state_dict(load_file(weights))
    for module in net.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    convolutions = [module for module in net.features if isinstance(module, torch.nn.Conv2d)]
    method = NeuronDeconvolution(net, convolutions[{"conv4_3": 9, "conv5_3": 12}[layer]])

    def maps(codes: Codes, dtype: str = "float32") -> np.ndarray:
        net.to(getattr(torch, dtype))
        image = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2), dtype)).requires_grad_()
        result = [method.attribute(image, neuron_selector=code).detach().numpy()[0] for code in codes]
        return [map.transpose(1, 2, 0) for map in result]

    return maps, None


def serve(side: str, layer: str, folder: Path) -> None:
    """Answer lines of the parent: "places", or {codes, dtype} of maps that are to be made and timed."""
    x = np.load(folder / "x.npy")
    maps, places = (deconvviz_maps if side == "deconvviz" else captum_maps)(layer, folder / "weights.safetensors", x)
    forget_peak()
    for line in sys.stdin:
        wanted = json.loads(line)
        if wanted == "places" and places:
            print(json.dumps(places()), flush=True)
            continue
        codes = [tuple(code) for code in wanted["codes"]]
        # The maps of units that are not walked count too: who wants all of them holds them.
        others = [np.ones((*x.shape[1:3], 3), wanted["dtype"]) for _ in range(wanted["units"] - len(codes))]
        forget_peak()
        start = time.perf_counter()
        result = maps(codes, wanted["dtype"])
        seconds, peak = time.perf_counter() - start, peak_mib()
        np.save(folder / f"{side}.npy", np.stack(result))
        del others, result  # or the next ones would be counted beside these
        print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)


def forget_peak() -> None:
    """Count the peak of memory from now on: loading the weights is not what is measured."""
    gc.collect()
    refs = Path("/proc/self/clear_refs")
    if refs.exists():
        refs.write_text("5")


def peak_mib() -> float | None:
    """Most memory that this process has held since `forget_peak`; None where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


class Side:
    """One of the two, in a process of its own."""

    def __init__(self, python: str, side: str, layer: str, folder: Path, script: str = __file__) -> None:
        command = [python, script, "--serve", side, "--layer", layer, "--folder", str(folder)]
        self.name = side
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def ask(self, what: Any) -> Any:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} stopped (see above); Captum needs pip install -e '.[peers]', or use --peer")
        return json.loads(line)

    def make(self, codes: Codes, dtype: str = "float32", units: int = 0) -> dict[str, Any]:
        """Have maps made, and held beside those of so many units in all; their file is the side's name."""
        result: dict[str, Any] = self.ask({"codes": codes, "dtype": dtype, "units": units})
        return result

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(task: Task, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Both sides of a task, in turn."""
    ours = Side(sys.executable, "deconvviz", task.layer, folder)
    theirs = Side(arguments.peer, "captum", task.layer, folder)
    places = ours.ask("places")
    step = max(1, len(places) // task.units)
    codes = places[::step][: task.units]
    sample = codes if arguments.full else codes[:: max(1, len(codes) // SAMPLE)][:SAMPLE]
    times: dict[str, list[float]] = {"deconvviz": [], "captum": []}
    peaks: dict[str, float | None] = {}
    ours.make(codes), theirs.make(sample[:1])
    for _ in range(arguments.rounds):
        for side, wanted in ((ours, codes), (theirs, sample)):
            answer = side.make(wanted, units=len(codes))
            times[side.name].append(answer["seconds"] * len(codes) / len(wanted))
            peaks[side.name] = answer["peak"] and round(answer["peak"])
    few = codes[:: max(1, len(codes) // 4)][:4]
    ours.make(few, "float64"), theirs.make(few, "float64")
    gap = agreement(folder)
    ours.stop(), theirs.stop()
    middle = {name: statistics.median(result) for name, result in times.items()}
    ratio = statistics.median(a / b for a, b in zip(times["deconvviz"], times["captum"], strict=True))
    return {
        "task": task.name, "layer": task.layer, "units": task.units, "captum_units": len(sample),
        **{f"{name}_seconds": round(value, 3) for name, value in middle.items()}, "ratio": round(ratio, 3),
        "target": task.target, **{f"{name}_peak_mib": value for name, value in peaks.items()},
        "float64_difference": gap,
    }  # fmt: skip


def agreement(folder: Path) -> float:
    """Largest relative difference between the last maps of the two, unit by unit."""
    ours, theirs = (np.load(folder / f"{name}.npy").astype(np.float64) for name in ("deconvviz", "captum"))
    gaps = [np.linalg.norm(a - b) / (np.linalg.norm(b) or 1) for a, b in zip(ours, theirs, strict=True)]
    return float(f"{max(gaps):.1e}")


def prepare(folder: Path) -> None:
    """Random weights (Kaiming's, seed 0) under torchvision's names, and a photograph as VGG16 is fed one."""
    from safetensors.numpy import save_file

    from deconvviz import api, catalog
    from deconvviz.data import samples
    from deconvviz.models import _stored

    save_file(_stored.random_arrays(catalog.model("vgg16"), 0), folder / "weights.safetensors")
    np.save(folder / "x.npy", api.model_input(api.load("vgg16", weights="random"), samples.load("cat")))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=sys.executable, help="Python with PyTorch, Captum and this package")
    parser.add_argument("--rounds", type=int, default=3, help="the two take turns this often")
    parser.add_argument("--full", action="store_true", help="Captum walks every unit of every task")
    parser.add_argument("--task", choices=[task.name for task in TASKS], help="only this one")
    parser.add_argument("--serve", choices=("deconvviz", "captum"), help=argparse.SUPPRESS)
    parser.add_argument("--layer", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.layer, arguments.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for task in TASKS:
            if arguments.task in (None, task.name):
                print(json.dumps({**measure(task, arguments, Path(folder)), "threads": THREADS}), flush=True)


if __name__ == "__main__":
    main()
