"""Training speed of the shipped network: Flax and Optax against the same network in PyTorch, images a second.

    python benchmarks/train_caltech.py                          # both in this environment (the peers extra)
    python benchmarks/train_caltech.py --peer OTHER/bin/python  # PyTorch in another environment

Each measurement is a process of its own and the two take turns, so that a busy machine disturbs both alike. Random
pictures, the whole step: forward, backward, AdamW, moving average. The last line is JSON with the ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CLASSES = 102
#: kernel, stride, channels, pool: `deconvviz.models.caltech.CHAIN`, repeated so that the peer needs no JAX.
CHAIN = ((6, 2, 32, 1), (3, 1, 64, 1), (3, 1, 112, 0), (3, 1, 128, 1), (3, 1, 160, 0), (3, 1, 160, 1), (3, 1, 192, 0))


def jax_step(batch: int, size: int) -> Callable[[], float]:
    """One training step as `deconvviz train caltech` takes it; calling it returns the loss."""
    sys.path.insert(0, str(ROOT))
    import numpy as np

    from deconvviz.models import caltech
    from deconvviz.training.caltech.classifier import make_trainer
    from deconvviz.training.caltech.config import CaltechConfig

    assert tuple((s.kernel, s.stride, s.channels, int(s.pool)) for s in caltech.CHAIN) == CHAIN
    trainer = make_trainer(CaltechConfig(batch=batch), CLASSES, 1000)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(batch, size, size, 3)).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, batch)]
    held = {"state": trainer.initial()}

    def once() -> float:
        held["state"], figures = trainer.step(held["state"], (images, targets))
        return float(figures["loss"])

    return once


def torch_step(batch: int, size: int) -> Callable[[], float]:
    """The same network, loss, optimizer and moving average in PyTorch, channels last."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers: list[Any] = []
    depth = 3
    for kernel, stride, channels, pool in CHAIN:
        padding = (kernel - 1) // 2
        layers += [nn.Conv2d(depth, channels, kernel, stride, padding, bias=False), nn.BatchNorm2d(channels)]
        layers += [nn.MaxPool2d(2)] * pool + [nn.ReLU(inplace=True)]
        depth = channels
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(depth, CLASSES)]
    net = nn.Sequential(*layers, *head).to(memory_format=torch.channels_last)
    average = [value.detach().clone() for value in net.state_dict().values() if value.is_floating_point()]
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05, foreach=True)
    images = torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
    targets = torch.eye(CLASSES)[torch.randint(0, CLASSES, (batch,))]
    lossy = nn.CrossEntropyLoss(label_smoothing=0.1)

    def once() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = lossy(net(images), targets)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, [v for v in net.state_dict().values() if v.is_floating_point()], 0.002)
        return float(loss)

    return once


def images_per_second(step: Callable[[], float], batch: int, seconds: float) -> float:
    """Median speed over steps that take about `seconds` together, after two steps to warm up."""
    step(), step()
    times: list[float] = []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return batch / statistics.median(times)


def measure(python: str, which: str, arguments: argparse.Namespace) -> float:
    """Images a second of one of the two, in a process of its own."""
    options = ["--only", which, "--size", arguments.size, "--batch", arguments.batch, "--seconds", arguments.seconds]
    result = subprocess.run([python, __file__, *map(str, options)], capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise SystemExit(f"{which} cannot be measured with {python}: {reason}; pip install -e '.[peers]' or use --peer")
    return float(result.stdout.split()[-1])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=sys.executable, help="Python with PyTorch")
    parser.add_argument("--size", type=int, default=128, help="picture size in pixels")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10.0, help="for one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="the two take turns this often")
    parser.add_argument("--only", choices=("jax", "torch"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        step = (jax_step if arguments.only == "jax" else torch_step)(arguments.batch, arguments.size)
        print(images_per_second(step, arguments.batch, arguments.seconds))
        return
    speeds: dict[str, list[float]] = {"jax": [], "torch": []}
    for number in range(arguments.rounds):
        speeds["jax"].append(measure(sys.executable, "jax", arguments))
        speeds["torch"].append(measure(arguments.peer, "torch", arguments))
        print(
            f"round {number + 1}: " + ", ".join(f"{name} {result[-1]:.1f} images/s" for name, result in speeds.items())
        )
    middle = {name: statistics.median(result) for name, result in speeds.items()}
    ratio = statistics.median(a / b for a, b in zip(speeds["jax"], speeds["torch"], strict=True))
    shown = {f"{name}_images_per_second": round(value, 1) for name, value in middle.items()}
    print(json.dumps({"size": arguments.size, "batch": arguments.batch, **shown, "ratio": round(ratio, 3)}))


if __name__ == "__main__":
    main()
