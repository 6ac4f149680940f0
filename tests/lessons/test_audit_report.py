"""The page of a report: sentences and table, another report after a bad file, and markup in a name stays a name."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from deconvviz.checks.audit import page
from deconvviz.checks.audit.card import table
from deconvviz.checks.audit.intervals import Interval
from deconvviz.checks.audit.record import AuditRecord

MADE = AuditRecord(
    network="<b>mine</b> *x*", digest="d", layer="logits",
    pictures=({"name": "a", "unit": ["logits", 1], "value": 2.0},), unreadable={},
    table={"guided": table()["guided"]},
    curves={"guided": {"deletion grey": (Interval(1.0, 0.9, 1.1, 0.1, 2), Interval(0.5, 0.4, 0.6, 0.1, 2))}},
    refused={}, skipped={}, agreement={}, coverage={},
    adjoint=None, settings={}, seed=3, versions={"jax": "1"}, command="deconvviz audit", seconds=1.0, examples={},
)  # fmt: skip


@pytest.mark.slow
def test_a_report_is_opened_and_a_bad_file_is_answered_where_it_was_dropped(open_page: Callable[..., AppTest]) -> None:
    test = open_page("audit-report")
    assert not test.exception
    assert page.table(table(), "en") in "".join(one.proto.body for one in test.get("html"))

    def dropped(data: bytes) -> None:
        test.get("file_uploader")[0].set_value(("report.json", data, "application/json")).run()
        assert not test.exception

    dropped(page.as_json(MADE).encode())
    assert test.header[0].value == r"Can the maps of \<b\>mine\</b\> \*x\* be trusted?"
    shown = "".join(one.proto.body for one in test.get("html"))
    assert "Only 1 pictures" in shown
    assert "<svg" not in shown, "Streamlit drops it"
    (drawing,) = re.findall(r'src="data:image/svg\+xml;base64,(.*?)" alt="deletion grey"', shown)
    assert b"xmlns" in base64.b64decode(drawing)
    assert not test.error
    dropped(b"Dear reader,")
    assert "this is no report of an audit: it is not JSON" in test.error[0].value
    assert "mine" in test.header[0].value, "what was shown before stays"
    dropped(page.as_html(replace(MADE, network="other"), "zh").encode())
    assert not test.error
    assert "other" in test.header[0].value
