"""Write the atlas that comes with the package again: the shipped network over the built-in pictures, a minute or two.

Shipped and not made at set-up: it is 1.8 MB, and the page has something to show at once. All channels of these layers
would be 30 MB; for those there is `deconvviz atlas build --model caltech --images sample:textures --layers ...`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import deconvviz as dv
from deconvviz import atlas
from deconvviz.atlas.pictures import BUILT_IN

#: Layer -> how many of its channels, so that the whole stays under 2 MB.
LAYERS = {"relu1": None, "relu2": 24, "relu3": 16, "relu4": 8, "relu5": 6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, help="a new folder")
    out = parser.parse_args().out
    atlas.build(dv.load("caltech"), BUILT_IN, LAYERS, out)
    print(f"{out}: {sum(path.stat().st_size for path in out.rglob('*') if path.is_file()):,} bytes")


if __name__ == "__main__":
    main()
