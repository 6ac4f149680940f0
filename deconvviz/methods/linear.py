"""Linear: the rule "linear" at every rectifier on the way down."""

from deconvviz.catalog import Method

METHOD = Method(
    name="linear",
    title="Linear",
    formula=r"g",
    sources=("zeiler2014visualizing",),
    order=3,
    limits="The rectifiers taken away on the way down: what switches and filters alone would paint.",
)
