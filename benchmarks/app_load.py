"""A class in the app at once: every action answered, how fast, and how much memory and how many threads that takes.

Each person is a session of its own over a websocket, as a browser opens it, without the browser: most actions are
clicks on units of the laboratory, others are another layer, scenes, the language, another page, a photograph
of one's own, and a job now and then. The first round meets what the compile cache holds (nothing with `--fresh`), the
others a warm server. An action ends when its script has ended; what it drew stands in the messages before. A click ends
with the answer that holds the four panels; after every one the numbers of the unit run, and then all that stands below
the maps, as if everybody looked at it. Memory at the start is that of a server that has answered the first page once.

    python benchmarks/app_load.py                                           # ten people for a minute, twice
    python benchmarks/app_load.py --people 50 --seconds 600 --fresh
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.cookiejar
import io
import json
import random
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import websockets
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

sys.path.insert(0, str(Path(__file__).resolve().parent))
from app_clicks import LAYERS, served

#: Keys of the laboratory's components: the script that answers clicks, what stands below the maps, and the layers.
FOLLOW, BELOW, TILES = "lab-unit", "lab-follow", "lab-layers-pick"
#: Channels of the layers that are clicked, at least.
CHANNELS = 32
#: How often each action is taken, out of all.
ACTIONS = {"click": 50, "layer": 14, "scene": 8, "language": 4, "page": 12, "upload": 7, "job": 5}
PAGES = (
    "convolution",
    "pooling-and-switches",
    "four-rules-at-a-rectifier",
    "receptive-fields",
    "inversion",
    "top-nine",
)
#: Layers that jobs invert.
INVERTED = ("relu1", "relu3", "relu5")
#: Seconds after which nobody waits for an action any more.
PATIENCE = 300.0


@dataclass
class Outcome:
    """What happened to everybody."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    disconnects: int = 0


class Session:
    """One person's connection: what is on the page, and what they have chosen there."""

    def __init__(self, url: str, socket: Any, outcome: Outcome) -> None:
        self.url, self.socket, self.outcome = url, socket, outcome
        self.id, self.page, self.query = "", "laboratory", ""
        self.elements: dict[str, str] = {}
        #: Part of the page that a widget runs when it changes; "" for all of it.
        self.part_of: dict[str, str] = {}
        self.chosen: dict[str, WidgetState] = {}
        self.fragments: list[str] = []
        #: What the script that answers clicks was given.
        self.view: dict[str, Any] = {}
        #: Large messages, which a browser keeps and names, so that they are not sent again.
        self.kept: dict[str, ForwardMsg] = {}

    async def act(
        self, kind: str, trigger: WidgetState | None = None, fragment: str = "", by_itself: bool = False
    ) -> None:
        """Run the page's script, with a button pressed perhaps, and wait until it has ended.

        Args:
          kind: what it is timed as.
          trigger: the button.
          fragment: the part of the page that runs; all of it if left out.
          by_itself: the page asks, and no person.
        """
        message = BackMsg()
        script = message.rerun_script
        script.page_name, script.fragment_id, script.is_auto_rerun = self.page, fragment, by_itself
        script.query_string = self.query
        script.cached_message_hashes.extend(self.kept)
        script.widget_states.widgets.extend([*self.chosen.values(), *([trigger] if trigger else [])])
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        if not fragment:
            self.elements, self.fragments = {}, []
        try:
            await asyncio.wait_for(self._until("script_finished"), PATIENCE)
        except TimeoutError:
            self.outcome.errors.append(f"{kind} took more than {PATIENCE:.0f} s")
        self.outcome.times[kind].append(time.perf_counter() - start)

    async def _until(self, kind: str) -> ForwardMsg:
        """Read what the server says up to a message of that kind."""
        while True:
            message = ForwardMsg()
            message.ParseFromString(await self.socket.recv())
            if message.metadata.cacheable:
                self.kept[message.hash] = message
            elif message.ref_hash in self.kept:
                message = self.kept[message.ref_hash]
            said = message.WhichOneof("type")
            if said == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._note(message.delta.new_element, message.delta.fragment_id)
            elif said == "new_session" and message.new_session.initialize.session_id:
                self.id = message.new_session.initialize.session_id
            elif said == "auto_rerun":
                self.fragments.append(message.auto_rerun.fragment_id)
            if said == kind:
                return message

    def _note(self, element: Any, part: str) -> None:
        """Remember a widget by its key; an exception on the page is an error."""
        kind = element.WhichOneof("type")
        drawn = getattr(element, kind)
        if kind == "exception":
            self.outcome.errors.append(f"{drawn.type} on {self.page}: {drawn.message[:300]}")
        name = getattr(drawn, "id", "")
        if name.startswith("$$ID-"):
            key = name.split("-", 2)[2]
            self.elements[key], self.part_of[key] = name, part
            if key == FOLLOW:
                self.view = json.loads(drawn.json)

    def buttons(self) -> list[str]:
        """Those that turn scenes."""
        return [key for key in self.elements if key.startswith("turn-scene-")]

    def choose(self, key: str, **value: Any) -> None:
        """Set a widget of the page."""
        self.chosen[key] = WidgetState(id=self.elements[key], **value)

    async def click(self, channel: int) -> None:
        """Ask for the maps of a unit in the middle of the page's layer, and let what follows run."""
        count = time.time_ns() // 1_000_000
        asked = {"channel": channel, "row": 0, "column": 0, "count": count}
        start = time.perf_counter()
        status = await asyncio.to_thread(_post, f"{self.url}/answer/laboratory", self.view | asked)
        self.outcome.times["click"].append(time.perf_counter() - start)
        if status != 200:
            self.outcome.errors.append(f"a click was answered by {status}")
        self.choose(FOLLOW, json_value=json.dumps({"pick": asked | {"layer": self.view["layer"]}}))
        await self.act("numbers after a click", fragment=self.part_of[FOLLOW])
        below = [channel, 0, 0]
        self.choose(BELOW, json_value=json.dumps({"unit": below}))
        await self.act("all below after it", fragment=self.part_of[BELOW])

    async def turn_to(self, page: str, kind: str = "page", query: str = "") -> None:
        """Open another page; its choices begin anew, where its address says so."""
        self.page, self.chosen, self.query = page, {}, query
        await self.act(kind)

    async def upload(self, file: bytes) -> None:
        """Bring a photograph of one's own to the laboratory."""
        key = next((key for key in self.elements if key.startswith("lab-file-")), None)
        if key is None:
            return
        start, message = time.perf_counter(), BackMsg()
        message.file_urls_request.request_id = "1"
        message.file_urls_request.session_id = self.id
        message.file_urls_request.file_names.append("mine.jpg")
        await self.socket.send(message.SerializeToString())
        urls = (await self._until("file_urls_response")).file_urls_response.file_urls[0]
        await asyncio.to_thread(_put, self.url, urls.upload_url, file)
        state = WidgetState(id=self.elements[key])
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = urls.file_id, "mine.jpg", len(file)
        info.file_urls.CopyFrom(urls)
        self.chosen[key] = state
        await self.act("upload")
        self.outcome.times["upload"][-1] = time.perf_counter() - start


