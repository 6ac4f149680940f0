"""Make docs/laboratory.png, the picture in the README: open the app in a Chromium and photograph the laboratory."""

from __future__ import annotations

import sys
from pathlib import Path

from open_app import served

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "laboratory.png"
#: A link to what is shown: picture, layer, and the strongest unit of a channel.
VIEW = "/laboratory?image=cat&layer=relu4"


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    from chromium import FLAGS, get
    from playwright.sync_api import sync_playwright

    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=get(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 1466}, locale="en-US")
        page.set_default_timeout(180_000)
        page.goto(url + VIEW)
        page.locator(".lab-panels").wait_for()
        page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
        page.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
