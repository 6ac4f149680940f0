"""`deconvviz grade`: grade the answers of a class anew; the questions are those of the app."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from deconvviz._cli._common import FILE, check_file
from deconvviz._cli.app import script, with_path


@click.command()
@click.argument("folder", metavar="DIR", type=FILE)
@click.option(
    "--link", multiple=True, metavar="ADDRESS", help="A link of the teacher, with seed and last day. Repeatable."
)
@click.option("--csv", default="grades.csv", show_default=True, type=FILE, help="The table.")
@click.option("--html", default="grades.html", show_default=True, type=FILE, help="The page.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language of the page.")
@click.pass_context
def grade(context: click.Context, folder: Path, link: tuple[str, ...], csv: Path, html: Path, lang: str) -> None:
    """Grade the answers that a class saved, one .json file a person in DIR.

    Every right answer is computed anew from the arrays of its question and seed. With --link, only the lesson and the
    seed of the link count, and answers after its day are late.

    \b
    Example:
      deconvviz grade class-7b --link "http://127.0.0.1:8501/convolution?exercise=12&due=2026-12-24"
    """
    check_file(csv, "--csv")
    check_file(html, "--html")
    links = [part for address in link for part in ("--link", address)]
    arguments = [str(folder), *links, "--csv", str(csv), "--html", str(html), "--lang", lang]
    environment = with_path({**os.environ, "STREAMLIT_LOGGER_LEVEL": "error"}, script().parents[2])
    # The library imports no page: the pages run in a process of their own, as those of the app do.
    done = subprocess.run([sys.executable, "-m", "lessons._grade", *arguments], env=environment, check=False)
    context.exit(done.returncode)


COMMAND = grade
