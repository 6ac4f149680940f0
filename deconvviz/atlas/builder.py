"""Building an atlas: scan the pictures, reconstruct what the kept units saw, write the files.

Every step keeps its state in the folder `building`, so that a killed build goes on where it was; the same settings
end in the same files. `atlas.json` is written last: a folder without one is no atlas.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.atlas import _disk, scan, sheets, tiles
from deconvviz.atlas.pictures import Pictures, list_pictures
from deconvviz.atlas.processes import Team
from deconvviz.atlas.scan import ScanResult
from deconvviz.errors import DataError, NetworkError
from deconvviz.network import Network, rewritten

#: Seconds between two states that are kept.
KEEP = 10.0
#: ``progress(step, done, total)`` with step "scan" or "reconstruct", in pictures.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be built.

    Attributes:
      network, pictures, out: the network, the pictures, the folder of the atlas.
      channels: layer -> its channels that are kept.
      rule: of the reconstructions.
      top: pictures a channel.
      team: this process.
    """

    network: Network
    pictures: Pictures
    out: Path
    channels: dict[str, tuple[int, ...]]
    rule: str
    top: int
    team: Team

    @property
    def work(self) -> Path:
        """The folder of the build in progress."""
        return self.out / _disk.WORK

    def settings(self) -> dict[str, Any]:
        """Everything that the files depend on."""
        return {
            "network": self.network.name,
            "digest": self.network.digest,
            "rule": self.rule,
            "top": self.top,
            "channels": {layer: list(numbers) for layer, numbers in self.channels.items()},
            "folder": self.pictures.place,
            "listing": self.pictures.stamp,
            "version": sheets.VERSION,
        }


def build(
    network: Network,
    images: str | Path,
    layers: Sequence[str] | Mapping[str, int | None],
    out: str | Path,
    *,
    rule: str = "deconvnet",
    top: int = 9,
    batch: int = 32,
    progress: Progress = lambda step, done, total: None,
    team: Team | None = None,
) -> dict[str, Any]:
    """Writes an atlas: the pictures of a folder that excite each channel most, with patch and reconstruction.

    One forward pass a picture, then one reconstruction a kept unit. Memory does not depend on the number of pictures
    but for their names. A build that was stopped goes on where it was when it is called again.

    Args:
      network: the network.
      images: a folder, searched with its sub-folders, or "sample:textures" for the built-in pictures.
      layers: names of layers, or layer -> how many of its channels to keep, evenly spread (None: all).
      out: the folder of the atlas; it is made.
      rule: "gradient", "deconvnet", "guided" or "linear".
      top: how many pictures a channel.
      batch: pictures that a device works on at once.
      progress: called as the build goes on.
      team: this process, where several build one atlas (`deconvviz.atlas.join`).

    Returns:
      the record in `atlas.json`.

    Raises:
      DataError: no pictures, or `out` holds something else.
      NetworkError, RuleError: no such layer, or the rule cannot apply to it.

    Source: zeiler2014visualizing

    Example::

      build(dv.load("caltech"), "photographs", ["relu2", "relu4"], "atlas")
    """
    pictures = list_pictures(images)
    channels = _channels(network, layers, rule)
    if top < 1 or batch < 1:
        raise DataError(f"top and batch are whole numbers from 1 up; got top={top!r}, batch={batch!r}")
    plan = Plan(network, pictures, Path(out), channels, rule, int(top), team or Team())
    ready = _begin(plan)
    if ready is not None:
        return ready
    with _disk.alone(plan.work / f"lock-{plan.team.name}"):
        result = _scan(plan, batch, progress)
        slots = tiles.slots(result.tops)
        _reconstruct(plan, slots, progress)
        if plan.team.index == 0:
            sheets.write(plan.out, plan.work, _content(plan, result, slots))
            shutil.rmtree(plan.work, ignore_errors=True)
        plan.team.wait("atlas written")
    return _disk.read_json(plan.out / _disk.ABOUT)


def _channels(
    network: Network, layers: Sequence[str] | Mapping[str, int | None], rule: str
) -> dict[str, tuple[int, ...]]:
    """Layer -> the channels to keep, once it is known that the rule applies there."""
    counts = dict(layers) if isinstance(layers, Mapping) else dict.fromkeys(layers)
    if not counts:
        raise NetworkError(f"name at least one layer of {network.name}: `deconvviz layers` lists them")
    channels = {}
    for name, count in counts.items():
        shape = network.layer(name).shape
        if not shape:
            raise NetworkError(f"layer {name} is one number an image, without channels: choose a layer below it")
        if count is not None and count < 1:
            raise NetworkError(f"at least one channel of {name} is kept; got {count!r}")
        rewritten(network, name, rule)
        spread = np.linspace(0, shape[-1] - 1, min(count or shape[-1], shape[-1]))
        channels[name] = tuple(int(channel) for channel in spread.round())
    return channels


def _begin(plan: Plan) -> dict[str, Any] | None:
    """Take hold of the folder: the record of an atlas that is there already, or None when there is work to do."""
    settings = plan.settings()
    if (plan.out / _disk.ABOUT).exists():
        about = _disk.read_json(plan.out / _disk.ABOUT)
        _check_same(plan.out, about.get("settings", {}), settings)
        return about
    file = plan.work / _disk.PLAN
    expected = {**settings, "processes": plan.team.size}
    if file.exists():
        _check_same(plan.out, _disk.read_json(file), expected)
    elif plan.team.index == 0:
        if plan.out.exists() and (not plan.out.is_dir() or any(p.name != _disk.WORK for p in plan.out.iterdir())):
            raise DataError(f"{plan.out} holds other things already: name a new folder for the atlas")
        try:
            plan.work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"cannot make the folder {plan.work}: {error.strerror or error}; name another") from error
        _disk.write(file, _disk.to_json(expected))
    plan.team.wait("atlas begun")
    if not file.exists():
        raise DataError(f"process {plan.team.index} cannot see {file}: all processes need the same folder {plan.out}")
    return None


