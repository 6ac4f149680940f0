"""The fuzzers: each hands changed files to what reads them, which has to answer or refuse in one sentence.

    python -m fuzz.targets pictures 0 10000      # rounds 0 to 9,999, from the folder tests

A round depends on its number alone. The process has a limit of memory, and each round one of time.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.errors import DeconvvizError
from fuzz import corpus, structure
from fuzz.corpus import Draw

#: Seconds that one round may take, and bytes that the process may take on top of what it has at the start.
SECONDS, MEMORY = 60.0, 4_000_000_000


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """A refusal in one sentence is as good as an answer; anything else that is raised is a find."""
    try:
        yield
    except DeconvvizError as error:
        text = str(error)
        if "\n" in text or not 10 < len(text) <= 1000:
            raise AssertionError(f"no sentence: {text[:300]!r}") from error


def pictures(number: int, folder: Path) -> None:
    """Files of pictures, read from memory and from disk."""
    from deconvviz.data import images

    draw, files = Draw(number), corpus.pictures()
    names = list(files)
    if number < len(names):
        data = files[names[number]]
    elif draw.below(2):
        data = structure.changed(draw, files[draw.one_of(names)])
    else:
        data = draw.bytes(files[draw.one_of(names)], list(files.values()))
    with sentences():
        found = images.load(data, max_pixels=300_000)
        assert found.dtype == np.float32
        assert found.shape[2:] == (3,)
        assert 0 <= found.min() <= found.max() <= 1


def weights(number: int, folder: Path) -> None:
    """Safetensors files: their bytes, their headers, what they say of themselves."""
    draw, files, path = Draw(number), corpus.weights(), folder / "file.safetensors"
    names = list(files)
    if number < len(names):
        data = files[names[number]]
    elif draw.below(2):
        data = draw.bytes(files[draw.one_of(names)], [files[name] for name in names])
    else:
        data = _with_header(draw, files[draw.one_of(list(corpus.SAID))])
    path.write_bytes(data)
    for read in _readers():
        with sentences():
            read(path)


def _with_header(draw: Draw, data: bytes) -> bytes:
    """A file with another header, or with other words about itself in it."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    said = header["__metadata__"]
    if draw.below(3):
        said = {key: json.dumps(draw.record(json.loads(text))) for key, text in said.items()}
        header["__metadata__"] = said
    else:
        header = draw.record(header)
    return corpus.safetensors(header, data[8 + length :])


@cache
def _readers() -> tuple[Callable[[Path], Any], ...]:
    """Everything that reads such files."""
    from flax import nnx

    from deconvviz.methods import run_files
    from deconvviz.models import caltech, inverters, planted, watermark
    from deconvviz.tasks import generation, recognition, super_resolution  # noqa: F401
    from deconvviz.tasks._shared import weights as stored
    from deconvviz.training import checkpoint

    class Toy(nnx.Module):
        def __init__(self, options: Mapping[str, Any]) -> None:
            self.layers = nnx.List([nnx.Linear(2, options["width"], rngs=nnx.Rngs(0)) for _ in range(options["depth"])])

    net = caltech.build()
    return (
        caltech.load_params, caltech.labels, caltech.snapshots, lambda path: caltech.load_snapshot(0, path),
        inverters.file_facts, lambda path: inverters.load(net, "relu4", path), lambda path: inverters.layers(net, path),
        lambda path: stored.load("toy", "one", Toy, path), lambda path: stored.variants("generation", path),
        run_files.read, watermark.build, lambda path: planted.build(planted.FAULTS[0], path),
        lambda path: checkpoint.load_state(path, {"params": np.zeros((1, 8, 8, 3), np.float32)}),
    )  # fmt: skip


def recipes(number: int, folder: Path) -> None:
    """Recipes: their text and their values."""
    from deconvviz.recipe import Recipe

    draw = Draw(number)
    if number == 0:
        text = json.dumps(corpus.RECIPE)
    elif draw.below(2):
        good = json.dumps(corpus.RECIPE).encode()
        text = draw.bytes(good, [good]).decode(errors="replace")
    else:
        text = json.dumps(draw.record(corpus.RECIPE))
    with sentences():
        recipe = Recipe.from_json(text)
        assert Recipe.from_json(recipe.to_json()) == recipe


