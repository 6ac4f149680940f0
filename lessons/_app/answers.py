"""What scripts of the pages ask beside the runs of a session: `POST answer/SLUG`, JSON for JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deconvviz.errors import DeconvvizError
from lessons import _server
from lessons._app import ahead

#: Bytes of a question at most.
MOST = 4096
#: Answers that are computed side by side; the others wait in a line.
_AT_A_TIME = asyncio.Semaphore(_server.AT_A_TIME)


async def _answer(request: Request) -> Response:
    """What the page answers; 204 where it has nothing to say, 4xx where the question makes no sense to it."""
    if not ahead.has_ended():
        return Response(status_code=503)
    from lessons._kit.form import page  # pages are imported once the server runs

    pages = {one.slug: one.answer for one in page.discover()}
    answer = pages.get(request.path_params["slug"])
    if answer is None:
        return Response(status_code=404)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            return Response(status_code=413)
    try:
        asked: Any = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        return Response(status_code=400)
    try:
        async with _AT_A_TIME:
            answered = await run_in_threadpool(answer, asked)
    except (LookupError, DeconvvizError):
        return Response(status_code=404)
    except ValueError:
        return Response(status_code=400)
    return Response(status_code=204) if answered is None else JSONResponse(answered)


ROUTES: list[Any] = [Route("/answer/{slug}", _answer, methods=["POST"])]
