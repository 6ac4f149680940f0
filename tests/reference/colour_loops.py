"""How colours look: lightness, and what people with a missing kind of cone see, from the published formulas."""

from __future__ import annotations

import numpy as np

#: Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
MACHADO = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
#: sRGB to XYZ (IEC 61966-2-1), and the white point D65.
_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
_WHITE = np.array([0.9505, 1.0, 1.089])


def linear(rgb: np.ndarray) -> np.ndarray:
    """Light of sRGB bytes, 0..1.

    >>> linear(np.array([0, 255])).tolist()
    [0.0, 1.0]
    """
    share = np.asarray(rgb, float) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def seen(rgb: np.ndarray, vision: str) -> np.ndarray:
    """Light that reaches the mind of a person with that vision ("normal" or a key of MACHADO)."""
    light = linear(rgb)
    return light if vision == "normal" else np.clip(light @ np.array(MACHADO[vision]).T, 0, 1)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB; L* runs from 0 to 100.

    >>> lab(np.array([1.0, 1.0, 1.0])).round(1).tolist()[0]
    100.0
    """
    xyz = light @ np.array(_XYZ).T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)
