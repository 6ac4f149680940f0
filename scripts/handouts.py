"""Print lessons as handouts, one page of A4 each: ``python scripts/handouts.py FOLDER [SLUG ...]``, in both languages.

Text, questions and room to write come from the records of the lessons; picture and formulas are taken from the page of
the running app, so that a handout shows what the screen does.
"""

from __future__ import annotations

import base64
import html
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from open_app import served

from lessons._kit.draw import image_row
from lessons._kit.draw.planes import Plane
from lessons._kit.form import design, glossary
from lessons._kit.form.design import Design
from lessons._kit.form.exercise import Question
from lessons._kit.form.i18n import LANGUAGES, speaking, t
from lessons._kit.form.page import Lesson, discover

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
#: Height and width of A4 at 96 pixels an inch, less margins of 10 mm.
ROOM, WIDTH = 1042, 718
#: What lies over the picture is hidden, and the frame of the scene; the picture is as high as it is itself.
HIDDEN = """
[data-testid=stHeader], .st-key-shell, .st-key-language-switch, .st-key-proofs { display: none !important; }
html:root { --look: transparent !important; }
[data-testid=stHorizontalBlock]:has(.st-key-controls) { align-items: flex-start !important; }
"""
SHEET = Path(__file__).with_name("handouts.css").read_text("utf-8")


def document(lesson: Lesson, number: int, seed: int, picture: bytes, formulas: Iterable[str]) -> str:
    """The handout of a lesson in the language that `speaking` set, as HTML.

    Args:
      lesson: the record.
      number: of the lesson in the course.
      seed: of the numbers in the questions.
      picture: a PNG.
      formulas: MathML.
    """
    text = "\n\n".join(f"**{_ended(t(one.title))}** {t(one.text)}" for one in lesson.scenes)
    questions = "".join(_question(t(title), maker(seed)) for title, maker in lesson.questions.values())
    encoded = base64.b64encode(picture).decode()
    return f"""<!doctype html><meta charset="utf-8"><style>{SHEET}</style>
<p class="place">deconvviz · {number}</p><h1>{_e(t(lesson.question))}</h1><p>{_e(t(lesson.goal))}</p>
<figure><img alt="" src="data:image/png;base64,{encoded}"></figure><figure>{"".join(formulas)}</figure>
<div class="text">{glossary.to_html(text, "h")}</div>
<h2>{_e(t("Predict, then look"))}</h2>{questions}{_experiment(lesson.design)}<div class="space"></div>
{_model(lesson.design)}<footer>{lesson.slug}?exercise={seed}</footer>"""


def _ended(title: str) -> str:
    """A title that runs on into its text.

    >>> _ended("Two gradients"), _ended("And truer?"), _ended("两幅梯度")
    ('Two gradients.', 'And truer?', '两幅梯度。')
    """
    return title + ("" if title[-1] in "?!？！…" else "。" if "\u3400" <= title[-1] <= "\u9fff" else ".")


def _experiment(question: Design | None) -> str:
    """The question for an experiment."""
    if question is None:
        return ""
    return f'<div class="question"><p><b>{_e(t(design.TITLE))}</b> {_bold(t(question.prompt))}</p></div>'


def _model(question: Design | None) -> str:
    """Its model answer and rubric, upside down: to be read once something is written."""
    if question is None:
        return ""
    points = "".join(f"<li>{_e(t(point))}</li>" for point in question.rubric)
    text = "".join(f"<p>{_bold(part)}</p>" for part in t(question.model).split("\n\n"))
    return f'<div class="model"><p><b>{_e(t("A model answer"))}</b></p>{text}<ul>{points}</ul></div>'


def _question(title: str, question: Question) -> str:
    """A question with its planes, a line for each number, and room."""
    prompt = _bold(question.prompt)
    planes = "".join(_table(plane) for row in question.picture for plane in row.planes)
    slide = question.slide
    maps = [image_row.Picture(slide.ground, slide.name)] if slide is not None else []
    pictures = "".join(image_row.to_html(row) for row in (maps, question.given, question.choices) if row)
    offered = question.options or [()] * len(question.fields)
    lines = "".join(
        f'{_e(name)} {_e(" / ".join(names))} <span class="line"></span>'
        for name, names in zip(question.fields, offered, strict=True)
    )
    return f'<div class="question"><p><b>{_e(title)}</b> {prompt}</p>{planes}{pictures}<p>{lines}</p></div>'


