"""What was measured on photographs that do not come with the project: claim C8 on 14 pictures of alphamatting.com.

Made again by `COMMAND`: a minute a picture. Each picture was cut out with the map and the seeds that were best for the
other thirteen.
"""

from __future__ import annotations

COMMAND = "deconvviz evaluate cutout --data DIR --what robustness --json"
IMAGES = 14
#: (change, level, mean IoU of the cut-outs, mean IoU of Otsu's threshold).
ROWS: tuple[tuple[str, float, float, float], ...] = (
    ("none", 0.0, 0.637, 0.587),
    ("noise", 0.1, 0.618, 0.426),
    ("noise", 0.2, 0.598, 0.264),
    ("brightness", 0.25, 0.659, 0.587),
    ("brightness", 0.5, 0.637, 0.587),
    ("brightness", 2.0, 0.624, 0.451),
)
#: An overlap from which a cut-out counts as accurate, and a loss up to which it counts as robust.
ACCURATE, ROBUST = 0.8, 0.1
