"""The card of the autoencoder: what it was trained on, how, and what was measured of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deconvviz.tasks._shared import weights
from deconvviz.tasks.generation import DECODER, DECODERS
from deconvviz.tasks.generation.evaluate import DRAWN, SEED

_INTRODUCTION = """# Card: generation

One encoder, {latents} numbers, four decoders that differ in how they enlarge; {weights:,} weights in all, pictures of
64 x 64. Classes: {labels}.

**Data.** Caltech-101 (Fei-Fei, Fergus, Perona 2004; CaltechDATA, CC BY 4.0), {trained} pictures; {held_out} were held
out: the last tenth of every class by file name, because neighbours show the same person or thing. Whole pictures,
squeezed to a square; crops of 92 % and more; faces also mirrored, the others face one way.

**Training.** All decoders at once: same pictures, codes and noise. Loss: squared error / (2 x {noise}^2) + {weight:g} x
KL, a mean over decoders{perceptual}. Adam, {epochs} epochs of batches of {batch}, moving average of the weights
{average}, {seconds:.0f} s.

```sh
deconvviz train generation --data DIR --out RUN --epochs {epochs} --seed {seed}{option}
deconvviz evaluate generation --data DIR --part held_out --json
```

**Figures**, of the weights as shipped (float16). Rebuilt: {held_out} unseen pictures, code at its mean. Drawn: {drawn}
codes a class from the normal density fitted to the codes of its training pictures (seed {first} on); share that the
shipped recognition network calls by their class; Frechet distance on its pooled relu7 features to the training
pictures (not the FID). Pattern: share of the energy of what varies at period 2, times a million.
"""

_LICENCE = """
**Limits.** Blurred, as pictures of a Gaussian likelihood are; any other picture comes back as something like a face, a
motorbike or an airplane.

**Licence.** Weights: Apache-2.0, as the code. The pictures are not part of it.
"""


def card(path: str | Path) -> str:
    """Markdown about every variant of a file."""
    path, parts = Path(path), []
    for name, about in weights.variants("generation", path).items():
        recipe, figures = about["recipe"], about["figures"]
        perceptual = recipe["perceptual"]
        parts.append(
            _INTRODUCTION.format(
                **{key: recipe[key] for key in ("latents", "noise", "weight", "epochs", "batch", "average", "seed")},
                weights=weights.weights_of(path, name),
                labels=", ".join(about["options"]["labels"]),
                **about["data"],
                seconds=about["seconds"],
                perceptual=f" + {perceptual:g} x error in the recognition network's relu1 and relu2"
                if perceptual
                else "",
                option=f" --perceptual {perceptual:g}" if perceptual else "",
                drawn=DRAWN,
                first=SEED,
            )
            + "\n"
            + weights.table(_rows(figures, DECODER))
            + "\n\n"
            + _beside(figures, DECODER)
        )
    return "\n".join(parts) + _LICENCE


def _rows(figures: dict[str, Any], default: str) -> list[list[str]]:
    head = ["decoder", "PSNR", "SSIM", "sharpness", "recognized", "distance", "pattern before", "after"]
    rows = [head]
    for name in DECODERS:
        rebuilt, drawn, pattern = (figures[part][name] for part in ("rebuilt", "drawn", "pattern"))
        cells = [f"{rebuilt['psnr']:.2f}", f"{rebuilt['ssim']:.3f}", f"{rebuilt['sharpness']:.2f}"]
        cells += [_share(drawn["accuracy"]), f"{drawn['distance']:.2f}"]
        rows.append(
            [
                name + (" (default)" if name == default else ""),
                *cells,
                _millionth(pattern["before"]),
                _millionth(pattern["after"]),
            ]
        )
    real = figures["real"]
    distance = f"{real['distance']:.2f}" if real["distance"] is not None else ""
    return [
        *rows,
        ["real pictures", "", "", "1", _share(real["accuracy"]), distance, "", _millionth(figures["pattern"]["real"])],
    ]


def _beside(figures: dict[str, Any], default: str) -> str:
    prior, bound = figures["drawn"]["prior"], figures["bound"]
    classes = ", ".join(f"{name} {_share(value)}" for name, value in figures["drawn"][default]["of_class"].items())
    return (
        f"Recognized, of each class ({default}): {classes or 'none that the network knows'}. Drawn from the standard "
        f"normal density instead, by transposed4: distance {prior['distance']:.2f}, {_share(prior['named'])} called by "
        f"one of the classes. KL divergence of a code: {bound['kl']:.1f} nats; log-likelihood at the code's mean: "
        f"{bound[default]:.0f} nats ({default}). As many principal components of the training pictures rebuild the "
        f"unseen ones with {figures['components_psnr']:.2f} dB.\n"
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _millionth(value: float) -> str:
    return f"{1e6 * value:.3g}"
