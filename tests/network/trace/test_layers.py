"""Names, receptive fields, parameters and values of layers over the networks of the contract."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import zoo
import zoo_modules
from flax import linen, nnx
from zoo import EXAMPLES, Example
from zoo_modules import MODULES

import deconvviz as dv
from deconvviz.errors import DeconvvizError, NetworkError, RuleError
from deconvviz.network.backward import reconstruct
from deconvviz.network.rewrite.program import rewritten
from deconvviz.network.trace.trace import permuted

ALL = EXAMPLES | MODULES
SPEC = dv.InputSpec(size=zoo.SIZE)


def network(example: Example, wrap: Any = lambda f: f, dtype: str = "float32") -> dv.Network:
    return dv.Network(wrap(example.make(dtype)), input_spec=dv.InputSpec(size=example.size), name="tiny")


@pytest.mark.slow
@pytest.mark.sampled(17, check=2)
@pytest.mark.parametrize("name", ALL)
def test_names_kinds_and_fields_are_the_same_plain_jitted_in_a_batch_and_in_float64(name: str) -> None:
    example = ALL[name]
    plain = network(example)
    model = isinstance(example.make("float32"), nnx.Module)
    names = [layer.name for layer in plain.layers]
    assert len(set(names)) == len(names) > 0
    if not model:
        assert network(example, jax.jit).layers == plain.layers
    assert [node.layer for node in plain.program(3).nodes] == list(plain.layers)
    with jax.enable_x64():
        assert network(example, dtype="float64").layers == plain.layers


FIELDS = [
    "where, depthwise", "float mask, grouped", "clip, dilated", "reshape-max", "patches", "maxima of slices",
    "maximum of a stack", "pooling from zero", "overlapping pool", "scan", "fori_loop", "concatenation", "residual sum",
    "lax.map", "transposed convolution", "nearest neighbour", "channels first", "Flax NNX", "Equinox",
]  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FIELDS if name in ALL])
def test_receptive_fields_are_the_support_of_the_gradient(name: str) -> None:
    """Over several random images, under the linear rule: the box of what arrives is the field, nowhere beyond it."""
    size = (24, 20)
    net = dv.Network(ALL[name].make("float32"), input_spec=dv.InputSpec(size=size))
    layer = [found for found in net.layers if found.receptive_field and found.kind != "relu"][-1]
    node, cut = net.node(layer.name), rewritten(net, layer.name, "linear", "gradient")
    consts = net.program().flat.consts
    places = [(0, 0), (layer.shape[0] // 2, layer.shape[1] // 2), (layer.shape[0] - 1, layer.shape[1] - 1)]

    @jax.jit
    def support(x: Any) -> Any:
        value, pull = jax.vjp(lambda x: permuted(node, cut.call(consts, x)[0]), x)
        channels = 1 + jnp.arange(value.shape[3])
        seeds = jnp.stack([jnp.zeros_like(value).at[:, row, column].set(channels) for row, column in places])
        return jnp.abs(jax.vmap(lambda g: pull(g)[0][0])(seeds)).max(-1) > 0

    rng = np.random.default_rng(6)
    hit = np.any([support(rng.normal(size=(1, *size, 3)).astype(np.float32)) for _ in range(25)], axis=0)
    exact = 0
    for place, seen in zip(places, hit, strict=True):
        top, left, bottom, right = net.receptive_box(layer.name, *place)
        for axis, low, high in ((0, top, bottom), (1, left, right)):
            found = np.flatnonzero(seen.any(1 - axis))
            if not len(found):  # a corner whose windows lie on padding alone
                continue
            assert low <= found[0] <= found[-1] < high
            if low > 0 and high < size[axis]:  # elsewhere, padding between the layers hides part of it
                assert (low, high) == (found[0], found[-1] + 1)
                exact += 1
    assert exact >= 1
    assert net.node(layer.name).field.whole is False


def test_layers_that_see_everything_have_no_window() -> None:
    for name in ("vmap, global max", "attention", "Haiku style"):
        last = network(ALL[name]).layers[-1]
        assert (last.receptive_field, last.stride) == (None, None)


def test_parameters_are_counted_where_they_are_stored() -> None:
    counts = {layer.name: layer.parameters for layer in network(MODULES["Flax NNX"]).layers}
    assert {name: n for name, n in counts.items() if n} == {
        "stem/conv": 3 * 3 * 3 * 4 + 4, "stem/norm": 16, "blocks/0/conv": 3 * 3 * 4 * 4, "blocks/0/norm": 16,
        "head": 4 * 5,
    }  # fmt: skip
    assert network(EXAMPLES["scan"]).layer("scan1").parameters == 2 * 3 * 3 * 4 * 4
    assert sum(layer.parameters for layer in network(EXAMPLES["patches"]).layers) == 3 * 2 * 3 * 4 + 4 + 2 * 3 * 4 * 5


@pytest.mark.sampled(check=1)
@pytest.mark.parametrize("name", ["Flax NNX", "maxima of slices", "attention"])
def test_every_layer_can_be_tapped(name: str) -> None:
    example = ALL[name]
    net, x = network(example), np.random.default_rng(3).normal(size=(1, *example.size, 3)).astype(np.float32)
    taps = net.taps(x, [layer.name for layer in net.layers])
    assert {layer.name: (1, *layer.shape) for layer in net.layers} == {k: v.shape for k, v in taps.items()}
    np.testing.assert_array_equal(taps[net.layers[-1].name], net.run(x))


@pytest.mark.slow
def test_modules_name_layers_and_reused_ones_number_their_calls() -> None:
    class Reused(linen.Module):
        @linen.compact
        def __call__(self, x: Any) -> Any:
            norm = linen.Dense(3, name="shared")
            dense = linen.vmap(linen.Dense, variable_axes={"params": None}, split_rngs={"params": False})(5)
            return dense(linen.relu(norm(linen.relu(norm(x)))))

    model = Reused()
    net = dv.Network.from_linen(model, model.init(jax.random.key(0), jnp.ones((1, *zoo.SIZE, 3))), input_spec=SPEC)
    assert [layer.name for layer in net.layers] == ["shared/dense1", "relu1", "shared/dense2", "relu2", "VmapDense_0"]
    plain = dv.Network(
        lambda x: jax.vmap(jax.named_scope("act")(lambda one: jax.nn.relu(jax.nn.relu(one))))(x), input_spec=SPEC
    )
    assert [layer.name for layer in plain.layers] == ["act/relu1", "act/relu2"]


class _Scaled(nnx.Module):
    def __call__(self, x: Any) -> Any:
        return jax.nn.silu(x) * 1.7 - 0.3


@pytest.mark.parametrize("inner", [
    lambda: nnx.LayerNorm(4, rngs=nnx.Rngs(0)), lambda: nnx.LayerNorm(4, use_fast_variance=False, rngs=nnx.Rngs(0)),
    lambda: nnx.RMSNorm(4, rngs=nnx.Rngs(0)), lambda: nnx.BatchNorm(4, use_running_average=True, rngs=nnx.Rngs(0)),
    lambda: nnx.PReLU(), _Scaled,
], ids=["layer norm", "layer norm, slow variance", "RMS norm", "batch norm", "PReLU",
        "a scaled activation"])  # fmt: skip
def test_a_layer_with_the_name_of_a_module_is_what_the_module_returns(inner: Any) -> None:
    class Small(nnx.Module):
        def __init__(self) -> None:
            self.conv = nnx.Conv(3, 4, (3, 3), rngs=nnx.Rngs(1))
            self.inner = inner()

        def __call__(self, x: Any) -> Any:
            return self.inner(self.conv(x)).sum((1, 2))

    module, x = Small(), np.random.default_rng(3).normal(size=(2, *zoo.SIZE, 3)).astype(np.float32)
    for name in ("scale", "bias"):
        if getattr(module.inner, name, None) is not None:
            getattr(module.inner, name)[...] = jnp.asarray([0.7, -0.2, 1.4, 0.5])
    net = dv.Network.from_nnx(module, input_spec=SPEC)
    value = net.taps(x, ["inner"])["inner"]
    np.testing.assert_allclose(value, module.inner(module.conv(x)), rtol=1e-4, atol=1e-5)
    assert sum(layer.name.startswith("inner") for layer in net.layers) == 1


def test_an_activation_swallows_nothing_behind_it() -> None:
    """A sigmoid is one equation without a call of its own, a SiLU one named call."""
    for activation, name in ((jax.nn.sigmoid, "sigmoid1"), (jax.nn.silu, "silu1"), (jnp.tanh, "tanh1")):
        example = zoo.spelled(activation, zoo.KEEP)
        found = [layer.name for layer in network(example).layers]
        assert found == ["conv1", name, "conv2", f"{name[:-1]}2"]


def test_layers_inside_a_loop_are_said_to_have_no_names() -> None:
    with pytest.raises(
        NetworkError, match=r"no layer 'relu1'; .*layers inside scan1 have no names, only its result has"
    ):
        network(EXAMPLES["scan"]).node("relu1")


@jax.custom_jvp
def bent(x: Any) -> Any:
    return x


bent.defjvp(lambda primals, tangents: (primals[0], tangents[0]))


def first(net: dv.Network, x: np.ndarray, rule: str = "gradient", **options: Any) -> Any:
    return reconstruct.reconstruct_units(net, x, [dv.Unit(net.layers[-1].name, 0)], rule, **options)[0]


@pytest.mark.slow
def test_what_cannot_be_sent_down_gets_a_sentence() -> None:
    h = lambda x: zoo.conv(zoo.FIRST, x)  # noqa: E731
    ones = np.ones((1, *zoo.SIZE, 3), np.float32)
    cases = {
        r"a while loop lies on the way": lambda x: jax.lax.while_loop(lambda c: c.sum() < 9, lambda c: c + 1, h(x)),
        r"output of network holds int32 numbers": lambda x: jnp.round(h(x)).astype(jnp.int32),
        r"channel 0 of output in network is nan for this image": lambda x: jnp.sqrt(-1 - h(x) ** 2),
        r"the signal of channel 0 .* is no finite number at the image": lambda x: jnp.sqrt(0 * h(x)),
        r"JAX cannot differentiate an operation on the way": lambda x: jax.lax.reduce_window(
            h(x), 9.0, jax.lax.min, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
        ),
    }
    for sentence, function in cases.items():
        with pytest.raises(DeconvvizError, match=sentence):
            first(dv.Network(function, input_spec=SPEC), ones)
    with pytest.raises(RuleError, match=r"the guided rule is defined at ReLUs only.*bent"):
        first(dv.Network(lambda x: jax.nn.relu(bent(h(x))), input_spec=SPEC), ones, "guided")


def test_functions_of_other_shapes() -> None:
    several = dv.Network(lambda x: {"a": jax.nn.relu(x).mean((1, 2)), "b": x.argmax(-1)}, input_spec=SPEC)
    assert [layer.name for layer in several.layers] == ["relu1", "mean1"]
    assert several.run(np.ones((2, *zoo.SIZE, 3), np.float32)).shape == (2, 3)
    for function in (lambda x: "text", lambda x: x.reshape(5), lambda x: float(x.sum())):
        with pytest.raises(NetworkError, match=r"cannot be traced on an image batch of shape \(1, 11, 7, 3\)"):
            dv.Network(function, input_spec=SPEC)
    with pytest.raises(NetworkError, match="does not depend on the image"):
        dv.Network(lambda x: None, input_spec=SPEC)


@pytest.mark.slow
def test_tokens_are_units() -> None:
    w = jnp.asarray(zoo.W2[0, 0], jnp.float32)
    net = dv.Network(lambda x: jax.nn.relu(zoo.conv(zoo.FIRST, x)).reshape(x.shape[0], -1, 4) @ w, input_spec=SPEC)
    layer, x = net.layers[-1], np.random.default_rng(3).normal(size=(1, *zoo.SIZE, 3)).astype(np.float32)
    assert layer.shape == (77, 5)
    one = reconstruct.reconstruct_units(net, x, [dv.Unit(layer.name, 2, 40, 0)], "deconvnet")[0]
    assert one.activation == pytest.approx(net.taps(x, [layer.name])[layer.name][0, 40, 2], rel=1e-5)
    rows, columns = np.nonzero(np.abs(one.map).max(-1))
    assert (abs(rows - 40 // 7) <= 1).all()
    assert (abs(columns - 40 % 7) <= 1).all()


def test_zoo_modules_are_what_they_say() -> None:
    assert set(MODULES) >= {"Flax NNX", "Flax Linen", "Haiku style"}
    assert len(ALL) >= 20
    assert zoo_modules.K1.shape == (3, 3, 3, 4)


def test_the_output_beside_the_layers_is_that_of_run_where_it_is_no_layer() -> None:
    kernel = np.random.default_rng(3).normal(size=(3, 5)).astype(np.float32)

    def two_heads(x: Any) -> Any:
        features = jax.nn.relu(x @ kernel).mean((1, 2))
        return jax.nn.sigmoid(features[:, :4]), features @ np.ones((5, 2), np.float32)

    net = dv.Network(two_heads, input_spec=dv.InputSpec(size=(6, 7)))
    x = np.random.default_rng(4).normal(size=(1, 6, 7, 3)).astype(np.float32)
    names = [layer.name for layer in net.layers]
    output, values = net.output_and_taps(x, names)
    np.testing.assert_allclose(output, net.run(x), rtol=1e-6)
    assert values[names[-1]].shape != net.run(x).shape, "the last layer is the other head"
    for name, value in net.taps(x, names).items():
        np.testing.assert_allclose(values[name], value, rtol=1e-6)
