"""What the server does for all sessions: headers that keep the page to itself, and bounds of what one session may do.

Bind address and allowed hosts stand in `lessons/_app/.streamlit/config.toml`; SECURITY.md says what is promised.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from streamlit.components.v2.bidi_component import serialization
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import RerunData, ScriptRunner
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from deconvviz import storage

#: Bytes and number of the uploads that a session has on the server at once; the oldest give way.
UPLOADED_BYTES, UPLOADED_FILES = 20_000_000, 4
#: Runs of pages side by side, and seconds without any coming or going after which one more may run.
AT_A_TIME, PATIENCE = max(2, storage.processors()), 3.0
#: Nothing of another server is loaded, asked or framed, and no page of another server frames the app. Streamlit's own
#: page needs styles in place, and components of pages are scripts from a blob.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Headers:
    """ASGI middleware that gives every answer the headers above."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *ours]}
            await send(message)

        await self.app(scope, receive, with_headers)


#: As Starlette takes it: what makes it, and its arguments.
MIDDLEWARE: list[Any] = [(Headers, (), {})]


def guard() -> None:
    """Bound what one session may do to the others: no setting of Streamlit does."""
    # A message of the protocol, from any client, that would clear the caches of everybody.
    AppSession._handle_clear_cache_request = _nothing  # type: ignore[method-assign]
    run = ScriptRunner._run_script
    if not hasattr(run, "__wrapped__"):
        ScriptRunner._run_script = _in_turn(_as_the_address_says(run))  # type: ignore[method-assign]
    # Streamlit asks pandas whether a component is handed a table: none of ours is, and pandas takes a second and 45 MB.
    serialization.is_dataframe_like = _is_no_table
    add = MemoryUploadedFileManager.add_file
    if not hasattr(add, "__wrapped__"):
        MemoryUploadedFileManager.add_file = _bounded(add)  # type: ignore[method-assign]


def _is_no_table(obj: object) -> bool:
    """Whether Streamlit is to hand a value to a script as a table."""
    return False


def _nothing(self: AppSession) -> None:
    """Do nothing."""


def _as_the_address_says(run: Any) -> Any:
    """`ScriptRunner._run_script`, where Back, Forward and a new address give the next page all that they ask for.

    Streamlit takes ``?image=`` of the next page for a remainder of the page before where that had a choice of the same
    name, and drops it. For a link on a page it is right to do so: the browser sends the old address with it.
    """

    @functools.wraps(run)
    def whole(self: ScriptRunner, rerun_data: RerunData) -> None:
        if rerun_data.is_history_navigation:
            with self._session_state.query_params() as params:
                for widget in list(params._bindings_by_widget):
                    params.unbind_widget(widget)
        run(self, rerun_data)

    return whole


class _Line:
    """So many at a time, in the order in which they come; one more whenever none has come or gone for `PATIENCE`."""

    def __init__(self, at_a_time: int) -> None:
        self._free = at_a_time
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()
        #: How many have come and gone.
        self._moves = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a place and hold it."""
        me = object()
        with self._changed:
            self._waiting.append(me)
            try:
                is_stuck = False
                while self._waiting[0] is not me or not (self._free > 0 or is_stuck):
                    before = self._moves
                    is_stuck = not self._changed.wait(PATIENCE) and self._moves == before
            finally:
                self._waiting.remove(me)
                self._move(-1)
        try:
            yield
        finally:
            with self._changed:
                self._move(1)

    def _move(self, places: int) -> None:
        self._free += places
        self._moves += 1
        self._changed.notify_all()


def _in_turn(run: Any) -> Any:
    """`ScriptRunner._run_script`, a few at a time.

    More of them side by side only take the interpreter from each other, and from the answers to clicks. A run that
    waits or computes for long holds the others up for `PATIENCE` at most.
    """
    line = _Line(AT_A_TIME)

    @functools.wraps(run)
    def turn(self: ScriptRunner, rerun_data: RerunData) -> None:
        with line.place():
            run(self, rerun_data)

    return turn


def _bounded(add: Any) -> Any:
    """`MemoryUploadedFileManager.add_file`, with room for so much of each session."""

    @functools.wraps(add)
    def bounded(self: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> None:
        add(self, session_id, file)
        files = list(self.file_storage.get(session_id, {}).values())
        while files and (len(files) > UPLOADED_FILES or sum(len(one.data) for one in files) > UPLOADED_BYTES):
            self.remove_file(session_id, files.pop(0).file_id)

    return bounded
