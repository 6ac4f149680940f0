"""The report of a run of ``deconvviz audit``, opened in the app; before a file is, the audit of the shipped network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape, unescape

import streamlit as st

from deconvviz.checks.audit import page
from deconvviz.checks.audit.card import card, measured, table
from deconvviz.checks.audit.record import AuditRecord
from deconvviz.checks.audit.sentences import sentences
from deconvviz.errors import DataError
from lessons._kit.draw import plot
from lessons._kit.form.i18n import current_language, mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Page

#: Bytes of the largest report.
MOST = 8_000_000
_OPENED, _PROBLEM = "audit-report-opened", "audit-report-problem"
#: Colours that hold on light and on dark ground.
_STYLE = """<style>
.audit { overflow-x: auto } .audit table { border-collapse: collapse; font-size: 0.875rem }
.audit :is(th, td) { padding: 0.3rem 0.5rem; border: 1px solid #8888; text-align: left; vertical-align: top }
.audit td.good { background: #2e8b5733 } .audit td.bad { background: #c0392b33 }
.audit img { max-width: 100%; margin: 0.5rem 0 }
.audit dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 24px; margin: 8px 0; padding: 0 }
.audit dt { font-weight: 600; padding-top: 8px } .audit dd { margin: 0; padding-top: 8px } .audit dd p { margin: 0 }
@media (max-width: 640px) { .audit dl { grid-template-columns: 1fr } .audit dd { padding-top: 0 } }
/* Streamlit's field speaks English only: its words are put under ours. */
.st-key-audit-drop [data-testid="stFileUploaderDropzoneInstructions"] { display: none }
.st-key-audit-drop [data-testid="stFileUploaderDropzone"] button p { font-size: 0 }
.st-key-audit-drop [data-testid="stFileUploaderDropzone"] button p::after { content: var(--choose); font-size: 14px }
</style>"""
#: A sentence of an audit: the method, and what is said of it.
_OF = re.compile(r"(.+?)(?:: |：)(.+)")


def render() -> None:
    """Draw the page."""
    st.title(t("What does an audit say?"), anchor=False)
    st.markdown(
        t(
            "`deconvviz audit` measures whether the maps of a network mean anything: your network, your pictures. "
            "Open the report that it wrote, FILE.json or FILE.html."
        )
    )
    words = escape(t("Choose a file")).replace('"', "")
    with st.container(key="audit-drop"):
        st.html(f'<style>.st-key-audit-drop {{ --choose: "{words}"; }}</style>')
        st.file_uploader(
            t("The report of an audit: drop it, or choose a file"),
            max_upload_size=MOST // 1_000_000,
            key="audit-report-file",
            on_change=_dropped,
        )
    problem = st.session_state.get(_PROBLEM)
    if problem:
        st.error(t("This file cannot be shown: {reason}.", reason=said(problem)))
    opened = st.session_state.get(_OPENED)
    if isinstance(opened, AuditRecord):
        report(opened)
    else:
        example()


def _dropped() -> None:
    """Take the file; where it is no report, say so and show what was shown before."""
    st.session_state[_PROBLEM] = None
    file = st.session_state.get("audit-report-file")
    if file is None:
        st.session_state[_OPENED] = None
        return
    if not hasattr(file, "getvalue"):
        return  # the server has let go of its bytes already: what is shown stays
    try:
        st.session_state[_OPENED] = page.read(file.getvalue())
    except DataError as error:
        st.session_state[_PROBLEM] = str(error)


def report(audit: AuditRecord) -> None:
    """What was measured, what it means, and how it was made."""
    language = current_language()
    st.header(t("Can the maps of {network} be trusted?", network=_plain(audit.network)), anchor=False)
    st.caption(
        t(
            "{count} pictures, layer {layer}, seed {seed}",
            count=len(audit.pictures),
            layer=_plain(audit.layer),
            seed=audit.seed,
        )
    )
    _listed(sentences(audit, language))
    st.subheader(t("Every control for every method"), anchor=False)
    st.markdown(page.how_to_read(language))
    _drawn(page.table(audit.table, language))
    st.subheader(t("Deletion and insertion"), anchor=False)
    st.markdown(page.how_to_read_curves(language))
    ink = "#e6e6e6" if plot.is_dark() else "#1b1b1b"
    _drawn("".join(_picture(drawing, ink) for drawing in page.curves(audit.curves, language)))
    st.subheader(t("How it was made"), anchor=False)
    versions = "\n".join(f"{name} {number}" for name, number in audit.versions.items())
    st.code(f"{audit.command}\n{versions}\nSHA-256 {audit.digest}", language=None, wrap_lines=True)
    st.caption(t("The maps of the first picture are in the HTML file, which any browser opens."))


def example() -> None:
    """The audit of the shipped network, whose table comes with the package."""
    known = measured()
    st.header(t("Can the maps of {network} be trusted?", network=known["network"]), anchor=False)
    st.caption(
        t("An example: the network of this course on {count} photographs. Its report is made by:",
          count=known["pictures"])
    )  # fmt: skip
    st.code(known["command"], language="bash", wrap_lines=True)
    language = current_language()
    _listed(one for name in known["table"] for one in card(name, language).measured)
    st.subheader(t("Every control for every method"), anchor=False)
    st.markdown(page.how_to_read(language))
    _drawn(page.table(table(), language))


def _listed(said: Iterable[str]) -> None:
    """What is said of each method beside its name, which stands there once."""
    methods: dict[str, list[str]] = {}
    for one in said:
        whole = _OF.fullmatch(one)
        method, words = whole.groups() if whole else ("", one)
        methods.setdefault(method, []).append(words[:1].upper() + words[1:])
    rows = (
        f"<dt>{escape(method)}</dt><dd>{''.join(f'<p>{escape(words)}</p>' for words in of)}</dd>"
        for method, of in methods.items()
    )
    _drawn(f"<dl>{''.join(rows)}</dl>")


def _drawn(body: str) -> None:
    st.html(f'{_STYLE}<div class="audit" tabindex="0">{body}</div>')


def _picture(drawing: str, ink: str) -> str:
    """An SVG as a picture: Streamlit drops the elements of one from HTML."""
    (name,) = re.findall(r'aria-label="(.*?)"', drawing)
    alone = f'<svg xmlns="http://www.w3.org/2000/svg" color="{ink}" '
    return plot.image(drawing.replace("<svg ", alone, 1), unescape(name))


def _plain(text: str) -> str:
    """A name from a file, so that nothing in it is Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#+-!|~$:" else letter for letter in text[:80])


PAGE = Page(slug="audit-report", title=mark("The report of an audit"), render=render, order=103)
