"""The records that travel between the parts of deconvviz, and the names of its arrays.

Arrays are NHWC, kernels HWIO, sizes (height, width), positions (row, column). Inside the core the batch axis is
always present; what a person hands in or gets back is one image without it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

from deconvviz.errors import DeconvvizError

Array: TypeAlias = jax.Array | np.ndarray
#: (H, W, 3) float32, 0..1: what a person sees.
DisplayImage: TypeAlias = np.ndarray
#: (N, H, W, C) float32 in the range that a network declares (`InputSpec`).
ModelInput: TypeAlias = np.ndarray
#: (H, W, 3) float32 centred on zero, in units of the unit's activation per unit of the model's input.
SignedMap: TypeAlias = np.ndarray

Size: TypeAlias = tuple[int, int]
Box: TypeAlias = tuple[int, int, int, int]
Start: TypeAlias = Literal["activation", "one"]
Fit: TypeAlias = Literal["crop", "stretch"]


@dataclass(frozen=True)
class InputSpec:
    """What a network wants to be fed: size, channel order and range, and how a picture is brought to that size.

    The model input is ``(image * scale - mean) / std`` in the order of ``channels``, from an RGB image in 0..1.
    ``InputSpec(size=(h, w))`` alone means RGB in 0..1, unchanged. With a number of channels there are no colours: the
    image is an array (H, W, channels) of any values, and maps show three of its channels or their sum.

    Args:
      size: (height, width) in pixels.
      mean: subtracted after scaling: one number, or one a channel in model order.
      std: divides after subtracting: one number, or one a channel in model order.
      scale: factor on 0..1; 255 for networks trained on bytes.
      channels: "RGB" or "BGR" as the network expects, "L" for one grey channel, or how many there are: 4, 12, ...
      fit: "crop" keeps the aspect ratio (shorter side to size, centre crop); "stretch" fills the size.
      resize: shorter side before a centre crop; the size itself if None.
      shown: of a number of channels, the three that are shown as red, green and blue; their signed sum if None.

    Raises:
      DeconvvizError: a size that is not two whole numbers above 0; channels or a fit that do not exist; a mean or std
        that is no number, or not one a channel; a std or scale of 0; a resize that is no whole number above 0.

    >>> InputSpec(size=(224, 224), mean=0.5).mean, InputSpec(size=(28, 28), channels="L").std
    ((0.5, 0.5, 0.5), (1.0,))
    """

    size: Size
    mean: Any = 0.0  # a tuple, one number a channel, once the record is made
    std: Any = 1.0
    scale: float = 1.0
    channels: Literal["RGB", "BGR", "L"] | int = "RGB"
    fit: Fit = "crop"
    resize: int | None = None
    shown: tuple[int, int, int] | None = field(default=None, repr=False)  # changes no value of the network

    def __post_init__(self) -> None:
        size = tuple(self.size) if isinstance(self.size, (tuple, list, np.ndarray)) else ()
        if len(size) != 2 or not all(_is_count(n) for n in size):
            example = f", ({self.size}, {self.size}) for example" if _is_count(self.size) else ""
            raise DeconvvizError(
                f"an input size is (height, width), two whole numbers above 0{example}; got size={self.size!r}"
            )
        if self.channels not in ("RGB", "BGR", "L") and not _is_count(self.channels):
            raise DeconvvizError(
                f"channels are 'RGB', 'BGR' or 'L', or a number of channels; got channels={self.channels!r}"
            )
        if self.shown is not None:
            self._check_shown(self.shown)
        if self.fit not in ("crop", "stretch"):
            raise DeconvvizError(f"fit is 'crop' or 'stretch'; got fit={self.fit!r}")
        if self.resize is not None and not _is_count(self.resize):
            raise DeconvvizError(
                "resize is the length of the shorter side before the cut, one whole number above 0, or None; got "
                f"resize={self.resize!r}"
            )
        if not _is_number(self.scale) or self.scale == 0:
            raise DeconvvizError(f"scale multiplies 0..1, one number that is not 0; got scale={self.scale!r}")
        object.__setattr__(self, "size", tuple(int(n) for n in size))
        for name in ("mean", "std"):
            object.__setattr__(self, name, self._per_channel(name, getattr(self, name)))
        if any(s == 0 for s in self.std):
            raise DeconvvizError(f"std divides, so none may be 0; got std={self.std!r}")

    def _check_shown(self, shown: Any) -> None:
        is_sequence = isinstance(shown, (tuple, list)) and len(shown) == 3
        fits = is_sequence and all(hasattr(c, "__index__") and 0 <= c < self.depth for c in shown)
        if isinstance(self.channels, str) or not fits:
            raise DeconvvizError(
                "shown names three channels of an input that has a number of them, counted from 0, (3, 2, 1) for "
                f"example; got shown={shown!r}, channels={self.channels!r}"
            )

    def _per_channel(self, name: str, option: Any) -> tuple[float, ...]:
        """One number a channel, from one number, from as many, or from any count of equal ones."""
        option = np.asarray(option).tolist() if hasattr(option, "ndim") else option  # also an array of JAX or PyTorch
        values = tuple(option) if isinstance(option, (tuple, list)) else (option,)
        if not values or not all(_is_number(value) for value in values):
            raise DeconvvizError(f"{name} is one number, or one a channel; got {name}={option!r}")
        values = tuple(float(value) for value in values)
        if len(values) == self.depth:
            return values
        if len(set(values)) == 1:
            return values[:1] * self.depth
        raise DeconvvizError(
            f"{name}={option!r} has {len(values)} numbers but channels={self.channels!r} means {self.depth}; give "
            f"{self.depth} in the order of the channels"
        )

    @property
    def depth(self) -> int:
        """Number of channels of the model input."""
        return self.channels if not isinstance(self.channels, str) else 1 if self.channels == "L" else 3

    @property
    def is_picture(self) -> bool:
        """True where the network is fed a picture, whose colours people see; False for a number of channels."""
        return isinstance(self.channels, str)


def _is_number(value: Any) -> bool:
    """True for finite real numbers of any type; True and False are none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool) and bool(
        np.isfinite(value))  # fmt: skip


