"""Which of several results is the output, further arguments, and how a module is called."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import deconvviz as dv
from deconvviz.errors import NetworkError
from deconvviz.network.adopt import load

SPEC = dv.InputSpec(size=(6, 5))
X = np.random.default_rng(1).random((2, 6, 5, 3)).astype(np.float32)


class Heads(NamedTuple):
    scores: Any
    aux: Any


def heads(x: Any) -> dict[str, Any]:
    """Named so that the alphabet and the author disagree."""
    return {"logits": jax.nn.relu(x).mean((1, 2)), "aux": [x.sum((1, 2)), None, x]}


def test_a_dict_is_read_in_its_own_order_and_that_is_said() -> None:
    net = dv.Network(heads, input_spec=SPEC, labels=("a", "b", "c"))
    np.testing.assert_allclose(net.run(X), np.maximum(X, 0).mean((1, 2)), rtol=1e-5)
    assert net.about["output"] == ("logits, the first of 3 results (logits, aux/0, aux/2); output=NAME chooses another")
    assumed = load.wrapped(heads, "m:heads", load.InputOptions(size=(6, 5))).assumed
    assert assumed[-1] == "The output is logits, the first of 3 results (logits, aux/0, aux/2): not given."


@pytest.mark.parametrize("output", ["aux/0", "logits", "aux/2"])
def test_an_output_is_chosen_by_name(output: str) -> None:
    net = dv.Network(heads, input_spec=SPEC, output=output)
    expected = {"logits": X.mean((1, 2)), "aux/0": X.sum((1, 2)), "aux/2": X}[output]
    np.testing.assert_allclose(net.run(X), expected, rtol=1e-5)
    assert "output" not in net.about


def test_an_output_of_a_tuple_is_chosen_by_place_or_field() -> None:
    pair = dv.Network(lambda x: (x.mean((1, 2)), x.sum((1, 2))), input_spec=SPEC, output=1)
    np.testing.assert_allclose(pair.run(X), X.sum((1, 2)), rtol=1e-5)
    named = dv.Network(lambda x: Heads(x.mean((1, 2)), x.sum((1, 2))), input_spec=SPEC, output="aux")
    np.testing.assert_allclose(named.run(X), X.sum((1, 2)), rtol=1e-5)
    assert dv.Network(lambda x: (x, x), input_spec=SPEC).about["output"].startswith("0, the first of 2 results (0, 1)")
    assert dv.Network(lambda x: 2 * x, input_spec=SPEC).about == {}
    assert dv.Network(lambda x: (2 * x, jnp.ones(3), 1.0), input_spec=SPEC).about == {}, "a state is no result"


def test_an_output_that_does_not_exist_is_named() -> None:
    with pytest.raises(NetworkError, match=r"no output 'logit'; did you mean logits\?"):
        dv.Network(heads, input_spec=SPEC, output="logit")


@pytest.mark.slow
def test_further_arguments_are_given_and_one_varies() -> None:
    depth = np.full((1, 6, 5, 1), 2.0, np.float32)

    def both(depth: Any, image: Any, scale: float = 1.0) -> Any:
        assert depth.shape[0] == image.shape[0]
        return jax.nn.relu(jnp.concatenate([image * depth, depth], -1)) * scale

    expected = np.concatenate([X * 2, np.full((2, 6, 5, 1), 2.0)], -1) * 3
    net = dv.Network(both, input_spec=SPEC, inputs={"depth": depth, "scale": 3.0}, vary="image")
    np.testing.assert_allclose(net.run(X), expected, rtol=1e-5)
    net = dv.Network(both, input_spec=SPEC, inputs=[depth, 3.0], vary=1)
    np.testing.assert_allclose(net.run(X), expected, rtol=1e-5)
    result = dv.reconstruct(net, X[0], ("relu1", 1, 2, 3), rule="gradient", start="one")
    assert result.map[2, 3].tolist() == [0, 2, 0]


@pytest.mark.parametrize(("inputs", "vary", "said"), [
    ({"depth": 1.0}, None, "vary is the name of the argument"),
    ({"image": 1.0}, "image", "one that inputs does not give"),
    ([1.0], 2, "0 to 1; got vary=2"), ([1.0], "image", "got vary='image'"),
])  # fmt: skip
def test_arguments_that_do_not_fit_are_refused(inputs: Any, vary: Any, said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        dv.Network(lambda depth, image: image, input_spec=SPEC, inputs=inputs, vary=vary)


class Trained(nnx.Module):
    """A module whose call wants more than the images."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.conv1, self.conv2 = nnx.Conv(3, 4, (3, 3), rngs=rngs), nnx.Conv(4, 2, (3, 3), rngs=rngs)

    def __call__(self, x: Any, train: bool) -> Any:
        x = nnx.relu(self.conv2(nnx.relu(self.conv1(x))))
        return 2 * x if train else x


