"""A course and a laboratory about convolution run backwards: adjoints, DeconvNet, guided backprop, on any JAX network.

The public names stand in `deconvviz/__init__.pyi` and are imported when one is first used, so that what needs no
network, such as `deconvviz --help`, does not wait a second for JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