def _is_count(value: Any) -> bool:
    """True for whole numbers above 0."""
    return _is_number(value) and int(value) == value and value >= 1


@dataclass(frozen=True)
class Unit:
    """One unit of a layer, one channel of it, or all of it.

    Without row and column: the channel's strongest position. ``row="all", column="all"``: the whole map.
    ``channel="all"``: the whole layer, every map at once. Wherever a unit is taken, a tuple of these will do:
    ``("relu3", 7)`` or ``("relu3", 7, row, column)``.

    Args:
      layer: its name.
      channel: counted from 0, or "all".
      row, column: position in the layer's map, counted from 0 at the top left; or both "all"; or neither.

    Raises:
      DeconvvizError: only one of row and column, or a position of all channels. Whether a network has the layer, the
        channel and the position is checked where the two meet.

    >>> Unit("relu3", 7)
    Unit(layer='relu3', channel=7, row=None, column=None)
    """

    layer: str
    channel: int | Literal["all"]
    row: int | Literal["all"] | None = None
    column: int | Literal["all"] | None = None

    def __post_init__(self) -> None:
        for name in ("channel", "row", "column"):  # NumPy's whole numbers are taken, and compared and printed, as int
            value = getattr(self, name)
            if hasattr(value, "__index__") and not isinstance(value, bool):
                object.__setattr__(self, name, operator.index(value))
        if (self.row is None) != (self.column is None) or (self.row == "all") != (self.column == "all"):
            raise DeconvvizError(
                "row and column go together: give both numbers, both 'all', or neither; "
                f"got row={self.row!r}, column={self.column!r}"
            )
        if self.channel == "all" and self.row not in (None, "all"):
            raise DeconvvizError(
                "channel='all' is the whole layer: leave row and column out, or name one channel; "
                f"got row={self.row!r}, column={self.column!r}"
            )

    @classmethod
    def of(cls, value: UnitLike) -> Unit:
        """The unit that a person means: a `Unit` as it is, or the one that a tuple holds.

        Raises:
          DeconvvizError: for anything else; says what a unit is.

        >>> Unit.of(("relu3", 7, 2, 5))
        Unit(layer='relu3', channel=7, row=2, column=5)
        """
        if isinstance(value, Unit):
            return value
        if isinstance(value, (tuple, list)) and 2 <= len(value) <= 4 and isinstance(value[0], str):
            return cls(*value)
        raise DeconvvizError(
            "a unit is a layer's name and a channel, with row and column if one position is meant: "
            f"dv.Unit('relu3', 7), or the tuple ('relu3', 7) or ('relu3', 7, row, column); got {value!r}"
        )


