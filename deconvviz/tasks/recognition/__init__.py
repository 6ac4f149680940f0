"""Recognize a digit by the small network of article 004, and show what of the picture the answer rests on.

Source: ioffe2015batch, srivastava2014dropout, alpaydin1998optical
"""

from deconvviz.catalog import Lazy, Option, Task, weights_options

#: Values of a switch in training.
ON_OFF = ("on", "off")

TASK = Task(
    name="recognition",
    title="Recognize a digit and show what the answer rests on",
    apply=Lazy("deconvviz.tasks.recognition.predict:apply"),
    write=Lazy("deconvviz.tasks.recognition.predict:write"),
    describe=Lazy("deconvviz.tasks.recognition.predict:describe"),
    evaluate=Lazy("deconvviz.tasks.recognition.evaluate:evaluate"),
    train=Lazy("deconvviz.tasks.recognition.train:train"),
    card=Lazy("deconvviz.tasks.recognition.card:card"),
    figures=("accuracy", "cross_entropy"),
    options=(
        Option("class", "The class whose map is made; the likeliest if left out.", keyword="class_name"),
        *weights_options(),
        Option("what", "What to measure (figures).", choices=("figures", "effects"), of=("evaluate",)),
        Option("seeds", "Trainings of each setting for the effects (3).", int, of=("evaluate",)),
        Option("norm", "Batch normalization (on).", choices=ON_OFF, of=("train",)),
        Option("drop", "Regularization: dropout and decay of the weights (on).", choices=ON_OFF, of=("train",)),
        Option("decoder", "A decoder of transposed convolutions (off).", choices=ON_OFF, of=("train",)),
        Option("pictures", "How many to train on; 0 for all (0; 200 for the effects).", int, of=("train", "evaluate")),
        Option("epochs", "How often all are shown (10).", int, of=("train", "evaluate")),
        Option("batch", "Pictures a step (32).", int, of=("train",)),
        Option("learning_rate", "Peak of the learning rate (0.001).", float, of=("train",)),
    ),
    sources=("ioffe2015batch", "srivastava2014dropout", "alpaydin1998optical", "zeiler2014visualizing"),
)  # fmt: skip
