"""Discovery: a new model or method is one new file that holds one constant; there is no list to keep."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deconvviz.errors import DeconvvizError, check_choice, nearest


@dataclass(frozen=True)
class Lazy:
    """A function by its address; its module is imported when the function is first called or looked at.

    A record can so name functions that need JAX, and be read without it: `deconvviz --help` stays fast.

    Args:
      address: "package.module:function".

    >>> Lazy("math:hypot")(3, 4)
    5.0
    """

    address: str

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """The function itself; `inspect` finds its signature and its text by this name."""
        module, _, name = self.address.partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return function

    def __call__(self, *values: Any, **options: Any) -> Any:
        return self.__wrapped__(*values, **options)


@dataclass(frozen=True)
class PublicWeights:
    """Weights that do not come with the package, and where they are found.

    Attributes:
      page: where a person reads about them and gets them.
      licence: of the weights.
      file: name of the file, on this machine and behind the address.
      shapes: name -> shape of every array of a safetensors file that fits.
      renamed: beginnings of names in other layouts -> those of `shapes`.
      url: address of the file where deconvviz fetches it itself; None where a person does.
      sha256: its checksum, where deconvviz fetches it.
      size: its bytes, where deconvviz fetches it.
    """

    page: str
    licence: str
    file: str
    shapes: Mapping[str, tuple[int, ...]]
    renamed: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True)
class ModelEntry:
    """A network that `deconvviz.load` knows: the constant ``MODEL`` of a file in ``deconvviz/models``.

    A file may hold a family: ``MODEL`` is then a tuple of entries.

    Attributes:
      name: as given to `deconvviz.load`.
      title: one line for people.
      build: ``build(weights) -> Network``; weights is a path, or None for the shipped or downloaded file.
      weights: where its weights are found, where they do not come with the package.
    """

    name: str
    title: str
    build: Callable[[Any], Any]
    weights: PublicWeights | None = None


@dataclass(frozen=True)
class Method:
    """A method of looking into a network: the constant ``METHOD`` of a file in ``deconvviz/methods``.

    A file may hold a family: ``METHOD`` is then a tuple of records.

    Attributes:
      name: as given to the library and the command line.
      title: one line for people.
      formula: LaTeX; of a backward rule, what happens to the signal g at a rectifier with input z.
      sources: keys of docs/references.bib.
      order: place among the others on the screen.
      limits: one sentence, what it does not show.
      assumes: one sentence, what it takes for granted.
      signed: whether the sign of a pixel says that it speaks for the unit, or against it.
      draw: ``draw(score, x, *, seed, **options) -> Drawn``: its map of one unit (`deconvviz.methods.attribution`).
      passes: ``passes(size, **options) -> (forward, backward)``: pictures that one map sends through the network, the
        forward pass of a backward one not counted; size is the (height, width) of the model input.
    """

    name: str
    title: str
    formula: str
    sources: tuple[str, ...]
    order: int
    limits: str
    assumes: str = ""
    signed: bool = False
    draw: Callable[..., Any] | None = None
    passes: Callable[..., tuple[int, int]] = lambda size, **options: (0, 1)


@dataclass(frozen=True)
class Option:
    """One option that a task's functions take besides those of the contract.

    Attributes:
      name: on the command line ``--name``; the functions' keyword.
      help: one sentence for people.
      kind: what the text on the command line is made into: str, int, float or Path; bool is a switch without a text.
      choices: the only values, where there are few.
      of: the functions that take it, out of "train", "evaluate", "apply", "write"; on the command line what `write`
        takes stands with `apply`.
      keyword: the keyword where it is another word, because Python needs the first one itself.
    """

    name: str
    help: str
    kind: type = str
    choices: tuple[str, ...] = ()
    of: tuple[str, ...] = ("apply",)
    keyword: str = ""

    @property
    def key(self) -> str:
        """The keyword of the task's functions."""
        return self.keyword or self.name


#: The functions that use what was trained.
USES = ("apply", "evaluate")


def weights_options(variant: str = "Which network of the file; the first if left out.") -> tuple[Option, Option]:
    """The options of a task that was trained: the weights, and which of the networks in them, with its help."""
    return (
        Option("weights", "A run of train, or its file; the shipped weights if left out.", Path, of=USES),
        Option("variant", variant, of=USES),
    )


