"""Measure public definitions, and write docs/networks.md.

    python tests/public/measure.py                 # all that are installed, one JSON line each
    python tests/public/measure.py keras timm      # those of these packages, or with these words in their names
    python tests/public/measure.py --write         # the same, and the table (make zoo-table)
    python tests/public/measure.py --from FILE     # the table, from such lines of earlier runs, the last of each

Those of one package are measured in a process of their own: the maps of one output by all four rules against rules
written by hand (`oracle`), the number of rectifiers, the processor's seconds of the first guided map (tracing and
compiling included) and of another one, and the most memory that the process held meanwhile, less what it held before.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

import definitions  # noqa: E402
import oracle  # noqa: E402

RULES = oracle.RULES
PAGE = ROOT / "docs" / "networks.md"
HEAD = (
    "| definition | package | rules | rectifiers | difference | input | first map, s | another, s | memory, MiB |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)
#: Relative difference that float32 explains, in networks of two hundred layers.
ROUNDING = 2e-4
#: The entry of the output that goes down.
ENTRY = 3


def measured(definition: definitions.Definition) -> dict[str, Any]:
    """One definition, in this process."""
    import jax
    import numpy as np

    jax.clear_caches()
    subject = definition.make()

    import deconvviz as dv
    from deconvviz.errors import RuleError
    from deconvviz.network.backward.reconstruct import reconstruct_layer
    from deconvviz.network.trace.trace import as_in_program

    is_torch = type(subject.network).__module__ != "builtins" and hasattr(subject.network, "named_buffers")
    function = subject.network
    if subject.channels_first:
        inner = function
        function = lambda x: inner(x.transpose(0, 3, 1, 2))  # noqa: E731
    spec = dv.InputSpec(size=subject.size, channels={1: "L", 3: "RGB"}[subject.depth])
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc keeps what was freed; others have no such call
        ctypes.CDLL(None).malloc_trim(0)
    _forget_peak()
    before = _memory("VmRSS")
    make = dv.Network.from_torch if is_torch else dv.Network
    start = time.process_time()
    net = make(function, input_spec=spec, **(subject.options or {}))
    x = np.random.default_rng(1).uniform(size=(1, *subject.size, subject.depth)).astype(np.float32)
    program = net.program()
    node = next(node for node in program.nodes if node.variable is program.flat.outputs[0])
    middle = [n // 2 for n in node.layer.shape[:-1]] or [None, None]
    unit = dv.Unit(
        node.layer.name, min(ENTRY, node.layer.shape[-1] - 1), *(middle if len(middle) == 2 else (middle[0], 0))
    )
    seed = np.zeros((1, *node.layer.shape), np.float32)
    seed[(0, *(n for n in middle if n is not None), unit.channel)] = 1
    entry = int(as_in_program(node, seed).argmax())
    keep = "gradient" if definition.refused else "refuse"
    rules = RULES[:1] if definition.refused else RULES
    (first,) = reconstruct_layer(net, x, [unit], RULES[-2], "one", keep)[RULES[-2]]
    seconds = time.process_time() - start
    start = time.process_time()
    reconstruct_layer(net, x, [unit], RULES[-2], "one", keep)
    again = time.process_time() - start
    peak = _memory("VmHWM") - before
    made = reconstruct_layer(net, x, [unit], rules, "one", keep)
    theirs, calls = (oracle.torch_maps if is_torch else oracle.jax_maps)(function, x, entry)
    gaps = {rule: _gap(made[rule][0].map, theirs[rule][0]) for rule in rules}
    refusal = ""
    if definition.refused:
        try:
            reconstruct_layer(net, x, [unit], "guided")
        except RuleError as error:
            refusal = str(error)
    return {
        "name": definition.name,
        "package": definition.package,
        "layers": len(net.layers),
        "obeyed": first.coverage.obeyed,
        "calls": calls,
        "unsupported": list(first.coverage.unsupported),
        "refusal": refusal,
        "gaps": gaps,
        "first": round(seconds, 1),
        "again": round(again, 2),
        "peak": round(peak),
        "nothing": not any(np.any(theirs[rule]) for rule in rules),
        "size": list(subject.size),
        "jax": jax.__version__,
    }


def _gap(ours: Any, theirs: Any) -> float:
    import numpy as np

    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return float(np.linalg.norm(a - b) / (np.linalg.norm(b) or 1))


def verdict(definition: definitions.Definition, found: dict[str, Any]) -> str:
    """ "" where a definition does what it is listed for; else what is wrong."""
    if "error" in found:
        return str(found["error"])
    if bad := {rule: gap for rule, gap in found["gaps"].items() if not gap < ROUNDING}:
        return f"the maps differ from rules by hand: {bad}"
    if found["nothing"]:
        return "nothing comes down from the unit, so nothing was compared"
    if definition.refused:
        missing = [name for name in definition.refused if not any(name in said for said in found["unsupported"])]
        return "" if not missing and found["refusal"] else f"not objected to: {missing}, but {found['unsupported']}"
    if found["unsupported"] or found["obeyed"] != found["calls"]:
        return f"{found['obeyed']} of {found['calls']} rectifiers obey; objected to: {found['unsupported']}"
    return ""


def each(chosen: Sequence[definitions.Definition]) -> Iterator[tuple[definitions.Definition, dict[str, Any]]]:
    """`measured` for definitions of one package, in a process that nothing else has touched."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "HF_HUB_OFFLINE": "1"}
    environment.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    command = [sys.executable, __file__, "--serve", chosen[0].package, *(one.name for one in chosen)]
    left = list(chosen)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{") and left:
                yield left.pop(0), json.loads(line)
    for one in left:
        yield one, {"name": one.name, "package": one.package, "error": f"its process ended with {process.returncode}"}


def key(definition: definitions.Definition) -> str:
    return f"{definition.package}: {definition.name}"


def row(definition: definitions.Definition, found: dict[str, Any]) -> str:
    """The line of the table."""
    says = f"refuses: {', '.join(definition.refused)}" if definition.refused else "works"
    height, width = found["size"]
    return (
        f"| {definition.name} | {definition.package} | {says} | {found['obeyed']} | {max(found['gaps'].values()):.0e} "
        f"| {height} x {width} | {found['first']:.1f} | {found['again']:.2f} | {found['peak']} |"
    )


def write(results: dict[str, dict[str, Any]]) -> None:
    """Put the measured lines into the page, in the order of the definitions; a line that is not measured anew stays."""
    before, _, old = PAGE.read_text("utf-8").partition(HEAD)
    kept = {tuple(line.split(" | ")[:2]): line for line in old.splitlines()}
    lines = []
    for one in definitions.DEFINITIONS:
        found = results.get(key(one), {"wrong": "not measured"})
        line = kept.get((f"| {one.name}", one.package)) if found["wrong"] else row(one, found)
        lines += [line] if line else []
    PAGE.write_text(before + HEAD + "\n".join(lines) + "\n", "utf-8")


def _memory(field: str) -> float:
    """MiB that this process holds, or held at most."""
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(field)).split()[1]) / 1024


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--serve"]:
        oracle.replace_relu()
        for name in arguments[2:]:
            (one,) = [d for d in definitions.DEFINITIONS if d.name == name and d.package == arguments[1]]
            try:
                found = measured(one)
            except Exception as error:
                traceback.print_exc()
                found = {"name": one.name, "package": one.package, "error": f"{type(error).__name__}: {error}"[:1500]}
            print(json.dumps(found), flush=True)
        return 0
    if arguments[:1] == ["--from"]:
        lines = [json.loads(x) for file in arguments[1:] for x in Path(file).read_text().splitlines() if x[:1] == "{"]
        by_name = {f"{found['package']}: {found.get('name')}": found for found in lines if not found.get("wrong", True)}
        write({key(one): by_name[key(one)] for one in definitions.DEFINITIONS if key(one) in by_name})
        return 0
    words = [word for word in arguments if not word.startswith("--")]
    chosen = [d for d in definitions.DEFINITIONS if not words or any(w in f"{d.package} {d.name}" for w in words)]
    results: dict[str, dict[str, Any]] = {}
    for package in dict.fromkeys(one.package for one in chosen):
        group = [one for one in chosen if one.package == package]
        if not group[0].installed:
            print(json.dumps({"package": package, "skipped": "not installed"}), flush=True)
            continue
        for one, found in each(group):
            results[key(one)] = found | {"wrong": verdict(one, found)}
            print(json.dumps(results[key(one)] | {"load": round(os.getloadavg()[0], 1)}), flush=True)
    if "--write" in arguments:
        write(results)
    return 1 if any(found["wrong"] for found in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