#: What is taken for a unit: a `Unit`, or its fields in order.
UnitLike: TypeAlias = (
    Unit
    | tuple[str, int | Literal["all"]]
    | tuple[str, int | Literal["all"], int | Literal["all"] | None, int | Literal["all"] | None]
)


@dataclass(frozen=True)
class Layer:
    """One node of a network, in execution order.

    Attributes:
      name: unique in the network, from the program's scopes where there are any.
      kind: "conv", "dense", "relu", "max_pool", "avg_pool", "add", "concat", ...
      shape: output shape without the batch axis: (h, w, c) or (c,).
      stride: input pixels per step of this map (row, column); None where there is no map.
      receptive_field: size (height, width) in input pixels; None where it is not a window.
      parameters: how many stored numbers it brings in (weights, biases, running statistics).
      known_axes: False where nothing tells which axis holds the channels: `shape` is then the value's as it lies, and a
        unit of the layer needs ``channel_axis`` of `Network`.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    stride: Size | None
    receptive_field: Size | None
    parameters: int = 0
    known_axes: bool = field(default=True, repr=False)


@dataclass(frozen=True)
class Coverage:
    """How many rectifiers obeyed the rule, of how many lie on the path; what else lies there.

    Attributes:
      obeyed, total: rectifiers.
      unsupported: activations on the path that no rectifier rule is defined for.
      own: those that a person gave a backward rule for, each as often as it lies there.

    >>> print(Coverage(5, 5, own=("gelu", "gelu", "gelu")))
    5 of 5 rectifiers obey, 3 gelu by your rule
    """

    obeyed: int
    total: int
    unsupported: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = "".join(f", {self.own.count(name)} {name} by your rule" for name in dict.fromkeys(self.own))
        return f"{self.obeyed} of {self.total} rectifiers obey{names}"


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What one unit saw: a signed map aligned with the model input, and the check that came with it.

    Attributes:
      map: (H, W, 3) float32, centred on zero; of the shape of the layer `to` where the signal ended there.
      unit: the unit with its row and column resolved.
      activation: its value (the largest one for a whole map).
      rule: "gradient", "deconvnet", "guided" or "linear".
      start: "activation" (the activation itself goes down) or "one".
      receptive_field: (top, left, bottom, right) in input pixels, clipped to the image, bottom and right exclusive.
      coverage: rectifiers that obeyed the rule.
      agreement: relative difference of two independent computations; None where only one was made.
      target: the function of the output that went down in place of a unit; None for units.
      to: the inner layer where the signal ended; None for the image.
      explain: works out the `diagnosis`; None where that was never asked for.
    """

    map: SignedMap
    unit: Unit
    activation: float
    rule: str
    start: Start
    receptive_field: Box
    coverage: Coverage
    agreement: float | None
    target: Any = None
    to: str | None = None
    explain: Callable[[], str] | None = field(default=None, repr=False)

    @functools.cached_property
    def diagnosis(self) -> str:
        """Why there is little or nothing to see, and what to do, as a sentence; empty where nothing was noticed.

        Worked out when it is first read: of a map that is zero it takes further runs of the network.
        """
        return "" if self.explain is None else self.explain()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"diagnosis": self.diagnosis, "explain": None}  # a network cannot be pickled


