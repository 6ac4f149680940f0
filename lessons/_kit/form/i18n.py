"""The language of the page: `t` translates a text; `language.switch` lets the person choose (``?lang=zh``).

The text in the code is the English one and the key of the catalogue, a gettext .po file that is read as it is. A text
that nobody has translated yet stays English. The language belongs to the session: it is looked up at each call, so
that two people read two languages from one process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from babel.messages.pofile import read_po
from streamlit.runtime.scriptrunner import get_script_run_ctx

#: Code -> the language's own name, in the order of the switch; the first is the one the texts are written in.
LANGUAGES = {"en": "English", "zh": "中文"}
LOCALES = Path(__file__).parents[2] / "locales"
DOMAIN = "deconvviz"
KEY = "lang"
#: Attribute of a session's run that holds its language.
_KNOWN = "deconvviz_language"
_outside = ContextVar("language", default="en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """The language of texts outside a session: in programs that write reports or handouts.

    >>> with speaking("zh"):
    ...     current_language()
    'zh'
    """
    token = _outside.set(language)
    try:
        yield
    finally:
        _outside.reset(token)


def mark(text: str) -> str:
    """Mark a constant for the catalogue without translating it yet; `t` it where it is shown.

    >>> mark("The operator")
    'The operator'
    """
    return text


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """English text -> its translation, of what is translated; empty for English.

    Raises:
      FileNotFoundError: there is no catalogue of that language.
    """
    if language == "en":
        return {}
    with (LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        messages = read_po(file, locale=language)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string and not m.fuzzy}


def current_language() -> str:
    """The session's language: the switch, else ``?lang=``, else the browser's, else English; outside one `speaking`'s.

    >>> current_language()
    'en'
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return _outside.get()
    known: str | None = getattr(context, _KNOWN, None)  # every text asks, and the session takes its time to answer
    if known is None:
        chosen = st.session_state.get(KEY)
        known = chosen if chosen in LANGUAGES else first_known(st.query_params.get(KEY), st.context.locale)
        setattr(context, _KNOWN, known)
    return known


def look_again() -> None:
    """Ask the session anew for its language: a run of the whole page may have another than the one before."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is not None and hasattr(context, _KNOWN):
        delattr(context, _KNOWN)


def first_known(*tags: str | None) -> str:
    """The first of some language tags that the app speaks, else English.

    >>> first_known(None, "zh-Hans-CN"), first_known("fr")
    ('zh', 'en')
    """
    codes = (str(tag or "").lower().split("-")[0] for tag in tags)
    return next((code for code in codes if code in LANGUAGES), "en")


def t(text: str, **values: Any) -> str:
    """Translate an English text and put the values into its ``{names}``.

    Args:
      text: a literal, or a constant that was marked with `mark`.
      **values: what the braces of the text name; with no values the braces stay as they are.

    >>> t("{count} of {total} rectifiers obey", count=8, total=8)
    '8 of 8 rectifiers obey'
    """
    translated = catalogue(current_language()).get(text, text)
    return translated.format(**values) if values else translated