@pytest.mark.slow
def test_a_module_that_wants_more_keeps_its_names() -> None:
    module = Trained(rngs=nnx.Rngs(0))
    net = dv.Network.from_nnx(module, input_spec=SPEC, call=lambda model, x: model(x, train=False))
    assert [layer.name for layer in net.layers] == ["conv1", "relu1", "conv2", "relu2"]
    np.testing.assert_allclose(net.run(X), module(X, train=False), rtol=1e-4, atol=1e-5)
    with pytest.raises(NetworkError, match="from_nnx takes a Flax NNX module; got function"):
        dv.Network.from_nnx(lambda x: x, input_spec=SPEC)  # type: ignore[arg-type]


class Keras:
    """As models of Keras are: a ``dtype``, and a call of any arguments."""

    dtype = "float32"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        assert not kwargs
        return jax.nn.relu(args[0]).mean((1, 2))


class HuggingFace:
    """As Flax models of Hugging Face are: images channels first, results by name."""

    dtype = jnp.float32
    kernel = jnp.cos(jnp.arange(3 * 3 * 3 * 4.0)).reshape(3, 3, 3, 4)

    def __call__(self, pixel_values: Any, params: Any = None, train: bool = False) -> Any:
        x = dv.conv(pixel_values.transpose(0, 2, 3, 1), self.kernel)
        return {"last_hidden_state": jax.nn.relu(x), "pooler_output": x.mean((1, 2))}


@pytest.mark.slow
def test_models_with_a_dtype_are_networks() -> None:
    keras = load.wrapped(Keras(), "m:model", load.InputOptions(size=(6, 5)))
    np.testing.assert_allclose(keras.network.run(X), X.mean((1, 2)), rtol=1e-5)
    hf = load.wrapped(HuggingFace(), "m:model", load.InputOptions(size=(6, 5)))
    assert hf.network.run(X).shape == (2, 4, 3, 4)
    assert "It is called with channels first, (N, C, H, W): channels last cannot be traced." in hf.assumed
    assert hf.assumed[-1].startswith("The output is last_hidden_state")
    for wrong in (np.zeros(3), jnp.zeros(3), np.dtype("float32")):
        with pytest.raises(NetworkError, match="is no network but of type"):
            load.wrapped(wrong, "m:array")


def test_a_kernel_that_is_given_is_no_second_image() -> None:
    """Its shape (1, 1, 3, 4) says neither; two images are run with it as one is."""
    kernel = np.cos(np.arange(12.0, dtype=np.float32)).reshape(1, 1, 3, 4)

    def forward(image: Any, kernel: Any) -> Any:
        numbers = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(image, kernel, (1, 1), "SAME", dimension_numbers=numbers)
        return {"map": jax.nn.relu(y), "size": 1.5, "mean": y.mean()}

    net = dv.Network(forward, input_spec=SPEC, inputs={"kernel": kernel}, vary="image")
    np.testing.assert_allclose(net.run(X), np.maximum(X @ kernel[0, 0], 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.taps(X, ["relu1"])["relu1"], net.run(X), rtol=1e-6)
