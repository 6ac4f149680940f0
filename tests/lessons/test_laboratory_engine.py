"""The engine: nothing stale, nothing unbounded, nothing writable, one compile at a time."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

import deconvviz as dv
from deconvviz.errors import ImageError
from deconvviz.types import Unit
from lessons._kit.run import engine


@pytest.fixture(autouse=True)
def own_compile_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "compiled"))


@pytest.fixture
def loaded() -> engine.Loaded:
    return engine.network("caltech")


def file_of(colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (31, 23), colour).save(stream, "PNG")
    return stream.getvalue()


def test_one_changed_pixel_is_another_picture(loaded: engine.Loaded) -> None:
    first = np.asarray(Image.new("RGB", (900, 700), (9, 9, 9)))
    second = first.copy()
    second[650, 850] = 200
    files = []
    for pixels in (first, second):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        files.append(engine.upload(stream.getvalue(), "photo.png"))
    assert files[0].digest != files[1].digest
    assert engine.upload(file_of((1, 2, 3)), "a.png").digest == engine.upload(file_of((1, 2, 3)), "b.png").digest


def test_arrays_in_the_caches_cannot_be_written_to(loaded: engine.Loaded) -> None:
    picture = engine.sample("disc")
    forward = engine.forward(loaded, picture)
    seen = engine.reconstruct(loaded, picture, Unit("pool1", 3, 4, 5))
    for array in (forward.probabilities, forward.maps["conv1"], engine.fitted(loaded, picture).model):
        assert not array.flags.writeable
    for result in seen.by_rule.values():
        with pytest.raises(ValueError, match="read-only"):
            result.map[0, 0, 0] = 1.0


def test_the_maps_are_those_of_the_library(loaded: engine.Loaded) -> None:
    from deconvviz.data import samples

    unit = Unit("pool1", 5, 7, 9)
    seen = engine.reconstruct(loaded, engine.sample("cat"), unit)
    assert tuple(seen.by_rule) == dv.RULES
    for rule, result in seen.by_rule.items():
        direct = dv.reconstruct(loaded.network, samples.load("cat"), unit, rule=rule)
        assert np.array_equal(result.map, direct.map)
    proven = engine.proven(loaded, engine.sample("cat"), unit)
    assert all(result.agreement is not None and result.agreement < 1e-5 for result in proven.values())


def test_a_second_look_computes_nothing(loaded: engine.Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = Unit("pool1", 6, 1, 2)
    seen = engine.reconstruct(loaded, engine.sample("cat"), unit)
    monkeypatch.setattr(engine.dv, "reconstruct", lambda *_, **__: pytest.fail("computed again"))
    assert engine.reconstruct(loaded, engine.sample("cat"), unit) is seen


def test_rules_that_cannot_apply_say_why(loaded: engine.Loaded) -> None:
    seen = engine.reconstruct(loaded, engine.sample("cat"), Unit("conv1", 3, 4, 5))
    assert tuple(seen.by_rule) == ("gradient",)
    assert set(seen.refused) == {"deconvnet", "guided", "linear"}
    assert all("no rectifier" in reason for reason in seen.refused.values())


def test_the_way_down_ends_at_the_map(loaded: engine.Loaded) -> None:
    picture, unit = engine.sample("cat"), Unit("pool1", 5, 7, 9)
    frames = engine.walk(loaded, picture, unit, "guided")
    assert [frame.kind for frame in frames] == ["start", "unpool", "rectify", "filter"]
    wanted = engine.reconstruct(loaded, picture, unit).by_rule["guided"].map
    assert np.abs(frames[-1].signal - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_a_broken_upload_is_refused_with_its_name() -> None:
    with pytest.raises(ImageError, match=r"holiday\.jpg"):
        engine.upload(b"\xff\xd8\xff\xe0 not a photograph", "holiday.jpg")
    with pytest.raises(ImageError, match="8,000,000 bytes"):
        engine.upload(b"\x89PNG" + bytes(engine.MAX_UPLOAD), "large.png")


def test_cold_programs_are_compiled_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_WARM", set())
    running, most = [], []

    def compile_slowly() -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()

    threads = [
        threading.Thread(target=engine._compiled_once, args=((str(i), "", ""), compile_slowly)) for i in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(engine._WARM) == 5


def test_accuracy_is_found_in_any_card() -> None:
    assert engine._accuracy({"figures": '{"validation": {"top1": 0.7, "mean_per_class": 0.625}}'}) == 0.625
    assert engine._accuracy({"top1": "0.75", "seed": "1"}) == 0.75
    assert engine._accuracy({"figures": '{"interim_epoch": 28}', "labels": "not json"}) is None


def test_the_app_compiles_ahead_unless_it_is_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[tuple[str, str]] = []
    monkeypatch.setattr(engine, "reconstruct", lambda _loaded, _picture, unit: compiled.append(("maps", unit.layer)))
    monkeypatch.setattr(engine, "proven", lambda _loaded, _picture, unit: compiled.append(("proofs", unit.layer)))
    monkeypatch.setattr(engine, "adjoint", lambda _loaded, _picture, layer: compiled.append(("adjoint", layer)))
    monkeypatch.setattr(engine.gc, "freeze", lambda: None)
    engine.warm_up.clear()
    monkeypatch.setenv(engine.WARM_UP, "0")
    assert engine.warm_up("caltech", engine.sample("cat")) is None
    assert compiled == []
    engine.warm_up.clear()
    monkeypatch.delenv(engine.WARM_UP)
    thread = engine.warm_up("caltech", engine.sample("cat"))
    assert thread is not None
    thread.join()
    engine.warm_up.clear()
    layers = [layer.name for layer in engine.network("caltech").network.layers]
    assert [layer for kind, layer in compiled if kind == "maps"] == layers
    assert sorted(compiled) == sorted((kind, layer) for kind in ("maps", "proofs", "adjoint") for layer in layers)
