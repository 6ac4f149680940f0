"""The card of the autoencoder: what it was trained on, how, and what was measured of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deconvviz.tasks._shared import weights
from deconvviz.tasks.generation import DECODER, DECODERS
from deconvviz.tasks.generation.evaluate import DRAWN, SEED
from deconvviz.training import cards

_TEMPLATE = cards.Template(Path(__file__).with_name("card.md"))


def card(path: str | Path) -> str:
    """Markdown about every variant of a file."""
    path, parts = Path(path), []
    for name, about in weights.variants("generation", path).items():
        recipe, figures = about["recipe"], about["figures"]
        parts.append(
            _TEMPLATE.fill(
                "introduction",
                latents=recipe["latents"],
                weights=weights.weights_of(path, name),
                labels=", ".join(about["options"]["labels"]),
                **about["data"],
                training=_training(recipe, about["seconds"]),
                drawn=DRAWN,
                first=SEED,
            )
            + "\n"
            + cards.table(_rows(figures, DECODER))
            + "\n\n"
            + _beside(figures, DECODER)
        )
    return "\n".join(parts) + _TEMPLATE.fill("licence")


def _training(recipe: dict[str, Any], seconds: float) -> str:
    """How the weights were trained, and the commands."""
    numbers = {key: recipe[key] for key in ("noise", "weight", "epochs", "batch", "seed")}
    if recipe["sharpened"]:
        felt, judged = recipe["felt"], recipe["judged"]
        return _TEMPLATE.fill("sharpened", **numbers, seconds=seconds, felt=felt, judged=judged)
    perceptual = recipe["perceptual"]
    felt = f" + {perceptual:g} x error in the recognition network's relu1 and relu2" if perceptual else ""
    option = f" --perceptual {perceptual:g}" if perceptual else ""
    average = recipe["average"]
    return _TEMPLATE.fill("pixels", **numbers, seconds=seconds, average=average, perceptual=felt, option=option)


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
    text = (
        f"Drawn from the standard normal density instead, by transposed4: distance {prior['distance']:.2f}, "
        f"{_share(prior['named'])} called by one of the classes. KL divergence of a code: {bound['kl']:.1f} nats; "
        f"log-likelihood at the code's mean: {bound[default]:.0f} nats ({default}). As many principal components of "
        f"the training pictures rebuild the unseen ones with {figures['components_psnr']:.2f} dB.\n"
    )
    tables = [_opinions(figures["opinions"]), _copied(figures["nearest"])]
    return "\n".join([text, *(cards.table(rows) + "\n" for rows in tables if len(rows[0]) > 1)])


def _opinions(figures: dict[str, dict[str, dict[str, float]]]) -> list[list[str]]:
    parts = next(iter(figures.values()))
    return [
        ["recognized, by the shipped network and by its robust twin", *parts["drawn"]],
        *([part, *(", ".join(_share(one[part].get(label)) for one in figures.values()) for label in parts["drawn"])]
          for part in parts),
    ]  # fmt: skip


def _copied(figures: dict[str, dict[str, list[float]]]) -> list[list[str]]:
    kinds = {"drawn": "drawn", "rebuilt": "validation, rebuilt", "unseen": "validation"}
    rows = [["nearest training picture, least and median", *figures]]
    return rows + [
        [title, *(f"{one[kind][0]:.3f}, {one[kind][1]:.3f}" for one in figures.values())]
        for kind, title in kinds.items()
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _millionth(value: float) -> str:
    return f"{1e6 * value:.3g}"