def atlases(number: int, folder: Path) -> None:
    """Atlases: what they say of themselves, the bytes of their tables and sheets."""
    from deconvviz.atlas import Atlas, contact, read

    draw, copy = Draw(number), folder / "atlas"
    if not copy.exists():
        shutil.copytree(read.SHIPPED, copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    changed = copy / "atlas.json" if draw.below(3) == 0 else draw.one_of(files)
    whole = changed.read_bytes()
    if changed.name == "atlas.json" and draw.below(3):
        changed.write_text(json.dumps(draw.record(json.loads(whole))), errors="surrogatepass")
    else:
        change = structure.changed if draw.below(2) else lambda draw, data: draw.bytes(data, [data])
        changed.write_bytes(change(draw, whole))
    try:
        with sentences():
            atlas = Atlas.open(copy)
            layer = draw.one_of(atlas.layers or (read.Layer("relu1", "relu", (1,), None, None, (0,), ()),))
            rows = atlas.rows(layer.name, draw.one_of(layer.channels or (0,)))
            if rows:
                contact.picture(atlas, rows)
                atlas.map(rows[0])
    finally:
        changed.write_bytes(whole)


def states(number: int, folder: Path) -> None:
    """What interrupted runs left: pictures of a grid, the state of an atlas, findings of an audit."""
    from deconvviz._cli import _grid
    from deconvviz.atlas import _disk
    from deconvviz.checks.audit import run

    draw, files, path = Draw(number), corpus.states(), folder / "state"
    names = list(files)
    if number < len(names):
        data = files[names[number]]
    elif (how := draw.below(3)) == 0:
        data = draw.bytes(files[draw.one_of(names)], [files[name] for name in names])
    elif how == 1:
        data = structure.changed(draw, files[draw.one_of(["grid", "atlas", "packed"])])
    else:
        data = json.dumps(draw.record(json.loads(files["audit"]))).encode(errors="surrogatepass")
    path.write_bytes(data)
    for read in (_grid.read, _disk.unpack, lambda path: run._stored(path, "k")):
        with sentences():
            read(path)


def addresses(number: int, folder: Path) -> None:
    """Addresses of networks: text of any kind, and names of things that are no networks."""
    from deconvviz.network.adopt import load

    draw = Draw(number)
    parts = (
        "json", "math", "deconvviz", "deconvviz.models.caltech", "zz", "jax.nn", ":", "::", ".", "..", "/", "\\", "\0",
        "net", "relu", "loads", "__doc__", "__builtins__", " ", "\n", "你好", "\ud800", "e\u0301", "-", "x" * 3000,
        ".py", "model.pkl", "weights.safetensors", "__import__('os')", "%s", "{0}", "a b", "1", "None", "lambda",
    )  # fmt: skip
    address = "".join(draw.one_of(parts) for _ in range(1 + draw.below(5)))
    with sentences():
        load.load(address, load.InputOptions(size=(6, 8), channels="RGB"))


FUZZERS = {f.__name__: f for f in (pictures, weights, recipes, atlases, states, addresses)}


def main(name: str, first: str, rounds: str) -> None:
    """Some rounds of a fuzzer; the number of one that finds something is printed."""
    run = FUZZERS[name]
    with tempfile.TemporaryDirectory() as room:
        with contextlib.suppress(ImportError):
            _limit()
        for number in range(int(first), int(first) + int(rounds)):
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            start = time.process_time()
            try:
                run(number, Path(room))
            except BaseException:
                print(f"round {number} of {name} found something", file=sys.stderr)
                raise
            if time.process_time() - start > SECONDS / 4:
                raise SystemExit(f"round {number} of {name} took {time.process_time() - start:.0f} s")
        faulthandler.cancel_dump_traceback_later()
    print(f"{rounds} rounds of {name}")


def _limit() -> None:
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)


if __name__ == "__main__":
    main(*sys.argv[1:])
