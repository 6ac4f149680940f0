"""The first guided map of ResNet-50 at 224 x 224 and the next ones, beside `jax.grad` of the same function.

    python benchmarks/first_map.py                     # one JSON line a side, and the load of the machine
    python benchmarks/first_map.py --model resnet18

Each side is a process of its own with nothing compiled before: ours traces the network, finds its layers, and sends the
strongest class down to the image; the other compiles ``jax.grad`` of that class. Seconds are given by the clock and of
the processor, for a busy machine stretches the first alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

TARGETS = {"first": 10.0, "again": 0.6, "beside jax.grad": 1.1}
ROUNDS = 5


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - processor


def serve(side: str, model: str) -> dict[str, Any]:
    """Measure one side in this process."""
    import jax

    import deconvviz as dv
    from deconvviz.network import reconstruct_units

    x = np.random.default_rng(0).uniform(size=(1, 224, 224, 3)).astype(np.float32)
    ready = dv.load(model, weights="random")
    function, spec = ready._function, ready.input_spec
    if side == "deconvviz":
        net = dv.Network(function, input_spec=spec)

        def one() -> Any:
            unit = dv.Unit(net.layers[-1].name, 3)
            return reconstruct_units(net, x, [unit], "guided", "one", prove=False)[0].map
    else:
        call = jax.jit(jax.grad(lambda x: jax.tree.leaves(function(x))[0][0, 3]))

        def one() -> Any:
            return np.asarray(call(x))

    first = timed(one)
    again = [timed(one) for _ in range(ROUNDS)]
    middle = [round(float(np.median(column)), 3) for column in zip(*again, strict=True)]
    return {
        "side": side, "model": model,
        "first_seconds": round(first[0], 2), "first_processor_seconds": round(first[1], 2),
        "again_seconds": middle[0], "again_processor_seconds": middle[1],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--serve", choices=("deconvviz", "jax.grad"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        print(json.dumps(serve(arguments.serve, arguments.model)))
        return
    result = {}
    for side in ("deconvviz", "jax.grad"):
        command = [sys.executable, __file__, "--serve", side, "--model", arguments.model]
        result[side] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(json.dumps(result[side]), flush=True)
    ours, theirs = result["deconvviz"], result["jax.grad"]
    ratio = ours["again_processor_seconds"] / theirs["again_processor_seconds"]
    print(json.dumps({"processor_seconds_beside_jax_grad": round(ratio, 3), "targets": TARGETS}))


if __name__ == "__main__":
    main()
