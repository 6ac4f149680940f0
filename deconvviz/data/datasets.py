"""Data sets from their official records: a download that resumes, a checksum, safe unpacking."""

from __future__ import annotations

import os
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from deconvviz import storage
from deconvviz.errors import DataError, nearest


@dataclass(frozen=True)
class Dataset:
    """Where a data set comes from.

    Attributes:
      url: the official file.
      file: its name on disk.
      checksum: "md5:..." or "sha256:...", as published with the record.
      folder: what the archive holds, one folder a class.
      record: page to read about it.
      licence: of the images.
    """

    url: str
    file: str
    checksum: str
    folder: str
    record: str
    licence: str


DATASETS = {
    "caltech101": Dataset(
        url="https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip?download=1",
        file="caltech-101.zip",
        checksum="md5:3138e1922a9193bfa496528edbbc45d0",
        folder="101_ObjectCategories",
        record="https://data.caltech.edu/records/mzrjq-6wc02",
        licence="CC BY 4.0",
    )
}


def fetch(name: str, out: Path, progress: bool = True) -> Path:
    """Downloads and unpacks a data set; what is there already is not fetched again.

    Args:
      name: "caltech101".
      out: folder for the archive and its contents.
      progress: bars on standard error.

    Returns:
      The folder with one sub-folder a class.

    Raises:
      DataError: an unknown name, no connection, a wrong checksum, a damaged archive, or no space.
    """
    if name not in DATASETS:
        raise DataError(f"no data set {name!r}; {nearest(name, DATASETS)}")
    dataset, out = DATASETS[name], Path(out)
    target = out / dataset.folder
    if target.is_dir():
        return target
    try:
        out.mkdir(parents=True, exist_ok=True)
        archive = _download(dataset, out, progress)
        _unpack(archive, dataset.folder, out)
    except storage.UNREACHABLE as error:
        raise DataError(
            f"cannot download {name} from {dataset.url} ({storage.reason(error)}); check the connection and run the "
            f"same command again, it goes on where it stopped; or save that file as {out / dataset.file}"
        ) from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise DataError(f"cannot unpack {out / dataset.file} ({error}); remove it and run the command again") from error
    except OSError as error:
        raise DataError(
            f"cannot write to {out} ({error.strerror or error}); free some space or name another --out"
        ) from error
    return target


def _download(dataset: Dataset, out: Path, progress: bool) -> Path:
    try:
        return storage.download(dataset.url, dataset.checksum, out / dataset.file, progress)
    except ValueError as error:  # what pooch raises where the checksum differs
        raise DataError(
            f"{dataset.url} does not have the published checksum {dataset.checksum}; the download was damaged or the "
            f"file has changed: run the command again, or see {dataset.record}"
        ) from error


def _unpack(archive: Path, folder: str, out: Path) -> None:
    """Takes `folder` out of a zip, or out of FOLDER.tar.gz inside it; it appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=out, prefix=".unpack-") as room, zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if not name.startswith("__MACOSX")]
        inner = next((name for name in names if name.endswith(folder + ".tar.gz")), None)
        if inner is None:
            opened.extractall(room, [name for name in names if f"{folder}/" in name])  # names are made safe by zipfile
        else:
            with opened.open(inner) as file, tarfile.open(fileobj=file, mode="r|gz") as packed:
                packed.extractall(room, filter="data")
        result = next((path for path in Path(room).rglob(folder) if path.is_dir()), None)
        if result is None:
            raise zipfile.BadZipFile(f"there is no {folder} in it")
        try:
            os.rename(result, out / folder)
        except OSError:
            if not (out / folder).is_dir():  # else another has just unpacked the same
                raise
