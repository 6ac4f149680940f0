"""How good pictures made by the task generation are: rebuilt ones, drawn ones, and what upsamplers leave on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvviz.errors import check_choice
from deconvviz.metrics import picture_figures
from deconvviz.models import caltech
from deconvviz.ops.upsample import checkerboard_energy
from deconvviz.tasks.generation import DECODER, DECODERS, PARTS
from deconvviz.tasks.generation import loss as losses
from deconvviz.tasks.generation.batches import decoded, encoded
from deconvviz.tasks.generation.codes import Codes
from deconvviz.tasks.generation.data import known, list_classes, read
from deconvviz.tasks.generation.model import model
from deconvviz.tasks.generation.nearest import nearest
from deconvviz.tasks.generation.network import Autoencoder, make
from deconvviz.tasks.generation.recognized import recognized

#: Classes of the recognition network that are the same photographs, cut differently: either name is right.
ALIKE = {"Faces_easy": ("Faces_easy", "Faces"), "Faces": ("Faces_easy", "Faces")}
#: Whose names for pictures are counted: the shipped network, and a second opinion.
OPINIONS = {"caltech": caltech.WEIGHTS, "caltech-robust": caltech.ROBUST_WEIGHTS}
#: Codes of each class that are drawn to be measured, and the seed that they are drawn with.
DRAWN, SEED = 120, 1


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    part: str = "all",
    weights: str | Path | None = None,
    variant: str | None = None,
) -> dict[str, Any]:
    """Measures rebuilt pictures against DIR/CLASS/*.jpg, and drawn ones by the recognition network.

    Args:
      data: a folder as `train` reads it; classes that the autoencoder was not trained on are left out.
      progress: taken for the contract; it takes seconds.
      part: "all" pictures, or those "held_out" when training on this folder.
      weights: a run of `train`; the shipped one if None.
      variant: which of the file's; the first if None.

    Returns:
      "psnr", "ssim", "log_likelihood", "kl" (nats) of rebuilt pictures; of drawn ones "sample_accuracy", the share
      that the recognition network calls by their class, "feature_distance", Frechet's on its pooled relu7 features to
      the pictures of the folder (not the FID, which another network defines), and "checkerboard", the share of energy
      in a pattern of period 2; all by the default decoder. "decoders" and "classes" hold the rest; "images", "seconds".

    Raises:
      DataError: no such folder, or none of the classes in it.
      WeightsError: weights that cannot be read.
    """
    started = time.perf_counter()
    check_choice("part", part, PARTS, of="generation")
    list_classes(Path(data))
    generator = model(weights, variant)
    folder = known(Path(data), generator.labels, generator.about["recipe"]["held_out"], part)
    figures = Figures(generator.net, generator.about["options"], generator.noise).all(read(folder), folder.classes)
    return {
        **summary(figures),
        "classes": figures["drawn"][DECODER]["of_class"],
        "decoders": _decoders(figures),
        "images": len(folder),
        "seconds": round(time.perf_counter() - started, 3),
    }


def summary(figures: dict[str, Any]) -> dict[str, Any]:
    """The default decoder's figures."""
    drawn = figures["drawn"][DECODER]
    return {
        "psnr": figures["rebuilt"][DECODER]["psnr"],
        "ssim": figures["rebuilt"][DECODER]["ssim"],
        "log_likelihood": figures["bound"][DECODER],
        "kl": figures["bound"]["kl"],
        "sample_accuracy": drawn["accuracy"],
        "feature_distance": drawn["distance"],
        "checkerboard": figures["pattern"][DECODER]["after"],
    }


def _decoders(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            **figures["rebuilt"][name],
            "sample_accuracy": figures["drawn"][name]["accuracy"],
            "feature_distance": figures["drawn"][name]["distance"],
            "checkerboard_before": figures["pattern"][name]["before"],
            "checkerboard": figures["pattern"][name]["after"],
        }
        for name in DECODERS
    }


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Distance between two clouds of features, each taken for a normal one; 0 for the same cloud.

    Formula: ``|m - n|^2 + tr(A + B - 2 (A B)^(1/2))``, m, n the means and A, B the covariances. Computed as
    ``tr (A B)^(1/2) = tr (A^(1/2) B A^(1/2))^(1/2)``. With the features of an Inception network this is the FID; with
    other features the number is another one, and few pictures make it larger.

    Args:
      first, second: (N, D) and (M, D), two pictures or more each.

    Source: heusel2017gans

    >>> cloud = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(frechet_distance(cloud, cloud + [1.0, 2.0, 0.0]), 6)
    5.0
    """
    one, two = (np.asarray(x, np.float64) for x in (first, second))
    a, b = (np.cov(x, rowvar=False).reshape(x.shape[1], x.shape[1]) for x in (one, two))
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    crossed = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b @ root), 0)).sum()
    apart = one.mean(axis=0) - two.mean(axis=0)
    return max(0.0, float(apart @ apart + np.trace(a) + np.trace(b) - 2 * crossed))


def pattern(pictures: np.ndarray, period: int) -> float:
    """`checkerboard_energy` of (N, H, W, 3) pictures after the mean colour of each is taken away.

    >>> pattern(np.tile([[[0.0], [1.0]], [[1.0], [0.0]]], (1, 4, 4, 3)), 2)
    1.0
    """
    return checkerboard_energy(pictures - pictures.mean(axis=(1, 2), keepdims=True), period)


def sharpness(images: np.ndarray, targets: np.ndarray) -> float:
    """Mean absolute step between neighbours, over that of the targets: below 1 is blurred.

    >>> sharpness(np.array([[[[0.0], [1.0]]]]), np.array([[[[0.0], [2.0]]]]))
    0.5
    """

    def steps(x: np.ndarray) -> float:
        return float(np.abs(np.diff(x, axis=1)).sum() + np.abs(np.diff(x, axis=2)).sum())

    return steps(images) / steps(targets)


def components_psnr(trained: np.ndarray, unseen: np.ndarray, count: int) -> float:
    """PSNR of unseen pictures rebuilt from that many principal components of the trained ones: the linear code."""
    known, new = (x.reshape(len(x), -1).astype(np.float64) for x in (trained, unseen))
    mean = known.mean(axis=0)
    _, _, rows = np.linalg.svd(known - mean, full_matrices=False)
    rows = rows[:count]
    rebuilt = mean + (new - mean) @ rows.T @ rows
    return picture_figures(np.clip(rebuilt, 0, 1).reshape(unseen.shape), unseen)["psnr"]


class Figures:
    """Everything that is measured of one autoencoder.

    Args:
      net: trained.
      options: what it was made of: "labels", "shapes", "seed", "latents".
      noise: standard deviation of a pixel in the bound.
    """

    def __init__(self, net: Autoencoder, options: Mapping[str, Any], noise: float) -> None:
        self._net, self._options, self._noise = net, options, noise
        self._labels, self._shapes = tuple(options["labels"]), np.array(options["shapes"])
        self._codes = Codes.of(net, self._labels)

    def all(self, unseen: np.ndarray, classes: np.ndarray, known: np.ndarray | None = None) -> dict[str, Any]:
        """Figures on pictures that were not trained on; with the known ones also what they are compared to.

        Args:
          unseen: (N, 64, 64, 3) in 0..1.
          classes: (N,) index of each one's class.
          known: (M, 64, 64, 3), trained on; what drawn pictures should look like. The unseen ones themselves if None.
        """
        codes, _ = encoded(self._net, unseen)
        images = {decoder: decoded(self._net, codes, decoder) for decoder in DECODERS}
        figures: dict[str, Any] = {"bound": self.bound(unseen)}
        figures["rebuilt"] = {
            decoder: {
                **{k: v for k, v in picture_figures(np.clip(y, 0, 1), unseen).items() if k != "normalized_image_error"},
                "sharpness": sharpness(np.clip(y, 0, 1), unseen),
            }
            for decoder, y in images.items()
        }
        if known is not None:
            figures["components_psnr"] = components_psnr(known, unseen, self._options["latents"])
            figures["nearest"] = self.nearest(unseen, classes, known)
        real = unseen if known is None else known
        _, features = recognized(real, np.ones(len(real)))
        figures["real"] = {**self._recognized_share(unseen, classes), "distance": _floor(features)}
        figures["drawn"] = self.drawn(features)
        figures["opinions"] = self.opinions(unseen, classes, images[DECODER])
        figures["pattern"] = self.patterns(real)
        return figures

    def bound(self, pictures: np.ndarray) -> dict[str, float]:
        """Means over pictures, in nats: log-likelihood at the code's mean by each decoder, and KL divergence."""
        mean, log_variance = encoded(self._net, pictures)
        result = {"kl": float(np.mean(np.asarray(losses.kl(jnp.asarray(mean), jnp.asarray(log_variance)))))}
        for decoder in DECODERS:
            y = decoded(self._net, mean, decoder)
            result[decoder] = float(
                np.mean(np.asarray(losses.log_likelihood(jnp.asarray(y), jnp.asarray(pictures), self._noise)))
            )
        return result

    def drawn(self, features: np.ndarray) -> dict[str, Any]:
        """What the recognition network makes of drawn pictures, for each decoder, and of the prior's.

        Args:
          features: (M, 192), of the pictures that they should look like.
        """
        kinds, codes = self._drawn_codes()
        result: dict[str, Any] = {}
        for decoder in DECODERS:
            y = np.clip(decoded(self._net, codes, decoder), 0, 1)
            result[decoder] = {**self._recognized_share(y, kinds), "distance": self._distance(y, features)}
        y = np.clip(decoded(self._net, self._codes.draw(len(kinds), seed=SEED), "transposed4"), 0, 1)
        scores, _ = recognized(y, np.ones(len(y)))
        is_named = np.isin(scores.argmax(axis=1), [i for label in self._labels for i in _right(label)])
        result["prior"] = {"named": float(is_named.mean()), "distance": self._distance(y, features)}
        return result

    def opinions(self, unseen: np.ndarray, classes: np.ndarray, rebuilt: np.ndarray) -> dict[str, dict[str, Any]]:
        """Shares of each class that two networks call by it: of photographs, of rebuilt and of drawn pictures.

        What rebuilt pictures lose, decoder and code lose; what drawn ones lose besides, the density of codes.
        """
        kinds, codes = self._drawn_codes()
        drawn = decoded(self._net, codes, DECODER)
        parts = {"photographs": (unseen, classes), "rebuilt": (rebuilt, classes), "drawn": (drawn, kinds)}
        return {
            name: {
                part: self._recognized_share(np.clip(pictures, 0, 1), of, file)["of_class"]
                for part, (pictures, of) in parts.items()
            }
            for name, file in OPINIONS.items()
        }

    def _drawn_codes(self) -> tuple[np.ndarray, np.ndarray]:
        """(class, code) of everything that is drawn to be measured."""
        kinds = np.repeat(np.arange(len(self._labels)), DRAWN)
        return kinds, np.concatenate(
            [self._codes.draw(DRAWN, seed=SEED + i, label=x) for i, x in enumerate(self._labels)]
        )

    def nearest(self, unseen: np.ndarray, classes: np.ndarray, known: np.ndarray) -> dict[str, dict[str, list[float]]]:
        """Least and median distance to the nearest picture trained on: of drawn and of unseen pictures of each class.

        "rebuilt" are the unseen ones as the decoder gives them back, which are as smooth as drawn ones: a blurred
        picture is nearer to all others than a sharp one.
        """
        result = {}
        for index, label in enumerate(self._labels):
            if not (classes == index).any():
                continue
            codes = {"drawn": self._codes.draw(DRAWN, seed=SEED + index, label=label)}
            codes["rebuilt"] = encoded(self._net, unseen[classes == index])[0]
            pictures = {name: np.clip(decoded(self._net, code, DECODER), 0, 1) for name, code in codes.items()}
            pictures["unseen"] = unseen[classes == index]
            far = {name: nearest(one, known)[1] for name, one in pictures.items()}
            result[label] = {name: [float(one.min()), float(np.median(one))] for name, one in far.items()}
        return result

    def patterns(self, images: np.ndarray) -> dict[str, Any]:
        """`pattern` with period 2 on real pictures, and on drawn ones before and after training."""
        _, codes = self._drawn_codes()
        first = make(self._options)
        result: dict[str, Any] = {"real": pattern(images, 2)}
        for decoder in DECODERS:
            before, after = (pattern(decoded(net, codes, decoder), 2) for net in (first, self._net))
            result[decoder] = {"before": before, "after": after}
        return result

    def _distance(self, pictures: np.ndarray, features: np.ndarray) -> float:
        return frechet_distance(recognized(pictures, np.ones(len(pictures)))[1], features)

    def _recognized_share(
        self, pictures: np.ndarray, kinds: np.ndarray, file: Path = caltech.WEIGHTS
    ) -> dict[str, Any]:
        """Share of pictures that a recognition network calls by their class, of each class and on average."""
        scores, _ = recognized(pictures, self._shapes[kinds], file)
        guesses = scores.argmax(axis=1)
        result = {
            label: float(np.isin(guesses[kinds == i], _right(label)).mean())
            for i, label in enumerate(self._labels)
            if _right(label) and (kinds == i).any()
        }
        return {"accuracy": float(np.mean(list(result.values()))) if result else None, "of_class": result}


def _floor(features: np.ndarray) -> float | None:
    """Distance between every third picture and the others: what real ones have; None where there are too few."""
    third = np.arange(len(features)) % 3 == 0
    return frechet_distance(features[third], features[~third]) if len(features) >= 6 else None


def _right(label: str) -> list[int]:
    """Outputs of the recognition network that are right for a class; none where it does not know it."""
    names = caltech.labels()
    return [names.index(name) for name in ALIKE.get(label, (label,)) if name in names]
