"""How the shipped network was trained, and how it is measured."""

from pathlib import Path

from deconvviz.catalog import Lazy, Option, Trainable

TRAINING = Trainable(
    name="caltech",
    title="The shipped network, on Caltech-101",
    train=Lazy("deconvviz.training.caltech.train:train"),
    evaluate=Lazy("deconvviz.training.caltech.train:evaluate"),
    options=(
        Option(
            "epochs",
            "How many; by default those of the shipped weights (220, then 48 with --start).",
            int,
            of=("train",),
        ),
        Option(
            "start",
            "Weights to go on from, instead of noise; beside them lie the curve and snapshots of their run.",
            str,
            of=("train",),
        ),
        Option(
            "teachers",
            "Weights, with commas between, whose class probabilities are targets beside the labels.",
            str,
            of=("train",),
        ),
        Option("learning_rate", "Its peak.", float, of=("train",)),
        Option(
            "adversarial",
            "Radius (L2, pixels in 0..1) within which pictures are moved against the network.",
            float,
            of=("train",),
        ),
        Option(
            "attack",
            "Also after a change of every picture, so long (L2, pixels 0..1).",
            float,
            of=("evaluate",),
        ),
        Option("weights", "Weights to use instead of the shipped ones.", Path, of=("evaluate",)),
    ),
)
