"""What the browser shows until Streamlit runs in it: the head of the first page stands in the answer itself.

Streamlit answers with an empty page, and its scripts take a second to start. Here the answer for "/" holds the
headline and the hero's first pictures, where they will stand; the hero takes them away once its own are there
(lessons/home/hero.js). Every page names the parts of Streamlit's scripts that it will ask for, so that they come at
once instead of one after the other.
"""

from __future__ import annotations

import base64
import io
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs

from PIL import Image
from safetensors import safe_open
from streamlit import file_util

import lessons
from lessons._kit.form import i18n
from lessons._kit.form.i18n import mark, t

LESSONS = Path(lessons.__file__).parent
TITLE = mark("What does a network see, run backwards?")
#: Method of the hero -> (its name, what it does).
METHODS = {
    "deconvnet": (mark("DeconvNet"), mark("the layer sent backwards, contrast stretched")),
    "optimize": (mark("Search"), mark("a picture that the layer cannot tell apart")),
    "learned": (mark("Learned"), mark("a network trained to guess the picture")),
}
#: Parts of Streamlit's scripts that every page asks for only when it draws them: names of files without their hash.
PARTS = ("Html", "purify.es", "ButtonGroup", "PageLink", "TextInput", "Button", "BidiComponent", "serialization")
#: Headers of the file that do not fit what is sent instead.
_OF_THE_FILE = (b"accept-ranges", b"content-length", b"etag", b"last-modified")


class FirstLook:
    """ASGI middleware that adds to every page what is above."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start: dict[str, Any] = {}
        body = b""

        async def with_look(message: dict[str, Any]) -> None:
            nonlocal body
            if message["type"] == "http.response.start" and _is_page(message):
                start.update(message)
                return
            if start and message["type"] == "http.response.body":
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                body = _with_look(body, scope)
                headers = [pair for pair in start["headers"] if pair[0].lower() not in _OF_THE_FILE]
                await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
                message = {**message, "body": body}
            await send(message)

        is_asked = scope["type"] == "http" and scope["method"] == "GET"
        await self.app(scope, receive, with_look if is_asked else send)


def _is_page(start: dict[str, Any]) -> bool:
    headers = dict(start.get("headers", ()))
    is_html = headers.get(b"content-type", b"").startswith(b"text/html")
    return start["status"] == 200 and is_html and b"content-encoding" not in headers


def _with_look(page: bytes, scope: Any) -> bytes:
    page = page.replace(b"</head>", _preloads().encode() + b"</head>", 1)
    if scope["path"] != "/":
        return page
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get(i18n.KEY, [""])[-1]
    accepted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1").split(",")[0].split(";")[0]
    return page.replace(b"</body>", look(i18n.first_known(asked, accepted)).encode() + b"</body>", 1)


@cache
def _preloads() -> str:
    scripts = Path(file_util.get_static_dir()) / "static" / "js"
    files = [file.name for part in PARTS for file in sorted(scripts.glob(f"{part}.*.js"))]
    return "".join(f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in files)


@cache
def look(language: str) -> str:
    """The head of the first page as HTML."""
    with i18n.speaking(language):
        figures = "".join(
            f"<figure><figcaption><b>{escape(t(name))}</b><span>{escape(t(line))}</span></figcaption>"
            f'<div class="frame"><img class="layer on" src="{_photograph()}" alt=""></div></figure>'
            for name, line in METHODS.values()
        )
        page = Template(Path(__file__).with_suffix(".html").read_text("utf-8"))
        sheet = (LESSONS / "home" / "hero.css").read_text("utf-8")
        return page.substitute(title=escape(t(TITLE)), figures=figures, sheet=sheet)


@cache
def _photograph() -> str:
    # Not by lessons._kit.run.shipped: it brings JAX, and the first visitor would wait for that.
    with safe_open(LESSONS / "_kit" / "run" / "shipped.safetensors", framework="numpy") as file:
        pixels = file.get_tensor("photograph")
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
