"""Enlarge a picture 2, 3 or 4 times: brightness by a trained network, colour by bicubic; measured as the field does it.

Source: dong2016accelerating
"""

from pathlib import Path

from deconvviz.catalog import USES, Lazy, Option, Task, weights_options

#: Kinds of the last layer, as `deconvviz.models.upsamplers` has them.
UPSAMPLERS = ("transposed", "subpixel", "resize", "unpool")
#: What is trained: the paper's network, and a wider one that adds to bicubic interpolation.
NETWORKS = ("fsrcnn", "residual")

TASK = Task(
    name="super_resolution",
    title="Enlarge a picture 2, 3 or 4 times",
    apply=Lazy("deconvviz.tasks.super_resolution.predict:apply"),
    write=Lazy("deconvviz.tasks.super_resolution.predict:write"),
    describe=Lazy("deconvviz.tasks.super_resolution.predict:describe"),
    evaluate=Lazy("deconvviz.tasks.super_resolution.evaluate:evaluate"),
    train=Lazy("deconvviz.tasks.super_resolution.train:train"),
    card=Lazy("deconvviz.tasks.super_resolution.card:card"),
    figures=("psnr", "ssim", "psnr_bicubic", "ssim_bicubic"),
    options=(
        Option("scale", "How many times larger: 2, 3 or 4 (3).", int, of=(*USES, "train")),
        *weights_options("Which of its networks, x3 or x3-resize for example."),
        Option("turns", "8 turns and reflections of the picture, or 1 alone (8 up to 256 x 256 pixels).", int, of=USES),
        Option("limit", "Measure that many pictures only.", int, of=("evaluate",)),
        Option("network", "Which network (fsrcnn).", choices=NETWORKS, of=("train",)),
        Option("blocks", "Blocks of the residual network (3).", int, of=("train",)),
        Option("upsampler", "The last layer (transposed).", choices=UPSAMPLERS, of=("train",)),
        Option("start", "A finished run of any scale to go on from.", Path, of=("train",)),
        Option("test", "Pictures that the finished weights are measured on.", Path, of=("train",)),
        Option("name", "What the variant is called (x3, or x3-resize with that upsampler).", of=("train",)),
        Option("epochs", "How many epochs (25; residual 3).", int, of=("train",)),
        Option("steps", "Batches in an epoch (1000).", int, of=("train",)),
        Option("batch", "Parts in a batch (8; residual 4).", int, of=("train",)),
        Option("side", "Small pixels of a part's side (16; residual 40).", int, of=("train",)),
        Option("learning_rate", "Its peak (0.003; residual 0.002).", float, of=("train",)),
    ),
    sources=(
        "dong2016accelerating",
        "dong2016image",
        "kim2016accurate",
        "lim2017enhanced",
        "shi2016realtime",
        "timofte2016seven",
        "wang2004image",
    ),
)
