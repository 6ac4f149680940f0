"""Name every pixel of a street: sky, road, car and eight more; the network that does it best, and three decoders.

The best one starts from SqueezeNet's ImageNet weights. The three decoders share an encoder that was trained from
nothing and differ only in how maps become larger again, so their figures say what a transposed convolution, unpooling
with switches, or plain bilinear enlargement is worth.
"""

from pathlib import Path

from deconvviz.catalog import Lazy, Option, Task, weights_options

DECODERS = ("coarse", "transposed", "unpool", "bilinear")
#: The decoder of the network that starts from SqueezeNet's weights: the best one, not compared with the others.
SKIPS = "skips"
FUSIONS = ("none", "average", "weighted")
BALANCES = ("none", "root", "median")
EXPERIMENTS = ("end-to-end",)

_TRAIN = ("train",)
TASK = Task(
    name="segmentation",
    title="Name every pixel of a street",
    apply=Lazy("deconvviz.tasks.segmentation.predict:apply"),
    write=Lazy("deconvviz.tasks.segmentation.predict:write"),
    describe=Lazy("deconvviz.tasks.segmentation.predict:describe"),
    evaluate=Lazy("deconvviz.tasks.segmentation.evaluate:evaluate"),
    train=Lazy("deconvviz.tasks.segmentation.train:train"),
    card=Lazy("deconvviz.tasks.segmentation.card:card"),
    figures=("global_accuracy", "global", "class_average", "mean_iou", "boundary_f1", "iou"),
    options=(
        *weights_options("Which variant, as the card names them (skips)."),
        Option("indices", "Write class indices instead of colours over the picture.", bool, of=("write",)),
        Option("limit", "Measure that many pictures only.", int, of=("evaluate",)),
        Option("decoder", "How maps become larger again (transposed).", choices=(*DECODERS, SKIPS), of=_TRAIN),
        Option("fusion", "How the picture comes in again at half size (none).", choices=FUSIONS, of=_TRAIN),
        Option("balance", "Weights of the classes in the loss (root).", choices=BALANCES, of=_TRAIN),
        Option("encoder", "A run with --decoder coarse; for skips: what it starts from.", Path, of=_TRAIN),
        Option("epochs", "How often every picture is shown (24; skips 40).", int, of=_TRAIN),
        Option("batch", "Parts in a step (4).", int, of=_TRAIN),
        Option("learning_rate", "Its peak (0.002).", float, of=_TRAIN),
        Option(
            "experiment", "Instead of one run: all decoders with their encoders, five seeds, half size.",
            choices=EXPERIMENTS, of=_TRAIN,
        ),
        Option("hold_back", "Leave out training pictures whose names begin so, and measure on them.", of=_TRAIN),
    ),
    sources=("badrinarayanan2017segnet", "noh2015learning", "paszke2016enet", "brostow2009semantic"),
)  # fmt: skip
