"""The report of an audit: verdicts with their evidence, a rubric that asks for method, and a file to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from deconvviz.models import planted
from lessons._kit.form.i18n import t
from lessons.capstone import picture, run


@dataclass(frozen=True)
class Verdict:
    """What is said of a network: a fault, or "" for nothing yet; and the test that is to show it, or ""."""

    fault: str
    test: str


@dataclass(frozen=True)
class Point:
    """A point of the rubric: translated words, and whether it is earned."""

    words: str
    earned: bool


def rubric(case: int, verdicts: Mapping[str, Verdict], hypothesis: str, solved: bool) -> list[Point]:
    """Seven points. Those for evidence are given once the exercise has confirmed verdicts: before, they would tell.

    Args:
      case: number of the case.
      verdicts: letter -> verdict.
      hypothesis: what was expected before the tests, in the person's words.
      solved: whether the exercise has confirmed verdicts.
    """
    named = [verdict.fault for verdict in verdicts.values()]
    points = [
        Point(t("a hypothesis is written down"), len(hypothesis.split()) >= 5 or len(hypothesis.strip()) >= 12),
        Point(t("each of the four has a verdict, and no two the same"), sorted(named) == sorted(planted.FAULTS)),
    ]
    for letter, verdict in verdicts.items():
        words = t("network {letter}: the test named can show such a fault, and shows it here", letter=letter)
        points.append(Point(words, solved and supported(case, letter, verdict)))
    return [*points, Point(t("the exercise has confirmed the verdicts"), solved)]


def supported(case: int, letter: str, verdict: Verdict) -> bool:
    """Whether the figure of the named test is what a network with that fault would give.

    A fault is shown by the test that moves the part it rests on, where three answers of four have to change; honesty
    by right answers on new pictures; shuffled labels by wrong ones there, while neither mark nor ground moves so many.
    """
    if not verdict.fault or verdict.test != run.SHOWN_BY[verdict.fault]:
        return False
    result = {test: run.count(case, letter, test) for test in ("new", "mark", "ground")}
    most = 3 * run.PICTURES // 4
    if verdict.fault == "honest":
        return result["new"] >= run.PICTURES - run.APART
    if verdict.fault == "labels":
        return result["new"] < run.PICTURES - run.APART and max(result["mark"], result["ground"]) <= most
    return result[verdict.test] > most


def text(case: int, verdicts: Mapping[str, Verdict], hypothesis: str, points: list[Point]) -> str:
    """The report as Markdown, in the person's language."""
    lines = [
        f"# {t('Audit of four networks, case {case}', case=case)}",
        "",
        f"## {t('Hypothesis')}",
        "",
        hypothesis or "–",
    ]
    lines += ["", f"## {t('Tests')}", "", f"| {t('test')} | " + " | ".join(run.LETTERS) + " |", "|---" * 5 + "|"]
    for test, title in picture.COUNTED.items():
        lines.append(f"| {t(title)} | " + " | ".join(str(n) for n in run.counts(case, test).values()) + " |")
    lines += ["", f"## {t('Verdicts')}", ""]
    for letter, verdict in verdicts.items():
        said = t(picture.FAULTS[verdict.fault]) if verdict.fault else t("no verdict")
        test = t(picture.TESTS[verdict.test]) if verdict.test else "–"
        lines.append(f"- {t('**{letter}**: {verdict} (shown by: {test})', letter=letter, verdict=said, test=test)}")
    earned = sum(point.earned for point in points)
    lines += ["", f"## {t('Rubric: {earned} of {all} points', earned=earned, all=len(points))}", ""]
    lines += [f"- [{'x' if point.earned else ' '}] {point.words}" for point in points]
    limits = t(
        "What this does not show: the four were drawn from known faults. In the wild a fault may be one that nobody "
        "thought of, and no test here would look for it."
    )
    return "\n".join([*lines, "", limits, ""])


def draw(case: int, verdicts: Mapping[str, Verdict], solved: bool) -> None:
    """The hypothesis, the rubric and the file."""
    hypothesis = st.text_area(
        t("Your hypothesis: which network rests on what, and what made you think so?"),
        key="capstone-hypothesis",
        height=80,
    )
    points = rubric(case, verdicts, hypothesis, solved)
    earned = sum(point.earned for point in points)
    st.markdown(f"**{t('Rubric: {earned} of {all} points', earned=earned, all=len(points))}**")
    st.markdown("  \n".join(f"{'✓' if point.earned else '○'} {point.words}" for point in points))
    if not solved:
        st.caption(t("The points for evidence are given once the exercise below has confirmed the verdicts."))
    st.download_button(
        t("Download the report"),
        text(case, verdicts, hypothesis, points),
        file_name=f"audit-{case}.md",
        mime="text/markdown",
        icon=":material/download:",
    )
