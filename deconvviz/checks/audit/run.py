"""The audit of a network's maps: every control on every picture, a picture on each processor, stopped and resumed.

Memory is bounded: the maps of `at_once` pictures are held at a time, and pictures go through the network in chunks.
What is done is written down after each picture, so that a stopped audit goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz import catalog, storage
from deconvviz.checks import network as network_checks
from deconvviz.checks.audit import controls, page, sentences
from deconvviz.checks.audit.intervals import Interval, interval
from deconvviz.checks.audit.record import AuditRecord
from deconvviz.checks.audit.similarity import Compared
from deconvviz.errors import DataError, DeconvvizError, NetworkError, RuleError
from deconvviz.methods import attribution
from deconvviz.network import units
from deconvviz.network.backward.reconstruct import reconstruct_layer, with_agreement
from deconvviz.network.network import Network
from deconvviz.network.score import AT_ONCE, Score
from deconvviz.ops.rectify import RULES
from deconvviz.types import Array, Unit, UnitLike

#: Changes when numbers of an audit change their meaning: files of unfinished audits then begin anew.
FORMAT = 3
#: Fewer seeds than pictures: picture number i is made random by seed i modulo this.
SEEDS = 5
#: Pictures that are audited side by side at most: each holds its values, and a program uses several processors too.
MOST_AT_ONCE = 4


class Audit(AuditRecord):
    """What was measured of a network's maps, with what it means; the fields are those of `AuditRecord`."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the numbers mean, and how sure they are, in English."""
        return sentences.sentences(self)

    def to_json(self, path: str | Path) -> Path:
        """Write all numbers and sentences as one JSON file; numbers that are not finite become null."""
        storage.write(path, page.as_json(self).encode())
        return Path(path)

    def to_html(self, path: str | Path, language: str = "en") -> Path:
        """Write one HTML file that holds all it shows and asks nothing of a network.

        Raises:
          DeconvvizError: a language other than "en" and "zh".
        """
        storage.write(path, page.as_html(self, language).encode())
        return Path(path)


@dataclass(frozen=True)
class Forecast:
    """What an audit will take, said before it begins.

    Attributes:
      pictures: how many.
      passes: forward passes of one picture, a backward pass counted as one and a half more.
      seconds: of this machine as it is now, for all pictures, compiling not counted.
      megabytes: of values that are held at a time, weights included, for all pictures side by side.
    """

    pictures: int
    passes: int
    seconds: float
    megabytes: float

    def __str__(self) -> str:
        duration = f"{self.seconds / 60:.0f} minutes" if self.seconds >= 120 else f"{self.seconds:.0f} seconds"
        return (
            f"{self.pictures} pictures, about {self.passes:,} forward passes each: about {duration} on this machine as "
            f"it is now, compiling not counted; values and weights take up to {self.megabytes:,.0f} MB"
        )


def chosen_unit(network: Network, x: Array, unit: UnitLike | None) -> Unit:
    """The unit that a picture is audited for: the one given; else the class with the largest score, or, where the last
    layer is no row of scores, its channel with the largest value.

    Raises:
      NetworkError: no layer to start from, or values that are no finite numbers.
    """
    if unit is not None:
        return Unit.of(unit)
    layers = [node.layer for node in network.program().nodes if node.order is not None and node.layer.shape]
    if not layers:
        raise NetworkError(f"{network.name} has no layer whose channels are known, so there is no unit to explain")
    values = network.taps(x, [layers[-1].name])[layers[-1].name][0]
    if not np.isfinite(values).all():
        raise NetworkError(
            f"the scores of {network.name} hold numbers that are not finite for this picture: load trained weights, "
            f"and feed values in the range that the network was trained with; {_last_finite(network, x)}"
        )
    return Unit(layers[-1].name, int(values.reshape(-1, values.shape[-1]).max(axis=0).argmax()))


def _last_finite(network: Network, x: Array) -> str:
    """What can still be audited of a network whose scores are no finite numbers."""
    names = [node.layer.name for node in network.program().nodes if node.order is not None and node.layer.shape]
    finite = [name for name, values in network.taps(x, names).items() if np.isfinite(values).all()]
    last = next((name for name in reversed(names) if name in finite), None)
    return (
        f"the values of {last} are finite, so a unit of it can be audited (unit=({last!r}, 0), --layer {last} "
        "--channel 0)" if last else "no layer has finite values, so nothing can be audited"
    )  # fmt: skip


