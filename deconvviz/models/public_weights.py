"""Public weights on this machine: where they are looked for, and how they come there.

In this order: the path that a person names; DECONVVIZ_WEIGHTS, a folder or a file; the folder of own files, into
which `fetch` downloads. What is downloaded is asked for, resumed where it stopped, and checked against its SHA-256.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from deconvviz import storage
from deconvviz.catalog import ModelEntry, PublicWeights
from deconvviz.errors import WeightsError

VARIABLE = "DECONVVIZ_WEIGHTS"
HINT = "safetensors.torch.save_file(model.state_dict(), 'NAME.safetensors')"


def folder() -> Path:
    """Where `fetch` puts files: the folder that DECONVVIZ_WEIGHTS names, or one among deconvviz's own.

    >>> folder().name
    'weights'
    """
    path = os.environ.get(VARIABLE)
    return Path(path) if path and Path(path).is_dir() else storage.base() / "weights"


def find(entry: ModelEntry) -> Path | None:
    """The file of a network's weights, where it is on this machine; nothing is downloaded.

    Raises:
      WeightsError: DECONVVIZ_WEIGHTS names something that is not there.
    """
    info = _info(entry)
    setting = os.environ.get(VARIABLE)
    if setting:
        path = Path(setting).expanduser()
        if not path.exists():
            raise WeightsError(f"{VARIABLE}={setting} names nothing that exists; name a folder of weights, or one file")
        if path.is_file():
            return path
    places = [Path(setting).expanduser()] if setting else []
    for place in [*places, storage.base() / "weights"]:
        for name in dict.fromkeys((info.file, f"{entry.name}.safetensors")):
            if (place / name).is_file():
                return place / name
        same = _same_content(place, info)
        if same is not None:
            return same
    return None


def locate(entry: ModelEntry, weights: str | os.PathLike[str] | None = None) -> Path:
    """The file to read: the one that is given, the one on this machine, or else one that is downloaded now.

    Raises:
      WeightsError: there is none, and none can be downloaded; says the ways out.
    """
    if weights is not None:
        path = Path(weights).expanduser()
        if not path.is_file():
            kind = "is a folder; name the file in it" if path.is_dir() else "does not exist; check the name and folder"
            raise WeightsError(f"weights={os.fspath(weights)!r} {kind}")
        return path
    return find(entry) or fetch(entry)


def fetch(entry: ModelEntry, out: Path | None = None, progress: bool = True) -> Path:
    """Downloads a network's weights and verifies them; a file that is there and right is not fetched again.

    Args:
      entry: of the catalogue.
      out: folder for the file; `folder()` if None.
      progress: a bar on standard error.

    Raises:
      WeightsError: no address, no connection, another checksum, or no space.
    """
    info, place = _info(entry), folder() if out is None else Path(out)
    if info.url is None:
        raise WeightsError(
            f"{entry.name} comes without weights, and deconvviz does not download them: get a safetensors file from "
            f"{info.page}, or save torchvision's with {HINT.replace('NAME', entry.name)}; then give weights=PATH, or "
            f"put it as {info.file} into the folder that {VARIABLE} names; weights='random' makes an untrained network"
        )
    try:
        place.mkdir(parents=True, exist_ok=True)
        return storage.download(info.url, f"sha256:{info.sha256}", place / info.file, progress, info.size)
    except storage.UNREACHABLE as error:
        raise WeightsError(
            f"the weights of {entry.name} are not on this machine and cannot be downloaded from {info.url} "
            f"({storage.reason(error)}). Three ways: give a copy with weights=PATH (--weights PATH), set {VARIABLE} to "
            f"a copy or its folder, or run 'deconvviz weights fetch {entry.name}' when there is a connection; it goes "
            "on where it stopped"
        ) from error
    except ValueError as error:
        raise WeightsError(
            f"{info.url} does not have the size or checksum sha256:{info.sha256}; the download was damaged or the file "
            f"has changed: run 'deconvviz weights fetch {entry.name}' again, or see {info.page}"
        ) from error
    except OSError as error:
        raise WeightsError(
            f"cannot write to {place} ({error.strerror or error}); free some space, or set {VARIABLE} to another folder"
        ) from error


def check(path: Path) -> None:
    """Refuses what is no file that can be read.

    Raises:
      WeightsError: missing, a folder, a device or a pipe.
    """
    storage.check_file(path, lambda reason: WeightsError(f"cannot read the weights {path}: {reason}"))


def verified(path: Path, info: PublicWeights) -> bytes:
    """The bytes of a published file.

    Raises:
      WeightsError: truncated, of another size, or with another checksum.
    """
    with path.open("rb") as file:
        data = file.read(info.size + 1)
    if len(data) < info.size:
        raise WeightsError(f"{path} is truncated: {len(data):,} of {info.size:,} bytes; get it again from {info.page}")
    if len(data) > info.size:
        raise WeightsError(f"{path} is not the published file: {path.stat().st_size:,} bytes instead of {info.size:,}")
    checksum = hashlib.sha256(data).hexdigest()
    if checksum != info.sha256:
        raise WeightsError(
            f"{path} has another checksum than the published file: sha256 {checksum} instead of {info.sha256}; the "
            f"copy is damaged: remove it and get it again from {info.page}"
        )
    return data


def _info(entry: ModelEntry) -> PublicWeights:
    if entry.weights is None:
        raise WeightsError(f"the weights of {entry.name} come with deconvviz: there is nothing to get")
    return entry.weights


def _same_content(place: Path, info: PublicWeights) -> Path | None:
    """A file of a folder that is the published one under another name."""
    if not info.sha256 or not place.is_dir():
        return None
    sized = [path for path in sorted(place.iterdir()) if path.is_file() and path.stat().st_size == info.size]
    return next((path for path in sized if hashlib.sha256(path.read_bytes()).hexdigest() == info.sha256), None)