def _post(url: str, asked: dict[str, Any]) -> int:
    """Ask as a script of a page does: the status."""
    body = json.dumps(asked).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _put(url: str, path: str, file: bytes) -> None:
    """Send a file as the page does."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"{url}/_stcore/health", timeout=60).close()
    token = next((cookie.value for cookie in jar if cookie.name == "_streamlit_xsrf"), None) or ""
    edge = "a-boundary"
    body = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="mine.jpg"\r\n\r\n'.encode()
    body += file + f"\r\n--{edge}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "X-Xsrftoken": token}
    address = path if path.startswith("http") else f"{url}{path}"
    opener.open(urllib.request.Request(address, body, headers, method="PUT"), timeout=60).close()


def photograph() -> bytes:
    """Two megapixels, as a JPEG."""
    draw = np.random.default_rng(0)
    coarse = Image.fromarray(draw.integers(0, 256, (20, 30, 3), np.uint8))
    stream = io.BytesIO()
    coarse.resize((1800, 1200), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


async def person(url: str, number: int, seconds: float, think: float, file: bytes, outcome: Outcome) -> None:
    """One person's visit."""
    chance, end = random.Random(number), time.monotonic() + seconds
    await asyncio.sleep(chance.uniform(0, min(think, seconds)))
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    try:
        async with websockets.connect(address, subprotocols=["streamlit"], max_size=None, ping_timeout=None) as socket:
            session = Session(url, socket, outcome)
            await session.act("arrival")
            while time.monotonic() < end:
                kind = chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
                await _take(session, kind, chance, file + number.to_bytes(2, "big"))
                await asyncio.sleep(chance.uniform(0, 2 * think))
    except (websockets.ConnectionClosed, OSError) as error:
        outcome.disconnects += 1
        outcome.errors.append(f"person {number}: {type(error).__name__} {error}")


async def _home(url: str) -> None:
    """Open the first page and leave: what the server has then, it has with nobody there."""
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    async with websockets.connect(address, subprotocols=["streamlit"], max_size=None, ping_timeout=None) as socket:
        session = Session(url, socket, Outcome())
        session.page = ""
        await session.act("home")