def forecast(network: Network, x: Array, unit: UnitLike | None, methods: Sequence[str], pictures: int) -> Forecast:
    """Time and memory of an audit, from timed calls of each kind, as many side by side as there will be pictures."""
    score, workers = Score.of(network, x, chosen_unit(network, x, unit)), at_once(pictures)
    batch = np.repeat(network.checked_input(x), AT_ONCE, axis=0)
    noise = np.random.default_rng(0).standard_normal(network.input_spec.size)
    with ThreadPoolExecutor(workers) as pool:

        def seconds(work: Callable[[], object]) -> float:
            """Of one call among as many as the workers; the first one may compile."""
            work()
            start = time.perf_counter()
            list(pool.map(lambda _: work(), range(workers)))
            return (time.perf_counter() - start) / workers

        forward = seconds(lambda: score.values(batch)) / len(batch)
        gradient = seconds(lambda: score.signals(batch)) / len(batch)
        comparison = seconds(lambda: Compared.of(noise).like(Compared.of(noise))) / 2
    forwards, backwards, maps = controls.passes(network, methods)
    constants = sum(np.asarray(array).nbytes for array in score.consts)
    return Forecast(
        pictures,
        int(forwards + 2.5 * backwards),
        pictures * (forwards * forward + backwards * gradient + maps * comparison),
        (workers * (score.bytes_at_once + 2 * constants) + constants) / 1e6,
    )


def at_once(pictures: int) -> int:
    """How many pictures are audited side by side: one a processor, the maps of few."""
    return max(1, min(storage.processors(), pictures, MOST_AT_ONCE))


def audit(
    network: Network,
    pictures: Sequence[tuple[str, Callable[[], Array]]],
    methods: Sequence[str] | None = None,
    unit: UnitLike | None = None,
    seed: int = 0,
    resume: str | Path | None = None,
    command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """See `deconvviz.checks.audit`.

    Args:
      pictures: name and a function that gives the model input (1, H, W, C), called when its turn comes.
      progress: called with pictures done and all, at first and after each.
    """
    names = tuple(catalog.methods()) if methods is None else tuple(dict.fromkeys(methods))
    for name in names:
        attribution.method(name)
    if not names:
        raise DeconvvizError("an audit needs a method; got methods=[]")
    if unit is not None:
        units.codes(Unit.of(unit), network.node(Unit.of(unit).layer).layer)  # refuses before any picture is read
    key = sha256(repr((FORMAT, network.identity, names, seed, unit)).encode()).hexdigest()
    work = _Work(network, unit, names, seed, resume, key)
    unreadable: dict[str, str] = {}
    done: list[tuple[str, controls.Findings]] = []
    seconds, first = 0.0, None
    refusal: DeconvvizError | None = None
    for (name, read), result in zip(
        pictures, _side_by_side(work, [read for _, read in pictures], progress), strict=True
    ):
        if isinstance(result, DeconvvizError):
            unreadable[name], refusal = str(result), result
            continue
        first = read() if first is None else first
        seconds += result["seconds"]
        record = {key: value for key, value in result.items() if key != "seconds"}
        done.append((name, controls.Findings(**record | {"unit": tuple(record["unit"])})))
    if first is None and isinstance(refusal, NetworkError):
        raise refusal
    if first is None:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(unreadable.items())[:3])
        raise DataError(f"none of {len(unreadable)} pictures could be used: {reasons or 'no picture was given'}")
    return _gathered(network, names, done, unreadable, first, seed, command, seconds)


class _Work:
    """One picture after the other, in any number of threads; what is done is written down at once."""

    def __init__(
        self,
        network: Network,
        unit: UnitLike | None,
        methods: tuple[str, ...],
        seed: int,
        resume: str | Path | None,
        key: str,
    ) -> None:
        self._network, self._unit, self._methods, self._seed = network, unit, methods, seed
        self._resume, self._key, self._known = resume, key, _stored(resume, key)
        self._lock, self._since, self._stopped = threading.Lock(), time.process_time(), threading.Event()

    def picture(self, number: int, read: Callable[[], Array]) -> dict[str, Any] | DeconvvizError:
        """The record of a picture's findings, or why there are none."""
        self._check()
        try:
            x = read()
            place = f"{number} {sha256(np.ascontiguousarray(x).tobytes()).hexdigest()}"
            with self._lock:
                if place in self._known:
                    return self._known[place]
            unit, seed = chosen_unit(self._network, x, self._unit), self._seed + number % SEEDS
            findings = controls.findings(self._network, x, unit, self._methods, seed, self._check)
        except DeconvvizError as error:
            return error
        with self._lock:  # the time is that of all threads since the last picture, so the sum is right
            before, self._since = self._since, time.process_time()
            self._known[place] = {"seconds": self._since - before, **asdict(findings)}
            _store(self._resume, self._key, self._known)
            return self._known[place]

    def stop(self) -> None:
        """End what is under way at its next map."""
        self._stopped.set()

    def _check(self) -> None:
        if self._stopped.is_set():
            raise CancelledError


def _side_by_side(
    work: _Work, pictures: Sequence[Callable[[], Array]], progress: Callable[[int, int], None] | None
) -> list[dict[str, Any] | DeconvvizError]:
    """What became of every picture, in their order; progress is called in the thread of the caller."""
    say, every = progress or (lambda done, every: None), len(pictures)
    say(0, every)
    precise = jnp.result_type(float) == np.float64  # may hold in the thread of the caller alone

    def picture(number: int, read: Callable[[], Array]) -> dict[str, Any] | DeconvvizError:
        with jax.enable_x64(precise):
            return work.picture(number, read)

    with ThreadPoolExecutor(at_once(every)) as pool:
        try:
            futures = [pool.submit(picture, number, read) for number, read in enumerate(pictures)]
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                say(done, every)
        except BaseException:
            work.stop()
            raise
    return [future.result() for future in futures]


