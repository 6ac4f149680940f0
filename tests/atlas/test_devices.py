"""One atlas by four devices, by two processes, and in memory that does not grow: each in processes of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import atlas_cases
import numpy as np
import pytest

from deconvviz import atlas as atlases

HERE = Path(__file__).resolve().parent
PROGRAM = """
import json, sys, time
sys.path.insert(0, {here!r})
import atlas_cases
from deconvviz import atlas
arguments = json.loads(sys.argv[1])
team = atlas.join(*arguments["team"]) if arguments.get("team") else None
import jax
def slowly(step, done, total):
    time.sleep(arguments.get("pause", 0))
atlas.builder.KEEP = arguments.get("keep", 10.0)
net = atlas_cases.network()
layers, out, batch = ["relu2", "relu1", "mean"], arguments["out"], arguments["batch"]
atlas.build(net, arguments["pictures"], layers, out, top=4, batch=batch, team=team, progress=slowly)
import resource
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([len(jax.local_devices()), jax.process_count(), peak]))
"""


def start(environment: dict[str, str] | None = None, **arguments: object) -> subprocess.Popen[str]:
    """A build in a process of its own."""
    program = PROGRAM.format(here=str(HERE))
    return subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(arguments)],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **(environment or {})},
        cwd=HERE.parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> list[int]:
    """(devices, processes, kilobytes at most) of a build that has to succeed."""
    out, complaint = process.communicate(timeout=240)
    assert process.returncode == 0, complaint[-3000:]
    answer: list[int] = json.loads(out.splitlines()[-1])
    return answer


def same_atlas(one: Path, other: Path) -> None:
    """The same rows and tiles; activations up to the order of additions."""
    first, second = atlas_cases.table(one), atlas_cases.table(other)
    exact = [key for key in first[0] if key not in ("activation", "scale")]
    assert [[row[key] for key in exact] for row in first] == [[row[key] for key in exact] for row in second]
    for key in ("activation", "scale"):
        np.testing.assert_allclose([row[key] for row in first], [row[key] for row in second], rtol=1e-6)
    files = atlas_cases.contents(one).keys()
    assert files == atlas_cases.contents(other).keys()
    a, b = atlases.Atlas.open(one), atlases.Atlas.open(other)
    for layer in a.layers:
        for channel in layer.channels:
            for left, right in zip(a.rows(layer.name, channel), b.rows(layer.name, channel), strict=True):
                assert np.array_equal(a.tile(left, "patches"), b.tile(right, "patches"))
                assert np.abs(a.tile(left, "maps").astype(int) - b.tile(right, "maps")).max() <= 1
    assert json.loads((one / "atlas.json").read_text()) == json.loads((other / "atlas.json").read_text())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 pictures and a broken one."""
    return atlas_cases.folder(tmp_path_factory.mktemp("pictures") / "set", 23, seed=7, broken=1)


@pytest.fixture(scope="module")
def alone(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their atlas by one device of one process."""
    out = tmp_path_factory.mktemp("atlas") / "alone"
    atlases.build(atlas_cases.network(), pictures, ["relu2", "relu1", "mean"], out, top=4, batch=3)
    return out


@pytest.mark.deep
def test_four_devices_make_the_atlas_of_one(pictures: Path, alone: Path, tmp_path: Path) -> None:
    flags = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"}
    devices, processes, _ = finish(start(flags, pictures=str(pictures), out=str(tmp_path / "four"), batch=3))
    assert (devices, processes) == (4, 1)
    same_atlas(alone, tmp_path / "four")


@pytest.mark.deep
def test_two_processes_make_the_atlas_of_one(pictures: Path, alone: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    out = tmp_path / "two"
    both = [start(pictures=str(pictures), out=str(out), batch=3, team=[place, 2, i]) for i in range(2)]
    try:
        assert [finish(one)[:2] for one in both] == [[1, 2], [1, 2]]
    finally:
        for one in both:
            one.kill()
    same_atlas(alone, out)


@pytest.mark.deep
@pytest.mark.parametrize("state", ["scan-0-of-1.npz", "tiles-0-of-1.npz"])
def test_a_process_killed_at_any_moment_leaves_what_the_next_one_needs(
    pictures: Path, alone: Path, tmp_path: Path, state: str
) -> None:
    out, options = tmp_path / "atlas", {"pictures": str(pictures), "batch": 3, "keep": 0.0}
    first = start(out=str(out), pause=0.2, **options)
    deadline = time.monotonic() + 200
    while not (out / "building" / state).exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    first.kill()
    first.communicate()
    assert (out / "building" / state).exists(), "it was killed too late or too early to prove anything"
    (out / "sheets").mkdir(exist_ok=True)
    (out / "sheets" / ".00-relu2-maps-000.png.0123.part").write_bytes(b"half")
    finish(start(out=str(out), **options))
    assert atlas_cases.contents(out) == atlas_cases.contents(alone)


@pytest.mark.deep
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    peaks = []
    for count in (150, 1500):
        pictures = atlas_cases.folder(tmp_path / str(count), count, seed=count)
        peaks.append(finish(start(pictures=str(pictures), out=str(tmp_path / f"atlas-{count}"), batch=8))[2])
    assert peaks[1] < 1.1 * peaks[0], peaks
