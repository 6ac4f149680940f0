"""Data sets from their official records: a download that resumes, a checksum, safe unpacking."""

from __future__ import annotations

import http.client
import os
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
from tqdm import tqdm

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
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise DataError(
            f"cannot download {name} from {dataset.url} ({_reason(error)}); check the connection and run the same "
            f"command again, it goes on where it stopped; or save that file as {out / dataset.file}"
        ) from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise DataError(f"cannot unpack {out / dataset.file} ({error}); remove it and run the command again") from error
    except OSError as error:
        raise DataError(
            f"cannot write to {out} ({error.strerror or error}); free some space or name another --out"
        ) from error
    return target


def _download(dataset: Dataset, out: Path, progress: bool) -> Path:
    path = out / dataset.file
    try:
        pooch.retrieve(dataset.url, dataset.checksum, fname=dataset.file, path=out, downloader=_Resumed(path, progress))
    except ValueError as error:  # what pooch raises where the checksum differs
        raise DataError(
            f"{dataset.url} does not have the published checksum {dataset.checksum}; the download was damaged or the "
            f"file has changed: run the command again, or see {dataset.record}"
        ) from error
    return path


class _Resumed:
    """A downloader for pooch that keeps what it has in FILE.part and asks the server for the rest only."""

    def __init__(self, path: Path, progress: bool) -> None:
        self.part, self.progress = path.with_name(path.name + ".part"), progress

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self._receive(answer, have if answer.status == 206 else 0)
        except urllib.error.HTTPError as error:
            if error.code != 416:  # 416: there is no rest, the part is whole
                raise
        os.replace(self.part, output_file)

    def _receive(self, answer: http.client.HTTPResponse, have: int) -> None:
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        bar = tqdm(initial=have, total=total, unit="B", unit_scale=True, desc=self.part.stem, disable=not self.progress)
        with self.part.open("ab" if have else "wb") as file, bar:
            while chunk := answer.read(1 << 18):
                file.write(chunk)
                bar.update(len(chunk))
            got = file.tell()
        if total is not None and got < total:
            raise ConnectionError(f"the connection ended after {got:,} of {total:,} bytes")


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
        found = next((path for path in Path(room).rglob(folder) if path.is_dir()), None)
        if found is None:
            raise zipfile.BadZipFile(f"there is no {folder} in it")
        shutil.move(found, out / folder)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    reason = getattr(error, "reason", error)
    return "no connection: " + " ".join(str(reason).split())[:160]
