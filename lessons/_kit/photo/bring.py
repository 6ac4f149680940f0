"""A picture of one's own: dropped or pasted anywhere on the page, chosen from a list, or taken with a camera."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from deconvviz.data import images
from deconvviz.errors import ImageError
from lessons._kit.draw import component
from lessons._kit.form import controls
from lessons._kit.form.i18n import t
from lessons._kit.form.library import said
from lessons._kit.photo import selection
from lessons._kit.run import pictures

HERE = Path(__file__).parent
#: Pixels of the longer side that a large picture keeps when the browser makes it smaller; more than any page draws.
LONGER = 1600
MEGABYTES = pictures.MAX_UPLOAD // 1_000_000
#: In the session: how often a picture was taken, and whether one was before this run.
_TAKEN, _JUST = "lab-taken", "lab-just-taken"


def anywhere() -> bool:
    """Take what is dropped on the page or pasted; what is wrong with it stands here.

    The field that the script hands files to is not to be seen: that of `field` is there only while its list is open.

    Returns:
      whether a picture came just before this run.
    """
    data = {
        "longer": LONGER,
        "limit": pictures.MAX_UPLOAD,
        "reading": t("Reading {name}", name="{name}"),
        "large": t(
            "{name} is larger than {size} MB, and this browser cannot make it smaller.", name="{name}", size=MEGABYTES
        ),
        "files": selection.uploads(),  # another number tells the script that the last file was read
    }
    with st.container(key="lab-bring"):
        component.mount(HERE / "bring", "bring", data)
        with st.container(key="lab-unseen"):
            key = f"lab-any-{selection.uploads()}"
            st.file_uploader(t("Pictures"), max_upload_size=MEGABYTES, key=key, on_change=_uploaded, args=(key,))
        _say_problem()
    return bool(st.session_state.pop(_JUST, False))


def field() -> None:
    """The field to choose a file with, and below it what is wrong with the last one."""
    # Streamlit's field speaks English only: its words are put under ours.
    words = escape(t("Choose a file")).replace('"', "")
    st.html(f'<style>.st-key-lab-pictures {{ --choose: "{words}"; }}</style>')
    key = f"lab-file-{selection.uploads()}"
    st.file_uploader(
        t("A picture of your own: drop it anywhere on this page, paste it, or choose a file"),
        type=["jpg", "jpeg", "png", "webp", "gif", "avif", "heic", "heif"],
        max_upload_size=MEGABYTES,
        key=key,
        on_change=_uploaded,
        args=(key,),
    )
    component.mount(HERE / "camera", "bring-camera", {"text": t("Take a photograph")})
    _say_problem()
    kinds = (
        t("JPEG, PNG, WebP, GIF, AVIF or HEIC.")
        if images.reads_heic()
        else t("JPEG, PNG, WebP, GIF or AVIF. HEIC is not read here: its decoder is not installed.")
    )
    kept = t("Your browser makes large pictures smaller before it sends them. Kept in memory only, and in no link.")
    st.html(f'<p class="lab-note">{escape(f"{kinds} {kept}")}</p>')


def times() -> int:
    """How often a picture was taken in this session, one's own or one of the gallery."""
    return int(st.session_state.get(_TAKEN, 0))


def done() -> None:
    """A picture was taken: what was wrong with the one before is of no interest. For callbacks."""
    st.session_state.pop(controls.PROBLEM, None)
    st.session_state[_TAKEN] = times() + 1


def _say_problem() -> None:
    """What stood here before goes at once, not only when all of the page is drawn anew."""
    place, problem = st.empty(), st.session_state.get(controls.PROBLEM)
    if problem:
        place.error(t("This file cannot be shown: {reason}. The picture before stays.", reason=said(problem)))


def _uploaded(key: str) -> None:
    file = st.session_state.get(key)
    if file is None:
        selection.forget_upload()
        return
    if not hasattr(file, "getvalue"):
        return  # the server has let go of its bytes already: what is shown stays
    try:
        selection.keep_upload(pictures.upload(file.getvalue(), file.name))
        st.session_state[_JUST] = True
        done()
    except ImageError as error:
        st.session_state[controls.PROBLEM] = str(error)
    selection.empty_field()  # a refused file does not pile up, and the next one is the only one
