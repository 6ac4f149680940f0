"""The app as a server: what it answers to whom, and what one session may do to the others. A plain `streamlit run`."""

from __future__ import annotations

import asyncio
import base64
import inspect
import io
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import open_app
import pytest
import websockets
from PIL import Image
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from lessons import _server
from lessons._app import first_look
from lessons._kit.form import i18n
from lessons._kit.run import shipped

ROOT = Path(__file__).resolve().parent.parent


def uploaded(number: int, size: int) -> UploadedFileRec:
    """A file that somebody has sent."""
    return UploadedFileRec(file_id=str(number), name="a.png", type="image/png", data=bytes(size))


def kept(manager: MemoryUploadedFileManager, session: str) -> list[str]:
    """Which of a session's files are still there."""
    return [file.file_id for file in manager.get_files(session, [str(i) for i in range(99)])]


def test_a_session_has_room_for_so_many_uploads_and_the_oldest_give_way() -> None:
    _server.guard()
    _server.guard()
    manager = MemoryUploadedFileManager("/upload")
    for number in range(6):
        manager.add_file("greedy", uploaded(number, 100))
        manager.add_file("other", uploaded(0, 100))
    assert kept(manager, "greedy") == ["2", "3", "4", "5"]
    assert kept(manager, "other") == ["0"]
    for number in range(6, 9):
        manager.add_file("greedy", uploaded(number, 8_000_000))
    assert kept(manager, "greedy") == ["7", "8"]
    assert manager._total_bytes == 16_000_100
    manager.add_file("greedy", uploaded(9, 30_000_000))
    assert kept(manager, "greedy") == []


def test_no_session_clears_the_caches_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime import caching

    _server.guard()
    for cache in (caching.cache_data, caching.cache_resource):
        monkeypatch.setattr(type(cache), "clear", lambda self: pytest.fail("cleared for everybody"))
    assert "_handle_clear_cache_request()" in inspect.getsource(AppSession.handle_backmsg), "what the message calls"
    AppSession._handle_clear_cache_request(MagicMock())


def test_what_a_script_is_handed_brings_no_pandas() -> None:
    """Streamlit would import it to look for tables: the first visitor would wait a second, and 45 MB would stay."""
    program = (
        "import sys\n"
        "from streamlit.components.v2.bidi_component import serialization\n"
        "from streamlit.proto.BidiComponent_pb2 import BidiComponent\n"
        "from lessons import _server\n"
        "_server.guard()\n"
        "said = BidiComponent()\n"
        "serialization.serialize_mixed_data({'rows': [1, 2]}, said)\n"
        "print(said.json, 'pandas' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == '{"rows": [1, 2]} False\n'


@pytest.mark.parametrize(("by_history", "left"), [(True, {"image": "coffee"}), (False, {})])
def test_back_and_forward_give_a_page_what_they_ask_for(by_history: bool, left: dict[str, str]) -> None:
    """The page before had a choice of the same name; a link on a page sends the address of the page before."""
    state = SafeSessionState(SessionState(), lambda: None)
    with state.query_params() as params:
        params.bind_widget("image", "widget of the page before", "string_value", "page before")

    def run(self: Any, data: RerunData) -> None:
        with state.query_params() as params:
            params.populate_from_query_string(data.query_string, {"main", "this page"})

    runner = SimpleNamespace(_session_state=state)
    _server._as_the_address_says(run)(runner, RerunData("image=coffee", is_history_navigation=by_history))
    with state.query_params() as params:
        assert params.to_dict() == left


def test_runs_take_turns_and_none_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_server, "PATIENCE", 0.2)
    running, most, done = set[object](), [], []
    everybody_is_in = threading.Event()

    def run(self: object, rerun_data: object) -> None:
        running.add(self)
        most.append(len(running))
        done.append(rerun_data)
        if rerun_data == "long":
            everybody_is_in.wait(10)
        running.discard(self)

    turn = _server._in_turn(run)
    threads = [threading.Thread(target=turn, args=(i + 1, "long")) for i in range(_server.AT_A_TIME)]
    for thread in threads:
        thread.start()
    late = threading.Thread(target=turn, args=(99, "late"))
    start = time.monotonic()
    late.start()
    late.join(10)
    assert 0.15 < time.monotonic() - start < 5, "it waits for its patience, and then no longer"
    most.clear()
    start = time.monotonic()
    short = [threading.Thread(target=turn, args=(i, f"short {i}")) for i in range(12)]
    for thread in short:
        thread.start()
        time.sleep(0.01)
    while not most:
        time.sleep(0.01)
    assert len(most) <= (time.monotonic() - start) / 0.2 + 1, "whoever waits on goes in one by one"
    everybody_is_in.set()
    for thread in (*threads, *short):
        thread.join(10)
    assert done[_server.AT_A_TIME :] == ["late", *(f"short {i}" for i in range(12))], "in the order of their coming"
    assert max(most) <= _server.AT_A_TIME + 1


