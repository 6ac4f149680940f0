"""DeconvNet: the rule "deconvnet" at every rectifier on the way down."""

from deconvviz.catalog import Method

METHOD = Method(
    name="deconvnet",
    title="DeconvNet",
    formula=r"\max(g, 0)",
    sources=("zeiler2014visualizing",),
    order=1,
    limits="The signal is rectified, the input forgotten: no derivative of any function, and alike for many units.",
)
