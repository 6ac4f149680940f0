"""A balancer as docs/serve.md asks for, on the loopback: who comes is given a server by a cookie and stays with it.

A connection carries one request, or a websocket; a server that is not ready gets nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator, Sequence
from itertools import cycle

COOKIE = "SERVER"


class Balancer:
    """Forwards connections to servers, each a (host, port); `served` counts what each was given."""

    def __init__(self, servers: Sequence[tuple[str, int]]) -> None:
        self.servers = list(servers)
        self.served = [0] * len(servers)
        self._turn = cycle(range(len(servers)))
        # The event loop knows its tasks weakly: one that waits for a connection nobody else knows would be collected.
        self._serving: set[asyncio.Task[None] | None] = set()

    async def is_ready(self, number: int) -> bool:
        """Whether ``/ready`` of that server answers with 200."""
        try:
            reader, writer = await asyncio.open_connection(*self.servers[number])
        except OSError:
            return False
        try:
            writer.write(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            line = await asyncio.wait_for(reader.readline(), 5)
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return b" 200 " in line

    async def choose(self, head: bytes) -> int | None:
        """The server of the cookie if it is ready, else the next that is."""
        cookie = re.search(rb"[; ]%s=(\d+)" % COOKIE.encode(), head)
        if cookie and int(cookie[1]) < len(self.servers) and await self.is_ready(int(cookie[1])):
            return int(cookie[1])
        for _ in self.servers:
            number = next(self._turn)
            if await self.is_ready(number):
                return number
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first byte to its last."""
        task = asyncio.current_task()
        self._serving.add(task)
        with (
            contextlib.closing(writer),
            contextlib.suppress(OSError, asyncio.IncompleteReadError),
            contextlib.ExitStack() as last,
        ):
            last.callback(self._serving.discard, task)
            head = await reader.readuntil(b"\r\n\r\n")
            number = await self.choose(head)
            if number is None:
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                self.served[number] += 1
                await self._forward(head, number, reader, writer)
            await writer.drain()

    async def _forward(
        self, head: bytes, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        to_reader, to_writer = await asyncio.open_connection(*self.servers[number])
        if b"upgrade: websocket" not in head.lower():
            head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head).replace(
                b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
            )

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
                sink.write_eof()

        with contextlib.closing(to_writer):
            to_writer.write(head)
            answer = await to_reader.readuntil(b"\r\n\r\n")
            writer.write(answer.replace(b"\r\n\r\n", f"\r\nSet-Cookie: {COOKIE}={number}; Path=/\r\n\r\n".encode(), 1))
            upwards = asyncio.create_task(pump(reader, to_writer))
            await pump(to_reader, writer)
            upwards.cancel()


@contextlib.contextmanager
def balanced(servers: Sequence[tuple[str, int]]) -> Iterator[tuple[str, Balancer]]:
    """A balancer before these servers while the block runs: its address, and itself."""
    balancer, started, stop = Balancer(servers), threading.Event(), asyncio.Event()
    known: list[tuple[int, asyncio.AbstractEventLoop]] = []

    async def run() -> None:
        listening = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
        known.append((listening.sockets[0].getsockname()[1], asyncio.get_running_loop()))
        started.set()
        await stop.wait()
        listening.close()
        # Who is cancelled while a connection opens loses it unclosed: most end by themselves, the others are cancelled.
        await asyncio.sleep(0.05)
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        if connections:
            _, rest = await asyncio.wait(connections, timeout=1)
            for connection in rest:
                connection.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0.05)  # what was closed is gone before the loop is

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    started.wait(10)
    port, loop = known[0]
    try:
        yield f"http://127.0.0.1:{port}", balancer
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
