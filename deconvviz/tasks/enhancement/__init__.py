"""Take noise and JPEG blocks out of a picture: convolve, convolve back transposed, fuse with what went in.

One network for every strength of both, which it is not told. Beside it what article 004 prints, with no training: a
blur, its adjoint, and their mean with the picture.
"""

from pathlib import Path

from deconvviz.catalog import USES, Lazy, Option, Task, weights_options

#: Ways to fuse the picture that went in with what the transposed convolution makes.
FUSIONS = ("none", "add", "weighted", "concatenate")
#: The network of `apply`, and the small ones that are compared.
VARIANTS = ("main", *FUSIONS, *(f"{fusion}-norm" for fusion in FUSIONS), "none-resize", "add-resize")
#: How a colour picture goes through a network that knows grey ones.
WAYS = ("colours", "channels", "brightness")

TASK = Task(
    name="enhancement",
    title="Take noise and JPEG blocks out of a picture",
    apply=Lazy("deconvviz.tasks.enhancement.predict:apply"),
    write=Lazy("deconvviz.tasks.enhancement.predict:write"),
    describe=Lazy("deconvviz.tasks.enhancement.predict:describe"),
    evaluate=Lazy("deconvviz.tasks.enhancement.evaluate:evaluate"),
    train=Lazy("deconvviz.tasks.enhancement.train:train"),
    card=Lazy("deconvviz.tasks.enhancement.card:card"),
    figures=("psnr", "psnr_input", "ssim", "ssim_input", "psnr_untrained"),
    options=(
        *weights_options("main, or a small network such as add or none-norm (main)."),
        Option("variant", "main, or a small network (main).", choices=VARIANTS, of=("train",)),
        Option("way", "How colours go through the network (colours).", choices=WAYS, of=USES),
        Option("turns", "8 turns and reflections of the picture, or 1 alone, eight times as fast (8).", int, of=USES),
        Option("sigma", "Standard deviation of the noise, of 255 (25).", float, of=("evaluate",)),
        Option("quality", "JPEG quality, 1 to 100; no noise then but with --sigma.", int, of=("evaluate",)),
        Option("noise_seed", "Seed of the noise (0).", int, of=("evaluate",)),
        Option("epochs", "Epochs of 200 batches; as many as the shipped weights had if left out.", int, of=("train",)),
        Option("until", "Stop after that epoch; the same command without it goes on.", int, of=("train",)),
        Option("start", "Weights to go on from.", Path, of=("train",)),
        Option("parts", "Parts of the pictures, which the weights of --start know.", Path, of=("train",)),
        Option("report", "Other pictures, measured at the end for the card.", Path, of=("train",)),
    ),
    sources=("mao2016image", "zhang2017beyond", "zhang2018ffdnet", "wang2004image", "ioffe2015batch"),
)
