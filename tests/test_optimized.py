"""The other tests compile quickly; `make test-deep` runs the core as XLA compiles it for users."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AS_FOR_USERS = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "0", "XLA_FLAGS": ""}
PARTS = {
    "operators": ("tests/ops/test_conv.py", "tests/ops/test_pool.py", "tests/ops/test_rectify.py", "-m", "not deep"),
    "networks": ("tests/network/backward/test_reconstruct.py", "-k", "loops"),
}


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", PARTS)
def test_the_core_is_right_when_it_is_optimized(part: str) -> None:
    arguments = ("-q", "-p", "no:cacheprovider", *PARTS[part])
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env={**os.environ, **AS_FOR_USERS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-4000:]


@pytest.mark.slow
def test_the_other_tests_compile_quickly_and_these_do_not() -> None:
    """Both ways are what they are called: the switch arrives in JAX, and the environment turns it off."""
    ask = "import conftest, jax; print(jax.config.read('jax_disable_most_optimizations'))"
    for extra, wanted in (({}, "True"), (AS_FOR_USERS, "False")):
        plain = {name: value for name, value in os.environ.items() if name not in AS_FOR_USERS}
        answer = subprocess.run(
            [sys.executable, "-c", ask], cwd=ROOT / "tests", env={**plain, **extra}, capture_output=True, text=True
        )
        assert answer.stdout == f"{wanted}\n", answer.stderr
