"""A convolution of whole numbers, as a person chooses it: picture, kernel, and how the kernel slides."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from deconvviz.ops import ConvGeometry
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import t
from lessons._kit.numbers import toy_arrays


@dataclass(frozen=True)
class Sliding:
    """What the person has chosen."""

    picture: str = "corner"
    kernel: str = "numbered"
    stride: int = 1
    padding: int = 1
    dilation: int = 1

    @property
    def geometry(self) -> ConvGeometry:
        """How the kernel slides."""
        return ConvGeometry(self.stride, self.padding, self.dilation)


def chosen() -> tuple[str, str, int, int, int]:
    """Draw the controls and read them, in the order of `Sliding`."""
    picture = choice(t("Picture"), {k: t(v[0]) for k, v in toy_arrays.PICTURES.items()}, "picture")
    kernel = choice(t("Kernel"), {k: t(v[0]) for k, v in toy_arrays.KERNELS.items()}, "kernel")
    with st.container(horizontal=True):
        stride = choice(t("Stride"), {k: k for k in "123"}, "stride", tabs=True)
        padding = choice(t("Padding"), {k: k for k in "012"}, "padding", default="1", tabs=True)
        dilation = choice(t("Dilation"), {k: k for k in "123"}, "dilation", tabs=True)
    return picture, kernel, int(stride), int(padding), int(dilation)
