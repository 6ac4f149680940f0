"""Where weights are looked for, downloads from a server on this machine, and files that do not fit."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import deconvviz as dv
from deconvviz import catalog, storage
from deconvviz.catalog import ModelEntry, PublicWeights
from deconvviz.errors import WeightsError
from deconvviz.models import _stored, public_weights, resnet, vgg
from deconvviz.models._layers import shapes_of

CONTENT = bytes(range(251)) * 900
PLAN = vgg.parts((1, 2), True, widths=(3, 4), hidden=5)
TINY = ModelEntry("tiny", "A small VGG", dv.load, PublicWeights("https://x.org", "MIT", "tiny.safetensors",
                  shapes_of(PLAN), renamed=vgg.TIMM))  # fmt: skip


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neither the user's weights nor those of another test are found."""
    monkeypatch.setenv("DECONVVIZ_CACHE", str(tmp_path / "own"))
    monkeypatch.delenv("DECONVVIZ_WEIGHTS", raising=False)
    return tmp_path / "own" / "weights"


class Shop:
    """A server with one file: how much it sends before it hangs up, what it answers, and what was asked."""

    def __init__(self) -> None:
        self.content, self.hang_up_after, self.status = CONTENT, None, None
        self.asked: list[str | None] = []


@pytest.fixture
def shop() -> Iterator[tuple[Shop, ModelEntry]]:
    served = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            served.asked.append(wanted)
            if served.status:
                self.send_error(served.status)
                return
            body = served.content[int(wanted[6:-1]) if wanted else 0 :]
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.hang_up_after])

        def log_message(self, *arguments: object) -> None:
            """Stays silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served, entry(f"http://127.0.0.1:{server.server_port}/published.net")
    server.shutdown()
    server.server_close()
    thread.join()


def entry(url: str) -> ModelEntry:
    info = PublicWeights("https://x.org/page", "MIT", "published.net", {}, url=url,
                         sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT))  # fmt: skip
    return ModelEntry("published", "One", dv.load, info)


def test_a_download_is_found_again(shop: tuple[Shop, ModelEntry], own_folder: Path) -> None:
    served, one = shop
    assert public_weights.find(one) is None
    path = public_weights.locate(one)
    assert path == own_folder / "published.net"
    assert path.read_bytes() == CONTENT
    assert public_weights.locate(one) == public_weights.find(one) == path
    assert public_weights.fetch(one, progress=False) == path
    assert served.asked == [None]


def test_a_broken_download_goes_on(shop: tuple[Shop, ModelEntry], tmp_path: Path) -> None:
    served, one = shop
    served.hang_up_after = 999
    with pytest.raises(WeightsError, match=r"published are not on this machine .*it goes on where it stopped"):
        public_weights.fetch(one, tmp_path / "new", progress=False)
    served.hang_up_after = None
    assert public_weights.fetch(one, tmp_path / "new", progress=False).read_bytes() == CONTENT
    assert served.asked == [None, "bytes=999-"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["published.net"]


def test_a_download_with_another_checksum_is_thrown_away(shop: tuple[Shop, ModelEntry], own_folder: Path) -> None:
    served, one = shop
    served.content = CONTENT[:-1] + b"?"
    with pytest.raises(
        WeightsError, match=r"does not have the size or checksum sha256:\w{64}; .*see https://x.org/page"
    ):
        public_weights.fetch(one, progress=False)
    assert not list(own_folder.iterdir())


def test_a_server_that_refuses(shop: tuple[Shop, ModelEntry]) -> None:
    shop[0].status = 503
    with pytest.raises(WeightsError, match="the server answers 503 Service Unavailable"):
        public_weights.fetch(shop[1], progress=False)


def test_offline_names_the_three_ways_out() -> None:
    with pytest.raises(WeightsError) as caught:
        dv.load("squeezenet")
    said = str(caught.value)
    for part in ("no connection", "weights=PATH", "DECONVVIZ_WEIGHTS", "deconvviz weights fetch squeezenet"):
        assert part in said


def test_a_folder_that_cannot_be_written(shop: tuple[Shop, ModelEntry], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WeightsError, match=r"cannot write to .*file .*DECONVVIZ_WEIGHTS"):
        public_weights.fetch(shop[1], tmp_path / "file", progress=False)


def test_the_variable_names_a_folder_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = entry("http://127.0.0.1:9/published.net")
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("DECONVVIZ_WEIGHTS", str(folder))
    assert public_weights.find(one) is None
    (folder / "another-name.bin").write_bytes(CONTENT)
    (folder / "wrong.bin").write_bytes(CONTENT[::-1])
    assert public_weights.find(one) == folder / "another-name.bin", "found by its content"
    (folder / "published.safetensors").write_bytes(b"x")
    assert public_weights.find(one) == folder / "published.safetensors"
    (folder / "published.net").write_bytes(b"y")
    assert public_weights.find(one) == folder / "published.net"
    assert public_weights.folder() == folder
    monkeypatch.setenv("DECONVVIZ_WEIGHTS", str(folder / "wrong.bin"))
    assert public_weights.find(one) == folder / "wrong.bin"
    assert public_weights.folder() == storage.base() / "weights"
    monkeypatch.setenv("DECONVVIZ_WEIGHTS", str(tmp_path / "gone"))
    with pytest.raises(WeightsError, match=r"DECONVVIZ_WEIGHTS=.*gone names nothing that exists"):
        public_weights.find(one)


def test_weights_that_a_person_has_to_get() -> None:
    with pytest.raises(WeightsError, match=r"vgg16 comes without weights.*timm/vgg16\.tv_in1k.*'vgg16\.safetensors'"):
        dv.load("vgg16")
    with pytest.raises(WeightsError, match="caltech come with deconvviz"):
        public_weights.fetch(catalog.model("caltech"))


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights='.*nothing' does not exist"):
        dv.load("vgg16", weights=str(tmp_path / "nothing"))
    with pytest.raises(WeightsError, match=r"is a folder; name the file in it"):
        dv.load("resnet18", weights=tmp_path)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of SqueezeNet 1.1."""
    path = tmp_path_factory.mktemp("stored") / "squeezenet1_1.safetensors"
    save_file(_stored.random_arrays(catalog.model("squeezenet1_1"), 3), path)
    return path


