"""Layers found in programs of several styles: names, kinds, shapes, strides, receptive fields, taps."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy as np
import pytest
from flax import nnx

import deconvviz as dv
from deconvviz.errors import NetworkError

SPEC = dv.InputSpec(size=nets.SIZE)


def rows(net: dv.Network) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(layer.name, layer.kind, layer.shape) for layer in net.layers]


def test_plain_functions_are_named_by_kind_and_number() -> None:
    layers = nets.chain_layers()
    net = dv.Network(lambda x: nets.run_chain(layers, x), input_spec=SPEC)
    assert rows(net) == [
        ("conv1", "conv", (9, 17, 4)),
        ("relu1", "relu", (9, 17, 4)),
        ("max_pool1", "max_pool", (4, 8, 4)),
        ("conv2", "conv", (4, 8, 5)),
        ("relu2", "relu", (4, 8, 5)),
        ("max_pool2", "max_pool", (2, 4, 5)),
    ]
    assert net.layer("conv2").stride == (4, 2)
    # Rows: kernel 3 stride 2, pool 3 stride 2, kernel 2. Columns: kernel 4, pool 3 stride 2, kernel 3.
    assert net.layer("conv2").receptive_field == (3 + 2 * 2 + 1 * 4, 4 + 2 + 2 * 2)


@pytest.mark.deep
def test_nnx_modules_name_their_layers_and_stay_as_they_were() -> None:
    model = nets.Residual(nnx.Rngs(0))
    kinds = {id(m): type(m) for _, m in nnx.iter_graph(model)}
    net = dv.Network.from_nnx(model, input_spec=SPEC)
    assert [name for name, _, _ in rows(net)] == [
        "stem/conv", "stem/norm", "stem/relu1", "blocks/0/conv", "blocks/0/norm", "blocks/0/relu1", "add1",
        "max_pool1", "blocks/1/conv", "blocks/1/norm", "blocks/1/relu1", "add2", "max_pool2", "mean1", "head",
    ]  # fmt: skip
    assert net.layer("blocks/0/norm").kind == "batch_norm"
    assert {id(m): type(m) for _, m in nnx.iter_graph(model)} == kinds
    np.testing.assert_allclose(net.run(nets.picture()), model(nets.picture()), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_linen_scopes_name_their_layers() -> None:
    model = nets.Plain()
    variables = model.init(jax.random.key(0), nets.picture())
    net = dv.Network.from_linen(model, variables, input_spec=SPEC)
    assert [(name, kind) for name, kind, _ in rows(net)] == [
        ("Conv_0", "conv"), ("BatchNorm_0", "batch_norm"), ("relu1", "relu"), ("avg_pool1", "avg_pool"),
        ("Dense_0", "dense"),
    ]  # fmt: skip


def test_names_do_not_change_under_jit() -> None:
    layers = nets.chain_layers()
    plain = dv.Network(lambda x: nets.run_chain(layers, x), input_spec=SPEC)
    jitted = dv.Network(jax.jit(lambda x: nets.run_chain(layers, x)), input_spec=SPEC)
    assert rows(plain) == rows(jitted)


@pytest.mark.slow
def test_taps_are_the_values_of_the_program() -> None:
    layers, x = nets.chain_layers("float32"), nets.picture()
    net = dv.Network(lambda x: nets.run_chain(layers, x), input_spec=SPEC)
    found = net.taps(x, ["relu1", "conv1", "max_pool2"])
    for name, depth in (("conv1", 1), ("relu1", 2), ("max_pool2", 6)):
        np.testing.assert_allclose(found[name], nets.run_chain(layers[:depth], x), rtol=1e-5, atol=1e-5)
    both = net.taps(np.concatenate([nets.picture(seed=8), x]), ["max_pool2"])["max_pool2"]
    np.testing.assert_allclose(both[1:], found["max_pool2"], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_channels_first_programs_are_read_in_image_order() -> None:
    w = jnp.asarray(np.random.default_rng(2).normal(size=(4, 3, 3, 3)), jnp.float32)

    def channels_first(x: Any) -> Any:
        x = x.transpose(0, 3, 1, 2)
        return jax.nn.relu(jax.lax.conv_general_dilated(x, w, (2, 1), "VALID")).sum((2, 3))

    net = dv.Network(channels_first, input_spec=SPEC)
    assert net.layer("relu1").shape == (9, 15, 4)
    assert net.layer("relu1").stride == (2, 1)
    assert net.taps(nets.picture(), ["relu1"])["relu1"].shape == (1, 9, 15, 4)
    seen = dv.reconstruct(net, np.full((*nets.SIZE, 3), 0.5), dv.Unit("relu1", 2, 8, 14))
    assert seen.receptive_field == (16, 14, 19, 17)


FIELD_NETS = {
    "dilation": lambda x: jax.lax.conv_general_dilated(
        x, jnp.ones((3, 2, 3, 2)), (2, 1), ((3, 2), (0, 1)), rhs_dilation=(2, 3), dimension_numbers=nets.AXES
    ),
    "transposed": lambda x: jax.lax.conv_general_dilated(
        x, jnp.ones((3, 3, 3, 2)), (1, 1), ((2, 2), (1, 1)), lhs_dilation=(2, 2), dimension_numbers=nets.AXES
    ),
    "pool and pad": lambda x: jax.lax.reduce_window(
        jnp.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0))), 0.0, jax.lax.add, (1, 3, 2, 1), (1, 2, 2, 1), "VALID"
    ),
    "branches": lambda x: (
        x[:, 1:-1, 1:-1]
        + jax.lax.conv_general_dilated(x, jnp.ones((3, 3, 3, 3)), (1, 1), "VALID", dimension_numbers=nets.AXES)
    ),
    "reshape": lambda x: x[:, :18, :16].reshape(1, 9, 2, 8, 2, 3).max((2, 4)),
    "slices": lambda x: x[:, 3::2, :-1:3],
}


@pytest.mark.deep
@pytest.mark.parametrize("name", FIELD_NETS)
def test_receptive_field_is_the_support_of_the_gradient(name: str) -> None:
    """Never less than what has a gradient; with positive weights and away from the border, exactly its bounding box."""
    net = dv.Network(lambda x: jax.nn.relu(FIELD_NETS[name](x)), input_spec=SPEC)
    layer = net.layers[-1]
    x = np.abs(nets.picture()) + 1
    middle = (layer.shape[0] // 2, layer.shape[1] // 2)
    for row, column in ((0, 0), middle, (layer.shape[0] - 1, layer.shape[1] - 1)):
        top, left, bottom, right = net.receptive_box(layer.name, row, column)
        slope = jax.grad(lambda x, r=row, c=column: net._function(x)[0][0, r, c].sum())(x)[0]
        hit = np.argwhere(np.abs(slope).max(-1) > 0)
        box = (hit[:, 0].min(), hit[:, 1].min(), hit[:, 0].max() + 1, hit[:, 1].max() + 1) if len(hit) else None
        if box:
            assert (top <= box[0], left <= box[1], bottom >= box[2], right >= box[3]) == (True,) * 4
        if (row, column) == middle and name == "reshape":
            assert (bottom - top, right - left) == (2, 2)
        elif (row, column) == middle and name != "transposed":
            assert (top, left, bottom, right) == box


def test_values_after_a_sum_over_the_map_see_everything() -> None:
    net = dv.Network(lambda x: jax.nn.relu(x).mean((1, 2)), input_spec=SPEC)
    assert net.layer("mean1").receptive_field is None
    assert net.layer("mean1").stride is None
    assert net.receptive_box("mean1") == (0, 0, *nets.SIZE)


def test_a_softmax_at_the_end_is_the_output() -> None:
    net = dv.Network(lambda x: jax.nn.softmax(jax.nn.relu(x).mean((1, 2))), input_spec=SPEC, labels="abc")
    assert net.layers[-1].kind == "output"
    np.testing.assert_allclose(dv.predict(net, np.full((*nets.SIZE, 3), 0.5)).sum(), 1, rtol=1e-6)


def test_digest_names_the_weights() -> None:
    def make(weight: float) -> dv.Network:
        w = jnp.full((3, 3, 3, 2), weight)
        return dv.Network(
            lambda x: jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=nets.AXES), input_spec=SPEC
        )

    assert make(1.0).digest == make(1.0).digest
    assert make(1.0).digest != make(1.5).digest


def test_bad_functions_get_a_sentence() -> None:
    with pytest.raises(NetworkError, match=r"cannot be traced on an image batch of shape \(1, 19, 17, 3\).*IndexError"):
        dv.Network(lambda x: [][0], input_spec=SPEC)
    with pytest.raises(NetworkError, match=r"does not depend on the image"):
        dv.Network(lambda x: jnp.ones(3), input_spec=SPEC)
    with pytest.raises(NetworkError, match=r"got int"):
        dv.Network(7, input_spec=SPEC)  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match=r"2 labels for a network whose first output has shape \(1, 3\)"):
        dv.Network(lambda x: x.mean((1, 2)), input_spec=SPEC, labels=["a", "b"])
