"""What a picture is like before any network has looked at it: penalties, spectra, colours, small shifts."""

from deconvviz.priors.colour import COLOUR_BASIS, from_display, grey, mix_colours, unmix_colours
from deconvviz.priors.fourier import amplitudes, fourier_coefficients, fourier_image, hartley
from deconvviz.priors.penalties import alpha_norm, similarity, total_variation
from deconvviz.priors.transforms import shifted, turned

__all__ = [
    "COLOUR_BASIS",
    "alpha_norm",
    "amplitudes",
    "fourier_coefficients",
    "fourier_image",
    "from_display",
    "grey",
    "hartley",
    "mix_colours",
    "shifted",
    "similarity",
    "total_variation",
    "turned",
    "unmix_colours",
]
