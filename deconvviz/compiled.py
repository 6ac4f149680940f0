"""Compiled programs kept on disk, so that a second start of the app or the command line need not compile again.

The folder belongs to one machine, processor and version of JAX: a program compiled for another could crash.
"""

from __future__ import annotations

import platform
from hashlib import sha256
from pathlib import Path

import jax

from deconvviz import storage


def folder() -> Path:
    """Where they are kept, in the folder `storage.base`.

    >>> "jax-" in folder().name
    True
    """
    host = sha256(f"{platform.node()} {platform.machine()} {_processor()}".encode()).hexdigest()[:12]
    return storage.base() / "compiled" / f"jax-{jax.__version__}-{host}"


def keep() -> bool:
    """Keep compiled programs from now on; False, with no harm done, where the folder cannot be written.

    A folder that JAX was told to use before (JAX_COMPILATION_CACHE_DIR) stays.
    """
    if getattr(jax.config, "jax_compilation_cache_dir", None):
        return True
    try:
        folder().mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    jax.config.update("jax_compilation_cache_dir", str(folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return True


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return "".join(line for line in lines if line.startswith(("model name", "flags")))[:4000]