_WORDS = {
    "network": "network", "digest": "weights", "rule": "rule", "top": "number of pictures a channel",
    "channels": "layers or channels", "folder": "folder of pictures", "listing": "files in that folder",
    "version": "version of the format", "processes": "number of processes",
}  # fmt: skip


def _check_same(out: Path, stored: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Refuse to mix two atlases in one folder."""
    other = [name for name in _WORDS if name in expected and stored.get(name) != expected[name]]
    if other:
        differences = ", ".join(
            f"{_WORDS[name]} {_short(stored.get(name))} instead of {_short(expected[name])}" for name in other[:3]
        )
        raise DataError(
            f"{out} holds an atlas with other settings ({differences}): name a new folder, or remove that one"
        )


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "+".join(f"{name}:{len(numbers)}" for name, numbers in value.items())
    text = str(value)
    return text[:12] if len(text) == 64 else text


def _scan(plan: Plan, batch: int, progress: Progress) -> ScanResult:
    """The strongest pictures of all channels, by all processes."""
    team, count = plan.team, len(plan.pictures.names)
    share = range(team.index, count, team.size)
    path = plan.work / f"scan-{team.name}.npz"
    result = _disk.load_scan(path) or scan.nothing(plan.channels, plan.top)
    progress("scan", result.done, len(share))
    if result.done < len(share):
        saved_at = time.monotonic()
        steps = scan.scan(
            plan.network, plan.pictures, share, plan.channels, room=plan.top, batch=batch, begun=result
        )  # fmt: skip
        for result in steps:
            progress("scan", result.done, len(share))
            if time.monotonic() - saved_at > KEEP:
                _disk.save_scan(path, result)
                saved_at = time.monotonic()
    _disk.save_scan(path, result)
    team.wait("pictures scanned")
    parts = [_disk.load_scan(plan.work / f"scan-{Team(i, team.size).name}.npz") for i in range(team.size)]
    if any(part is None for part in parts):
        raise DataError(f"the scan of a process is missing in {plan.work}: all processes need the same folder")
    everything = scan.together([part for part in parts if part is not None], plan.top)
    if len(everything.broken) == count:
        number, reason = next(iter(everything.broken.items()))
        raise DataError(
            f"none of the {count} pictures in {plan.pictures.place} can be used; "
            f"the first, {plan.pictures.names[number]}: {reason}"
        )
    return everything


def _store(plan: Plan, index: int) -> tiles.Store:
    cells = {layer: tiles.cell(plan.network, layer) for layer in plan.channels}
    return tiles.Store(plan.work, Team(index, plan.team.size).name, cells, plan.top)


def _reconstruct(plan: Plan, slots: Sequence[Sequence[tiles.Slot]], progress: Progress) -> None:
    """The tiles of this process's share of the pictures that were kept."""
    share = slots[plan.team.index :: plan.team.size]
    path, store = plan.work / f"tiles-{plan.team.name}.npz", _store(plan, plan.team.index)
    done, notes = _notes(path)
    progress("reconstruct", done, len(share))
    waiting: list[tiles.Tile] = []
    saved_at = time.monotonic()
    for number, group in enumerate(share[done:], start=done + 1):
        new = list(tiles.of_picture(plan.network, plan.pictures, group, plan.channels, plan.rule))
        notes.update({(t.slot.layer, t.slot.index, t.slot.rank): (t.box, t.scale, t.digest) for t in new})
        waiting += new
        if time.monotonic() - saved_at > KEEP or number == len(share) or _bytes(waiting) > tiles.MAP_BYTES:
            store.put(waiting)
            _disk.write(path, _disk.pack({}, [number, [[*key, *note] for key, note in notes.items()]]))
            waiting, saved_at = [], time.monotonic()
        progress("reconstruct", number, len(share))
    plan.team.wait("pictures reconstructed")


def _bytes(waiting: Iterable[tiles.Tile]) -> int:
    return sum(tile.patch.nbytes + tile.map.nbytes for tile in waiting)


#: (layer, index of the channel, rank) -> (box, scale, digest of the picture's file).
Notes = dict[tuple[str, int, int], tuple[tuple[int, int, int, int], float, str]]


def _notes(path: Path) -> tuple[int, Notes]:
    """How many pictures are done, and what is known of their tiles."""
    stored = _disk.unpack(path)
    if stored is None:
        return 0, {}
    done, rows = stored[1]
    return done, {(layer, index, rank): (tuple(box), scale, digest) for layer, index, rank, box, scale, digest in rows}


def _content(plan: Plan, scanned: ScanResult, slots: Sequence[Sequence[tiles.Slot]]) -> sheets.Content:
    """All that the files are made of."""
    team = plan.team
    owners = {group[0].picture: i % team.size for i, group in enumerate(slots)}
    notes: Notes = {}
    for i in range(team.size):
        notes |= _notes(plan.work / f"tiles-{Team(i, team.size).name}.npz")[1]
    return sheets.Content(
        network=plan.network,
        pictures=plan.pictures,
        settings=plan.settings(),
        channels=plan.channels,
        scanned=scanned,
        notes=notes,
        stores=[_store(plan, i) for i in range(team.size)],
        owners=owners,
    )
