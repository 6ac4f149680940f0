"""Small networks, folders of small pictures, and the table of an atlas as plain records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow.parquet as pq
from jax import lax
from PIL import Image

from deconvviz.network import Network
from deconvviz.types import InputSpec

SIZE = (17, 22)


def network(seed: int = 3) -> Network:
    """Two convolutions, a pool and a vector: 17 x 22 x 3 in, 5 and 7 channels."""
    draw = np.random.default_rng(seed)
    first = jnp.asarray(draw.standard_normal((3, 4, 3, 5)), jnp.float32)
    second = jnp.asarray(draw.standard_normal((2, 3, 5, 7)) / 4, jnp.float32)

    def function(x: Any) -> Any:
        numbers = ("NHWC", "HWIO", "NHWC")
        with jax.named_scope("conv1"):
            x = lax.conv_general_dilated(x, first, (2, 1), ((1, 1), (2, 1)), dimension_numbers=numbers)
        with jax.named_scope("relu1"):
            x = jax.nn.relu(x)
        with jax.named_scope("pool1"):
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        with jax.named_scope("conv2"):
            x = lax.conv_general_dilated(x, second, (1, 1), "VALID", dimension_numbers=numbers) - 0.4
        with jax.named_scope("relu2"):
            x = jax.nn.relu(x)
        with jax.named_scope("mean"):
            return x.mean((1, 2))

    spec = InputSpec(size=SIZE, mean=(0.4, 0.5, 0.6), std=(0.25, 0.25, 0.25))
    return Network(function, input_spec=spec, name="small")


def folder(root: Path, count: int, seed: int = 0, broken: int = 0) -> Path:
    """A folder of pictures of different sizes in two sub-folders, and some files that are no pictures."""
    draw = np.random.default_rng(seed)
    for name in ("a", "b c"):
        (root / name).mkdir(parents=True)
    for i in range(count):
        low = draw.integers(0, 256, (int(draw.integers(3, 9)), int(draw.integers(3, 9)), 3), np.uint8)
        picture = Image.fromarray(low).resize((int(draw.integers(23, 60)), int(draw.integers(23, 50))))
        picture.save(root / ("a", "b c")[i % 2] / f"{i:03d}.png")
    for i in range(broken):
        (root / "a" / f"{3 * i + 1:03d}-broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_bytes(b"not to be seen")
    return root


def table(atlas: Path) -> list[dict[str, Any]]:
    """All rows of an atlas, read with nothing but pyarrow."""
    rows: list[dict[str, Any]] = pq.read_table(atlas / "units.parquet").to_pylist()
    return rows


def contents(atlas: Path) -> dict[str, bytes]:
    """Every file of an atlas."""
    return {p.relative_to(atlas).as_posix(): p.read_bytes() for p in sorted(atlas.rglob("*")) if p.is_file()}
