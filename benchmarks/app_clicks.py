"""Time from a click on a feature map to the finished picture, measured inside the page.

Starts the app, opens the laboratory in a real Chromium, waits until every layer is compiled and the server is idle,
and clicks on maps of several layers. The clock runs in the page: from the click event until the four panels show
another unit and all their images are decoded. Prints the median and the 95th percentile; `--json` prints one line.
What it does meanwhile stands on stderr: on two idle cores it takes two minutes, and with no compiled programs on disk
some more. What a first visit waits for is measured by `first_minute.py`.

    python benchmarks/app_clicks.py --clicks 100
    python benchmarks/app_clicks.py --network squeezenet --phone   # on a photograph of 12 megapixels
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests" / "browser")]
#: Network -> the layers whose maps are clicked.
LAYERS = {
    "caltech": ("relu2", "pool2", "relu4", "relu6", "relu7"),
    "squeezenet": ("relu1", "fire2", "fire4", "fire6", "fire9"),
}
#: Milliseconds after which what follows a click has begun.
PAUSE = 400
#: In the page: resolves to the milliseconds from the next click to the finished panels of another unit.
WATCH = """() => {
  const panels = () => document.querySelector('.lab-panels');
  const before = panels().dataset.unit;
  window.finished = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no new picture within a minute')), 60000);
    let start = null;
    const look = () => {
      const now = panels();
      if (start === null || !now || now.dataset.unit === before) return;
      const parts = [...document.querySelectorAll('.st-key-lab-large *')];
      const large = parts.map((part) => part.shadowRoot).filter(Boolean);
      const images = [now, ...large].flatMap((part) => [...part.querySelectorAll('img')]);
      if (!images.every((image) => image.complete && image.naturalWidth)) return;
      observer.disconnect();
      document.removeEventListener('load', look, true);
      Promise.allSettled(images.map((image) => image.decode())).then(() => resolve(performance.now() - start));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, {subtree: true, childList: true, attributes: true});
    document.addEventListener('load', look, true);
    window.addEventListener('click', () => { start = performance.now(); }, {capture: true, once: true});
  });
}"""


@contextlib.contextmanager
def served(cache: str | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """The app on a free port: (address, process, seconds until it answers)."""
    from deconvviz._cli.app import command, script, with_path

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none"}
    if cache:
        environment["DECONVVIZ_CACHE"] = cache
    start = time.perf_counter()
    server = subprocess.Popen(
        command(str(port), headless=True),
        cwd=script().parent,
        env=with_path(environment, ROOT),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
                break
            except OSError:
                if server.poll() is not None:
                    raise SystemExit(f"the app ended with status {server.returncode}; try: make app") from None
                time.sleep(0.02)
        yield url, server, time.perf_counter() - start
    finally:
        server.terminate()
        server.wait(timeout=60)


def open_page(browser: Any, url: str, network: str = "caltech") -> Any:
    """A page with the laboratory and its finished panels."""
    page = browser.new_page(viewport={"width": 1440, "height": 1200}, locale="en-US")
    page.set_default_timeout(180_000)
    page.goto(f"{url}/laboratory?network={network}")
    page.locator(".lab-panels").wait_for()
    return page


def phone_photograph() -> bytes:
    """A JPEG as a telephone makes it: 4032 x 3024 pixels, lying on its side, to be turned by its EXIF tag."""
    from PIL import Image

    from deconvviz.data import samples

    pixels = (255 * samples.load("cat")).round().astype("uint8")
    lying = Image.fromarray(pixels).resize((3024, 4032), Image.Resampling.BICUBIC).transpose(Image.Transpose.ROTATE_90)
    tags, stream = Image.Exif(), io.BytesIO()
    tags[0x0112] = 6
    lying.save(stream, "JPEG", quality=92, exif=tags)
    return stream.getvalue()


def upload(page: Any, photograph: bytes) -> float:
    """Seconds from giving the photograph to its finished panels."""
    page.get_by_role("button", name="Change picture").click()
    before = page.locator(".lab-panels img").first.get_attribute("src")
    start = time.perf_counter()
    file = {"name": "phone.jpg", "mimeType": "image/jpeg", "buffer": photograph}
    page.locator("[data-testid=stPopoverBody] [data-testid=stFileUploaderDropzoneInput]").set_input_files(file)
    page.wait_for_function("(was) => document.querySelector('.lab-panels img')?.src !== was", arg=before)
    took = time.perf_counter() - start
    page.keyboard.press("Escape")
    settle(page)
    return took


def choose_layer(page: Any, layer: str) -> None:
    """Walk to a layer and wait for its panels."""
    page.locator(f'.tiles [data-id="{layer}"]').click()
    page.locator(f'.lab-panels[data-unit^="{layer}-"]').wait_for()
    settle(page)


def settle(page: Any) -> None:
    """Wait until the server is idle and the painted maps are those of the page; what follows a click begins soon."""
    page.wait_for_timeout(PAUSE)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
    )


def one_click(page: Any, index: int) -> float:
    """Milliseconds from a click in the middle of a map to the finished picture."""
    page.evaluate(WATCH)
    page.get_by_role("listbox").get_by_role("option").nth(index).locator("canvas").click()
    took = float(page.evaluate("() => window.finished"))
    settle(page)
    return took


def wait_for_warm_up(page: Any, layers: tuple[str, ...]) -> None:
    """Visit every layer until a click is quick: then all programs are compiled; on a busy machine ten times two."""
    for layer in layers:
        note(f"the programs of {layer}")
        choose_layer(page, layer)
        for _ in range(10):
            if one_click(page, 9) <= 2000 or one_click(page, 10) <= 2000:
                break


def wait_until_idle(server: subprocess.Popen[bytes], seconds: float = 300) -> None:
    """Wait until the server has used less than a tenth of a second of a processor in three (Linux; else a minute)."""
    note("until the server is idle")
    stat = Path(f"/proc/{server.pid}/stat")
    if not stat.exists():
        time.sleep(60)
        return
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = _ticks(stat)
        time.sleep(3)
        if _ticks(stat) - before < 0.1 * os.sysconf("SC_CLK_TCK"):
            return
    note(f"not idle after {seconds:.0f} s: what follows is measured all the same")


def note(text: str) -> None:
    """Say on stderr what takes its time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _ticks(stat: Path) -> int:
    """Processor time of a process, user and system, in clock ticks."""
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def measure(clicks: int, network: str, phone: bool) -> dict[str, Any]:
    """Run it all once."""
    from chromium import FLAGS, MISSING, find
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        raise SystemExit(MISSING)
    layers, photograph, times = LAYERS[network], phone_photograph() if phone else None, []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        with served() as (url, server, up):
            note(f"the server answers after {up:.1f} s")
            page = open_page(browser, url, network)
            wait_for_warm_up(page, layers)
            wait_until_idle(server)
            uploaded = upload(page, photograph) if photograph else None
            for layer in layers:
                note(f"clicks on {layer}")
                choose_layer(page, layer)
                times += [one_click(page, index % 32) for index in range(1, 1 + clicks // len(layers))]
        browser.close()
    times.sort()
    return {
        "network": network,
        "photograph": "12 megapixels, uploaded" if phone else "built in",
        "upload_s": uploaded and round(uploaded, 2),
        "clicks": len(times),
        "median_ms": round(statistics.median(times), 1),
        "p95_ms": round(times[max(0, int(0.95 * len(times)) - 1)], 1),
        "under_400_ms": round(sum(t < 400 for t in times) / len(times), 3),
        "load_average": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clicks", type=int, default=100, help="clicks to measure (default: 100)")
    parser.add_argument("--network", choices=LAYERS, default="caltech", help="which network (default: caltech)")
    parser.add_argument("--phone", action="store_true", help="upload a photograph of 12 megapixels first")
    parser.add_argument("--json", action="store_true", help="one JSON line")
    options = parser.parse_args()
    result = measure(options.clicks, options.network, options.phone)
    if options.json:
        print(json.dumps(result))
        return
    print(
        f"{result['clicks']} clicks on five layers: median {result['median_ms']} ms, "
        f"95 of 100 under {result['p95_ms']} ms"
    )
    if result["upload_s"]:
        print(f"a photograph of 12 megapixels is shown after {result['upload_s']} s")
    print(f"load average of this computer now: {result['load_average']}")


if __name__ == "__main__":
    main()
