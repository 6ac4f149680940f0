"""What the layers of the shipped network still know of a picture: six inverters, measured alike."""

from pathlib import Path

from deconvviz.catalog import Lazy, Option, Trainable

TRAINING = Trainable(
    name="inversion",
    title="Six ways back from each layer of the shipped network to the picture, side by side",
    evaluate=Lazy("deconvviz.training.inversion.evaluate:evaluate"),
    options=(
        Option("layers", "Layers, commas between; by default all with a trained inverter.", of=("evaluate",)),
        Option("inverters", "Commas between: linear,deconvnet,learned,refined,search,plug_and_play.  [default: all]",
               of=("evaluate",)),
        Option("images", "How many pictures of the folder, evenly spaced.  [default: 4]", int, of=("evaluate",)),
        Option("steps", "Steps of each of both searches.  [default: 512 and 384]", int, of=("evaluate",)),
        Option("judge", "The second network: a name of the catalogue, squeezenet for example.  [default: watermark]",
               of=("evaluate",)),
        Option("judge_weights", "Weights of the judge, where none come with the package.", Path, of=("evaluate",)),
        Option("weights", "Inverters to use instead of the shipped ones.", Path, of=("evaluate",)),
        Option("network_weights", "Weights of the network that those inverters are of.", Path, of=("evaluate",)),
        Option("csv", "Write the table there; a stopped run goes on from FILE.partial.", Path, of=("evaluate",)),
    ),
)  # fmt: skip
