"""One step of feature visualization of SqueezeNet 1.0 at 224 px: this library against PyTorch, same weights and canvas.

    python benchmarks/visualize_step.py                          # both in this environment (the peers extra)
    python benchmarks/visualize_step.py --peer OTHER/bin/python  # PyTorch in another environment
    python benchmarks/visualize_step.py --layer fire4            # a channel of a layer instead of a class

A step moves the picture once: from waves along decorrelated colours to pixels; a shift, a turn and a zoom in one
interpolation; the network up to the layer; the derivative of the mean of a channel, back to the waves; Adam's update.
PyTorch runs its modules up to the layer and no further, asks for no derivative of the weights, and takes its waves
from torch.fft.irfft2. Each side is a process of its own; the two take turns, round after round, so that a busy machine
disturbs both alike. A round is the median of its steps, the ratio the median of the rounds' ratios. That both
differentiate the same function is measured in float64: the derivative by the pixels of one random picture.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peers

MODEL, SIZE, TARGET = "squeezenet1_0", 224, 0.9
#: Layer -> modules of torchvision's `features` that run up to it; None stands for the whole network.
LAYERS = {"pool10": None, "fire4": 6, "fire9": 13}
RATE, JITTER, TURN, ZOOM, CHANNEL = 0.05, 8, 10.0, 0.1, 7
Step = Callable[[], None]
Slope = Callable[[np.ndarray], np.ndarray]


def ours(layer: str, weights: Path) -> tuple[Step, Slope]:
    """One step by this library, and the derivative of its objective by the pixels of a picture (H, W, 3)."""
    import jax
    import jax.numpy as jnp

    import deconvviz as dv
    from deconvviz.methods import _canvas, activation_maximization
    from deconvviz.methods._settings import Settings

    net = dv.load(MODEL, weights=weights)
    wanted = activation_maximization.goal(net, dv.Unit(layer, CHANNEL))
    settings = Settings(rate=RATE, jitter=JITTER, turn=TURN, zoom=ZOOM)
    problem = activation_maximization.problem(net, [wanted], settings)
    state = activation_maximization.begin(net, settings).state

    def step() -> None:
        nonlocal state
        state, *result = problem.step(state, settings.rate, settings.steps, settings.tv, settings.norm, problem.data)
        jax.block_until_ready((state, result))

    def slope(x: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            values = _canvas.layer_values(net, layer)
            weight, consts = jnp.asarray(wanted.weights), net.program().flat.consts
            return np.asarray(jax.grad(lambda x: (values(consts, x[None])[0] * weight).sum())(jnp.asarray(x)))

    return step, slope


def pytorch(layer: str, weights: Path) -> tuple[Step, Slope]:
    """The same in PyTorch, as its own feature visualization tools write it."""
    import torch
    from torch.nn import functional

    from deconvviz.priors import COLOUR_BASIS

    torch.set_num_threads(peers.THREADS)
    net, objective = _torch_objective(layer, weights)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    colours = torch.tensor(COLOUR_BASIS, dtype=torch.float32)
    rows, columns = np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None]
    scale = torch.tensor(1 / (4 * np.maximum(np.hypot(rows, columns), 1 / SIZE)), dtype=torch.float32)[..., None]
    torch.manual_seed(0)
    waves = (0.01 * torch.randn(1, 3, SIZE, SIZE // 2 + 1, 2)).requires_grad_()
    adam = torch.optim.Adam([waves], lr=RATE)

    def step() -> None:
        adam.zero_grad()
        values = torch.fft.irfft2(torch.view_as_complex(scale * waves), s=(SIZE, SIZE), norm="ortho")
        image = torch.sigmoid(torch.einsum("nchw,dc->ndhw", values, colours))
        angle, zoom, *move = (2 * torch.rand(4) - 1).tolist()
        angle, zoom = np.radians(TURN * angle), 1 + ZOOM * zoom
        cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
        shift = [2 * JITTER * m / SIZE for m in move]
        matrix = torch.tensor([[[cos, -sin, shift[0]], [sin, cos, shift[1]]]], dtype=torch.float32)
        grid = functional.affine_grid(matrix, [1, 3, SIZE, SIZE], align_corners=False)
        sampled = functional.grid_sample(image - 0.5, grid, align_corners=False) + 0.5
        (-objective((sampled - mean) / std)).backward()
        adam.step()

    def slope(x: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))[None].requires_grad_()
        net.double()
        objective((image - mean) / std).backward()
        net.float()
        return image.grad.numpy()[0].transpose(1, 2, 0)

    return step, slope


def _torch_objective(layer: str, weights: Path) -> tuple[Any, Callable[[Any], Any]]:
    """The network, and model input -> mean of the channel at the layer."""
    from safetensors.torch import load_file

    sys.path.insert(0, str(peers.ROOT / "tests" / "peers"))
    import torch_nets

    net = torch_nets.NETS[MODEL]().eval()
    net.load_state_dict(load_file(weights))
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    part = net if LAYERS[layer] is None else net.features[: LAYERS[layer]]
    return net, lambda x: part(x)[:, CHANNEL].mean()


def serve(side: str, layer: str, folder: Path) -> None:
    """Answer lines of the parent: the number of steps to time, or "slope"."""
    step, slope = (ours if side == "deconvviz" else pytorch)(layer, folder / "weights.safetensors")
    for line in sys.stdin:
        wanted = json.loads(line)
        if wanted == "slope":
            np.save(folder / f"{side}.npy", slope(np.load(folder / "x.npy")))
            print(json.dumps("done"), flush=True)
            continue
        seconds = []
        for _ in range(wanted):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        print(json.dumps(statistics.median(seconds)), flush=True)


def measure(layer: str, arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Both sides, in turn."""
    sides = [
        peers.Side(python, side, layer, folder, __file__)
        for python, side in ((sys.executable, "deconvviz"), (arguments.peer, "pytorch"))
    ]
    for side in sides:
        side.ask("slope"), side.ask(2)
    rounds = [[side.ask(arguments.steps) for side in sides] for _ in range(arguments.rounds)]
    for side in sides:
        side.stop()
    a, b = (np.load(folder / f"{side.name}.npy").astype(np.float64) for side in sides)
    middle = [statistics.median(times) for times in zip(*rounds, strict=True)]
    return {
        "model": MODEL, "layer": layer, "size": SIZE,
        "deconvviz_seconds": round(middle[0], 4), "pytorch_seconds": round(middle[1], 4),
        "ratio": round(statistics.median(ours / theirs for ours, theirs in rounds), 3), "target": TARGET,
        "ratios": [round(ours / theirs, 3) for ours, theirs in rounds],
        "slope_difference": float(f"{np.linalg.norm(a - b) / np.linalg.norm(b):.1e}"),
        "threads": peers.THREADS, "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def prepare(folder: Path) -> None:
    """Random weights (Kaiming's, seed 0) under torchvision's names, and a random picture."""
    from safetensors.numpy import save_file

    from deconvviz import catalog
    from deconvviz.models import _stored

    save_file(_stored.random_arrays(catalog.model(MODEL), 0), folder / "weights.safetensors")
    np.save(folder / "x.npy", np.random.default_rng(0).uniform(size=(SIZE, SIZE, 3)))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=sys.executable, help="Python with PyTorch and this package")
    parser.add_argument("--layer", choices=LAYERS, default="pool10", help="a channel of it; pool10 holds the classes")
    parser.add_argument("--rounds", type=int, default=7, help="the two take turns this often")
    parser.add_argument("--steps", type=int, default=4, help="steps a round")
    parser.add_argument("--serve", choices=("deconvviz", "pytorch"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.layer, arguments.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        print(json.dumps(measure(arguments.layer, arguments, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
