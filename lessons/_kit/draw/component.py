"""Parts of a page that run in the browser: a script, and perhaps a sheet, beside the module that mounts them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

LESSONS = Path(__file__).parents[2]
_IMPORT = re.compile(r"^import \{[^}]*\} from \"(\.[^\"]+)\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def mount(file: str | Path, key: str, data: dict[str, Any], **on_change: Callable[[], None]) -> None:
    """Mount a Streamlit component (version 2: no iframe, no build step).

    Args:
      file: of the calling module, or any path without its ending: the script is the ``.js`` of that name. With a
        ``.css`` of that name it has a style of its own, without one the style of the page.
      key: of the component in the session.
      data: what the script gets.
      **on_change: ``on_NAME_change``, called when the script reports NAME.
    """
    _component(Path(file).with_suffix(".js"))(key=key, data=data, **on_change)


@st.cache_resource(show_spinner=False)
def _component(script: Path) -> Callable[..., Any]:
    name = "_".join(script.relative_to(LESSONS).with_suffix("").parts)
    sheet = script.with_suffix(".css")
    code = module(script)
    if sheet.exists():
        return st.components.v2.component(name, js=code, css=sheet.read_text("utf-8"))
    return st.components.v2.component(name, js=code, isolate_styles=False)


def module(script: Path) -> str:
    """The text of an ES module with the modules of ours that it imports in their place: a component is one script."""

    def imported(line: re.Match[str]) -> str:
        return _EXPORT.sub("", module(script.parent / line[1]))

    return _IMPORT.sub(imported, script.read_text("utf-8"))
