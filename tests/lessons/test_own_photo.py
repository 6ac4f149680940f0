"""The photograph of an application's page: its shape stays, its size is bounded, a preset puts an upload aside."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

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


def _page() -> None:
    import streamlit as st

    from lessons._kit.photo import selection, upload
    from lessons._kit.run import pictures

    if "begun" not in st.session_state:
        st.session_state["begun"] = True
        selection.keep_upload(pictures.Picture(None, "mine.png", "", "d", b""))
        st.session_state["lab-uploads"] = 1
    presets = (("A cup", {"image": "coffee"}),)
    st.button("A cup", key="preset-0", on_click=lambda: st.session_state.update(image="coffee"))
    if st.session_state.get("preset-0"):
        st.write(upload.choose(presets, "motorcycle").title)
    else:
        st.write(selection.picture("motorcycle").title)


def test_a_preset_with_a_picture_puts_the_upload_aside() -> None:
    test = AppTest.from_function(_page, default_timeout=120).run()
    assert [element.value for element in test.markdown] == ["mine.png"]
    test.button(key="preset-0").click().run()
    assert samples.SAMPLES["coffee"].title in [element.value for element in test.markdown]
