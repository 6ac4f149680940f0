"""`deconvviz formulas`: the printed formulas, what they really compute, and the corrected ones."""

from __future__ import annotations

import math
import time

import click

from deconvviz._cli._common import Whole, answer, json_option, seconds_since, table


@click.command()
@click.option("--seeds", type=Whole(min=1), default=3, show_default=True, help="How many random inputs each.")
@json_option
def formulas(seeds: int, as_json: bool) -> None:
    """Run ten printed formulas of convolution and "deconvolution" as printed and as corrected.

    Shows the largest relative errors over the seeds: as printed against what the article says comes out, as printed
    against what the formula really computes, as corrected against the operator.

    \b
    Example:
      deconvviz formulas --seeds 5
    """
    # Not at the top: `--help` imports every command, and JAX takes 1.5 s.
    from deconvviz.articles.formulas import FORMULAS, TOLERANCE, measure

    start = time.perf_counter()
    rows, records = [], []
    for formula in FORMULAS.values():
        runs = [measure(formula, seed) for seed in range(seeds)]
        worst = {name: max(run[name] for run in runs) for name in runs[0]}
        rows.append((formula.id, *(_short(worst[name]) for name in ("said", "equals", "corrected")), formula.computes))
        records.append(
            {
                "id": formula.id,
                "article": formula.article,
                "printed": formula.printed_latex,
                "corrected": formula.corrected_latex,
                "says": formula.says.chinese,
                "translation": formula.says.english,
                "computes": formula.computes,
                "sources": formula.sources,
                "errors": worst,
                "same_size": math.isfinite(worst["said"]),
                "as_said": worst["said"] <= TOLERANCE,
                "proved": worst["equals"] <= TOLERANCE and worst["corrected"] <= TOLERANCE,
            }
        )
    header = ("id", "printed/said", "printed/real", "corrected", "what the printed formula computes")
    record = {"formulas": records, "seeds": seeds, "tolerance": TOLERANCE, "seconds": seconds_since(start)}
    answer(record, as_json, table(header, rows))


def _short(error: float) -> str:
    """An error for people.

    >>> _short(float("inf")), _short(6.2e-08), _short(0.8512), _short(0.0)
    ('size', '6e-08', '0.85', '0')
    """
    if math.isinf(error):
        return "size"
    return f"{error:.2f}" if error >= 0.01 else f"{error:.0e}" if error else "0"


COMMAND = formulas
