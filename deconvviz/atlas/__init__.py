"""The pictures of a folder that excite each channel of a layer most, with what the units saw: built, kept, read.

Source: zeiler2014visualizing
"""

from deconvviz.atlas.builder import build
from deconvviz.atlas.processes import Team, join
from deconvviz.atlas.read import SHIPPED, Atlas, Layer, Row

__all__ = ["SHIPPED", "Atlas", "Layer", "Row", "Team", "build", "join"]
