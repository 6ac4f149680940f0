"""Downloads: resumed, verified, unpacked whole, refused clearly; from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deconvviz.data import datasets
from deconvviz.errors import DataError

SET = "caltech101"


def archive() -> bytes:
    """A zip like the official one: a tar.gz inside, beside what macOS leaves."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in ("ant/image_0001.jpg", "yin_yang/image_0001.jpg"):
            entry = tarfile.TarInfo("101_ObjectCategories/" + name)
            entry.size = 40_000
            tar.addfile(entry, io.BytesIO(hashlib.sha256(name.encode()).digest() * 1250))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as opened:
        opened.writestr("__MACOSX/._101_ObjectCategories.tar.gz", b"nothing")
        opened.writestr("caltech-101/101_ObjectCategories.tar.gz", packed.getvalue())
    return whole.getvalue()


@dataclass
class Shop:
    """A server with one file: what it sends, how much of it before it hangs up, and what was asked for."""

    content: bytes
    hang_up_after: int | None = None
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    served = Shop(archive())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            served.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if served.status or start >= len(served.content):
                self.send_error(served.status or 416)
                return
            body = served.content[start:]
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.hang_up_after])

        def log_message(self, *arguments: object) -> None:
            """Stays silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    place(monkeypatch, f"http://127.0.0.1:{server.server_port}/caltech-101.zip", served.content)
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def place(monkeypatch: pytest.MonkeyPatch, url: str, content: bytes) -> None:
    checksum = "md5:" + hashlib.md5(content, usedforsecurity=False).hexdigest()
    real = datasets.DATASETS[SET]
    fake = datasets.Dataset(url, real.file, checksum, real.folder, real.record, real.licence)
    monkeypatch.setitem(datasets.DATASETS, SET, fake)


def test_download_and_unpack(shop: Shop, tmp_path: Path) -> None:
    folder = datasets.fetch(SET, tmp_path / "new" / "data", progress=False)
    assert folder == tmp_path / "new" / "data" / "101_ObjectCategories"
    assert sorted(path.name for path in folder.iterdir()) == ["ant", "yin_yang"]
    assert (folder / "ant" / "image_0001.jpg").stat().st_size == 40_000
    assert sorted(path.name for path in folder.parent.iterdir()) == ["101_ObjectCategories", "caltech-101.zip"]
    assert datasets.fetch(SET, folder.parent, progress=False) == folder
    assert shop.asked == [None]


def test_a_broken_download_goes_on(shop: Shop, tmp_path: Path) -> None:
    shop.hang_up_after = 700
    with pytest.raises(DataError, match=r"cannot download caltech101 .*run the same command again, it goes on"):
        datasets.fetch(SET, tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["caltech-101.zip.part"]
    shop.hang_up_after = None
    assert datasets.fetch(SET, tmp_path, progress=False).is_dir()
    assert shop.asked == [None, "bytes=700-"]


def test_a_part_that_is_whole(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "caltech-101.zip.part").write_bytes(shop.content)
    assert datasets.fetch(SET, tmp_path, progress=False).is_dir()
    assert shop.asked == [f"bytes={len(shop.content)}-"]


def test_a_wrong_checksum(shop: Shop, tmp_path: Path) -> None:
    shop.content = shop.content[:-1] + b"?"
    with pytest.raises(DataError, match=r"does not have the published checksum md5:\w+; .*run the command again"):
        datasets.fetch(SET, tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_file_from_a_browser_is_used(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "caltech-101.zip").write_bytes(shop.content)
    assert datasets.fetch(SET, tmp_path, progress=False).is_dir()
    assert shop.asked == []


def test_the_server_refuses(shop: Shop, tmp_path: Path) -> None:
    shop.status = 503
    with pytest.raises(DataError, match=r"the server answers 503 Service Unavailable"):
        datasets.fetch(SET, tmp_path, progress=False)


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, "https://data.caltech.edu/caltech-101.zip", b"")
    with pytest.raises(DataError, match=r"no connection: .*or save that file as .*caltech-101.zip"):
        datasets.fetch(SET, tmp_path, progress=False)


def test_an_archive_without_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as opened:
        opened.writestr("readme.txt", "hello")
    place(monkeypatch, "http://127.0.0.1:9/caltech-101.zip", other.getvalue())
    (tmp_path / "caltech-101.zip").write_bytes(other.getvalue())
    with pytest.raises(DataError, match=r"cannot unpack .*there is no 101_ObjectCategories in it.*remove it"):
        datasets.fetch(SET, tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["caltech-101.zip"]


def test_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set 'caltech102'; did you mean caltech101"):
        datasets.fetch("caltech102", tmp_path)
