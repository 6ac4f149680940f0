"""What the presets reach on the shipped network and a photograph."""

from __future__ import annotations

import numpy as np
import pytest

import deconvviz as dv
from deconvviz.data import samples

pytestmark = pytest.mark.slow


@pytest.mark.deep
@pytest.mark.parametrize(
    ("layer", "feature_error", "image_error"), [("relu1", 0.005, 0.02), ("relu2", 0.03, 0.06), ("relu4", 0.06, 0.09)]
)
def test_a_layer_is_inverted(layer: str, feature_error: float, image_error: float) -> None:
    found = dv.invert(dv.load("caltech"), samples.load("cat"), layer, steps=160)
    assert found.feature_error < feature_error
    assert found.image_error < image_error


@pytest.mark.deep
def test_what_a_class_looks_for_is_taken_for_it() -> None:
    net = dv.load("caltech")
    assert net.labels is not None
    leopards = net.labels.index("Leopards")
    found = dv.visualize(net, dv.Unit("logits", leopards), steps=128)
    assert dv.predict(net, found.image)[leopards] > 0.9
    assert found.activation == pytest.approx(
        float(np.ravel(net.run(dv.model_input(net, found.image)))[leopards]), rel=1e-3
    )