@dataclass(frozen=True, kw_only=True)
class Trainable:
    """Something that is measured, and mostly trained: the constant ``TRAINING`` of a folder in ``deconvviz/training``.

    Where its options hold "layer", there is one for each layer of a network, called NAME:LAYER on the command line.

    Attributes:
      name: as given to the command line.
      title: one line for people.
      evaluate: ``evaluate(data, *, progress, **options) -> dict`` of figures, "images" and "seconds" among them.
      train: ``train(data, out, *, seed, resume, progress, **options) -> dict``; None where nothing is trained.
      options: what the functions take besides.
    """

    name: str
    title: str
    evaluate: Callable[..., dict[str, Any]]
    train: Callable[..., dict[str, Any]] | None = None
    options: tuple[Option, ...] = ()

    @property
    def per_layer(self) -> bool:
        """Whether there is one for each layer of a network."""
        return any(option.name == "layer" for option in self.options)

    def options_of(self, function: str) -> tuple[Option, ...]:
        """The options of one function: "train", "evaluate", "apply" or "write"."""
        return tuple(option for option in self.options if function in option.of)

    def check(self, function: str, options: Mapping[str, Any]) -> None:
        """Refuses options that the function does not take, and values that are no choice.

        Raises:
          DeconvvizError: repeats the option and offers the nearest one.
        """
        known = {option.key: option for option in self.options_of(function)}
        for name, value in options.items():
            if name not in known:
                raise DeconvvizError(f"{function} {self.name} has no option {name!r}; {nearest(name, known)}")
            if known[name].choices and value is not None:
                check_choice(name, value, known[name].choices, of=self.name)


@dataclass(frozen=True, kw_only=True)
class Task(Trainable):
    """An application: the constant ``TASK`` of a folder in ``deconvviz/tasks``, with its functions by address (`Lazy`).

    Attributes:
      apply: ``apply(image, **options) -> result``; image is whatever `deconvviz.data.images.load` reads.
      write: ``write(result, path, **options)``, the whole file or none.
      describe: ``describe(result) -> dict``, what the command line says of a result.
      figures: keys that `evaluate` answers with at least.
      suffixes: endings of the files that `write` makes.
      sources: keys of docs/references.bib.
      card: ``card(path) -> Markdown`` about a file of its weights; None where nothing is trained.
    """

    apply: Callable[..., Any]
    write: Callable[..., Any]
    describe: Callable[[Any], dict[str, Any]]
    figures: tuple[str, ...]
    suffixes: tuple[str, ...] = (".png",)
    sources: tuple[str, ...] = ()
    card: Callable[[Any], str] | None = None


@functools.cache
def discover(package: str, constant: str, folders: bool = False) -> MappingProxyType[str, Any]:
    """Name -> record, from every public module of a package that holds the constant.

    Args:
      package: dotted name of a package, "deconvviz.models" for example.
      constant: name of the module constant, "MODEL" for example: a record with a ``name``, or a tuple of such.
      folders: look into the folders of the package alone, not into its files.

    >>> sorted(discover("deconvviz.methods", "METHOD"))[:4]
    ['deconvnet', 'grad_cam', 'gradient', 'gradient_x_input']
    """
    parent = importlib.import_module(package)
    records: dict[str, Any] = {}
    for info in pkgutil.iter_modules(parent.__path__):
        if info.name.startswith("_") or (folders and not info.ispkg):
            continue
        constants = getattr(importlib.import_module(f"{package}.{info.name}"), constant, ())
        for record in constants if isinstance(constants, tuple) else (constants,):
            if record.name in records:
                raise DeconvvizError(f"two files of {package} define {constant} with the name {record.name!r}")
            records[record.name] = record
    return MappingProxyType(records)


def models() -> MappingProxyType[str, ModelEntry]:
    """All networks that can be loaded by name."""
    return discover("deconvviz.models", "MODEL")


def methods() -> dict[str, Method]:
    """All methods that draw a map of a unit, in the order in which they are shown.

    >>> list(methods())[4:]
    ['gradient_x_input', 'integrated_gradients', 'smoothgrad', 'grad_cam', 'occlusion']
    """
    return dict(sorted(discover("deconvviz.methods", "METHOD").items(), key=lambda item: item[1].order))


def tasks() -> MappingProxyType[str, Task]:
    """All applications.

    >>> "cutout" in tasks()
    True
    """
    return discover("deconvviz.tasks", "TASK", folders=True)


def trainings() -> MappingProxyType[str, Trainable]:
    """All that can be trained besides applications: the shipped network, inverters of its layers.

    >>> sorted(trainings())
    ['caltech', 'inversion', 'inverter', 'planted', 'watermark']
    """
    return discover("deconvviz.training", "TRAINING", folders=True)


def model(name: str) -> ModelEntry:
    """The entry of that name.

    Raises:
      DeconvvizError: if there is none; offers the nearest names.
    """
    known = models()
    if name not in known:
        raise DeconvvizError(f"there is no model {name!r}; {nearest(str(name), known)}")
    return known[name]
