"""The shipped inverters: what they reach on the built-in photographs, what they depend on, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from reference import metric_loops
from safetensors.numpy import load_file, save_file

import deconvviz as dv
from deconvviz.data import preprocess, samples
from deconvviz.errors import DeconvvizError, NetworkError, WeightsError
from deconvviz.models import caltech, inverters

LAYERS = tuple(f"relu{i}" for i in range(1, 8))
PHOTOGRAPHS = tuple(sample.id for sample in samples.SAMPLES.values() if sample.kind == "photo")
#: Error in pixels over that of the mean colour of the training pictures, median over the photographs. Measured when
#: the file was made: 0.01, 0.05, 0.12, 0.19, 0.39, 0.47, 0.66.
LIMITS = dict(zip(LAYERS, (0.03, 0.08, 0.2, 0.3, 0.5, 0.6, 0.8), strict=True))


@pytest.fixture(scope="module")
def net() -> dv.Network:
    """The shipped network."""
    return dv.load("caltech")


def shown(name: str) -> np.ndarray:
    """A built-in photograph at the network's size."""
    return preprocess.fit_image(samples.load(name), caltech.INPUT)


def test_seven_layers_early_to_late(net: dv.Network) -> None:
    assert inverters.layers(net) == LAYERS
    assert inverters.WEIGHTS.stat().st_size < 5_000_000
    assert {value.dtype for value in load_file(inverters.WEIGHTS).values()} == {np.dtype(np.float16)}


@pytest.mark.parametrize("layer", LAYERS)
def test_the_card_gives_the_figures_of_the_file(layer: str) -> None:
    card = inverters.WEIGHTS.with_suffix(".md").read_text(encoding="utf-8")
    figures = inverters.file_facts()["layers"][layer]["figures"]
    row = next(line for line in card.splitlines() if line.startswith(f"| {layer} |"))
    for name, digits in (("psnr", 2), ("ssim", 3), ("normalized_image_error", 4)):
        assert f"{figures[name]:.{digits}f}" in row


def ratios(net: dv.Network, layer: str) -> list[float]:
    """Error in pixels over that of the mean colour of the training pictures, one a photograph."""
    colour, found = np.float32(inverters.load(net, layer).about["mean_colour"]), []
    for sample in PHOTOGRAPHS:
        picture, learned = shown(sample), dv.invert(net, samples.load(sample), layer, method="learned")
        assert learned.image.shape == (128, 128, 3)
        assert learned.image.dtype == np.float32
        assert 0 <= learned.image.min() <= learned.image.max() <= 1
        flat = metric_loops.normalized_error(np.broadcast_to(colour, picture.shape), picture)
        found.append(learned.image_error / flat)
    return found


@pytest.mark.deep
def test_pictures_are_nearer_than_the_mean_colour_and_less_so_with_depth(net: dv.Network) -> None:
    medians = {}
    for layer in LAYERS:
        found = ratios(net, layer)
        medians[layer] = float(np.median(found))
        assert medians[layer] < LIMITS[layer]
        # Deep layers forget what a plain grey texture looks like: there the mean colour may be nearer.
        assert sum(ratio < 1 for ratio in found) >= (len(PHOTOGRAPHS) if layer < "relu5" else 7)
    assert sorted(medians, key=medians.__getitem__) == list(LAYERS)


def test_the_errors_are_those_of_the_slow_twin(net: dv.Network) -> None:
    found = dv.invert(net, samples.load("cat"), "relu6", method="learned")
    picture = shown("cat")
    assert found.image_error == pytest.approx(metric_loops.normalized_error(found.image, picture), rel=1e-6)
    target, answer = (dv.activations(net, image, "relu6").astype(np.float64) for image in (picture, found.image))
    assert found.feature_error == pytest.approx(metric_loops.normalized_error(answer, target), rel=1e-5)
    assert (found.method, found.layer, found.steps, found.losses.size) == ("learned", "relu6", 0, 0)


def test_the_answer_depends_on_the_features_alone(net: dv.Network) -> None:
    # A picture that is brighter where the network does not look: rows and columns beyond the centre crop.
    wide = np.full((128, 200, 3), 0.5, np.float32)
    wide[:, 36:164] = shown("cat")
    other = wide.copy()
    other[:, :30], other[:, 170:] = 1.0, 0.0
    one, two = (dv.invert(net, picture, "relu4", method="learned") for picture in (wide, other))
    assert np.array_equal(one.image, two.image)
    decoder = inverters.load(net, "relu4")
    assert np.array_equal(decoder(dv.activations(net, wide, "relu4")[None])[0], one.image)


