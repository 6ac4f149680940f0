"""What a newcomer waits for: from an empty cache of compiled programs to the first page, the laboratory and a lesson.

Starts the app as `make app` does, with a fresh cache, opens Home in a real Chromium, and presses "Open the laboratory"
at once; then a lesson in a new tab. Then the same again with the cache that this left. Seconds are those of the page.

    python benchmarks/first_minute.py
    python benchmarks/first_minute.py --lesson inversion --json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests" / "browser")]
#: The hero is seen once its pictures are decoded, as the server sent them; the page is whole once they are the hero's.
SEEN = "[...document.querySelectorAll('#first-look img')].some((i) => i.naturalWidth)"
HERO = """() => [...document.querySelectorAll('.stMain *')]
  .some((part) => part.shadowRoot && [...part.shadowRoot.querySelectorAll('.hero img')].some((i) => i.naturalWidth))"""
#: A lesson's first figure: any picture or table of numbers beside the controls.
FIGURE = "document.querySelector('.stMain :is(.planes table, figure img, .big-matrix, .field-map, .unit-grid, canvas)')"


def once(cache: str, lesson: str) -> dict[str, float]:
    """One start of the app: seconds to what a person sees."""
    from chromium import FLAGS, MISSING, find
    from open_app import served
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        raise SystemExit(MISSING)
    environment = {**os.environ, "DECONVVIZ_CACHE": cache}
    begun = time.perf_counter()
    with served(environment=environment) as url, sync_playwright() as playwright:
        result = {"server": time.perf_counter() - begun}
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.set_default_timeout(300_000)
        start = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_function(f"{SEEN} || ({HERO})()")
        result["home seen"] = time.perf_counter() - start
        page.wait_for_function(HERO)
        result["home"] = time.perf_counter() - start
        start = time.perf_counter()
        page.get_by_role("button", name="Open the laboratory").click()
        page.locator(".lab-title").wait_for()
        result["laboratory headline"] = time.perf_counter() - start
        page.locator(".lab-panels img").first.wait_for()
        result["laboratory panels"] = time.perf_counter() - start
        start = time.perf_counter()
        page.goto(f"{url}/{lesson}")
        page.locator("[data-testid=stForm]").wait_for()
        result["lesson exercise"] = time.perf_counter() - start
        page.wait_for_function(FIGURE)
        result["lesson figure"] = time.perf_counter() - start
        browser.close()
    return {name: round(seconds, 2) for name, seconds in result.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--lesson", default="four-rules-at-a-rectifier", help="path of the lesson (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        result: dict[str, Any] = {name: once(cache, options.lesson) for name in ("empty cache", "warm cache")}
    result["load average"] = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    if options.json:
        print(json.dumps(result))
        return
    for name in result["empty cache"]:
        print(f"{name}: {result['empty cache'][name]} s; with a warm cache {result['warm cache'][name]} s")
    print(f"load average of this computer now: {result['load average']}")


if __name__ == "__main__":
    main()