async def _take(session: Session, kind: str, chance: random.Random, file: bytes) -> None:
    """One action; where the page that one is on has nothing of that kind, the way there is one, too."""
    if kind == "page":
        await session.turn_to(chance.choice(PAGES))
    elif kind == "job":
        # A choice that no result comes with the package for; who chooses what another one did looks at the same job.
        await session.turn_to(
            "inversion", query=f"prior=off&seed={chance.randrange(4)}&layer={chance.choice(INVERTED)}"
        )
        if "invert" in session.elements:
            await session.act("job", WidgetState(id=session.elements["invert"], trigger_value=True))
        for fragment in session.fragments[:1]:
            for _ in range(3):
                await asyncio.sleep(1)
                await session.act("look at a job", fragment=fragment, by_itself=True)
    elif kind == "scene":
        if not session.buttons():
            await session.turn_to(chance.choice(PAGES))
        if buttons := session.buttons():
            await session.act("scene", WidgetState(id=session.elements[chance.choice(buttons)], trigger_value=True))
    elif kind == "language":
        if "lang" in session.elements:
            session.choose("lang", string_value=chance.choice(["", "zh"]))
            await session.act("language")
    else:
        if session.page != "laboratory" or not {FOLLOW, TILES} <= session.elements.keys():
            await session.turn_to("laboratory")  # also where the page did not come in time: it is asked for again
        if not {FOLLOW, TILES} <= session.elements.keys():
            return  # what took too long is among the errors
        if kind == "upload":
            await session.upload(file)
        elif kind == "layer":
            pick = {"id": chance.choice(LAYERS["caltech"]), "count": time.time_ns()}
            session.choose(TILES, json_value=json.dumps({"pick": pick}))
            await session.act("layer", fragment=session.part_of[TILES])
        else:
            await session.click(chance.randrange(CHANNELS))


class Server(threading.Thread):
    """Reads the memory and threads of a process several times a second until `ended`."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.most, self.ended = pid, Counter[str](), threading.Event()

    def now(self) -> dict[str, int]:
        """Resident memory in MB and threads; nothing where /proc does not tell."""
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{self.pid}/status").read_text("ascii", errors="replace").splitlines()
            said = dict(line.split(":", 1) for line in lines if ":" in line)
            return {"mb": int(said["VmRSS"].split()[0]) // 1024, "threads": int(said["Threads"])}
        return {}

    def run(self) -> None:
        while not self.ended.wait(0.2):
            self.most |= Counter(self.now())


def summary(outcome: Outcome) -> dict[str, Any]:
    """Figures of a round: by action the number, median, 95th percentile and largest, in seconds."""
    every = {"all": [t for times in outcome.times.values() for t in times], **outcome.times}
    return {
        "actions": {
            kind: {
                "n": len(times),
                "median": round(statistics.median(times), 2),
                "p95": round(sorted(times)[int(0.95 * (len(times) - 1))], 2),
                "most": round(max(times), 2),
            }
            for kind, times in every.items()
            if times
        },
        "over_20_s": sum(t > 20 for t in every["all"]),
        "errors": outcome.errors,
        "disconnects": outcome.disconnects,
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Serve the app, let everybody in so many times, and say what happened."""
    file = photograph()
    record: dict[str, Any] = {"people": options.people, "seconds": options.seconds, "think": options.think}
    with contextlib.ExitStack() as stack:
        cache = stack.enter_context(tempfile.TemporaryDirectory()) if options.fresh else None
        url, process, _ = stack.enter_context(served(cache))
        server = Server(process.pid)
        server.start()
        record["imports"] = server.now()
        asyncio.run(_home(url))
        record["start"], record["rounds"] = server.now(), []
        for _ in range(options.rounds):
            outcome = Outcome()

            async def everybody(outcome: Outcome = outcome) -> None:
                asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(options.people))
                visits = (
                    person(url, number, options.seconds, options.think, file, outcome)
                    for number in range(options.people)
                )
                await asyncio.gather(*visits)

            asyncio.run(everybody())
            record["rounds"].append({**summary(outcome), **server.now()})
        time.sleep(options.settle)
        record["largest"], record["after"] = dict(server.most), server.now()
        server.ended.set()
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=10, help="sessions at once (default: 10)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each stays (default: 60)")
    parser.add_argument("--think", type=float, default=5.0, help="mean seconds between two actions (default: 5)")
    parser.add_argument("--rounds", type=int, default=2, help="how often they all come (default: 2)")
    parser.add_argument("--settle", type=float, default=60.0, help="seconds after the last has left (default: 60)")
    parser.add_argument("--fresh", action="store_true", help="begin with no compiled programs on disk")
    parser.add_argument("--json", action="store_true", help="one JSON line")
    options = parser.parse_args()
    record = measure(options)
    if options.json:
        print(json.dumps(record))
    else:
        for number, one in enumerate(record["rounds"], start=1):
            print(
                f"round {number}: {one['over_20_s']} actions over 20 s, {len(one['errors'])} errors, "
                f"{one['disconnects']} disconnects, {one.get('mb', 0)} MB, {one.get('threads', 0)} threads"
            )
            for kind, times in one["actions"].items():
                print(f"  {kind:14} {times['n']:5}  median {times['median']:6.2f} s  p95 {times['p95']:6.2f} s  "
                      f"most {times['most']:6.2f} s")  # fmt: skip
        print(
            f"before the pages are imported {record['imports']}, start {record['start']}, largest {record['largest']}"
        )
        print(f"{options.settle:.0f} s after the last has left {record['after']}")
    errors = [error for one in record["rounds"] for error in one["errors"]]
    if errors:
        raise SystemExit("errors: " + "; ".join(error[:300] for error in errors[:20]))


if __name__ == "__main__":
    main()