def test_a_snapshot_is_the_end(net: dv.Network) -> None:
    snapshots = list(dv.invert_snapshots(net, samples.load("cat"), "relu4", "learned"))
    assert len(snapshots) == 1
    assert np.array_equal(snapshots[0].image, dv.invert(net, samples.load("cat"), "relu4", method="learned").image)


def test_layers_without_one_name_the_nearest(net: dv.Network) -> None:
    with pytest.raises(NetworkError, match=r"conv4 of caltech has no learned inverter; the nearest .* is relu3 \("):
        dv.invert(net, samples.load("cat"), "conv4", method="learned")
    with pytest.raises(NetworkError, match=r"the nearest that has one is relu7 .*deconvviz train inverter:LAYER"):
        dv.invert(net, samples.load("cat"), "logits", method="learned")
    with pytest.raises(NetworkError, match="caltech has no layer 'relu44'; did you mean"):
        dv.invert(net, samples.load("cat"), "relu44", method="learned")


def test_other_networks_are_told_who_has_some() -> None:
    spec = dv.InputSpec(size=(128, 128))
    mine = dv.Network(lambda x: jax.nn.relu(x - 0.5), input_spec=spec, name="mine")
    assert inverters.layers(mine) == ()
    said = rf"inverters at hand are of caltech \({', '.join(LAYERS)}\) .*this is mine; train one with"
    with pytest.raises(NetworkError, match=said):
        dv.invert(mine, samples.load("cat"), "relu1", method="learned")


def test_other_weights_are_refused() -> None:
    params = caltech.load_params()
    params["conv1.bias"] = params["conv1.bias"].at[0].add(0.01)
    other = dv.Network(lambda x: caltech.forward(params, x), input_spec=caltech.INPUT, name="caltech")
    assert inverters.layers(other) == ()
    with pytest.raises(NetworkError, match="this one has the name, but other weights"):
        dv.invert(other, samples.load("cat"), "relu4", method="learned")


@pytest.mark.parametrize("option", [{"steps": 8}, {"restarts": 2}, {"tv": 0.1}])
def test_options_of_the_optimizer_are_refused(net: dv.Network, option: dict[str, float]) -> None:
    with pytest.raises(DeconvvizError, match=f"method='learned' has no option {next(iter(option))!r}: its decoder"):
        dv.invert(net, samples.load("cat"), "relu4", method="learned", **option)


def test_values_of_another_shape_are_refused(net: dv.Network) -> None:
    with pytest.raises(
        NetworkError, match=r"inverter of relu4 takes values of shape \(N, 16, 16, 128\); got \(16, 16,"
    ):
        inverters.load(net, "relu4")(np.zeros((16, 16, 128)))


def test_damaged_files(net: dv.Network, tmp_path: Path) -> None:
    whole = inverters.WEIGHTS.read_bytes()
    cut, plain, strange, holed = (tmp_path / f"{name}.safetensors" for name in ("cut", "plain", "strange", "holed"))
    cut.write_bytes(whole[: len(whole) // 2])
    save_file({"a": np.zeros(3)}, plain)
    facts, arrays = inverters.file_facts(), load_file(inverters.WEIGHTS)
    changed = json.loads(json.dumps(facts))
    changed["layers"]["relu4"]["upsampler"] = "magic"
    save_file(arrays, strange, metadata={"inverters": json.dumps(changed)})
    save_file({**arrays, "relu4.stage1.bias": np.full(64, np.nan)}, holed, metadata={"inverters": json.dumps(facts)})
    for file, said in (
        (cut, "not a whole safetensors file"),
        (plain, "is no file of inverters"),
        (strange, "unknown upsampler 'magic'"),
        (holed, r"64 of the 64 values of stage1.bias are NaN"),
        (tmp_path / "gone.safetensors", "no such file"),
    ):
        with pytest.raises(WeightsError, match=said) as refused:
            inverters.load(net, "relu4", file)
        assert str(file) in str(refused.value)
