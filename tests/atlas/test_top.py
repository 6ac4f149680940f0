"""The selection of the strongest pictures against the slow twin, in any order and in any parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import atlas_loops

from deconvviz.atlas import top


def parts(maps: list[np.ndarray], cuts: list[int], room: int) -> list[top.Top]:
    """The pictures in groups that end at the cuts, each as a table of its strongest."""
    found = []
    for first, last in zip([0, *cuts], [*cuts, len(maps)], strict=True):
        group = np.stack(maps[first:last]) if last > first else np.zeros((0, *maps[0].shape))
        flat = group.reshape(len(group), group.shape[1] * group.shape[2], group.shape[3])
        batch = top.of_batch(flat.max(axis=1, initial=-np.inf), flat.argmax(axis=1), np.arange(first, last))
        found.append(top.merge(top.empty(group.shape[-1], room), batch, room))
    return found


def same(found: top.Top, slow: list[list[tuple[float, int, int, int]]], width: int) -> None:
    """A table holds exactly what the twin found."""
    for channel, wanted in enumerate(slow):
        count = len(wanted)
        assert found.pictures[channel, :count].tolist() == [picture for _, picture, _, _ in wanted]
        assert found.values[channel, :count].tolist() == [value for value, _, _, _ in wanted]
        assert found.places[channel, :count].tolist() == [row * width + column for _, _, row, column in wanted]
        assert (found.pictures[channel, count:] == top.NONE).all()
        assert (found.places[channel, count:] == top.NONE).all()


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), room=st.integers(1, 9), count=st.integers(1, 14), data=st.data())
def test_any_split_and_order_gives_the_twin(seed: int, room: int, count: int, data: st.DataObject) -> None:
    draw = np.random.default_rng(seed)
    maps = [draw.integers(-3, 4, (2, 5, 3)).astype(np.float32) for _ in range(count)]  # many equal values, some silent
    cuts = sorted(data.draw(st.lists(st.integers(0, count), max_size=4)))
    tables = data.draw(st.permutations(parts(maps, cuts, room)))
    merged = tables[0]
    for one in tables[1:]:
        merged = top.merge(merged, one, room)
    same(merged, atlas_loops.strongest(maps, room), width=5)


def test_a_picture_counts_once_and_equal_values_go_by_number() -> None:
    maps = [np.float32([[[2.0], [5.0]]]), np.float32([[[5.0], [5.0]]]), np.float32([[[7.0], [7.0]]])]
    found = parts(maps, [], 9)[0]
    assert found.pictures[0, :3].tolist() == [2, 0, 1]
    assert found.places[0, :3].tolist() == [0, 1, 0]
    assert found.filled.sum() == 3


@pytest.mark.parametrize("value", [0.0, -1.0, -np.inf])
def test_what_excites_nothing_is_not_kept(value: float) -> None:
    found = top.of_batch(np.float32([[value]]), np.array([[0]]), np.array([4]))
    assert not found.filled.any()
    assert found.values[0, 0] == -np.inf