def changed(stored: Path, path: Path, change: dict[str, np.ndarray | None]) -> Path:
    """The same file with some arrays replaced, added, or (None) left out."""
    arrays = load_file(stored) | change
    save_file({name: value for name, value in arrays.items() if value is not None}, path)
    return path


@pytest.mark.slow
def test_a_file_that_fits(stored: Path) -> None:
    net = dv.load("squeezenet1_1", weights=stored)
    assert net.labels is not None
    assert net.about == {"weights": "squeezenet1_1.safetensors"}
    assert net.digest != dv.load("squeezenet1_1", weights="random:4").digest


def test_half_and_double_precision_are_read(stored: Path, tmp_path: Path) -> None:
    arrays = load_file(stored)
    for dtype in (np.float16, np.float64):
        save_file({name: value.astype(dtype) for name, value in arrays.items()}, tmp_path / "other.safetensors")
        read = _stored.read(tmp_path / "other.safetensors", catalog.model("squeezenet1_1"))
        assert {value.dtype for value in read.values()} == {np.dtype(np.float32)}
        np.testing.assert_allclose(read["classifier.1.weight"], arrays["classifier.1.weight"], rtol=1e-2, atol=1e-4)


def test_missing_extra_and_misshapen_arrays_are_listed(stored: Path, tmp_path: Path) -> None:
    change = {
        "classifier.1.bias": None, "features.3.squeeze.bias": None, "features.0.weight": np.zeros((64, 3, 5, 5), "f4"),
        "head.weight": np.zeros(3, "f4"),
    }  # fmt: skip
    path = changed(stored, tmp_path / "other.safetensors", change)  # type: ignore[arg-type]
    with pytest.raises(WeightsError) as caught:
        dv.load("squeezenet1_1", weights=path)
    said = str(caught.value)
    assert f"{path} does not fit squeezenet1_1: of its arrays 2 missing (features.3.squeeze.bias, " in said
    assert "1 not expected (head.weight)" in said
    assert "1 of another shape (features.0.weight is (64, 3, 5, 5) instead of (64, 3, 3, 3))" in said
    assert "it fits no network that deconvviz knows" in said


