"""How the network with a planted truth was trained, and how every method's maps of it are measured."""

from pathlib import Path

from deconvviz.catalog import Lazy, Option, Trainable

TRAINING = Trainable(
    name="watermark",
    title="A network that looks for a watermark: a planted truth for maps",
    train=Lazy("deconvviz.training.watermark.train:train"),
    evaluate=Lazy("deconvviz.training.watermark.train:evaluate"),
    options=(
        Option("epochs", "How many; by default as many as the shipped weights had.", int, of=("train",)),
        Option("pictures", "Marked pictures that maps are drawn of.  [default: 40]", int, of=("evaluate",)),
        Option("weights", "Weights to use instead of the shipped ones.", Path, of=("evaluate",)),
    ),
)
