"""Downloads from a server on this machine that does what it likes: the right bytes are kept, and not one too many."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deconvviz import storage
from deconvviz.catalog import ModelEntry, PublicWeights
from deconvviz.errors import WeightsError
from deconvviz.models import public_weights

CONTENT = os.urandom(300_000)
CHECKSUM = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers every request with the next of some answers, the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [whole]
        self.asked: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.headers.get("Range"))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                try:
                    answer(self)
                except OSError:  # who asked has hung up, and has every right to
                    self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                """Stays silent."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/weights"


def sends(*headers: tuple[str, str], body: bytes = CONTENT, status: int = 200) -> Answer:
    """An answer of these headers and this body."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


whole = sends(("Content-Length", str(len(CONTENT))))


@pytest.fixture
def server() -> Iterator[Server]:
    """It, for as long as a test runs."""
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


def fetch(server: Server, folder: Path, size: int | None = len(CONTENT)) -> Path:
    """A download of the content."""
    return storage.download(server.url, CHECKSUM, folder / "weights", progress=False, size=size)


def kept(folder: Path) -> dict[str, int]:
    """Name -> bytes of what lies there."""
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def test_two_at_once_get_one_file_by_one_download(server: Server, tmp_path: Path) -> None:
    def slowly(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.2)
        whole(request)

    server.answers = [slowly]
    failures: list[BaseException] = []

    def attempt() -> None:
        try:
            assert fetch(server, tmp_path).read_bytes() == CONTENT
        except BaseException as error:
            failures.append(error)

    people = [threading.Thread(target=attempt) for _ in range(5)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert failures == []
    assert server.asked == [None]
    assert kept(tmp_path) == {"weights": len(CONTENT)}


def test_more_than_the_known_size_is_not_even_begun(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(("Content-Length", str(10**15)), body=bytes(5_000_000))]
    with pytest.raises(ValueError, match="sends 1,000,000,000,000,000 bytes, where there should be 300,000"):
        fetch(server, tmp_path)
    assert kept(tmp_path) == {}


@pytest.mark.parametrize("length", [(), (("Content-Length", "many"),)])
def test_a_stream_without_end_is_cut_at_the_known_size(
    server: Server, tmp_path: Path, length: tuple[tuple[str, str], ...]
) -> None:
    sent = []

    def endless(request: BaseHTTPRequestHandler) -> None:
        sends(*length, body=b"")(request)
        while True:
            request.wfile.write(bytes(50_000))
            sent.append(50_000)

    server.answers = [endless]
    with pytest.raises(ValueError, match="where there should be 300,000"):
        fetch(server, tmp_path)
    assert kept(tmp_path) == {}


def test_without_a_known_size_there_is_a_largest_one(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(server, tmp_path, size=None).read_bytes() == CONTENT
    monkeypatch.setattr(storage, "MAX_DOWNLOAD", 1000)
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="where there should be 1,000"):
        fetch(server, tmp_path / "other", size=None)


def test_a_length_that_is_no_number_is_no_reason_to_stop(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(("Content-Length", "3e5"))]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    (tmp_path / "cut").mkdir()
    server.answers = [sends(("Content-Length", "-5"), body=CONTENT[:1000]), sends(body=CONTENT[1000:], status=206)]
    with pytest.raises(ConnectionError, match="after 1,000 of 300,000 bytes"):
        fetch(server, tmp_path / "cut")
    assert fetch(server, tmp_path / "cut").read_bytes() == CONTENT


@pytest.mark.deep
def test_a_download_that_is_killed_goes_on_to_the_same_bytes(server: Server, tmp_path: Path) -> None:
    def by_and_by(request: BaseHTTPRequestHandler) -> None:
        begin = int((request.headers.get("Range") or "bytes=0-")[6:-1])
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(CONTENT) - begin))
        request.end_headers()
        for place in range(begin, len(CONTENT), 5000):
            request.wfile.write(CONTENT[place : min(place + 5000, len(CONTENT))])
            done.wait(0.1)

    done = threading.Event()
    server.answers = [by_and_by]
    program = (
        "import sys; from pathlib import Path; from deconvviz import storage\n"
        f"storage.download({server.url!r}, {CHECKSUM!r}, Path(sys.argv[1]), progress=False, size={len(CONTENT)})"
    )
    path, part, draw = tmp_path / "weights", tmp_path / "weights.part", random.Random(1)

    def size() -> int:
        return part.stat().st_size if part.exists() else 0

    for _ in range(3):
        loader = subprocess.Popen([sys.executable, "-c", program, str(path)])
        before, end = size(), time.monotonic() + 60
        while size() <= before and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.1))
        loader.kill()
        loader.wait()
    assert 0 < size() < len(CONTENT)
    done.set()
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert kept(tmp_path) == {"weights": len(CONTENT)}
    assert [asked is None for asked in server.asked] == [True, False, False, False], "it goes on where it was"


def test_a_server_without_a_rest_where_nothing_is_here_refuses(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(status=416, body=b"")]
    with pytest.raises(storage.UNREACHABLE) as refused:
        fetch(server, tmp_path)
    assert "416" in storage.reason(refused.value)
    info = PublicWeights("page", "MIT", "weights", {}, url=server.url, sha256=CHECKSUM[7:], size=len(CONTENT))
    entry = ModelEntry("toy", "A toy", lambda weights=None: None, info)  # type: ignore[arg-type,return-value]
    with pytest.raises(WeightsError, match="the server answers 416"):
        public_weights.fetch(entry, tmp_path, progress=False)


def test_a_part_that_is_too_long_begins_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights.part").write_bytes(bytes(len(CONTENT) + 1))
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None]
    (tmp_path / "weights").unlink()
    (tmp_path / "weights.part").write_bytes(CONTENT)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None], "a part that is whole needs no server"