def test_a_plain_start_is_as_safe_as_that_of_make() -> None:
    settings = tomllib.loads((ROOT / "lessons" / "_app" / ".streamlit" / "config.toml").read_text("utf-8"))
    assert settings["server"]["address"] == open_app.HOST
    assert set(settings["server"]["allowedHosts"]) == {"127.0.0.1", "localhost", "::1"}
    assert not settings["browser"]["gatherUsageStats"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The app, started without any option but the port."""
    plain = open_app.command
    patch = pytest.MonkeyPatch()

    def command(port: str, headless: bool) -> list[str]:
        options = plain(port, headless)
        at = options.index("--server.address")
        return options[:at] + options[at + 2 :]

    patch.setattr(open_app, "command", command)
    with open_app.served(environment={**os.environ, "DECONVVIZ_WARM_UP": "0"}) as url:
        yield url
    patch.undo()


async def _session(url: str, host: str, origin: str) -> bool:
    """Whether a page of that origin, which calls the server by that name, gets a session."""
    port = int(url.rsplit(":", 1)[1])
    try:
        async with websockets.connect(
            f"ws://{host}/_stcore/stream", host="127.0.0.1", port=port, subprotocols=["streamlit"], origin=origin
        ):
            return True
    except websockets.InvalidStatus:
        return False


@pytest.mark.slow
def test_who_gets_a_session(address: str) -> None:
    port = address.rsplit(":", 1)[1]
    for host, origin, gets_one in (
        (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}", True),
        (f"localhost:{port}", f"http://localhost:{port}", True),
        (f"[::1]:{port}", f"http://[::1]:{port}", True),
        (f"evil.example:{port}", f"http://evil.example:{port}", False),
        (f"127.0.0.1:{port}", "http://evil.example", False),
        (f"127.0.0.1:{port}", "null", False),
    ):
        assert asyncio.run(_session(address, host, origin)) is gets_one, (host, origin)


@pytest.mark.slow
def test_every_answer_has_the_headers(address: str) -> None:
    for path in ("/", "/laboratory", "/_stcore/health", "/_stcore/host-config"):
        with urllib.request.urlopen(address + path) as answer:
            for name, value in _server.HEADERS.items():
                assert answer.headers[name] == value, path


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the sockets of a process stand in /proc on Linux only")
def test_it_listens_on_this_machine_only(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    table = "".join(
        Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6") if Path(f"/proc/net/{name}").exists()
    )
    listening = [line.split()[1] for line in table.splitlines() if f":{port:04X} " in line and " 0A " in line]
    assert listening == [f"0100007F:{port:04X}"]


def page_of(url: str, language: str) -> str:
    """What the server answers to a browser that prefers a language."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Language": language})) as answer:
        body = answer.read()
        assert answer.headers["Content-Length"] == str(len(body))
        assert answer.headers["Cache-Control"] == "no-cache"
        return str(body.decode("utf-8"))


def test_the_first_page_begins_with_its_head_and_others_do_not(address: str) -> None:
    with i18n.speaking("zh"):
        chinese = i18n.t(first_look.TITLE)
    assert chinese != first_look.TITLE
    for url, language, title in (
        (address, "en-GB,en;q=0.9", first_look.TITLE),
        (address, "zh-CN,zh;q=0.9,en;q=0.8", chinese),
        (f"{address}/?lang=en", "zh-CN", first_look.TITLE),
        (f"{address}/?lang=zh", "fr", chinese),
    ):
        page = page_of(url, language)
        assert f"<h1>{title}</h1>" in page
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(page.split("base64,")[1].split('"')[0]))))
        assert np.abs(shown - shipped.arrays()["photograph"].astype(float)).mean() < 3
    assert "first-look" not in page_of(f"{address}/convolution", "en")


def test_parts_of_the_scripts_are_asked_for_at_once(address: str) -> None:
    page = page_of(f"{address}/convolution", "en")
    for part in first_look.PARTS:
        (file,) = re.findall(rf'modulepreload" crossorigin href="\./(static/js/{re.escape(part)}\.[^"]+\.js)"', page)
        with urllib.request.urlopen(f"{address}/{file}") as answer:
            assert answer.status == 200
            assert answer.read()
