"""Guided backprop: the rule "guided" at every rectifier on the way down."""

from deconvviz.catalog import Method

METHOD = Method(
    name="guided",
    title="Guided backprop",
    formula=r"\max(g, 0) \odot [z > 0]",
    sources=(
        "springenberg2015striving",
        "adebayo2018sanity",
        "nie2018theoretical",
    ),
    order=2,
    limits="Sharp, but it leans on the image itself: it changes little when the upper layers are made random.",
)