def test_the_right_model_is_suggested(stored: Path, tmp_path: Path) -> None:
    for wrong in ("squeezenet", "squeezenet1_0", "vgg16"):
        with pytest.raises(WeightsError, match=r"it fits squeezenet1_1: load\('squeezenet1_1', weights='.*'\)"):
            dv.load(wrong, weights=stored)


def test_values_that_are_no_numbers(stored: Path, tmp_path: Path) -> None:
    bias = load_file(stored)["classifier.1.bias"].copy()
    bias[[3, 77]] = np.nan, np.inf
    path = changed(stored, tmp_path / "nan.safetensors", {"classifier.1.bias": bias})
    with pytest.raises(WeightsError, match=r"2 of the 1,000 values of classifier\.1\.bias are NaN or infinite"):
        dv.load("squeezenet1_1", weights=path)
    path = changed(stored, tmp_path / "whole.safetensors", {"classifier.1.bias": np.arange(1000)})
    with pytest.raises(WeightsError, match=r"classifier\.1\.bias holds int64, and weights are floating point"):
        dv.load("squeezenet1_1", weights=path)


def test_a_truncated_file_and_files_of_other_kinds(stored: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(stored.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match=r"is not a whole safetensors file .*truncated"):
        dv.load("squeezenet1_1", weights=path)
    path.write_bytes(b"PK\x03\x04 a zip of pickles")
    with pytest.raises(WeightsError, match=r"a PyTorch file, which may run code .*save_file\(model\.state_dict"):
        dv.load("resnet18", weights=path)
    path.write_bytes(b"")
    with pytest.raises(WeightsError, match="is no safetensors file"):
        dv.load("resnet18", weights=path)


def test_torchvisions_file_of_squeezenet_is_taken_too(tmp_path: Path) -> None:
    path = tmp_path / "squeezenet1_0.safetensors"
    save_file(_stored.random_arrays(catalog.model("squeezenet1_0"), 3), path)
    net = dv.load("squeezenet", weights=path)
    assert net.name == "squeezenet1_0"
    assert net.input_spec.size == (224, 224)


def test_the_layout_of_timm_is_read(tmp_path: Path) -> None:
    arrays = {name: value + np.float32(0.5) for name, value in _stored.random_arrays(TINY, 6).items()}
    theirs = {ours: name for name, ours in vgg.TIMM.items()}
    renamed = {}
    for name, value in arrays.items():
        stem, _, kind = name.rpartition(".")
        shaped = value.reshape(5, 4, 7, 7) if name == "classifier.0.weight" else value
        shaped = value.reshape(5, 5, 1, 1) if name == "classifier.3.weight" else shaped
        renamed[f"{theirs.get(stem, stem)}.{kind}"] = shaped
        if kind == "running_var":
            renamed[f"{stem}.num_batches_tracked"] = np.array(17)
    assert {"pre_logits.fc1.weight", "pre_logits.fc2.bias", "head.fc.weight"} < renamed.keys()
    save_file(renamed, tmp_path / "model.safetensors")
    read = _stored.read(tmp_path / "model.safetensors", TINY)
    assert list(read) == list(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(read[name], value)


def test_timms_resnet_is_torchvisions(tmp_path: Path) -> None:
    parts = resnet.parts((1, 2), 2, widths=(3, 5))
    tiny = dataclasses.replace(TINY, weights=dataclasses.replace(TINY.weights, shapes=shapes_of(parts), renamed={}))
    arrays = _stored.random_arrays(tiny, 2)
    save_file(arrays | {"bn1.num_batches_tracked": np.array(4)}, tmp_path / "model.safetensors")
    assert _stored.read(tmp_path / "model.safetensors", tiny).keys() == arrays.keys()
