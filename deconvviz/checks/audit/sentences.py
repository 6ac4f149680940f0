"""What the numbers of an audit mean, as sentences that say how sure they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deconvviz import catalog
from deconvviz.checks.audit.controls import ZERO
from deconvviz.checks.audit.intervals import Interval
from deconvviz.checks.audit.record import AuditRecord
from deconvviz.checks.audit.words import say, translated

#: A rank correlation from which two maps are called alike, and below which they are called different.
ALIKE, DIFFERENT = 0.6, 0.3
#: A gain over chance from which it is called one: what two digits show.
GAIN = 0.005
#: Pictures below which no sentence claims more than "here".
FEW = 10


def sentences(audit: AuditRecord, language: str = "en") -> tuple[str, ...]:
    """One sentence for each finding that a person should not overlook, the general ones first."""
    return tuple(_general(audit, language)) + tuple(
        line for method, intervals in audit.table.items() for line in of_method(method, intervals, language)
    )


def of_method(method: str, intervals: Mapping[str, Interval], language: str = "en") -> tuple[str, ...]:
    """What the controls say of one method.

    Args:
      method: its name.
      intervals: control -> interval, a row of `Audit.table`.
      language: "en" or "zh".
    """
    return tuple(_of_method(_title(method, language), intervals, language))


def _title(method: str, language: str) -> str:
    return say(catalog.methods()[method].title, language)


def _general(audit: AuditRecord, language: str) -> Iterator[str]:
    count = len(audit.pictures)
    if count < FEW:
        yield say("Only {count} pictures: the intervals say little about others; give {few} or more.", language,
                  count=count, few=FEW)  # fmt: skip
    if len({round(picture["value"], 9) for picture in audit.pictures}) == 1 and count > 1:
        text = (
            "The unit has the same value, {value:.4g}, for every picture: a constant network, or one fed the wrong "
            "range; no map of it can mean anything. Units of a layer below may still be audited."
            if len({str(picture["unit"]) for picture in audit.pictures}) == 1 else
            "The class found has the same score, {value:.4g}, for every picture: it is saturated, and maps of a "
            "saturated score fade; audit the layer before the last one."
        )  # fmt: skip
        yield say(text, language, value=audit.pictures[0]["value"])
    if audit.agreement:
        worst = max(audit.agreement, key=lambda rule: audit.agreement[rule])
        if not audit.agreement[worst]:
            yield say("Two independent computations of each rule's map give the same numbers.", language)
        else:
            text = "Two independent computations of each rule's map differ by at most {gap:.1g} of its length ({rule})."
            yield say(text, language, gap=audit.agreement[worst], rule=_title(worst, language))
    for method, why in audit.refused.items():
        yield say("{method} was refused: {why}.", language, method=_title(method, language),
                  why=translated(why, language))  # fmt: skip
    for control, why in audit.skipped.items():
        yield say("Left out: {control}, because {why}.", language, control=say(control, language),
                  why=translated(why, language))  # fmt: skip
    if audit.unreadable:
        names = list(audit.unreadable)
        yield say("Pictures that could not be used: {count} of {every} ({names}).", language, count=len(names),
                  every=len(names) + count, names=", ".join(names[:3]) + ", ..." * (len(names) > 3))  # fmt: skip


def _of_method(title: str, intervals: Mapping[str, Interval], language: str) -> Iterator[str]:
    """What the controls say of one method."""
    zero = intervals.get(ZERO)
    if zero is not None and zero.count and zero.mean > 0:
        text = (
            "{method}: its map is zero everywhere on {count} of {every} pictures, which are left out of its figures; "
            "deconvviz check says why a map is zero."
        )
        yield say(text, language, method=title, count=round(zero.mean * zero.count), every=zero.count)
    yield from _compared(title, intervals, language, "random weights: all layers", (
        "{method}: with all weights shuffled the map is still {value} like the network's: do not read from it what the "
        "network has learned.",
        "{method}: with all weights shuffled the map is {value} like the network's: it changes with the weights, as "
        "pure noise would.",
        "{method}: with all weights shuffled the map is {value} like the network's: in part it is the picture's own.",
    ))  # fmt: skip
    yield from _compared(title, intervals, language, "random weights: top layer", (
        "{method}: with the top layer shuffled the map is {value} like the network's: it hardly knows the scores.",
        "{method}: with the top layer shuffled the map is {value} like the network's: it follows the scores.",
        "",
    ))  # fmt: skip
    yield from _compared(title, intervals, language, "another class", (
        "{method}: the map of another class is {value} like this one's: do not read the class from it.",
        "{method}: the map of another class is {value} like this one's: it differs between classes.",
        "{method}: the map of another class is {value} like this one's: it differs between classes in part.",
    ))  # fmt: skip
    yield from _compared(title, intervals, language, "all units", (
        "{method}: the map of all units of the layer at once is {value} like this one's: do not read this unit from "
        "it.", "", "",
    ))  # fmt: skip
    yield from _compared(title, intervals, language, "edges", (
        "{method}: the map is {value} like an edge detector's, which knows no network.", "", "",
    ))  # fmt: skip
    gains = {
        kind: interval
        for kind, interval in intervals.items()
        if kind.startswith(("deletion", "insertion")) and interval.count > 1
    }
    if gains:
        better = [say(kind, language) for kind, interval in gains.items() if interval.low > GAIN]
        if len(better) == len(gains):
            yield say("{method}: removing or bringing pixels in its order beats chance in every curve.", language,
                      method=title)  # fmt: skip
        elif not better:
            yield say("{method}: its order of pixels is no better than chance in any curve.", language, method=title)
        else:
            yield say("{method}: its order of pixels beats chance only in {better}.", language, method=title,
                      better=say(", ", language).join(better))  # fmt: skip


def _compared(
    title: str, intervals: Mapping[str, Interval], language: str, control: str, texts: tuple[str, str, str]
) -> Iterator[str]:
    """The first text where the whole interval lies above `ALIKE`, the second below `DIFFERENT`, else the third.

    An interval that reaches from below the one to above the other says nothing.
    """
    interval = intervals.get(control)
    if interval is None or not interval.count:
        return
    low, high = (interval.low, interval.high) if interval.count > 1 else (interval.mean, interval.mean)
    text = texts[0] if low > ALIKE else texts[1] if high < DIFFERENT else texts[2]
    if text and low < DIFFERENT and high > ALIKE:
        text = "{method}: {control}, likeness {value}: the interval is too wide to say anything; give more pictures."
    if text:
        yield say(text, language, method=title, value=str(interval), control=say(control, language))
