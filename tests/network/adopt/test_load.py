"""A network of one's own by its address: what may stand there, what is assumed, and every refusal in a sentence."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.errors import NetworkError
from deconvviz.network.adopt import load

MODULE = """
import functools

import jax
import jax.numpy as jnp
from flax import linen, nnx

import deconvviz as dv

W = jnp.cos(jnp.arange(3 * 2 * 3 * 5.0)).reshape(3, 2, 3, 5)


def forward(x):
    x = jax.lax.conv_general_dilated(x, W, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(x).mean((1, 2))


def with_params(params, x):
    return forward(x) * params


class Holder:
    inner = staticmethod(forward)


class Dropped(nnx.Module):
    def __init__(self, *, rngs):
        self.conv = nnx.Conv(3, 5, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(5, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.drop(self.norm(self.conv(x)))).mean((1, 2))


def flat(x):
    return x.reshape(x.shape[0], -1) @ jnp.ones((28 * 28, 4))


def made():
    return Dropped(rngs=nnx.Rngs(3))


def twice():
    return made


def broken():
    return {}["nothing"]


def leaves():
    raise SystemExit("no data")


class Own(BaseException):
    pass


def raises_its_own():
    raise Own("a kind of its own")


class Strange:
    def __getattr__(self, name):
        raise RuntimeError("no attribute today")


strange = Strange()


def nan(x):
    return jax.nn.relu(x * jnp.array([1.0, jnp.nan, 2.0])).mean((1, 2))


def masked(x):
    return jnp.maximum(x, jnp.array([-jnp.inf, 0.0, 0.0])).mean((1, 2))


module = made()
wrapped = dv.Network(forward, input_spec=dv.InputSpec(size=(9, 7)), name="mine")
jitted = jax.jit(forward)
partial = functools.partial(with_params, 2.0)
layer = linen.Dense(3)
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a module mynet and two that cannot be imported."""
    (tmp_path / "mynet.py").write_text(MODULE)
    (tmp_path / "raises.py").write_text("a = 1\nraise ValueError('no weights here')\n")
    (tmp_path / "needs.py").write_text("import no_such_package_at_all\n")
    (tmp_path / "wrong.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("mynet", "raises", "needs", "wrong"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def refusal(address: str, given: load.InputOptions = load.InputOptions()) -> str:  # noqa: B008  # frozen
    with pytest.raises(NetworkError) as caught:
        load.load(address, given)
    return str(caught.value)


SIZE = load.InputOptions(size=(9, 7))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forward", "jitted", "partial", "Holder.inner"])
def test_a_function_is_run_as_it_is(folder: Path, name: str) -> None:
    made = load.load(f"mynet:{name}", SIZE)
    x = np.random.default_rng(1).random((1, 9, 7, 3)).astype(np.float32)
    function = load._object(f"mynet:{name}")
    np.testing.assert_allclose(made.network.run(x), function(x), rtol=1e-5)
    assert made.network.input_spec == dv.InputSpec(size=(9, 7))
    assert made.network.name == f"mynet:{name}"
    assert [line.split(":")[0] for line in made.assumed] == ["3 channels, red first", "Values from 0 to 1"]


def test_a_network_stays_what_it_is(folder: Path) -> None:
    made = load.load("mynet:wrapped")
    assert made.network is sys.modules["mynet"].wrapped
    assert made.assumed == ()
    assert "says itself what it is fed (InputSpec(size=(9, 7)" in refusal("mynet:wrapped", SIZE)


@pytest.mark.parametrize("name", ["module", "made"])
def test_modules_are_put_into_inference_mode_and_left_alone(folder: Path, name: str) -> None:
    network = load.load(f"mynet:{name}", SIZE).network
    first, other = np.random.default_rng(2).random((2, 1, 9, 7, 3)).astype(np.float32)
    alone = network.run(first)
    np.testing.assert_array_equal(alone, network.run(first))
    np.testing.assert_allclose(network.run(np.concatenate([first, other]))[0], alone[0], rtol=1e-4)
    assert [layer.name for layer in network.layers][:2] == ["conv", "norm"]
    module = sys.modules["mynet"].module
    assert (module.norm.use_running_average, module.drop.deterministic) == (False, False)


@pytest.mark.slow
def test_an_equinox_module_is_called_image_by_image() -> None:
    eqx = pytest.importorskip("equinox")
    conv = eqx.nn.Conv2d(3, 5, (3, 2), key=jax.random.key(0))
    made = load.wrapped(eqx.nn.Sequential([conv, eqx.nn.Dropout(0.5), eqx.nn.Lambda(jax.nn.relu)]), "m:model", SIZE)
    x = np.random.default_rng(1).random((2, 9, 7, 3)).astype(np.float32)
    expected = jnp.stack([jax.nn.relu(conv(one.transpose(2, 0, 1))) for one in x])
    np.testing.assert_allclose(made.network.run(x), expected, rtol=1e-4, atol=1e-5)
    assert "image by image with channels first" in made.assumed[-1]


@pytest.mark.deep
def test_an_equinox_module_names_its_layers() -> None:
    eqx = pytest.importorskip("equinox")
    keys = jax.random.split(jax.random.key(0), 4)

    class Block(eqx.Module):
        conv: eqx.nn.Conv2d
        norm: eqx.nn.GroupNorm
        rest: list

        def __call__(self, x, *, key=None):
            x = self.norm(self.conv(x))
            for layer in self.rest:
                x = layer(jax.nn.relu(x))
            return x

    rest = [eqx.nn.Conv2d(4, 4, 1, key=keys[1]), eqx.nn.Conv2d(4, 4, 1, key=keys[2])]
    block = Block(eqx.nn.Conv2d(3, 4, 3, key=keys[0]), eqx.nn.GroupNorm(2, 4), rest)
    model = eqx.nn.Sequential([block, eqx.nn.Lambda(jax.nn.relu), eqx.nn.AdaptiveAvgPool2d(1)])
    made = load.wrapped(model, "m:model", SIZE)
    kinds = {layer.name: layer.kind for layer in made.network.layers}
    convolutions = [name for name, kind in kinds.items() if kind == "conv"]
    assert convolutions == ["0/conv", "0/rest/0", "0/rest/1"]
    assert not any("eqx.nn" in name for name in kinds)
    x = np.random.default_rng(1).random((2, 9, 7, 3)).astype(np.float32)
    expected = jax.vmap(model)(x.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(made.network.run(x), expected, rtol=1e-4, atol=1e-5)
    own = dv.Network(lambda x: x, input_spec=dv.InputSpec(size=(9, 7)))
    assert own.layers == ()
    direct = dv.Network(eqx.nn.Sequential([eqx.nn.Lambda(jax.nn.relu)]), input_spec=dv.InputSpec(size=(9, 7)))
    assert [layer.name for layer in direct.layers] == ["layers/0"]


def test_size_and_channels_are_found_by_trying(folder: Path) -> None:
    made = load.load("mynet:flat")
    assert made.network.input_spec == dv.InputSpec(size=(28, 28), channels="L", mean=(0.0,), std=(1.0,))
    assert made.assumed[0] == ("Input size 28 x 28: not given, the first that can be traced.")
    assert made.assumed[1].startswith("1 grey channel: not given")
    told = refusal("mynet:flat", load.InputOptions(size=(9, 7), channels="RGB"))
    assert "shape (1, 9, 7, 3)" in told
    assert "It can be traced at 28 x 28 with channels='L' (--size 28 28 --channels L)" in told


def test_the_range_is_that_of_the_numbers_given() -> None:
    from deconvviz.data.preprocess import model_input

    given = load.InputOptions(low_high=(-1.0, 3.0), mean=(0.5, 0.25, 0.0), std=(2.0,))
    spec = given.spec((1, 1), "RGB")
    fed = model_input(np.array([[[0.0, 0.5, 1.0]]], np.float32), spec)
    np.testing.assert_allclose(fed.ravel(), [(-1 - 0.5) / 2, (1 - 0.25) / 2, (3 - 0) / 2])


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("mynet", ["named package.module:object", "which object of mynet?"]),
        ("mynet.py:forward", ["for the file mynet.py, mynet:forward"]),
        ("nets/mynet.py:forward", ["for the file mynet.py, mynet:forward in the folder nets"]),
        ("model.pkl:net", ["model.pkl holds weights", "a pickle is never read"]),
        ("", ["got ''"]),
        ("mynett:forward", ["there is no module 'mynett'", "did you mean mynet?"]),
        ("mynet.deep:forward", ["there is no module 'mynet.deep'"]),
        ("mynet:forwrd", ["mynet has no 'forwrd'; did you mean forward?"]),
        ("mynet:Holder.iner", ["mynet:Holder has no 'iner'; did you mean inner?"]),
        ("raises:net", ["raises cannot be imported: it raised ValueError: no weights here", "raises.py, line 2"]),
        ("needs:net", ["needs cannot be imported: it needs 'no_such_package_at_all', which is not installed"]),
        ("wrong:f", ["SyntaxError", "wrong.py, line 1"]),
        ("mynet:broken", ["was called without arguments", "KeyError: 'nothing'", "mynet.py, line"]),
        ("mynet:leaves", ["SystemExit: no data"]),
        ("mynet:raises_its_own", ["was called without arguments", "Own: a kind of its own"]),
        ("mynet:strange.net", ["cannot be looked up: net raised RuntimeError: no attribute today"]),
        ("mynet:nan", ["has 1 weights that are NaN, in an array of shape (3,)"]),
        ("mynet:twice", ["made another function without arguments"]),
        ("mynet:with_params", ["takes params, x", "functools.partial(forward, params)"]),
        ("mynet:Dropped", ["is a class that cannot be made without rngs", "def net(): return Dropped(...)"]),
        ("mynet:layer", ["the Linen module Dense, which holds no weights", "dv.Network.from_linen(module, variables"]),
        ("mynet:number", ["mynet:number is no network but of type int"]),
        ("mynet:W", ["is no network but of type ArrayImpl"]),
    ],
)  # fmt: skip
def test_refusals_are_one_sentence(folder: Path, address: str, parts: list[str]) -> None:
    told = refusal(address)
    assert "\n" not in told
    for part in parts:
        assert part in told


@pytest.mark.slow
def test_what_cannot_be_traced_at_any_size_says_so() -> None:
    with pytest.raises(NetworkError) as caught:
        load.wrapped(lambda x: x @ jnp.ones((17, 2)), "m:f")
    told = str(caught.value)
    assert "no input size was given, and none of 224, 32, 28" in told
    assert "shape (1, 224, 224, 3)" in told


def test_an_activation_takes_in_only_itself() -> None:
    """A sigmoid that is no named call once swallowed every layer behind it."""
    weights = jnp.ones((3, 5))
    network = dv.Network(lambda x: jax.nn.sigmoid(x).mean((1, 2)) @ weights, input_spec=dv.InputSpec(size=(9, 7)))
    assert [layer.kind for layer in network.layers] == ["sigmoid", "mean", "dense"]


def test_a_network_that_has_to_be_a_pytorch_module_is_one(folder: Path) -> None:
    with pytest.raises(NetworkError, match="mynet:forward is no PyTorch module but of type function"):
        load.load("mynet:forward", SIZE, torch=True)


def test_a_mask_of_infinities_is_no_damage(folder: Path) -> None:
    assert load.load("mynet:masked", load.InputOptions(size=(6, 8), channels="RGB")).network.layers
