"""How the networks with a planted fault were trained, and what gives each of them away."""

from pathlib import Path

from deconvviz.catalog import Lazy, Option, Trainable

TRAINING = Trainable(
    name="planted",
    title="Four networks that tell a 3 from an 8, three of them with a planted fault",
    train=Lazy("deconvviz.training.planted.train:train"),
    evaluate=Lazy("deconvviz.training.planted.train:evaluate"),
    options=(
        Option("epochs", "How many; by default as many as the shipped weights had.", int, of=("train",)),
        Option("pictures", "Pictures that each test is made on.  [default: 400]", int, of=("evaluate",)),
        Option("weights", "Folder of a run to use instead of the shipped ones.", Path, of=("evaluate",)),
    ),
)