def _table(plane: Plane) -> str:
    rows = "".join(
        "<tr>"
        + "".join(f"<td{' class=frame' if (r, c) in plane.frame else ''}>{value:g}</td>" for c, value in enumerate(row))
        + "</tr>"
        for r, row in enumerate(plane.values)
    )
    return f"<table><caption>{_e(plane.title)}</caption>{rows}</table>"


def _bold(text: str) -> str:
    """Markdown with nothing but ``**strong**`` as HTML."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", _e(text))


def _e(text: str) -> str:
    return html.escape(text)


def taken(page: Page, address: str) -> tuple[bytes, list[str]]:
    """The picture of a lesson and its first formulas, from the page at that address."""
    page.goto(address)
    page.locator("[data-testid=stForm]").wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    page.wait_for_function("!document.querySelector('.stMain [data-testid=stSkeleton]')")  # of tables that come late
    page.add_style_tag(content=HIDDEN)
    picture = page.locator("[data-testid=stColumn]:has(.st-key-controls) + [data-testid=stColumn]").first
    formulas = page.locator(".stMain .katex-display .katex-mathml math").evaluate_all(
        "all => all.slice(0, 2).map(one => one.outerHTML)"
    )
    return picture.screenshot(animations="disabled"), formulas


def printed(browser: Browser, text: str) -> bytes:
    """One page of A4: what is longer is drawn smaller, what is shorter gets room to write."""
    page = browser.new_page(viewport={"width": WIDTH, "height": ROOM})
    page.set_content(text)
    height = page.evaluate("document.body.offsetHeight")
    if height < ROOM - 60:
        page.evaluate("room => document.querySelector('.space').style.height = `${room}px`", ROOM - height - 30)
    margins = dict.fromkeys(("top", "bottom", "left", "right"), "10mm")
    pdf = page.pdf(format="A4", scale=min(1.0, ROOM / height * 0.98), margin=margins, print_background=True)
    page.close()
    return pdf


def pages_of(pdf: bytes) -> int:
    """How many pages a PDF of Chromium has."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


#: Characters that are drawn as the font's sign for what it lacks, by comparing them with one that no font has.
MISSING = """text => {
  const area = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const drawn = sign => {
    area.canvas.width = area.canvas.height = 32;
    area.font = '24px "Noto Sans", "Noto Sans CJK SC", sans-serif';
    area.fillText(sign, 4, 26);
    return area.getImageData(0, 0, 32, 32).data.join();
  };
  const none = drawn('\\u{10FFFE}');
  return [...new Set(text)].filter(sign => sign.trim() && drawn(sign) === none);
}"""


def missing(browser: Browser, text: str) -> list[str]:
    """The characters of a text that no font of this machine has."""
    page = browser.new_page()
    lacking = page.evaluate(MISSING, text)
    page.close()
    return list(lacking)


def make(browser: Browser, url: str, folder: Path, slugs: Iterable[str] = (), seed: int = 1) -> list[Path]:
    """Write ``SLUG-LANGUAGE.pdf`` for lessons; all of them where none is named.

    Raises:
      ValueError: a handout is longer than a page, or has a character that no font has.
    """
    lessons = [page for page in discover() if isinstance(page, Lesson)]
    wanted = set(slugs) or {lesson.slug for lesson in lessons}
    unknown = wanted - {lesson.slug for lesson in lessons}
    if unknown:
        raise ValueError(f"there is no lesson {', '.join(sorted(unknown))}")
    written = []
    screen = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=2)
    screen.set_default_timeout(300_000)
    for number, lesson in enumerate(lessons, 1):
        if lesson.slug not in wanted:
            continue
        for language in LANGUAGES:
            picture, formulas = taken(screen, f"{url}/{lesson.slug}?lang={language}")
            with speaking(language):
                text = document(lesson, number, seed, picture, formulas)
            lacking = missing(browser, html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "", text, flags=re.S)))
            pdf = printed(browser, text)
            if pages_of(pdf) != 1 or lacking:
                raise ValueError(f"{lesson.slug} ({language}): {pages_of(pdf)} pages, without glyphs: {lacking}")
            path = folder / f"{lesson.slug}-{language}.pdf"
            path.write_bytes(pdf)
            written.append(path)
            print(path, flush=True)
    screen.close()
    return written


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    from chromium import FLAGS, get
    from playwright.sync_api import sync_playwright

    folder, *slugs = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=get(), args=list(FLAGS))
        make(browser, url, Path(folder), slugs)
        browser.close()


if __name__ == "__main__":
    main()
