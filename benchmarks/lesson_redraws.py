"""Time from a turn to another scene of a lesson to the last change of the page that it causes, in a real Chromium.

Opens every lesson, turns through its scenes until everything is compiled and cached, then turns and measures. The
clock runs in the page: from the click to the first frame after the last change of the document before the server has
finished its run.

    python benchmarks/lesson_redraws.py                       # every lesson
    python benchmarks/lesson_redraws.py --lesson adjoint --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "scripts"), str(ROOT / "tests" / "browser")]
#: In the page: `window.redrawn` resolves to the milliseconds from the next click to the last change it causes.
WATCH = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  window.redrawn = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no redraw within a minute')), 60000);
    let start = null, last = null, running = false;
    const changed = () => { if (start !== null) requestAnimationFrame(() => { last = performance.now(); }); };
    const seen = new MutationObserver(changed);
    const all = {subtree: true, childList: true, attributes: true, characterData: true};
    seen.observe(document.querySelector('.stMain'), all);
    const states = new MutationObserver(() => {
      if (app.dataset.testScriptState === 'running') { running = true; return; }
      if (start === null || !running) return;
      states.disconnect();
      setTimeout(() => { seen.disconnect(); resolve((last ?? performance.now()) - start); }, 400);
    });
    states.observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
    window.addEventListener('click', () => { start = performance.now(); }, {capture: true, once: true});
  });
}"""


def turned(page: Any, side: str) -> float:
    """Milliseconds that the turn to the next scene ("Right") or the one before ("Left") takes."""
    from app_clicks import settle

    button = page.locator(f".st-key-turn-scene-{side} button")
    button.wait_for()
    page.evaluate(WATCH)
    button.click()
    took = float(page.evaluate("() => window.redrawn"))
    settle(page)
    return took


def measure(lesson: Any, url: str, page: Any, rounds: int) -> dict[str, Any]:
    """One lesson."""
    from app_clicks import settle

    page.goto(f"{url}/{lesson.slug}")
    page.locator(".st-key-turn-scene-Right button").wait_for()
    settle(page)
    there_and_back = ["Right"] * (len(lesson.scenes) - 1) + ["Left"] * (len(lesson.scenes) - 1)
    for side in there_and_back:
        turned(page, side)
    times = sorted(turned(page, side) for _ in range(rounds) for side in there_and_back)
    return {
        "lesson": lesson.slug, "redraws": len(times), "median_ms": round(statistics.median(times)),
        "largest_ms": round(times[-1]), "load_average": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def main() -> None:
    """Measures and prints."""
    from app_clicks import served
    from chromium import FLAGS, MISSING, find
    from playwright.sync_api import sync_playwright

    from lessons._kit.form.page import Lesson, discover

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    lessons = {page.slug: page for page in discover() if isinstance(page, Lesson)}
    parser.add_argument("--lesson", choices=lessons, help="only this one")
    parser.add_argument("--rounds", type=int, default=3, help="how often each turn is measured")
    options = parser.parse_args()
    path = find()
    if path is None:
        raise SystemExit(MISSING)
    with sync_playwright() as playwright, served() as (url, _, _):
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 1200}, locale="en-US")
        page.set_default_timeout(180_000)
        for slug in [options.lesson] if options.lesson else lessons:
            print(json.dumps(measure(lessons[slug], url, page, options.rounds)), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
