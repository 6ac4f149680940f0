"""Which settings suit which layer: by depth, with a table for the networks that deconvviz knows and a guess for others.

The weights of inversion were chosen on the shipped network and two built-in photographs, by the error in pixels and by
looking; deeper layers know less of the picture and need more help from the priors. Those of visualization were chosen
by looking at several channels a layer of the shipped network and at a few of SqueezeNet.
"""

from __future__ import annotations

import re

from deconvviz.methods._settings import Settings
from deconvviz.network import Network
from deconvviz.types import Layer

#: By how much of the picture one value of a layer sees: shallow, lower, middle, upper, all of it.
INVERSION = {
    "shallow": Settings(parametrization="pixel", rate=0.02, tv=1e-4),
    "lower": Settings(parametrization="pixel", rate=0.02, tv=3e-3, norm=1e-3),
    "middle": Settings(rate=0.1, tv=1e-2, norm=3e-3, jitter=1),
    "upper": Settings(rate=0.1, tv=3e-2, norm=1e-2, jitter=2),
    "whole": Settings(rate=0.05, tv=3e-2, norm=1e-2, jitter=4),
}
#: For activations of about 1 to 10, as those of networks that are fed -2..2.
VISUALIZATION = {
    "shallow": Settings(steps=256, rate=0.1, tv=3e-3, jitter=2),
    "lower": Settings(steps=256, rate=0.1, tv=3e-3, jitter=4, turn=5.0, zoom=0.05),
    "middle": Settings(steps=256, rate=0.1, tv=1e-2, jitter=8, turn=10.0, zoom=0.1),
    "upper": Settings(steps=256, rate=0.1, tv=1e-2, jitter=8, turn=10.0, zoom=0.1),
    "whole": Settings(rate=0.05, jitter=8, turn=10.0, zoom=0.1),
}
#: Networks with other needs: those fed 0..255 have activations of 10 (conv1) to 1000 (fire6), and a penalty is weighed
#: against them. In fire6 48 steps without one that counts drew clean textures, and fishes for
#: ImageNet's class 1, goldfish.
VISUALIZATION_OF = {
    "squeezenet": {
        "shallow": Settings(steps=256, rate=0.1, tv=3e-2, jitter=2),
        "lower": Settings(steps=256, rate=0.1, tv=3e-2, jitter=4, turn=5.0, zoom=0.05),
        "middle": Settings(steps=256, rate=0.1, tv=3e-2, jitter=8, turn=10.0, zoom=0.1),
        "upper": Settings(steps=256, rate=0.1, tv=3e-2, jitter=8, turn=10.0, zoom=0.1),
        "whole": Settings(steps=256, rate=0.1, tv=3e-3, jitter=8, turn=10.0, zoom=0.1),
    }
}
#: Network -> (pattern of layer names, depth): the first that matches counts.
DEPTHS = {
    "caltech": (
        (r"(conv|relu)1", "shallow"),
        (r"pool1|(conv|relu)2", "lower"),
        (r"pool2|(conv|relu)[34]", "middle"),
        (r"pool[34]|(conv|relu)[567]", "upper"),
        (r".*", "whole"),
    ),
    "squeezenet": (
        (r"(conv|relu)1", "shallow"),
        (r"pool1|fire2.*", "lower"),
        (r"fire[3-6].*|pool4", "middle"),
        (r"fire[789].*|pool8|(conv|relu)10", "upper"),
        (r".*", "whole"),
    ),
}


def depth(network: Network, layer: Layer) -> str:
    """ "shallow", "lower", "middle", "upper" or "whole": how far up a layer is, as far as the presets care."""
    for pattern, name in DEPTHS.get(network.name.removesuffix("-robust"), ()):
        if re.fullmatch(pattern, layer.name):
            return name
    if layer.receptive_field is None or len(layer.shape) != 3:
        return "whole"
    share = max(extent / size for extent, size in zip(layer.receptive_field, network.input_spec.size, strict=True))
    bounds = ((0.06, "shallow"), (0.16, "lower"), (0.5, "middle"))
    return next((name for bound, name in bounds if share <= bound), "upper")


def inversion(network: Network, layer: Layer) -> Settings:
    """The settings that a layer is inverted with unless others are asked for."""
    return INVERSION[depth(network, layer)]


def visualization(network: Network, layer: Layer) -> Settings:
    """The settings that a unit of a layer is visualized with unless others are asked for."""
    deep = depth(network, layer)
    return VISUALIZATION_OF.get(network.name, {}).get(deep, VISUALIZATION[deep])
