"""Make pictures: an autoencoder of faces, motorbikes and airplanes that rebuilds, draws and goes from one to another.

A variational autoencoder: a picture becomes a code of few numbers, a decoder of transposed convolutions makes a
picture of any code. Four decoders of one code differ in how they enlarge.
"""

from pathlib import Path

from deconvviz.catalog import Lazy, Option, Task, weights_options

#: Decoder -> (upsampler, taps a side). A transposed convolution of 3 taps and stride 2 overlaps unevenly.
DECODERS: dict[str, tuple[str, int]] = {
    "transposed3": ("transposed", 3),
    "transposed4": ("transposed", 4),
    "subpixel": ("subpixel", 3),
    "resize": ("resize", 3),
}
#: The decoder that is used where none is named: the one of the four whose drawn pictures are named most often.
DECODER = "subpixel"
#: Pictures that `evaluate` measures on.
PARTS = ("all", "held_out")

TASK = Task(
    name="generation",
    title="Make pictures from a code of few numbers",
    apply=Lazy("deconvviz.tasks.generation.predict:apply"),
    write=Lazy("deconvviz.tasks.generation.predict:write"),
    describe=Lazy("deconvviz.tasks.generation.predict:describe"),
    evaluate=Lazy("deconvviz.tasks.generation.evaluate:evaluate"),
    train=Lazy("deconvviz.tasks.generation.train:train"),
    card=Lazy("deconvviz.tasks.generation.card:card"),
    figures=("psnr", "ssim", "log_likelihood", "kl", "sample_accuracy", "feature_distance", "checkerboard"),
    options=(
        Option("sample", "Draw that many pictures of a class instead.", int),
        Option("class", "The class to draw from; that of the picture if left out.", keyword="class_name"),
        Option("seed", "Fixes what is drawn (0).", int),
        Option("spread", "Of what is drawn; below 1 is closer to the middle (1).", float),
        Option("interpolate", "Another picture, to which a strip of eight leads.", Path),
        Option("decoder", f"How maps are enlarged ({DECODER}).", choices=tuple(DECODERS)),
        *weights_options(),
        Option("part", "Which pictures to measure on (all).", choices=PARTS, of=("evaluate",)),
        Option("epochs", "Length of the schedule (40; 20 with --start).", int, of=("train",)),
        Option("start", "Weights whose decoders learn on beside a critic, for sharper pictures.", Path, of=("train",)),
        Option("batch", "Pictures in a batch (16).", int, of=("train",)),
        Option("latents", "Numbers in a code (48).", int, of=("train",)),
        Option("perceptual", "Weight of the error in early features of the recognition network.", float, of=("train",)),
        Option("classes", "Names with commas between; faces, motorbikes, airplanes where they are.", of=("train",)),
    ),
    sources=(
        "kingma2014auto", "ghosh2020variational", "larsen2016autoencoding", "heusel2017gans", "odena2016deconvolution",
    ),
)  # fmt: skip
