"""Checkpoints: bit for bit, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from deconvviz.errors import TrainingError
from deconvviz.training.checkpoint import load_state, save_state, write_whole


def state() -> dict[str, object]:
    values = np.array([1 / 3, -0.0, np.inf, np.nan, 1e-42], np.float32)
    return {"weights": (jnp.asarray(values), jnp.arange(6).reshape(2, 3)), "count": jnp.asarray(7, jnp.int32)}


def test_bit_for_bit(tmp_path: Path) -> None:
    save_state(tmp_path / "c", state(), {"epoch": 3, "curve": [0.1, 1 / 3]})
    found, record = load_state(tmp_path / "c", state())
    assert record == {"epoch": 3, "curve": [0.1, 1 / 3]}
    assert np.asarray(found["weights"][0]).tobytes() == np.asarray(state()["weights"][0]).tobytes()  # type: ignore[index]
    assert found["count"].dtype == np.int32
    assert int(found["count"]) == 7


def test_another_network_is_refused(tmp_path: Path) -> None:
    save_state(tmp_path / "c", state(), {})
    for other in ({"weights": jnp.zeros(5)}, {**state(), "count": jnp.zeros(2)}, {**state(), "count": jnp.zeros(())}):
        with pytest.raises(TrainingError, match="another network"):
            load_state(tmp_path / "c", other)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    save_state(tmp_path / "c", state(), {})
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:-3])
    with pytest.raises(TrainingError, match=r"cannot read the checkpoint .*remove it to start again"):
        load_state(tmp_path / "c", state())


def test_a_reader_keeps_the_old_file_while_a_new_one_appears(tmp_path: Path) -> None:
    write_whole(tmp_path / "f", b"old")
    with (tmp_path / "f").open("rb") as reader:
        write_whole(tmp_path / "f", b"new")
        assert reader.read() == b"old"
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("f", b"new")]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "f", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match=r"No space left on device.*free some space"):
        write_whole(tmp_path / "f", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("f", b"old")]
