"""The report of an audit: one HTML file that holds everything it shows, and one JSON; either can be read again."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from html import escape, unescape
from typing import Any

import numpy as np
from PIL import Image

from deconvviz import catalog, storage
from deconvviz.checks.audit.controls import EDGES, RANDOM
from deconvviz.checks.audit.intervals import Interval
from deconvviz.checks.audit.record import AuditRecord
from deconvviz.checks.audit.sentences import GAIN, sentences
from deconvviz.checks.audit.words import LANGUAGES, say, translated
from deconvviz.errors import DataError, check_choice
from deconvviz.figures.scale import diverging_rgb, signed_limit

#: Controls of the table, in order; the other measures of each stand in the JSON file.
COLUMNS = (
    "random weights: top layer", "random weights: upper half", "random weights: all layers",
    "random weights: all redrawn", "random weights: lowest alone", "another class", "all units", "edges",
    "picture's gradient", "occlusion", "shifted", "noise", "deletion grey", "deletion blur", "insertion grey",
    "insertion blur", "infidelity",
)  # fmt: skip
#: What a good map has: 0 close, 1 close, or more than 0.
TARGETS = (
    dict.fromkeys(COLUMNS[:9], "low") | dict.fromkeys(COLUMNS[9:12], "high") | dict.fromkeys(COLUMNS[12:16], "gain")
)
_STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1b;--ground:#fff;--head:#f4f4f4;--line:#ccc}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--ground:#16181b;--head:#24272b;--line:#484c52}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:90rem;padding:1rem;color:var(--ink);
background:var(--ground)}
p,ul{max-width:60rem}tbody th{position:sticky;left:0;background:var(--ground)}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem}th,td{padding:.3rem .5rem;border:1px solid var(--line);text-align:left;
vertical-align:top}thead th{background:var(--head)}td.good{background:#2e8b5733}td.bad{background:#c0392b33}
figure{display:inline-block;margin:.3rem;width:9rem;vertical-align:top}figure img{width:100%;image-rendering:pixelated}
figcaption{font-size:.75rem}svg{max-width:100%;height:auto}pre{white-space:pre-wrap;word-break:break-word}
@media(max-width:40rem){ul{padding-left:1.1rem}.cards thead{display:none}.cards :is(tbody,tr,th,td){display:block}
.cards td::before{content:attr(data-of);font-weight:bold}
.cards tbody th{position:static;background:var(--head)}.cards tr{margin-bottom:.8rem}}
"""
_NUMBER = (float, type(None))
_ONE = {"mean": _NUMBER, "low": _NUMBER, "high": _NUMBER, "error": _NUMBER, "count": int}
#: Of the JSON.
_SHAPE = {
    "network": str, "digest": str, "layer": str, "pictures": [{"name": str, "unit": [object], "value": float}],
    "unreadable": {str: str}, "table": {str: {str: _ONE}}, "curves": {str: {str: [_ONE]}}, "refused": {str: str},
    "skipped": {str: str}, "agreement": {str: float}, "coverage": {str: str}, "adjoint": _NUMBER,
    "settings": {str: {str: object}}, "seed": int, "versions": {str: str}, "command": str, "seconds": float,
}  # fmt: skip
#: What begins the same record as in the JSON file, at the end of the page.
_DATA = '<template id="deconvviz-audit">'
#: That stand out on light and on dark ground.
_COLOURS = ("#1f77b4", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#9467bd", "#a6761d", "#8a8f2a")


def as_json(audit: AuditRecord) -> str:
    """All numbers, with the sentences."""
    record = {name: value for name, value in vars(audit).items() if name not in ("examples", "table", "curves")}
    record["table"] = {m: {c: asdict(interval) for c, interval in row.items()} for m, row in audit.table.items()}
    record["curves"] = {
        name: {kind: [asdict(interval) for interval in steps] for kind, steps in row.items()}
        for name, row in audit.curves.items()
    }
    return json.dumps(_plain(record | {"sentences": sentences(audit)}), allow_nan=False, indent=1, ensure_ascii=False)


def read(data: bytes) -> AuditRecord:
    """A report again, from the bytes of its JSON or of its HTML; the maps of the first picture are in neither record.

    Raises:
      DataError: another file, or one that was changed.

    >>> try:
    ...     read(b"<p>Dear reader,</p>")
    ... except DataError as error:
    ...     print(str(error).partition(";")[0])
    this is no report of an audit: the page holds no numbers of one, as reports of older releases do not
    """

    def problem(reason: str) -> DataError:
        return DataError(
            f"this is no report of an audit: {reason}; open the FILE.json or FILE.html that 'deconvviz audit --out "
            "FILE.html' wrote"
        )

    if data.lstrip()[:1] == b"<":
        _, begins, rest = data.rpartition(_DATA.encode())
        if not begins:
            raise problem("the page holds no numbers of one, as reports of older releases do not")
        data = unescape(rest.partition(b"</template>")[0].decode("utf-8", "replace")).encode()
    record = storage.parse(data, _SHAPE, problem)
    names = {name for part in ("table", "curves", "refused", "agreement") for name in record[part]} - {RANDOM, EDGES}
    unknown = sorted(names - set(catalog.methods()))
    if unknown:
        raise problem(f"it names the method {unknown[0]!r:.60}, which is not here")
    if not record["pictures"]:
        raise problem("it is of no picture")
    fields = {one.name: record[one.name] for one in dataclasses.fields(AuditRecord) if one.name != "examples"}
    fields["pictures"] = tuple(record["pictures"])
    fields["table"] = {m: {c: _interval(one) for c, one in row.items()} for m, row in record["table"].items()}
    fields["curves"] = {
        name: {kind: tuple(map(_interval, steps)) for kind, steps in row.items()}
        for name, row in record["curves"].items()
    }
    return AuditRecord(**fields, examples={})


def _interval(one: Mapping[str, Any]) -> Interval:
    nothing = float("nan")
    mean, low, high, error = (
        nothing if one[name] is None else float(one[name]) for name in ("mean", "low", "high", "error")
    )
    return Interval(mean, low, high, error, one["count"])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def as_html(audit: AuditRecord, language: str = "en") -> str:
    """The page in one language.

    Raises:
      DeconvvizError: a language that is not there.
    """
    check_choice("language", language, LANGUAGES)

    def t(text: str, **values: Any) -> str:
        return escape(say(text, language, **values))

    title = t("Can the maps of {network} be trusted?", network=audit.network)
    facts = t(
        "{count} pictures, layer {layer}, seed {seed}, {minutes:.1f} minutes of processor time.",
        count=len(audit.pictures), layer=audit.layer, seed=audit.seed, minutes=audit.seconds / 60,
    )  # fmt: skip
    findings = "".join(f"<li>{escape(line)}</li>" for line in sentences(audit, language))
    how = escape(how_to_read(language))
    data = escape(as_json(audit), quote=False)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1><p>{facts}</p><h2>{t('What it means')}</h2><ul>{findings}</ul>"
        f"<h2>{t('Every control for every method')}</h2><p>{how}</p>{table(audit.table, language)}"
        f"<h2>{t('Deletion and insertion')}</h2><p>{escape(how_to_read_curves(language))}</p>"
        f"{''.join(curves(audit.curves, language))}"
        f"{_examples(audit, t)}"
        f"<h2>{t('The methods')}</h2>{_cards(audit, t)}"
        f"<h2>{t('How it was made')}</h2><pre>{_provenance(audit, t, language)}</pre>"
        f"{_DATA}{data}</template></body></html>\n"
    )


