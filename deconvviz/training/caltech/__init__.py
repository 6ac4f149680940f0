"""How the shipped network was trained, and how it is measured."""

from pathlib import Path

from deconvviz.catalog import Lazy, Option, Trainable

TRAINING = Trainable(
    name="caltech",
    title="The shipped network, on Caltech-101",
    train=Lazy("deconvviz.training.caltech.train:train"),
    evaluate=Lazy("deconvviz.training.caltech.train:evaluate"),
    options=(
        Option("epochs", "How many; by default as many as the shipped weights had.", int, of=("train",)),
        Option("weights", "Weights to use instead of the shipped ones.", Path, of=("evaluate",)),
    ),
)
