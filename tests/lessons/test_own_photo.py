"""The photograph of an application's page: its shape stays, its size is bounded, a preset puts an upload aside."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from deconvviz.data import samples
from lessons._kit.photo import upload
from lessons._kit.run import pictures


def test_pixels_are_the_whole_picture_made_smaller() -> None:
    whole = samples.load("cat")
    found = upload.pixels(pictures.sample("cat"), 200)
    assert max(found.shape[:2]) == 200
    assert abs(found.shape[0] / found.shape[1] - whole.shape[0] / whole.shape[1]) < 0.01
    assert abs(float(found.mean() - whole.mean())) < 0.01
    assert not found.flags.writeable
    stream = io.BytesIO()
    Image.fromarray(np.zeros((900, 30, 3), np.uint8)).save(stream, "PNG")
    assert upload.pixels(pictures.upload(stream.getvalue(), "tall.png")).shape == (640, 21, 3)