def _stored(resume: str | Path | None, key: str) -> dict[str, Any]:
    """What an unfinished audit of the same network, methods and seed has measured."""
    if resume is None or not Path(resume).is_file():
        return {}

    def problem(reason: str) -> DataError:
        return DataError(f"cannot go on from {resume}: it is no file of an unfinished audit ({reason}); delete it")

    record = storage.parse(storage.read_bytes(resume, problem, 500_000_000), {"key": str, "pictures": dict}, problem)
    return dict(record["pictures"]) if record["key"] == key else {}


def _store(resume: str | Path | None, key: str, known: dict[str, Any]) -> None:
    if resume is not None:
        storage.write(resume, json.dumps({"key": key, "pictures": known}).encode())


def _gathered(
    network: Network,
    names: tuple[str, ...],
    done: list[tuple[str, controls.Findings]],
    unreadable: dict[str, str],
    first: Array,
    seed: int,
    command: str,
    seconds: float,
) -> Audit:
    """Intervals over the pictures, and what is measured on the first picture alone."""
    each = [findings for _, findings in done]
    table: dict[str, dict[str, Interval]] = {}
    curves: dict[str, dict[str, tuple[Interval, ...]]] = {}
    for name in names:
        kinds = dict.fromkeys(kind for finding in each for kind in finding.controls.get(name, {}))
        if kinds:
            nothing = float("nan")
            table[name] = {
                kind: interval([finding.controls.get(name, {}).get(kind, nothing) for finding in each], seed)
                for kind in kinds
            }
    for name in (controls.RANDOM, controls.EDGES, *table):
        kinds = dict.fromkeys(kind for finding in each for kind in finding.curves.get(name, {}))
        curves[name] = {
            kind: tuple(
                interval(step, seed)
                for step in zip(*(o.curves[name][kind] for o in each if name in o.curves), strict=True)
            )
            for kind in kinds
        }
    unit = Unit(*each[0].unit)
    agreement, coverage, adjoint = _proofs(network, first, unit, names)
    return Audit(
        network=network.name, digest=network.digest, layer=unit.layer,
        pictures=tuple({"name": name, "unit": list(finding.unit), "value": finding.value} for name, finding in done),
        unreadable=unreadable, table=table, curves=curves,
        refused={k: v for finding in reversed(each) for k, v in finding.refused.items()},
        skipped={k: v for finding in reversed(each) for k, v in finding.skipped.items()},
        agreement=agreement, coverage=coverage, adjoint=adjoint,
        settings={name: attribution.options_of(name, controls.options(network, name)) for name in table},
        seed=seed, versions=_versions(), command=command, seconds=seconds,
        examples=_examples(network, first, unit, tuple(table), seed),
    )  # fmt: skip


def _proofs(
    network: Network, x: Array, unit: Unit, names: Sequence[str]
) -> tuple[dict[str, float], dict[str, str], float | None]:
    """Two computations of each rule's map, the rectifiers that obey it, and the dot test."""
    agreement, coverage = {}, {}
    rules = [name for name in names if name in RULES]
    with contextlib.suppress(RuleError, NetworkError):
        maps = with_agreement(network, x, reconstruct_layer(network, x, [unit], rules, "one", refusals={}))
        for rule, (one,) in maps.items():
            coverage[rule] = str(one.coverage)
            if one.agreement is not None:
                agreement[rule] = one.agreement
    try:
        adjoint: float | None = network_checks.adjoint(network, x, unit.layer).error
    except DeconvvizError:
        adjoint = None
    return agreement, coverage, adjoint


def _examples(network: Network, x: Array, unit: Unit, names: Sequence[str], seed: int) -> dict[str, np.ndarray]:
    """The first picture, and each method's map of it with the network's weights and with random ones."""
    score = Score.of(network, x, unit)
    blue_first = network.input_spec.channels == "BGR"
    examples = {"picture": np.asarray(x)[0, ..., ::-1] if blue_first else np.asarray(x)[0]}
    for kind, other in _both(network, score, seed):
        controls.rules_at_once(other, x, names)
        for name in names:
            try:
                signal = attribution.drawn(other, x, name, seed, **controls.options(network, name)).signal
                examples[f"{name}, {kind}"] = controls.ranked(name, signal)
            except DeconvvizError:
                continue
    return examples


def _both(network: Network, score: Score, seed: int) -> Iterator[tuple[str, Score]]:
    yield "network", score
    try:
        layers, how = controls.stages(network)["all layers"]
    except NetworkError:
        return
    yield "random weights", score.with_weights(controls.random_weights(network, layers, how, seed))


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in ("deconvviz", "jax", "numpy", "scikit-image"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
