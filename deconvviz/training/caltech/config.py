"""What fixes the weights of a trained classifier besides its data: one record, compared when a run is resumed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deconvviz.errors import DataError
from deconvviz.training.augment import Augmentation


@dataclass(frozen=True)
class CaltechConfig:
    """Plain values; a checkpoint of another recipe is refused.

    Attributes:
      seed: fixes the held-out part, the first weights, every order and every augmentation.
      epochs: how often the training part is gone through.
      batch: pictures in a step; the incomplete last batch of an epoch is dropped.
      phases: (share of the epochs at which the phase ends, picture size in pixels).
      cap: most pictures of one class in one epoch, because the figure that counts is the mean over classes.
      held_out: pictures of every class that are set aside.
      given_back: of these, how many of every class are trained on after all; choices were made on them alone, the
        others are the validation part.
      soft: share of the epochs after which `gentle` replaces `strong`.
      strong, gentle: how pictures are changed.
      first_scale: the first layer starts at this share of the usual deviation (He), so that what it starts from is
        soon outgrown: batch normalization follows, so that the size of its kernels changes nothing else.
      first_blur: deviation of the Gaussian in pixels that makes these first kernels smooth; 0 for white noise.
      learning_rate: its peak, after a linear warm-up and before the cosine.
      stretch: the cosine is laid out for this many times the epochs.
      warm_up: share of the steps of the cosine.
      cool_down: last share of the epochs, in which the rate falls linearly to zero from where the cosine stands.
      weight_decay: of kernels only, times the learning rate (AdamW).
      smoothing: share of the target spread over all classes.
      dropout: before the dense layer.
      adversarial: radius of the ball (L2, pixels in 0..1, a picture of 128) in which each picture is first moved so
        that the loss grows; smaller pictures are moved in proportion. 0 trains on the pictures as they are.
      adversarial_step: length of the one step, in radii, from a random place in the ball.
      start: weights file from which the run starts, not from noise; "" for noise.
      teachers: weights files whose mean of class probabilities, of the very same crop, is a target beside the label.
      teaching: share of that target in the loss.
      average: decay of the moving average of the weights a step, approached from (1 + t) / (10 + t).
      validate_every: epochs.
    """

    seed: int = 0
    epochs: int = 220
    batch: int = 64
    phases: tuple[tuple[float, int], ...] = ((0.15, 64), (0.65, 96), (1.0, 128))
    cap: int = 45
    held_out: int = 4
    given_back: int = 2
    soft: float = 0.85
    strong: Augmentation = field(default_factory=lambda: Augmentation(warp=0.5))
    gentle: Augmentation = field(default_factory=lambda: Augmentation(area=(0.5, 1.0), warp=0.25, mix=0.0, erase=0.1))
    first_scale: float = 0.25
    first_blur: float = 1.0
    learning_rate: float = 2e-3
    stretch: float = 1.5
    warm_up: float = 0.04
    cool_down: float = 0.25
    weight_decay: float = 0.2
    smoothing: float = 0.1
    dropout: float = 0.1
    adversarial: float = 0.0
    adversarial_step: float = 1.25
    start: str = ""
    teachers: tuple[str, ...] = ()
    teaching: float = 0.7
    average: float = 0.998
    validate_every: int = 5

    def size(self, epoch: int) -> int:
        """Picture size of an epoch, counted from 1.

        >>> CaltechConfig(epochs=10).size(6), CaltechConfig(epochs=10).size(7)
        (96, 128)
        """
        return next(size for end, size in self.phases if epoch <= round(end * self.epochs) or end >= 1)

    def augmentation(self, epoch: int) -> Augmentation:
        """Full strength, then gentler for the last epochs."""
        return self.strong if epoch <= round(self.soft * self.epochs) else self.gentle

    @property
    def snapshots(self) -> tuple[int, ...]:
        """Epochs whose weights are kept: up to eight, evenly spaced on a logarithmic scale, and the last.

        >>> CaltechConfig(epochs=120, stretch=1.5).snapshots
        (1, 2, 4, 9, 19, 41, 86, 120)
        """
        spaced = {round((self.stretch * self.epochs) ** (k / 7)) for k in range(7)}
        return tuple(sorted({epoch for epoch in spaced if epoch < self.epochs} | {self.epochs}))

    def validates(self, epoch: int) -> bool:
        """Whether the averaged weights are measured after an epoch."""
        return epoch % self.validate_every == 0 or epoch == self.epochs or epoch in self.snapshots


#: What differs by default in a run that goes on from given weights: short, slower, at full size for longer.
GOING_ON: dict[str, Any] = {
    "epochs": 48, "phases": ((0.55, 96), (1.0, 128)), "learning_rate": 1e-3, "stretch": 1.0, "warm_up": 0.06,
    "cool_down": 0.2,
}  # fmt: skip

#: What differs in a run on pictures moved against the network: those are hard enough without being mixed to the end.
ATTACKED: dict[str, Any] = {"soft": 0.5}


def config_of(options: dict[str, Any]) -> CaltechConfig:
    """The recipe with these fields; None leaves the default, which for a run with `start` is that of `GOING_ON`.

    Args:
      options: fields of `CaltechConfig`; "teachers" also as one text with commas between.

    Raises:
      DataError: weights that are no file.

    >>> config_of({"epochs": None}).epochs, config_of({"seed": 3, "epochs": 7}).epochs
    (220, 7)
    """
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(files := given.get("teachers", ()), str):
        given["teachers"] = tuple(filter(None, files.split(",")))
    given |= {"start": str(given["start"])} if "start" in given else {}
    defaults = GOING_ON if given.get("start") else {}
    if given.get("adversarial"):
        defaults = defaults | ATTACKED
    config = dataclasses.replace(CaltechConfig(), **(defaults | given))
    for file in (config.start, *config.teachers):
        if file and not Path(file).is_file():
            raise DataError(f"no such file of weights: {file}; name one that 'deconvviz train caltech' wrote")
    return config
