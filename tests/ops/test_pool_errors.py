"""Every refusal of pooling and unpooling, read."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from deconvviz.errors import GeometryError
from deconvviz.ops import avg_pool, avg_pool_adjoint, ceil_padding, max_pool, max_unpool, take_switches

X = np.zeros((2, 5, 7, 3), np.float32)
Y = np.zeros((2, 2, 3, 3), np.float32)
SWITCHES = np.zeros((2, 2, 3, 3), np.int32)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: max_pool(X, 0), "window is 1 or more along rows and columns; got window=0"),
        (lambda: max_pool(X, 2, 0), "got stride=0"),
        (lambda: max_pool(X, 6), "the window of 6 rows does not fit the input of 5 rows padded by 0 and 0 (5 in all)"),
        (lambda: max_pool(X, 6), "pad by 1 more or take a smaller window"),
        (lambda: max_pool(X, 2, 2, 2), "would see nothing but padding, so it has no value: got padding=2"),
        (lambda: max_pool(X, (1, 2), 1, ((0, 0), (0, 2))), "keep the padding below the window"),
        (
            lambda: avg_pool(X, 3, 3, ((0, 0), (3, 0))),
            "a window of 3 columns at stride 3 on 7 columns padded by 3 and 0",
        ),
        (lambda: max_pool(X[0], 2), "for one image use x[None]"),
        (lambda: max_pool(X.astype(complex), 2), "x holds real numbers; got dtype complex64"),
        (lambda: max_pool(X, 2, padding="CEIL"), "got padding='CEIL'"),
        (
            lambda: max_unpool(Y, SWITCHES + 35, (5, 7)),
            "switches from 35 to 35 do not lie in a plane of 5 x 7 = 35 cells",
        ),
        (lambda: max_unpool(Y, SWITCHES - 1, (5, 7)), "is input_size the size of what was pooled?"),
        (lambda: max_unpool(Y[:, :1], SWITCHES, (5, 7)), "g has shape (2, 1, 3, 3), but the pooled map that these"),
        (lambda: max_unpool(Y, Y, (5, 7)), "got shape (2, 2, 3, 3), dtype float32"),
        (lambda: max_unpool(Y, SWITCHES, (5, 7, 3)), "input_size=(5, 7, 3)"),
        (
            lambda: take_switches(X[:1], SWITCHES),
            "switches has shape (2, 2, 3, 3), but a pooled map of x has shape (1,",
        ),
        (lambda: take_switches(X[:, :1, :1], SWITCHES + 1), "do not lie in a plane of 1 x 1"),
        (
            lambda: avg_pool_adjoint(Y, 2, input_size=(4, 8)),
            "the output of this pooling on an input of 4 x 8 has shape",
        ),
        (lambda: ceil_padding((5, 7), 2, 2, "SAME"), "ceil mode adds to padding given in numbers; got padding='SAME'"),
        (lambda: ceil_padding((1, 7), 4, 2), "the window of 4 rows does not fit the input of 1 rows"),
    ],
)
def test_pooling_refuses(call: Callable[[], object], said: str) -> None:
    with pytest.raises(GeometryError) as error:
        call()
    assert said in str(error.value)


def test_declared_shapes_are_held() -> None:
    from deconvviz.ops import LinearMap

    wrong = LinearMap(lambda x: x[:, 1:], lambda y: y, (1, 3, 2, 1), (1, 2, 2, 1))
    with pytest.raises(GeometryError, match=r"result of adjoint has shape \(1, 2, 2, 1\), but the declared input"):
        wrong.dot_test()


def test_dot_test_tells_wrong_from_right_and_survives_nothing() -> None:
    from deconvviz.ops import LinearMap

    shape = (1, 2, 3, 1)
    assert LinearMap(lambda x: 0 * x, lambda y: 0 * y, shape, shape).dot_test() == 0
    assert LinearMap(lambda x: 0 * x, lambda y: y, shape, shape).dot_test() > 1e-2
    assert LinearMap(lambda x: x, lambda y: y[:, ::-1], shape, shape).dot_test() > 1e-2
    assert np.isnan(LinearMap(lambda x: x * jnp.nan, lambda y: y, shape, shape).dot_test())
