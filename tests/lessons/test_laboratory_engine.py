"""The engine: nothing stale, nothing unbounded, nothing writable, one compile at a time."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

import deconvviz as dv
from deconvviz import compiled
from deconvviz.data import isolated
from deconvviz.errors import ImageError
from deconvviz.network._cache import Passes
from deconvviz.network.backward import backprop
from deconvviz.network.network import Network
from deconvviz.types import InputSpec, Unit
from lessons._kit.run import engine, networks, pictures, warm_up
from lessons.laboratory import layers


@pytest.fixture(autouse=True)
def own_compile_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "compiled"))


@pytest.fixture
def loaded() -> networks.Loaded:
    return networks.load("caltech")


def file_of(colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (31, 23), colour).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.slow
def test_one_changed_pixel_is_another_picture(loaded: networks.Loaded) -> None:
    first = np.asarray(Image.new("RGB", (900, 700), (9, 9, 9)))
    second = first.copy()
    second[650, 850] = 200
    files = []
    for pixels in (first, second):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        files.append(pictures.upload(stream.getvalue(), "photo.png"))
    assert files[0].digest != files[1].digest
    assert pictures.upload(file_of((1, 2, 3)), "a.png").digest == pictures.upload(file_of((1, 2, 3)), "b.png").digest


@pytest.mark.slow
def test_arrays_in_the_caches_cannot_be_written_to(loaded: networks.Loaded) -> None:
    picture = pictures.sample("disc")
    forward = engine.forward(loaded, picture)
    seen = engine.reconstruct(loaded, picture, Unit("pool1", 3, 4, 5))
    assert forward.probabilities is not None
    for array in (forward.probabilities, forward.maps["conv1"], pictures.fitted(loaded, picture).model):
        assert not array.flags.writeable
    for result in seen.by_rule.values():
        with pytest.raises(ValueError, match="read-only"):
            result.map[0, 0, 0] = 1.0


@pytest.mark.slow
def test_the_maps_are_those_of_the_library(loaded: networks.Loaded) -> None:
    from deconvviz.data import samples

    unit = Unit("pool1", 5, 7, 9)
    seen = engine.reconstruct(loaded, pictures.sample("cat"), unit)
    assert tuple(seen.by_rule) == dv.RULES
    for rule, result in seen.by_rule.items():
        direct = dv.reconstruct(loaded.network, samples.load("cat"), unit, rule=rule)
        np.testing.assert_allclose(result.map, direct.map, atol=1e-6 * np.abs(direct.map).max())
    proven = engine.checked(loaded, pictures.sample("cat"), unit)
    assert all(result.agreement is not None and result.agreement < 1e-5 for result in proven.values())


def test_a_second_look_computes_nothing(loaded: networks.Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = Unit("pool1", 6, 1, 2)
    seen = engine.reconstruct(loaded, pictures.sample("cat"), unit)
    monkeypatch.setattr(engine.dv, "reconstruct_rules", lambda *_, **__: pytest.fail("computed again"))
    assert engine.reconstruct(loaded, pictures.sample("cat"), unit) is seen


def test_rules_that_cannot_apply_say_why(loaded: networks.Loaded) -> None:
    seen = engine.reconstruct(loaded, pictures.sample("cat"), Unit("conv1", 3, 4, 5))
    assert tuple(seen.by_rule) == ("gradient",)
    assert set(seen.refused) == {"deconvnet", "guided", "linear"}
    assert all("no rectifier" in reason for reason in seen.refused.values())


@pytest.mark.slow
def test_the_way_down_ends_at_the_map(loaded: networks.Loaded) -> None:
    picture, unit = pictures.sample("cat"), Unit("pool1", 5, 7, 9)
    frames = engine.backward_trace(loaded, picture, unit, "guided")
    assert [frame.kind for frame in frames] == ["start", "unpool", "rectify", "filter"]
    wanted = engine.reconstruct(loaded, picture, unit).by_rule["guided"].map
    assert np.abs(frames[-1].signal - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_a_broken_upload_is_refused_with_its_name() -> None:
    with pytest.raises(ImageError, match=r"holiday\.jpg"):
        pictures.upload(b"\xff\xd8\xff\xe0 not a photograph", "holiday.jpg")
    with pytest.raises(ImageError, match="8,000,000 bytes"):
        pictures.upload(b"\x89PNG" + bytes(pictures.MAX_UPLOAD), "large.png")


@pytest.mark.slow
def test_a_first_look_takes_one_forward_pass_for_all_layers_and_one_for_all_rules(
    loaded: networks.Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = count_passes(monkeypatch)
    decoded, decode = [], isolated.levels

    def counted(file: bytes, name: str, **options: Any) -> Any:
        decoded.append(name)
        return decode(file, name, **options)

    monkeypatch.setattr(isolated, "levels", counted)
    picture = pictures.upload(file_of((90, 180, 20)), "mine.png")
    unit = Unit("pool1", 2, 3, 4)
    result = engine.forward(loaded, picture)
    assert (passes, len(decoded)) == (["output_and_taps"], 1)
    assert result.probabilities is not None
    np.testing.assert_allclose(result.probabilities, dv.predict(loaded.network, pictures.decoded(picture)), atol=1e-6)
    passes.clear()
    assert tuple(engine.reconstruct(loaded, picture, unit).by_rule) == dv.RULES
    assert (passes, len(decoded)) == (["maps by 4 rules", "windows"], 1)
    passes.clear()
    assert all(one.agreement is not None for one in engine.checked(loaded, picture, unit).values())
    assert passes == ["maps by 4 rules"], "the maps that are there are compared, not computed again"
    passes.clear()
    for rule in dv.RULES:
        engine.backward_trace(loaded, picture, unit, rule)
    engine.backward_trace(loaded, picture, Unit("pool1", 3, 3, 4), "guided")
    assert passes == [], "one forward pass for the maps and the strips of every unit of a layer"


def count_passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What runs a network forward from now on, one entry a forward pass."""
    passes: list[str] = []

    def counted(owner: Any, name: str, label: Callable[..., str]) -> None:
        run = getattr(owner, name)

        def again(*args: Any, **options: Any) -> Any:
            passes.append(label(*args))
            return run(*args, **options)

        monkeypatch.setattr(owner, name, again)

    def counted_run(label: str, run: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: (passes.append(label), run())[1]

    counted(Network, "output_and_taps", lambda *_: "output_and_taps")
    counted(Network, "run", lambda *_: "run")
    kept = Passes.get
    monkeypatch.setattr(Passes, "get", lambda self, key, x, run: kept(self, key, x, counted_run(key[0], run)))
    for computation in ("by_adjoints_windowed", "by_adjoints", "by_vjp"):
        counted(backprop, computation, lambda request, *_: f"maps by {len(request.rules)} rules")
    return passes


def test_what_is_no_row_of_class_scores_is_said_and_gets_no_percents() -> None:
    spec = InputSpec(size=(6, 4))
    outputs: dict[str, Callable[..., Any]] = {
        "6 × 4 × 3 numbers from 0.": lambda x: jax.nn.relu(x),
        "One number: ": lambda x: jax.nn.relu(x).sum((1, 2, 3)),
    }
    for words, function in outputs.items():
        network = dv.Network(function, input_spec=spec, name="mine")
        loaded = networks.Loaded("mine", network, words, None)  # nothing cached of the other
        found = engine.forward(loaded, pictures.sample("cat"))
        assert found.probabilities is None
        said = layers._says(None, found)
        assert words in said
        assert "%" not in said
        assert "class 0" not in said


def test_accuracy_is_found_in_any_card() -> None:
    assert networks.accuracy({"figures": '{"validation": {"top1": 0.7, "mean_per_class": 0.625}}'}) == 0.625
    assert networks.accuracy({"top1": "0.75", "seed": "1"}) == 0.75
    assert networks.accuracy({"figures": '{"interim_epoch": 28}', "labels": "not json"}) is None


@pytest.mark.deep
def test_the_app_compiles_ahead_unless_it_is_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, str]] = []
    monkeypatch.setattr(engine, "reconstruct", lambda _loaded, _picture, unit: done.append(("maps", unit.layer)))
    monkeypatch.setattr(engine, "checked", lambda _loaded, _picture, unit: done.append(("checks", unit.layer)))
    monkeypatch.setattr(engine, "adjoint", lambda _loaded, _picture, layer: done.append(("adjoint", layer)))
    monkeypatch.setattr(warm_up.gc, "freeze", lambda: None)
    warm_up.start.clear()
    monkeypatch.setenv(warm_up.VARIABLE, "0")
    assert warm_up.start("caltech", pictures.sample("cat")) is None
    assert done == []
    warm_up.start.clear()
    monkeypatch.delenv(warm_up.VARIABLE)
    monkeypatch.setattr(warm_up, "_VIEW", {"caltech": "relu3"})
    thread = warm_up.start("caltech", pictures.sample("cat"))
    assert thread is not None
    thread.join()
    warm_up.start.clear()
    layers = [layer.name for layer in networks.load("caltech").network.layers]
    at = layers.index("relu3")
    assert done[:3] == [("maps", "relu3"), ("maps", layers[at - 1]), ("maps", layers[at + 1])], (
        "what is near comes first"
    )
    assert sorted(done) == sorted(("maps", layer) for layer in layers), "checks wait until a page shows them"