@dataclass(frozen=True, eq=False)
class Attribution:
    """Which pixels a unit of a network rests on, as one method says.

    Attributes:
      map: (H, W, 3) float32 in RGB order; a method that gives one number a pixel has it in all three.
      pixels: (H, W) float64, one signed number a pixel: the sum over the model's channels, or the method's own number.
      unit: the unit with its row and column resolved.
      method: its name.
      value: the unit's activation, or the sum over its map where all of that is meant.
      seed: of the random draws, where the method has any.
      options: every option as it was used.
      facts: what the method measured on its way: of integrated gradients "completeness", the share of
        ``f(x) - f(baseline)`` that its sum misses.
      note: what is wrong with the map, as a sentence; empty if nothing was noticed.
      seconds: wall time, compiling included.
    """

    map: SignedMap
    pixels: np.ndarray
    unit: Unit
    method: str
    value: float
    seed: int
    options: dict[str, Any]
    facts: dict[str, float]
    note: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Inversion:
    """A picture that a layer can hardly tell from the one it was shown, or a snapshot of the run.

    Attributes:
      image: (H, W, 3) float32, 0..1, at the model's size.
      feature_error: squared distance of the layer's values from the target, over the target's squared length.
      image_error: squared distance of the pixels from the picture inverted, over that picture's squared length.
      losses: (step,) float64, what was minimized, one number a step.
      layer: its name.
      method: "optimize", "learned" or "refined".
      seed: of all random draws.
      step: steps done.
      steps: of the whole run.
      restart: which of the restarts it is, from 0: the one with the smallest feature error.
      note: what went wrong during the run, as a sentence; empty if nothing did.
      state: what a run goes on from; hand the whole record to `deconvviz.invert` as ``resume``.
    """

    image: DisplayImage
    feature_error: float
    image_error: float
    losses: np.ndarray
    layer: str
    method: str
    seed: int
    step: int = 0
    steps: int = 0
    restart: int = 0
    note: str = ""
    state: Any = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Visualization:
    """A picture that excites a unit as much as the optimizer could make it; or a snapshot of the run.

    Attributes:
      image: (H, W, 3) float32, 0..1, at the model's size.
      activation: what the objective says of it: the unit's activation, a channel's mean, a class score, ...
      losses: (step,) float64, what was minimized: minus the activation under random changes, plus penalties.
      unit: what was asked for; row and column filled in for a single neuron.
      objective: "neuron", "channel", "class" or "direction".
      images: (N, H, W, 3), all pictures of a diverse set; `image` is the one with the largest activation.
      activations: (N,), theirs.
      seed: of all random draws.
      step: steps done.
      steps: of the whole run.
      note: what went wrong during the run, as a sentence; empty if nothing did.
      state: what a run goes on from; hand the whole record to `deconvviz.visualize` as ``resume``.
    """

    image: DisplayImage
    activation: float
    losses: np.ndarray
    unit: Unit
    objective: str
    images: np.ndarray
    activations: np.ndarray
    seed: int
    step: int = 0
    steps: int = 0
    note: str = ""
    state: Any = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class LayerVisualization:
    """Pictures of several units of one layer; or a snapshot of the runs.

    Attributes:
      layer: the layer.
      objective: "neuron", "channel" or "class".
      channels: (n,) in the order asked for.
      images: (n, H, W, 3) float32, 0..1; grey where there is nothing yet and for dead units.
      activations: (n,) float64, what the objective says of each picture; NaN where there is nothing yet.
      finished: (n,) bool, whose run has come to its end.
      notes: n sentences, what went wrong during the runs; of a dead unit that it is dead; empty if nothing did.
      dead: (n,) bool.
      seed: of all random draws.
      step: steps done, of all runs together.
      steps: of the whole run, all runs together.
      recipe: SHA-256 of all that a picture depends on; one with the same recipe goes on from the finished pictures.
    """

    layer: str
    objective: str
    channels: np.ndarray
    images: np.ndarray
    activations: np.ndarray
    finished: np.ndarray
    notes: tuple[str, ...]
    dead: np.ndarray
    seed: int
    step: int
    steps: int
    recipe: str


@dataclass(frozen=True)
class Check:
    """One check as the app and the tests show it: a relative error against what it may be at most.

    >>> Check("two computations agree", error=3e-8, tolerance=1e-5).holds
    True
    """

    name: str
    error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """True if the error is a number at or below the tolerance (NaN never holds)."""
        return self.error <= self.tolerance
