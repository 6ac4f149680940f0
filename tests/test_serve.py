"""The app on more than one machine: two processes of it behind a balancer, and what it says of itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest
import websockets
from balancer import balanced
from open_app import served
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ROOT = Path(__file__).resolve().parent.parent
QUIET = {**os.environ, "DECONVVIZ_WARM_UP": "0"}
LINE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?P<value>[0-9.e+-]+)")


def metrics(url: str) -> dict[str, float]:
    """What ``/metrics`` of an app says, read as Prometheus reads it."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = answer.read().decode("utf-8").splitlines()
    values = [LINE.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(values), lines
    types = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE")}
    read = {match["name"]: float(match["value"]) for match in values if match}
    assert types.keys() == read.keys()
    return read


def ready(url: str, seconds: float = 120) -> None:
    """Wait until ``/ready`` says so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{url}/ready", timeout=30) as answer:
            assert answer.status == 200
            return
        time.sleep(0.2)
    pytest.fail(f"{url} did not become ready in {seconds:.0f} s")


def arrive(url: str, cookie: str = "") -> tuple[int, str]:
    """Open the page as a browser does: (status, cookie of the balancer)."""
    request = urllib.request.Request(url, headers={"Cookie": f"theme=dark; {cookie}"} if cookie else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        given = [one for one in answer.headers.get_all("Set-Cookie") or () if one.startswith("SERVER=")]
        return answer.status, given[0].split(";")[0]


async def first_run(url: str, cookie: str) -> websockets.ClientConnection:
    """A session on the server of that cookie whose page has been drawn."""
    port = urlparse(url).port
    socket = await websockets.connect(
        f"ws://127.0.0.1:{port}/_stcore/stream",
        subprotocols=["streamlit"],
        additional_headers={"Cookie": cookie},
        max_size=None,
    )
    message = BackMsg()
    message.rerun_script.page_name = "end-of-the-course"
    await socket.send(message.SerializeToString())
    said = ForwardMsg()
    while said.WhichOneof("type") != "script_finished":
        said.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
    return socket


@pytest.fixture(scope="module")
def servers() -> Iterator[list[str]]:
    """Two processes of the app."""
    with served(environment=QUIET) as one, served(environment=QUIET) as other:
        ready(one)
        ready(other)
        yield [one, other]


@pytest.mark.deep
def test_people_stay_with_the_server_that_a_balancer_gave_them(servers: list[str]) -> None:
    places = [(str(url.hostname), int(url.port or 0)) for url in map(urlparse, servers)]

    async def four(url: str) -> None:
        cookies = [arrive(url)[1] for _ in range(4)]
        assert sorted(cookies) == ["SERVER=0", "SERVER=0", "SERVER=1", "SERVER=1"]
        assert [arrive(url, cookie)[1] for cookie in cookies] == cookies
        sockets = [await first_run(url, cookie) for cookie in cookies]
        assert [metrics(server)["deconvviz_sessions"] for server in servers] == [2, 2]
        for socket in sockets:
            await socket.close()

    with balanced(places) as (url, balancer):
        asyncio.run(four(url))
        assert min(balancer.served) >= 6
        balancer.servers[0] = ("127.0.0.1", 9)  # nobody answers there: who was with it is given the other one
        assert arrive(url, "SERVER=0") == (200, "SERVER=1")
        balancer.servers[1] = ("127.0.0.1", 9)
        with pytest.raises(urllib.error.HTTPError, match="503"):
            arrive(url)


@pytest.mark.slow
def test_it_says_how_busy_it_is(servers: list[str]) -> None:
    said = metrics(servers[0])
    assert 50e6 < said["process_resident_memory_bytes"] < 4e9
    assert said["process_cpu_seconds_total"] > 0.5
    assert said["deconvviz_threads"] >= 2
    assert said["deconvviz_jobs_running"] == said["deconvviz_jobs_waiting"] == said["deconvviz_compile_waiting"] == 0


@pytest.mark.slow
def test_a_question_without_an_answer_gets_a_status_and_nothing_else(servers: list[str]) -> None:
    ready(servers[0])
    questions = [
        ("answer/laboratory", b'{"token": "made up", "layer": "pool1"}', 404),
        ("answer/home", b"{}", 404),
        ("answer/no-such-page", b"{}", 404),
        ("answer/laboratory", b"[1, 2]", 400),
        ("answer/laboratory", b"{", 400),
        ("answer/laboratory", b"[" * 4000, 400),
        ("answer/laboratory", b"\xff", 400),
        ("answer/laboratory", b" " * 5000, 413),
    ]
    for place, body, status in questions:
        request = urllib.request.Request(f"{servers[0]}/{place}", body, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert (place, body[:9], refused.value.code) == (place, body[:9], status)
        assert refused.value.read() == b""


def test_what_is_deployed_names_what_the_app_answers() -> None:
    from lessons._app import health

    proxy = (ROOT / "deploy" / "haproxy.cfg").read_text("utf-8")
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    docker = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert f"GET {health.READY}" in proxy
    assert f"path,url_dec {health.METRICS} }}" in proxy
    assert "option redispatch 1" in proxy, "who was with a process that has just gone would get 503"
    servers = re.findall(r"^\s+server (\w+) (\w+):(\d+) ", proxy, re.MULTILINE)
    assert {name for _, name, _ in servers} == {"app1", "app2"}
    assert all(f"  {name}:" in compose for _, name, _ in servers)
    assert {port for _, _, port in servers} == set(re.findall(r"EXPOSE (\d+)", docker))
    for path in re.findall(r"^COPY (?!--from)(.+) \S+$", docker, re.MULTILINE):
        assert all((ROOT / one).exists() for one in path.split()), path