@pytest.mark.slow
def test_compiling_ahead_gives_way_to_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who comes while the first of four programs is compiled ahead waits for that one alone."""
    first, order = threading.Event(), []

    def compile_ahead(_loaded: object, _picture: object, unit: Unit) -> None:
        def run() -> None:
            order.append(unit.layer)
            if len(order) == 1:
                first.set()
                while not compiled._TURNS._queue:  # until the person waits
                    time.sleep(0.01)

        compiled.once(("ahead", unit.layer), run)

    def ask() -> None:
        assert first.wait(60)
        compiled.once(("asked", order[0]), lambda: order.append("person"))

    monkeypatch.setattr(compiled, "_COMPILED", set())
    monkeypatch.setattr(engine, "reconstruct", compile_ahead)
    for name in ("checked", "adjoint"):
        monkeypatch.setattr(engine, name, lambda *_: None)
    monkeypatch.setattr(warm_up.gc, "freeze", lambda: None)
    monkeypatch.delenv(warm_up.VARIABLE, raising=False)
    warm_up.start.clear()
    person = threading.Thread(target=ask)
    person.start()
    thread = warm_up.start("caltech", pictures.sample("cat"))
    assert thread is not None
    for each in (thread, person):
        each.join()
    warm_up.start.clear()
    assert order[1] == "person"


def test_what_follows_the_maps_waits_for_the_maps_of_others_and_for_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "PATIENCE", 60.0)
    order = list[str]()

    def follow() -> None:
        with engine.following():
            order.append("follows")

    with compiled.foreground():
        thread = threading.Thread(target=follow)
        thread.start()
        thread.join(3 * engine.EVERY)
        order.append("maps")
    thread.join(10)
    with engine.following():
        thread = threading.Thread(target=follow)
        thread.start()
        thread.join(3 * engine.EVERY)
        order.append("the first")
    thread.join(10)
    assert order == ["maps", "follows", "the first", "follows"]


def test_what_follows_waits_no_longer_than_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among many people somebody always waits for maps, and somebody always follows."""
    monkeypatch.setattr(engine, "PATIENCE", 0.01)
    monkeypatch.setattr(engine, "EVERY", 0.01)
    reached = []

    def follow() -> None:
        with engine.following():
            reached.append("follows")

    with compiled.foreground(), engine._FOLLOWING:
        thread = threading.Thread(target=follow)
        thread.start()
        thread.join(20)
        assert reached == ["follows"]
        assert engine._FOLLOWING.locked(), "it gives nothing free that another holds"


def test_what_follows_is_dropped_where_its_person_has_gone_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class GoneOn(BaseException):
        pass

    def look() -> None:
        raise GoneOn

    monkeypatch.setattr(engine, "_look_for_requests", look)
    with compiled.foreground(), pytest.raises(GoneOn), engine.following():
        pytest.fail("computed for nobody")
    with engine.following():
        assert engine._FOLLOWING.locked()
    assert not engine._FOLLOWING.locked()