def how_to_read(language: str = "en") -> str:
    """What the numbers of the table are, and which are wanted."""
    return say(
        "Mean over the pictures, and its 95 % bootstrap interval. Likenesses are rank correlations of the strengths "
        "of two maps, from -1 to 1: 0 is wanted under random weights, for another class and for all units of the "
        "layer at once, 1 after a shift or faint noise. Deletion and insertion: area gained over an order drawn by "
        "chance, above 0 is better. Infidelity: 0 foretells every fall of the score, 1 none. Green: the whole "
        "interval lies where it is wanted (below 0.3, above 0.6, a gain above 0.005); red: where it is not (above "
        "0.6, below 0.3, a loss above 0.005). Dash: it does not apply, or one of the two maps is zero everywhere.",
        language,
    )


def how_to_read_curves(language: str = "en") -> str:
    """What the curves of deletion and insertion are."""
    return say(
        "The probability of the class, or the value of another unit as a share of its own, while an eighth of the "
        "pixels after the other is covered (deletion) or brought in (insertion), those first that a map ranks highest. "
        "Means over the pictures, shaded by one standard error to either side; dashed, the orders that ask no network: "
        "drawn by chance, and by edges.",
        language,
    )


def table(intervals: Mapping[str, Mapping[str, Interval]], language: str = "en") -> str:
    """Method by control, as HTML.

    Args:
      intervals: method -> control -> interval.
      language: "en" or "zh".
    """
    shown = [control for control in COLUMNS if any(control in row for row in intervals.values())]
    head = "".join(f"<th>{escape(say(control, language))}</th>" for control in shown)
    rows = "".join(
        f"<tr><th>{escape(say(catalog.methods()[method].title, language))}</th>"
        + "".join(_cell(row.get(control), TARGETS.get(control, "")) for control in shown) + "</tr>"
        for method, row in intervals.items()
    )  # fmt: skip
    return f'<div class="wide"><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(interval: Interval | None, target: str) -> str:
    if interval is None or not interval.count:
        return "<td>-</td>"
    low, high = (interval.low, interval.high) if interval.count > 1 else (interval.mean, interval.mean)
    good = {"low": high < 0.3, "high": low > 0.6, "gain": low > GAIN}.get(target, False)
    bad = {"low": low > 0.6, "high": high < 0.3, "gain": high < -GAIN}.get(target, False)
    kind = ' class="good"' if good else ' class="bad"' if bad else ""
    return f"<td{kind}>{interval}</td>"


