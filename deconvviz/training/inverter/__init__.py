"""How the decoders that learned inversion uses were trained, and how they are measured."""

from pathlib import Path

from deconvviz.catalog import Lazy, Option, Trainable

TRAINING = Trainable(
    name="inverter",
    title="A decoder that inverts a layer of the shipped network",
    train=Lazy("deconvviz.training.inverter.train:train"),
    evaluate=Lazy("deconvviz.training.inverter.train:evaluate"),
    options=(
        Option("layer", "The layer whose values are inverted.", of=("train", "evaluate")),
        Option(
            "loss",
            "plain, squared error in pixels alone, or sharp: with what that blurs beside it.  [default: plain]",
            choices=("plain", "sharp"),
            of=("train",),
        ),
        Option("epochs", "How many; by default as many as the shipped weights had.", int, of=("train",)),
        Option(
            "upsampler",
            "transposed, unpool (values in the upper left corner) or resize.  [default: transposed]",
            of=("train",),
        ),
        Option(
            "compared",
            "Layers of the network, commas between, in which answer and picture are compared besides their pixels.",
            of=("train",),
        ),
        Option("compared_weight", "Weight of that beside the error in pixels.  [default: 0.02]", float, of=("train",)),
        Option("weights", "Weights to use instead of the shipped ones.", Path, of=("evaluate",)),
    ),
)
