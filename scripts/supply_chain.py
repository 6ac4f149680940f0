"""What the app is delivered with: a bill of materials of the locked releases, and what is known against them.

    python scripts/supply_chain.py build/sbom.json      # needs the release extra

The bill (CycloneDX, JSON) is written from locks/app.txt, hashes included. The releases are looked up in the database of
PyPI, which needs a network; where it does not answer this is said, and nothing is called free of vulnerabilities.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "locks" / "app.txt"


def write_bill(path: Path) -> int:
    """Write the bill of materials; the number of components in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(LOCK), "--output-reproducible"]
    subprocess.run([*command, "--output-file", str(path)], check=True)
    return len(json.loads(path.read_text())["components"])


def vulnerabilities() -> Mapping[str, Any]:
    """The report of pip-audit; empty where no database answers."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip", "--format", "json"]
    result = subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True, check=False)
    try:
        report: Mapping[str, Any] = json.loads(result.stdout)
    except json.JSONDecodeError:
        return {"dependencies": []}
    return report


def verdict(report: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a release may go out with these dependencies, and the sentence that says why.

    A dependency that the database does not know was not looked up: pip-audit itself counts it as free of
    vulnerabilities.

    >>> verdict({"dependencies": [{"name": "six", "skip_reason": "not found"}]})
    (True, 'not checked: no database of vulnerabilities answered for any of 1 releases')
    >>> verdict({"dependencies": [{"name": "six", "version": "1.0", "vulns": []}]})
    (True, 'no vulnerability is known of 1 releases')
    >>> bad = {"name": "six", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
    >>> verdict({"dependencies": [bad, {"name": "jax", "skip_reason": "not found"}]})
    (False, 'six 1.0: PYSEC-1 (mended in 1.1); not looked up: jax')
    """
    every = report["dependencies"]
    checked = [one for one in every if "skip_reason" not in one]
    if not checked:
        return True, f"not checked: no database of vulnerabilities answered for any of {len(every)} releases"
    known = [
        f"{one['name']} {one['version']}: {vuln['id']} (mended in {', '.join(vuln['fix_versions']) or 'no release'})"
        for one in checked
        for vuln in one["vulns"]
    ]
    unchecked = [one["name"] for one in every if "skip_reason" in one]
    parts = known or [f"no vulnerability is known of {len(checked)} releases"]
    return not known, "; ".join([*parts, *([f"not looked up: {', '.join(unchecked)}"] if unchecked else [])])


def main(path: Path) -> int:
    """Write the bill and print what is known; 1 where a vulnerability is."""
    print(f"{path}: {write_bill(path)} components")
    passes, sentence = verdict(vulnerabilities())
    print(sentence)
    return 0 if passes else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/sbom.json")))