def curves(intervals: Mapping[str, Mapping[str, Sequence[Interval]]], language: str = "en") -> tuple[str, ...]:
    """A drawing for each kind of curve as SVG, shaded by the standard error, the orders by chance and by edges dashed.

    Letters and axes have the colour of the text around.

    Args:
      intervals: order of the pixels -> kind -> an interval a step.
      language: "en" or "zh".
    """
    kinds = dict.fromkeys(kind for row in intervals.values() for kind in row)
    return tuple(_curve(intervals, kind, lambda text: escape(say(text, language))) for kind in kinds)


def _curve(intervals: Mapping[str, Mapping[str, Sequence[Interval]]], kind: str, t: Callable[[str], str]) -> str:
    lines, bands, legend = "", "", ""
    known = [one.mean for row in intervals.values() for one in row.get(kind, ()) if one.count]
    top = max([1e-9, *known])
    height = 240 + 18 * math.ceil(len(intervals) / 2)
    colours = dict(zip([n for n in intervals if n not in (RANDOM, EDGES)], _COLOURS * 2, strict=False))
    for number, (name, row) in enumerate(intervals.items()):
        steps = row.get(kind, ())

        def points(errors: int, steps: Sequence[Interval] = steps) -> list[str]:
            """The curve, so many standard errors higher, inside the frame."""
            return [
                f"{40 + 300 * k / max(1, len(steps) - 1):.1f},{190 - 170 * min(max(0.0, value / top), 1.0):.1f}"
                for k, one in enumerate(steps) if one.count > abs(errors)
                for value in [one.mean + errors * one.error if errors else one.mean]
            ]  # fmt: skip

        dash = ' stroke-dasharray="5 4"' if name in (RANDOM, EDGES) else ""
        colour = colours.get(name, "currentColor" if name == RANDOM else "#888888")
        if edge := points(1):
            bands += f'<polygon fill="{colour}" opacity="0.1" points="{" ".join(edge + points(-1)[::-1])}"/>'
        lines += f'<polyline fill="none" stroke="{colour}" stroke-width="1.6"{dash} points="{" ".join(points(0))}"/>'
        label = t(catalog.methods()[name].title) if name in colours else t(name)
        left, at = 8 + 176 * (number % 2), 232 + 18 * (number // 2)
        legend += f'<path d="M{left} {at}h22" stroke="{colour}" stroke-width="2"{dash}/>'
        legend += f'<text x="{left + 28}" y="{at + 4}">{label}</text>'
    return (
        f'<svg viewBox="0 0 360 {height}" width="360" role="img" aria-label="{t(kind)}" font-size="12" '
        f'fill="currentColor"><text x="40" y="14" font-weight="bold">{t(kind)}</text>'
        '<path d="M40 20V190H340" fill="none" stroke="currentColor"/>'
        f'<text x="4" y="26">{top:.2g}</text><text x="20" y="194">0</text>'
        f'<text x="40" y="210">{t("share of pixels, 0 to 100 %")}</text>{bands}{lines}{legend}</svg>'
    )


def _examples(audit: AuditRecord, t: Any) -> str:
    """The maps of the first picture; nothing where a report was read again, for they are in no record."""
    html = f"<h2>{t('The first picture')}</h2>" if audit.examples else ""
    for label, values in audit.examples.items():
        method, _, kind = label.partition(", ")
        if label == "picture":
            low, high = float(values.min()), float(values.max())
            plane = (values - low) / (high - low) if high > low else np.zeros_like(values)
            image = np.rint(255 * (plane if plane.shape[-1] == 3 else np.repeat(plane[..., :1], 3, -1))).astype(
                np.uint8
            )
            text = t("The picture as the network is fed it")
        else:
            image = diverging_rgb(values, signed_limit(values, 99.5))
            text = f"{t(catalog.methods()[method].title)}{t(': ')}{t(kind)}"
        html += f'<figure><img alt="{text}" src="{_png(image)}"><figcaption>{text}</figcaption></figure>'
    return html


def _png(rgb: np.ndarray) -> str:
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def _cards(audit: AuditRecord, t: Any) -> str:
    rows, words = "", [t(word) for word in ("It assumes", "It cannot show", "Settings here")]
    for method in audit.table:
        card, used = catalog.methods()[method], audit.settings.get(method, {})
        settings = ", ".join(f"{name}={value}" for name, value in used.items() if value is not None) or "-"
        texts = zip(words, (t(card.assumes), t(card.limits), escape(settings)), strict=True)
        cells = "".join(f'<td data-of="{word}{t(": ")}">{text}</td>' for word, text in texts)
        rows += f"<tr><th>{t(card.title)}</th>{cells}</tr>"
    heads = "".join(f"<th>{word}</th>" for word in (t("Method"), *words))
    return f'<div class="wide cards"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _provenance(audit: AuditRecord, t: Callable[..., str], language: str) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in audit.versions.items())
    proofs = t(", ").join(
        t("{rule} {gap:.1g} ({coverage})", rule=say(catalog.methods()[rule].title, language), gap=gap,
          coverage=translated(audit.coverage.get(rule, ""), language))
        for rule, gap in audit.agreement.items()
    )  # fmt: skip
    adjoint = "-" if audit.adjoint is None else f"{audit.adjoint:.1g}"
    pictures = ", ".join(
        f"{picture['name']}: {picture['unit'][1]} ({picture['value']:.4g})" for picture in audit.pictures
    )
    lines = [
        escape(audit.command), t("network {name}, SHA-256 {digest}", name=audit.network, digest=audit.digest),
        escape(versions), t("seed {seed}", seed=audit.seed),
        f"{t('two computations differ by')}{t(': ')}{proofs or '-'}", t("adjoint test: {gap}", gap=adjoint),
        t("pictures, channel (value): {pictures}", pictures=pictures),
        *(escape(f"{name}{say(': ', language)}{translated(why, language)}") for name, why in audit.unreadable.items()),
    ]  # fmt: skip
    return "\n".join(line for line in lines if line)
