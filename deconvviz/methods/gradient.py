"""Gradient: the rule "gradient" at every rectifier on the way down."""

from deconvviz.catalog import Method

METHOD = Method(
    name="gradient",
    title="Gradient",
    formula=r"g \odot [z > 0]",
    sources=("simonyan2014deep",),
    order=0,
    limits="The slope at this very image: right for small changes, noisy to the eye.",
)
