"""Routes beside the pages: whether the app is ready, and how busy it is in the text format of Prometheus.

Whether it runs at all Streamlit's own ``/_stcore/health`` says. docs/serve.md shows a balancer that asks.
"""

from __future__ import annotations

import mmap
import threading
import time
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit import runtime

from deconvviz import compiled
from lessons._app import ahead

READY, METRICS = "/ready", "/metrics"
#: The version of the format that these lines keep.
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def is_ready() -> bool:
    """Whether a visitor would not wait for the pages to be imported."""
    return runtime.exists() and ahead.has_ended()


def resident() -> int:
    """Bytes of this process that are in memory; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * mmap.PAGESIZE
    except OSError:
        return 0


def metrics() -> dict[str, tuple[str, str, float]]:
    """What is measured: name -> (type, what it is, its value now)."""
    from lessons._kit.run import jobs  # a page: imported once they all are

    running, waiting = jobs.counts()
    sessions = runtime.get_instance()._session_mgr.num_active_sessions() if runtime.exists() else 0
    return {
        "deconvviz_sessions": ("gauge", "People whose page is open.", sessions),
        "deconvviz_jobs_running": ("gauge", "Long jobs at work.", running),
        "deconvviz_jobs_waiting": ("gauge", "Long jobs in the queue.", waiting),
        "deconvviz_compile_waiting": ("gauge", "Threads that wait for their turn to compile.", compiled.waiting()),
        "deconvviz_threads": ("gauge", "Threads of the process.", threading.active_count()),
        "process_resident_memory_bytes": ("gauge", "Bytes in memory.", resident()),
        "process_cpu_seconds_total": ("counter", "Seconds of processors used.", time.process_time()),
    }


def to_text(values: dict[str, tuple[str, str, float]]) -> str:
    """The lines that Prometheus reads.

    >>> print(to_text({"a_total": ("counter", "All of them.", 3)}), end="")
    # HELP a_total All of them.
    # TYPE a_total counter
    a_total 3
    """
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {value:.12g}\n"
        for name, (kind, text, value) in values.items()
    )


async def _ready(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ready\n") if is_ready() else PlainTextResponse("importing the pages\n", status_code=503)


async def _metrics(request: Request) -> PlainTextResponse:
    if not is_ready():
        return PlainTextResponse("importing the pages\n", status_code=503)
    return PlainTextResponse(to_text(metrics()), media_type=PROMETHEUS)


ROUTES: list[Any] = [Route(READY, _ready), Route(METRICS, _metrics)]
