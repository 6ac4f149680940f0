"""The lesson on DeconvNet: every signal is what loops give, every number of a cell too, and planted errors turn red."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import practice
import pytest
from reference import conv_loops, deconvnet_loops, pool_loops
from streamlit.testing.v1 import AppTest

from deconvviz.models import caltech
from deconvviz.network.backward.explicit import Chain
from lessons import deconvnet as lesson
from lessons._kit.run import engine, networks, pictures
from lessons.deconvnet import picture, questions, scenes, sums, trace, zoom

SLUG = lesson.LESSON.slug
State = lesson.State
SILENT = State(layer="relu7", channel="46", step=2)
STATES = [
    State(),
    State("rocket", "pool4", "", 1),
    State("disc", "relu2", "5", 4),
    State("black", "relu5", step=9),
    SILENT,
]
every_state = pytest.mark.parametrize("state", STATES, ids=str)


@pytest.fixture(scope="module")
def stages() -> tuple[trace.Stage, ...]:
    return lesson.scene(State()).stages


def layers_for_loops() -> list[dict[str, Any]]:
    """The shipped network up to relu5 as a list of layers."""
    params = caltech.load_params()
    found: list[dict[str, Any]] = []
    for i, step in enumerate(caltech.CHAIN[:5], start=1):
        pad = (step.kernel - step.stride) // 2 if step.stride > 1 else step.kernel // 2
        w, b = (np.asarray(params[f"conv{i}.{part}"], np.float64) for part in ("kernel", "bias"))
        found.append({"kind": "conv", "w": w, "b": b, "stride": (step.stride,) * 2, "pads": ((pad, pad),) * 2})
        found.append({"kind": "relu"})
        if step.pool:
            found.append({"kind": "pool", "window": (2, 2), "stride": (2, 2), "pads": ((0, 0), (0, 0))})
    return found


@pytest.mark.deep
def test_every_signal_is_that_of_the_loops(stages: tuple[trace.Stage, ...]) -> None:
    shown, layers = lesson.scene(State()), layers_for_loops()
    value, memories = deconvnet_loops.up(layers, trace.fed(shown.loaded, shown.picture).astype(np.float64))
    g = np.zeros_like(value)
    place = (0, shown.chosen.row, shown.chosen.column, shown.unit.channel)
    g[place] = value.max()
    assert value[place] == value.max(), "the strongest unit of the layer"
    for stage, layer, memory in zip(stages[1:], reversed(layers), reversed(memories), strict=True):
        g = deconvnet_loops.down([layer], [memory], g, "deconvnet")
        np.testing.assert_allclose(stage.below, g[0], atol=2e-5 * max(1.0, np.abs(g).max()), err_msg=stage.name)


@pytest.mark.parametrize(
    ("kernel", "stride", "pads", "size"),
    [
        ((3, 2), (1, 1), ((1, 1), (1, 0)), (7, 5)),
        ((5, 3), (2, 3), ((2, 1), (0, 2)), (9, 11)),
        ((1, 4), (3, 1), ((0, 0), (3, 2)), (8, 7)),
    ],
)
def test_the_products_that_meet_are_those_of_the_loops(kernel: Any, stride: Any, pads: Any, size: Any) -> None:
    random = np.random.default_rng(3)
    w = random.standard_normal((*kernel, 3, 5))
    z = conv_loops.conv(np.zeros((1, *size, 3)), w, stride, pads, (1, 1), 1)
    g = random.standard_normal(z.shape)
    back = conv_loops.conv_adjoint(g, w, stride, pads, (1, 1), 1, size)[0]
    before, counted = (pads[0][0], pads[1][0]), 0
    for cell in np.ndindex(*back.shape):
        found = sums.meeting(g[0], w, stride, before, cell, most=4)
        assert found.total == pytest.approx(back[cell], abs=1e-12)
        assert found.rest + sum(one.signal * one.weight for one in found.largest) == pytest.approx(
            back[cell], abs=1e-12
        )
        assert all(one.signal == g[0][one.above] for one in found.largest)
        assert all(one.weight == w[(*one.tap, cell[2], one.above[2])] for one in found.largest)
        assert [abs(one.value) for one in found.largest] == sorted((abs(o.value) for o in found.largest), reverse=True)
        counted += found.count
    ones = conv_loops.conv(np.ones((1, *size, 3)), np.ones_like(w), stride, pads, (1, 1), 1)
    assert counted == ones.sum(), "every product of the way up is met once in the backward pass"


def test_the_windows_that_hold_a_cell_are_those_of_the_loops() -> None:
    random, size, pads = np.random.default_rng(4), (7, 6), ((1, 1), (0, 1))
    x = random.standard_normal((1, *size, 2))
    y, switches = pool_loops.max_pool(x, (3, 2), (2, 1), pads)
    g = random.standard_normal(y.shape)
    back = pool_loops.max_unpool(g, switches, size)[0]
    for cell in np.ndindex(*back.shape):
        found = sums.windows(g[0], switches[0], (3, 2), (2, 1), (1, 0), size[1], cell)
        assert sum(w.signal for w in found if w.maximum == cell[:2]) == pytest.approx(back[cell])
        holding = [(i, j) for i, j, cells in pool_loops.windows(size, (3, 2), (2, 1), pads) if cell[:2] in cells]
        assert [w.place for w in found] == holding


@pytest.mark.sampled(4, check=1)
@pytest.mark.parametrize("at", range(14))
def test_any_cell_is_its_sum(at: int, stages: tuple[trace.Stage, ...]) -> None:
    random = np.random.default_rng(at)
    for _ in range(25):
        cell = tuple(int(random.integers(n)) for n in stages[at].below.shape)
        assert stages[at].gap(cell) < 1e-5


@pytest.mark.deep
@every_state
def test_the_proofs_hold(state: lesson.State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


@pytest.mark.deep
def test_another_rule_in_one_computation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(loaded: Any, shown: Any, unit: Any, rule: str) -> Any:
        return engine_walk(loaded, shown, unit, "gradient")

    engine_walk = engine.backward_trace
    monkeypatch.setattr(engine, "backward_trace", other)
    assert trace._measure(lesson.scene(State())).agreement > 0.1


@pytest.mark.parametrize("kind", ["filter", "unpool"])
def test_a_step_that_is_no_adjoint_is_noticed(kind: str, stages: tuple[trace.Stage, ...]) -> None:
    shown = lesson.scene(State())
    step = next(stage.step for stage in stages if stage.kind == kind)
    places = trace.switches(shown.loaded, shown.picture)
    assert trace.linear(step, places).dot_test() < 1e-6

    def flipped(c: Any, memory: Any, g: Any, rule: str) -> Any:
        return step.backward(None if c is None else c[::-1], memory, g[:, ::-1] if c is None else g, rule)

    assert trace.linear(replace(step, backward=flipped), places).dot_test() > 1e-4


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_wrong_cell_is_noticed(at: int, stages: tuple[trace.Stage, ...]) -> None:
    stage = stages[at]
    wrong = stage.below.copy()
    wrong[sums.strongest(wrong)] *= 1.001
    assert replace(stage, below=wrong).gap(sums.strongest(wrong)) > 1e-5


def test_a_wrong_size_is_noticed(stages: tuple[trace.Stage, ...]) -> None:
    shown = lesson.scene(State())
    up, spec = engine.forward(shown.loaded, shown.picture).maps, shown.loaded.network.input_spec
    assert trace.size_gap(stages, up, spec.size) == 0
    cut = [*stages[:5], replace(stages[5], below=stages[5].below[:-1]), *stages[6:]]
    assert trace.size_gap(cut, up, spec.size) == 1


@pytest.mark.slow
def test_biases_that_enter_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(loaded: Any, layer: str) -> Chain:
        steps = loaded.network.chain_to(layer).steps
        return Chain(tuple(replace(s, backward=lambda c, m, g, rule: g + c) if s.kind == "bias" else s for s in steps))

    shown = lesson.scene(State())
    assert trace.without_biases(shown)[0] == 0
    monkeypatch.setattr(trace, "steps_of", leaking)
    assert trace.without_biases(shown)[0] > 0.1


@pytest.mark.deep
def test_without_biases_a_unit_has_another_value() -> None:
    shown, params = lesson.scene(State(layer="relu1")), caltech.load_params()
    x = trace.fed(shown.loaded, shown.picture).astype(np.float64)
    row, column, channel = shown.chosen.row, shown.chosen.column, shown.unit.channel
    padded = np.pad(x[0], ((2, 2), (2, 2), (0, 0)))[2 * row : 2 * row + 6, 2 * column : 2 * column + 6]
    z = (padded * np.asarray(params["conv1.kernel"], np.float64)[..., channel]).sum()
    assert trace.measured(shown).without == pytest.approx(max(z, 0), rel=1e-5)
    assert shown.chosen.value == pytest.approx(z + float(params["conv1.bias"][channel]), rel=1e-5)


def test_a_rectifier_never_lets_more_through_and_the_start_is_one_number(stages: tuple[trace.Stage, ...]) -> None:
    assert np.count_nonzero(stages[0].below) == 1
    for stage in stages:
        if stage.kind == "rectify":
            kept, arrived = np.maximum(stage.above, 0).sum(), np.abs(stage.above).sum()
            assert stage.passed == pytest.approx(kept / arrived, rel=1e-5)
    shares = {stage.name: stage.passed for stage in stages if stage.passed is not None}
    assert shares["relu5"] == 1, "the start is positive"


def test_the_first_look_at_a_rectifier_is_at_something_that_is_stopped(stages: tuple[trace.Stage, ...]) -> None:
    for stage in stages:
        cell = stage.first_look
        assert cell[2] in sums.by_strength(stage.below)[: picture.SHOWN], "its map is on the page"
        if stage.kind == "rectify" and stage.passed < 1:
            assert stage.above[cell] < 0 == stage.below[cell]
        else:
            assert stage.below[cell] != 0


@pytest.mark.deep
@every_state
def test_what_is_framed_above_holds_all_that_arrives(state: lesson.State) -> None:
    for stage in lesson.scene(state).stages[1:]:
        cell = stage.first_look
        top, left, bottom, right = picture.sources_box(stage, cell)
        outside = np.ones(stage.above.shape[:2], bool)
        outside[top:bottom, left:right] = False
        emptied = replace(stage, above=np.where(outside[..., None], 0, stage.above))
        assert emptied.arrived(cell)[0] == pytest.approx(stage.arrived(cell)[0])
        assert 0 < (bottom - top) * (right - left) <= 9


@pytest.mark.sampled(check=1)
@every_state
def test_tiles_show_what_is_there_on_one_scale(state: lesson.State) -> None:
    for stage in lesson.scene(state).stages:
        found = picture.tiles_of(stage, channel := stage.below.shape[-1] - 1)
        assert channel in found.below
        assert len(found.below) <= picture.SHOWN
        if stage.keeps_channels:
            assert found.above == found.below
        assert np.abs(stage.below[..., list(found.below)]).max() <= found.below_limit
        assert np.abs(stage.above[..., list(found.above)]).max() <= found.above_limit
        maps = picture.grid_maps(stage, found)
        middle = maps.levels[np.moveaxis(stage.below[..., list(found.below)], -1, 0) == 0]
        assert set(middle.tolist()) <= {127}, "zero is the middle"


@pytest.mark.slow
def test_a_silent_unit_says_so() -> None:
    shown = lesson.scene(SILENT)
    assert shown.chosen.value == 0
    assert picture._zero(shown, shown.stages[5].below) == "all zero: this unit is silent on this picture"
    alive = lesson.scene(State())
    assert picture._zero(alive, np.zeros((3, 2, 1))) == "all zero: nothing positive has come this far"
    assert picture._zero(alive, alive.stages[5].below) == ""


@pytest.mark.parametrize("text", ["", "3:1,1", "3:1,1,999", "4:1,1,1", "3:a,b,c", "3:-1,0,0", "3:１,0,0", "x"])
def test_a_cell_that_is_none_is_the_first_look(text: str, stages: tuple[trace.Stage, ...]) -> None:
    assert lesson.cell_of(State(cell=text), stages[3]) == sums.first_look(stages[3].below)
    assert lesson.cell_of(State(cell="3:1,2,7"), stages[3]) == (1, 2, 7)


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, 3, 5, 13])
def test_the_code_on_the_page_makes_the_signal(step: int, stages: tuple[trace.Stage, ...]) -> None:
    made: dict[str, Any] = {}
    exec(lesson.call(State(step=step)), made)
    np.testing.assert_allclose(made["signal"], stages[step].below, atol=1e-6)


def shown_text(test: AppTest) -> str:
    assert not test.exception
    bodies = [block.proto.body for block in test.get("html")]
    return " ".join([*bodies, *(element.value for element in test.latex), *(m.value for m in test.markdown)])


@pytest.mark.deep
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, picture="rocket", layer="relu6", channel="4", step="4", cell="4:5,6,7", lang=language)
    stage = lesson.scene(State("rocket", "relu6", "4")).stages[4]
    text = shown_text(test)
    assert (stage.kind, stage.name) == ("filter", "conv5")
    assert "g'}_{5,6,7}" in text
    assert zoom.latex(float(stage.below[5, 6, 7])) in text
    holds = "holds" if language == "en" else "成立"
    assert sum(holds in text for text in practice.verdicts(test)) == 5


@pytest.mark.slow
def test_nonsense_in_a_link_falls_back(open_page: Callable[..., AppTest]) -> None:
    text = shown_text(open_page(SLUG, picture="zebra", layer="conv9", channel="x", step="99", cell="3:1"))
    assert "Step 3 of 13: unpool of pool4, 8 × 8 × 128 → 16 × 16 × 128" in text


@pytest.mark.slow
def test_a_layer_with_fewer_steps_opens(open_page: Callable[..., AppTest]) -> None:
    assert "Step 2 of 2: filter of conv1" in shown_text(open_page(SLUG, layer="relu1", step="12"))


def test_the_scenes_say_what_the_signals_are(stages: tuple[trace.Stage, ...]) -> None:
    unpool, rectify = stages[scenes.UNPOOL], stages[scenes.RECTIFY]
    assert [stages[i].kind for i in (0, scenes.FILTER, scenes.UNPOOL, 4, 5, scenes.RECTIFY)] == [
        *("start", "filter", "unpool", "rectify", "filter", "rectify")
    ]
    windows = [unpool.below[r : r + 2, c : c + 2] for r in range(0, 16, 2) for c in range(0, 16, 2)]
    assert scenes.in_each_window().answer == str(max(np.count_nonzero(one, axis=(0, 1)).max() for one in windows))
    kept, arrived = np.maximum(rectify.above, 0).sum(), np.abs(rectify.above).sum()
    assert scenes.let_through().answer == f"{100 * kept / arrived:.0f}"
    assert rectify.passed < 0.5, "most of what arrives is negative"
    assert len(stages) == 14
    assert stages[-1].below.shape == (128, 128, 3)
    assert len(lesson.scene(SILENT).stages) == 19
    assert lesson.scene(SILENT).chosen.value == 0


@pytest.mark.slow
def test_a_scene_at_the_pixels_follows_the_layer(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, scene="6", layer="relu1")
    assert "Step 2 of 2: filter of conv1" in shown_text(test)
    test.selectbox("layer-shown").set_value("relu2").run()
    assert "Step 5 of 5: filter of conv1" in shown_text(test)


def test_numbers_of_a_small_cell_fit() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.standard_normal(200) * 10.0**power for power in range(-7, 5)])
    assert max(len(zoom.short(float(value))) for value in values) <= 7


def _answer(kind: str, seed: int, question: Any) -> tuple[int, ...]:
    """The answer again, from the activations of the way up and from what the question shows."""
    if kind == "bug":
        g, x, shown = (plane.values for plane in question.picture[0].planes)
        right = np.zeros(x.shape)
        for u, v in np.ndindex(*g.shape):
            window = x[2 * u : 2 * u + 2, 2 * v : 2 * v + 2]
            down, along = divmod(int(window.argmax()), 2)
            right[2 * u + down, 2 * v + along] = max(g[u, v], 0)
        ((row, column),) = np.argwhere(right != shown)
        return int(row), int(column)
    if kind == "size":
        height, _, out, k, _, stride, padding, channels = map(int, re.findall(r"\d+", question.prompt))
        signal, kernel = np.zeros((1, height, height, out)), np.zeros((k, k, channels, out))
        rows = next(n for n in range(1, 200) if (n + 2 * padding - k) // stride + 1 == height)
        pads = ((padding, padding), (padding, padding))
        back = conv_loops.conv_adjoint(
            signal[:, :, :, :1], kernel[..., :1], (stride, stride), pads, (1, 1), 1, (rows, rows)
        )
        return back.shape[1], back.shape[3]
    maps = engine.forward(networks.load(trace.NETWORK), pictures.sample(questions.PICTURES[seed % 4])).maps
    u, v, channel, name = re.findall(r"row (\d+), column (\d+) of \w+, channel (\d+)\..*; (\w+) is", question.prompt)[0]
    u, v, channel = int(u), int(v), int(channel)
    window = maps[name][2 * u : 2 * u + 2, 2 * v : 2 * v + 2, channel]
    down, along = divmod(int(window.argmax()), 2)
    return 2 * u + down, 2 * v + along


@pytest.mark.sampled(11, check=3)
@pytest.mark.parametrize("kind", questions.QUESTIONS)
@pytest.mark.parametrize("seed", range(9))
def test_answers_are_those_of_the_way_up(kind: str, seed: int) -> None:
    question = questions.QUESTIONS[kind][1](seed)
    assert question.answer == _answer(kind, seed, question)
