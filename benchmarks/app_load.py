"""Ten people in the laboratory at once: every click answered, no error, and how large the server grows.

Each person is a browser page of its own with a session of its own. All walk to a layer and click maps, first on
layers that nobody has compiled (unless the compile cache has them), then again. The server's resident memory is
printed at the start, at its largest and at the end.

    python benchmarks/app_load.py --people 10 --clicks 12
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from app_clicks import LAYERS, WATCH, served


def resident_mb(pid: int) -> float | None:
    """Resident memory of a process in MB; None where /proc does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return None
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


class Memory(threading.Thread):
    """Reads the memory of a process ten times a second until `stop`."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.largest, self.ended = pid, 0.0, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.1):
            self.largest = max(self.largest, resident_mb(self.pid) or 0.0)


async def person(browser: Any, url: str, number: int, clicks: int, think: float) -> dict[str, list[Any]]:
    """One person's visit: the times of all clicks in ms, and every error seen."""
    page = await browser.new_page(viewport={"width": 1280, "height": 1600}, locale="en-US")
    page.set_default_timeout(300_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    chance, times = random.Random(number), []
    await page.goto(f"{url}/laboratory")
    await page.locator(".lab-panels").wait_for()
    for turn in range(clicks):
        if turn % 4 == 0:
            layer = LAYERS[(number + turn // 4) % len(LAYERS)]
            await page.locator(f'.tiles [data-id="{layer}"]').click()
            await page.locator(f'.lab-panels[data-unit^="{layer}-"]').wait_for()
        await page.wait_for_function(
            "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
        )
        await page.evaluate(WATCH)
        options = page.get_by_role("listbox").get_by_role("option")
        chosen = [
            i for i in range(await options.count()) if await options.nth(i).get_attribute("aria-selected") != "true"
        ]
        await options.nth(chance.choice(chosen)).locator("canvas").click()
        times.append(await page.evaluate("() => window.finished"))
        await asyncio.sleep(chance.uniform(0, 2 * think))
    errors += await page.get_by_test_id("stException").all_inner_texts()
    await page.close()
    return {"times": times, "errors": errors}


async def crowd(url: str, people: int, clicks: int, think: float) -> list[dict[str, list[Any]]]:
    """All visits at once."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "browser"))
    from chromium import FLAGS, MISSING, find
    from playwright.async_api import async_playwright

    path = find()
    if path is None:
        raise SystemExit(MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        visits = await asyncio.gather(*(person(browser, url, i, clicks, think) for i in range(people)))
        await browser.close()
    return list(visits)


def measure(people: int, clicks: int, think: float, rounds: int) -> dict[str, Any]:
    """Serve the app, let the crowd in `rounds` times, and say what happened."""
    record: dict[str, Any] = {"people": people, "clicks_each": clicks, "rounds": []}
    with served() as (url, server, _):
        memory = Memory(server.pid)
        memory.start()
        record["rss_start_mb"] = round(resident_mb(server.pid) or 0)
        for _ in range(rounds):
            start = time.perf_counter()
            visits = asyncio.run(crowd(url, people, clicks, think))
            times = sorted(t for visit in visits for t in visit["times"])
            record["rounds"].append(
                {
                    "errors": [error for visit in visits for error in visit["errors"]],
                    "clicks": len(times),
                    "median_ms": round(statistics.median(times)),
                    "p95_ms": round(times[int(0.95 * len(times)) - 1]),
                    "seconds": round(time.perf_counter() - start, 1),
                    "rss_mb": round(resident_mb(server.pid) or 0),
                }
            )
        memory.ended.set()
        record["rss_largest_mb"] = round(memory.largest)
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=10, help="pages open at once (default: 10)")
    parser.add_argument("--clicks", type=int, default=12, help="clicks of each (default: 12)")
    parser.add_argument("--think", type=float, default=1.0, help="mean seconds between clicks (default: 1)")
    parser.add_argument("--rounds", type=int, default=2, help="how often they all come (default: 2)")
    parser.add_argument("--json", action="store_true", help="one JSON line")
    options = parser.parse_args()
    record = measure(options.people, options.clicks, options.think, options.rounds)
    if options.json:
        print(json.dumps(record))
    else:
        for number, found in enumerate(record["rounds"], start=1):
            print(
                f"round {number}: {found['clicks']} clicks of {record['people']} people in {found['seconds']} s, "
                f"median {found['median_ms']} ms, 95 of 100 under {found['p95_ms']} ms, {len(found['errors'])} errors, "
                f"memory {found['rss_mb']} MB"
            )
        print(f"memory at the start {record['rss_start_mb']} MB, at its largest {record['rss_largest_mb']} MB")
    if any(found["errors"] for found in record["rounds"]):
        raise SystemExit("errors: " + "; ".join(e[:300] for found in record["rounds"] for e in found["errors"]))


if __name__ == "__main__":
    main()
