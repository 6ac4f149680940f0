"""The functions a person calls: load a network, look at its activations, reconstruct what a unit saw."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy

from deconvviz import catalog
from deconvviz.checks import audit as auditing
from deconvviz.checks import grey
from deconvviz.checks.audit import Audit, Forecast, Randomization
from deconvviz.checks.audit import randomize as randomizing
from deconvviz.data import folder, images, preprocess
from deconvviz.errors import DataError, DeconvvizError, ImageError, NetworkError
from deconvviz.methods import activation_maximization, attribution, feature_inversion, layer_grid, refinement
from deconvviz.models import inverters
from deconvviz.network import Network, reconstruct_units
from deconvviz.network.backward.inner import reconstruct_inner
from deconvviz.network.backward.reconstruct import reconstruct_layer, reconstruct_target, with_agreement
from deconvviz.ops.rectify import RULES
from deconvviz.types import (
    Array,
    Attribution,
    Inversion,
    LayerVisualization,
    Reconstruction,
    Start,
    Unit,
    UnitLike,
    Visualization,
)


def load(name: str, weights: Any = None) -> Network:
    """A network of the catalogue with its weights.

    Args:
      name: "caltech", "squeezenet", "vgg16", ...; `deconvviz.catalog.models()` lists them.
      weights: a file to use in place of the shipped or downloaded one; safetensors with torchvision's or timm's names
        for the networks with public weights. "random" or "random:SEED" gives those untrained; "epoch:N" gives caltech
        as it was after N = 1, 2, 5, 12, 27, 63, 144 or 268 epochs of its training.

    Raises:
      DeconvvizError: unknown name.
      WeightsError: weights missing, damaged or of another network; says where they are found.

    >>> load("caltech").layers[0]
    Layer(name='conv1', kind='conv', shape=(64, 64, 32), stride=(2, 2), receptive_field=(6, 6), parameters=3488)
    """
    return catalog.model(name).build(weights)


def model_input(net: Network, image: Any) -> np.ndarray:
    """What the network is fed for an image: (1, H, W, C), in the range that it declares.

    Args:
      net: a network.
      image: path, bytes, PIL image, or array (H, W, 3), uint8 or float in 0..1, of any size; an array (H, W, channels)
        of any numbers where the network takes a number of channels, here and in all that follows.

    Raises:
      ImageError: the image cannot be read.

    >>> from deconvviz.data import samples
    >>> model_input(load("caltech"), samples.load("cat")).shape
    (1, 128, 128, 3)
    """
    if not isinstance(net, Network):
        named = f"dv.load({net!r})" if isinstance(net, str) else 'dv.load("caltech")'
        raise NetworkError(f"a network comes first, a dv.Network as {named} gives one; got {net!r}"[:300])
    return preprocess.model_input(images.load(image) if net.input_spec.is_picture else image, net.input_spec)


def predict(net: Network, image: Any) -> np.ndarray:
    """Probabilities of a classifier's classes for an image.

    Formula: ``exp(s_k) / sum_j exp(s_j)`` of its output s; the output itself where it sums to 1 already, and where it
    ends in sigmoids, which are one probability a label.

    Args:
      net: a network whose output is one number a class.
      image: path, bytes, PIL image, or array (H, W, 3), uint8 or float in 0..1, of any size.

    Returns:
      (classes,) float64, in the order of ``net.labels``; they sum to 1, but for the labels of sigmoids.

    Raises:
      NetworkError: the output is no row of scores: one number, whole numbers, or an answer for every place of a map.
      ImageError: the image cannot be read.

    >>> from deconvviz.data import samples
    >>> net = load("caltech")
    >>> probabilities = predict(net, samples.load("cat"))
    >>> probabilities.shape, round(float(probabilities.sum()), 6), net.labels[probabilities.argmax()]
    ((102,), 1.0, 'cougar_face')
    """
    x = model_input(net, image)
    return class_probabilities(net, net.run(x))


def class_probabilities(net: Network, output: np.ndarray) -> np.ndarray:
    """`predict`, for whoever has run the network already.

    Args:
      net: a network whose output is one number a class.
      output: of ``net.run``.

    Raises:
      NetworkError: the output is no row of scores.

    >>> class_probabilities(load("caltech"), np.zeros((1, 102))).max().item() == 1 / 102
    True
    """
    sizes = [size for size in output.shape if size > 1]
    ends = next((node.layer.kind for node in net.program().nodes if node.variable is net.program().flat.outputs[0]), "")
    reason = ""
    if output.dtype.kind in "biuc":
        reason = f"is of type {output.dtype}{', a choice that was made already' if output.dtype.kind != 'c' else ''}"
    elif len(sizes) > 1:
        reason = f"has shape {output.shape}, an answer for every place of a map and no row of classes"
    elif not sizes and ends != "sigmoid":
        reason = f"is one number, {output.reshape(-1)[0]:.6g}: a logit or a measure, which nothing in the network tells"
    if reason:
        raise NetworkError(
            f"predict gives the probabilities of classes, and the output of {net.name} {reason}; "
            "net.run(dv.model_input(net, image)) gives the output itself"
        )
    return np.asarray(output, np.float64).reshape(-1) if ends == "sigmoid" else probabilities(output)


def probabilities(output: np.ndarray) -> np.ndarray:
    """The probabilities that `predict` reads from a network's output, for whoever has the output already.

    Args:
      output: scores, or probabilities, of any shape; taken as one row of classes.

    Returns:
      (classes,) float64; the output itself where it sums to 1 already, else its softmax.

    >>> probabilities(np.zeros((1, 4))).tolist(), probabilities(np.array([0.25, 0.75])).tolist()
    ([0.25, 0.25, 0.25, 0.25], [0.25, 0.75])
    """
    array = np.asarray(output)
    scores, rounding = array.astype(np.float64).reshape(-1), 1e-4 if array.dtype.itemsize > 2 else 2e-2
    is_done = scores.min() >= 0 and abs(scores.sum() - 1) < rounding
    return scores if is_done else np.asarray(scipy.special.softmax(scores))


def activations(net: Network, image: Any, layer: str) -> np.ndarray:
    """A layer's values for an image.

    Args:
      net: a network.
      image: path, bytes, PIL image, or array (H, W, 3), uint8 or float in 0..1, of any size.
      layer: a layer's name, one of ``[layer.name for layer in net.layers]``.

    Returns:
      (h, w, c) float32, or (c,) for a layer without rows and columns.

    Raises:
      NetworkError: no such layer.
      ImageError: the image cannot be read.

    >>> from deconvviz.data import samples
    >>> activations(load("caltech"), samples.load("cat"), "pool1").shape
    (32, 32, 32)
    """
    return net.taps(model_input(net, image), [net.layer(layer).name])[layer][0]


def reconstruct(
    net: Network,
    image: Any,
    unit: UnitLike | None = None,
    rule: str = "deconvnet",
    start: Start = "activation",
    *,
    target: Callable[[Any], Any] | None = None,
    to: str | None = None,
    on_unsupported: Literal["refuse", "gradient"] = "refuse",
    prove: bool = True,
    rules: Mapping[str, Callable[[Any, Any], Any]] | None = None,
) -> Reconstruction:
    """What one unit saw in an image: its signal sent back down to the pixels.

    Formula: with ``a`` the unit's activation, ``g = a e_unit`` at its layer; below, every operation applies its
    adjoint, max pooling returns to its switches, biases drop out, and a rectifier with input z passes ``g [z > 0]``
    (gradient), ``max(g, 0)`` (deconvnet), ``max(g, 0) [z > 0]`` (guided) or ``g`` (linear).

    Args:
      net: a network.
      image: path, bytes, PIL image, or array (H, W, 3), uint8 or float in 0..1.
      unit: a `Unit`, or a tuple like ``("relu3", 7)``; without row and column its strongest position.
      rule: "gradient", "deconvnet", "guided" or "linear".
      start: "activation" (the activation itself goes down) or "one" (the derivative of the unit).
      target: in place of a unit, a number of one's own: a function of the network's output as `Network.run` gives it,
        (1, ...), that JAX can differentiate, ``lambda out: out[0, 3] - out[0, 5]``. Its derivative, times its value
        where start="activation", goes down; the map's `activation` is its value.
      to: name of a layer below the unit where the signal ends, in place of the image. The map is then of that layer's
        shape, (h, w, channels); what reaches the unit past that layer, through a shortcut for example, is left out.
      on_unsupported: activations other than ReLU on the path: "refuse", or leave them to their "gradient".
      prove: also compute the map a second, independent way, and report the agreement of the two.
      rules: backward rules of your own for activations that are no rectifiers, in place of refusing:
        ``{"gelu": lambda z, g: ...}`` gives the signal below from what went in and the signal that comes down.

    Returns:
      A `Reconstruction`; its map is (H, W, 3) at the model's size, in RGB order.

    Raises:
      NetworkError: no such layer, channel or position; the unit is not made from the layer `to`.
      RuleError: the rule cannot apply.
      ImageError: the image cannot be read.
      DeconvvizError: what was given is no unit, or no start; both a unit and a target; a target that gives no single
        number.

    Source: zeiler2014visualizing, springenberg2015striving, simonyan2014deep

    >>> from deconvviz.data import samples
    >>> result = reconstruct(load("caltech"), samples.load("cat"), ("relu3", 7))
    >>> result.map.shape, str(result.coverage), result.agreement < 1e-5
    ((128, 128, 3), '3 of 3 rectifiers obey', True)
    >>> inner = reconstruct(load("caltech"), samples.load("cat"), ("relu3", 7), to="relu2")
    >>> inner.map.shape == load("caltech").layer("relu2").shape, str(inner.coverage)
    (True, '1 of 1 rectifiers obey')
    """
    net = net.with_rules(rules) if rules else net
    if to is not None:
        if target is not None:
            raise DeconvvizError(f"only units go down to an inner layer; got a target and to={to!r}: leave one out")
        x = model_input(net, image)
        return reconstruct_inner(net, x, unit, to, rule, start, on_unsupported, prove)  # type: ignore[arg-type]
    if target is None:
        units = [Unit.of(unit)]  # type: ignore[arg-type]  # None is refused there, like all that is no unit
        return reconstruct_many(net, image, units, rule, start, on_unsupported=on_unsupported, prove=prove)[0]
    if unit is not None:
        raise DeconvvizError(f"a unit, or a target in place of one, is what goes down; got both, {unit!r} and a target")
    x = model_input(net, image)
    return _displayed(net, x, reconstruct_target(net, x, target, rule, start, on_unsupported, prove))


def reconstruct_many(
    net: Network,
    image: Any,
    units: Sequence[UnitLike],
    rule: str = "deconvnet",
    start: Start = "activation",
    *,
    on_unsupported: Literal["refuse", "gradient"] = "refuse",
    prove: bool = True,
) -> tuple[Reconstruction, ...]:
    """`reconstruct` for many units of one image: one forward pass for all units of a layer that go down together.

    Args:
      net, image, rule, start, on_unsupported, prove: as in `reconstruct`.
      units: of any layers, in any order.

    Returns:
      One `Reconstruction` a unit, in the order of `units`.

    Raises:
      DeconvvizError: as `reconstruct`.

    Example::

      dv.reconstruct_many(net, "cat.jpg", [("relu5", c) for c in range(9)])
    """
    if isinstance(units, (Unit, str)) or not isinstance(units, Iterable):
        raise DeconvvizError(
            "reconstruct_many takes a list of units, [('relu3', 7), ('relu3', 8)] for example; for one unit there is "
            f"reconstruct; got {units!r}"
        )
    x = model_input(net, image)
    results = reconstruct_units(net, x, units, rule, start, on_unsupported, prove)
    return tuple(_displayed(net, x, result) for result in results)


def reconstruct_rules(
    net: Network,
    image: Any,
    unit: UnitLike,
    rules: Sequence[str] | str = RULES,
    *,
    start: Start = "activation",
    on_unsupported: Literal["refuse", "gradient"] = "refuse",
    prove: bool = True,
    refusals: dict[str, str] | None = None,
) -> dict[str, Reconstruction]:
    """`reconstruct` by several rules: the image is read once, one forward pass serves all, one backward pass a rule.

    Args:
      net, image, unit, start, on_unsupported: as in `reconstruct`.
      rules: which; all four if left out.
      prove: also compute every map a second, independent way (`prove_maps`), which takes a forward pass of its own.
      refusals: a dict that takes, for every rule that cannot apply, the sentence why: rule -> sentence. Such rules
        are then missing in the result. If left out, the first one is raised.

    Returns:
      rule -> `Reconstruction`, in the order of `rules`; each is what `reconstruct` returns, up to rounding.

    Raises:
      NetworkError: no such layer, channel or position.
      RuleError: no such rule; or one that cannot apply, unless `refusals` takes it.
      ImageError: the image cannot be read.

    Source: zeiler2014visualizing, springenberg2015striving, simonyan2014deep

    >>> from deconvviz.data import samples
    >>> maps = reconstruct_rules(load("caltech"), samples.load("cat"), ("relu3", 7))
    >>> list(maps), max(one.agreement for one in maps.values()) < 1e-5
    (['gradient', 'deconvnet', 'guided', 'linear'], True)
    """
    x = model_input(net, image)
    results = reconstruct_layer(net, x, [Unit.of(unit)], rules, start, on_unsupported, refusals)
    results = with_agreement(net, x, results) if prove else results
    return {rule: _displayed(net, x, one) for rule, (one,) in results.items()}


def prove_maps(net: Network, image: Any, maps: Mapping[str, Reconstruction]) -> dict[str, Reconstruction]:
    """The same reconstructions with their agreement: each is computed a second, independent way and compared.

    Only the second computation runs, with one forward pass for all. What was computed with stored switches and
    transposed filters is compared with `jax.vjp` of the rewritten program, and the other way round; where an operation
    has no adjoint written by hand, `jax.vjp` is compared with a backward pass equation by equation.

    Args:
      net, image: as they were given to `reconstruct_rules`.
      maps: what it returned: rule -> reconstruction, all of one unit and with the same start.

    Returns:
      The same dict with every `Reconstruction.agreement`: relative difference of the two.

    Raises:
      DeconvvizError: the reconstructions are of several units, starts or sizes.
      ImageError: the image cannot be read.

    >>> from deconvviz.data import samples
    >>> net, image = load("caltech"), samples.load("cat")
    >>> maps = reconstruct_rules(net, image, ("relu3", 7), ["guided"], prove=False)
    >>> maps["guided"].agreement, prove_maps(net, image, maps)["guided"].agreement < 1e-5
    (None, True)
    """
    wrong = [f"{rule!r}: {reconstruction.rule}" for rule, reconstruction in maps.items() if reconstruction.rule != rule]
    if any(reconstruction.target is not None for reconstruction in maps.values()):
        raise DeconvvizError("maps of a target are compared when they are made: dv.reconstruct(..., prove=True)")
    several = {(reconstruction.unit, reconstruction.start) for reconstruction in maps.values()}
    if wrong or len(several) > 1:
        raise DeconvvizError(
            "prove_maps takes what reconstruct_rules returned, rule -> reconstruction, of one unit and start; got "
            + (", ".join(wrong) or " and ".join(f"{unit} from {start}" for unit, start in several))
        )
    proven = with_agreement(
        net,
        model_input(net, image),
        {rule: [reconstruction] for rule, reconstruction in maps.items()},
        lambda map: preprocess.signed_rgb(map, net.input_spec),
    )
    return {rule: one for rule, (one,) in proven.items()}


def attribute(
    net: Network,
    image: Any,
    unit: UnitLike,
    method: str = "occlusion",
    seed: int = 0,
    *,
    on_unsupported: Literal["refuse", "gradient"] = "refuse",
    **options: Any,
) -> Attribution:
    """Which pixels a unit, or a class, rests on, by any method of `deconvviz.catalog.methods()`.

    Formula: with f the unit's value as a function of the picture, each method's own: `METHOD.formula`. The four rules
    are the maps of `reconstruct`.

    Args:
      net: any network.
      image: path, bytes, PIL image, or array (H, W, 3), uint8 or float in 0..1.
      unit: a `Unit` or a tuple; a class is a unit of the scores, ``("logits", 5)``. Without row and column its
        strongest position on this image; with "all" the sum over its map.
      method: "gradient", "deconvnet", "guided", "linear", "gradient_x_input", "integrated_gradients", "smoothgrad",
        "grad_cam" or "occlusion".
      seed: of the random draws, where the method has any.
      on_unsupported: activations other than ReLU under one of the rules: "refuse", or leave them to their "gradient".
      options: of the method: start (the rules: "activation" or "one"); baseline ("black", "grey", "mean", "blur", or
        model inputs) and steps (integrated gradients); samples and noise (SmoothGrad); layer (Grad-CAM); patch, stride
        and baseline (occlusion).

    Returns:
      An `Attribution`; its map is (H, W, 3) at the model's size, in RGB order, its `pixels` (H, W).

    Raises:
      DeconvvizError: no such method or option, or a value that makes no sense.
      NetworkError: no such layer, channel or position; numbers that are not finite; no maps for Grad-CAM.
      RuleError: a rule cannot apply.
      ImageError: the image cannot be read.

    Source: zeiler2014visualizing, sundararajan2017axiomatic, smilkov2017smoothgrad, selvaraju2017gradcam

    >>> from deconvviz.data import samples
    >>> found = attribute(load("caltech"), samples.load("cat"), ("logits", 27), "grad_cam")
    >>> found.map.shape, found.pixels.shape, bool(found.pixels.min() >= 0)
    ((128, 128, 3), (128, 128), True)
    """
    result = attribution.attribute(net, model_input(net, image), unit, method, seed, on_unsupported, **options)
    signal = np.asarray(result.map, np.float32)
    rgb = np.repeat(signal[..., None], 3, axis=-1) if signal.ndim == 2 else None
    return dataclasses.replace(result, map=preprocess.signed_rgb(signal, net.input_spec) if rgb is None else rgb)


def randomize(
    net: Network,
    image: Any,
    unit: UnitLike,
    method: str = "deconvnet",
    order: Literal["top_down", "independent"] = "top_down",
    seed: int = 0,
    how: Literal["permute", "redraw"] = "permute",
    **options: Any,
) -> Randomization:
    """The maps of one unit while the weights of the network are made random: a map that shows what was learned changes.

    Args:
      net, image, unit, method: as in `attribute`.
      order: "top_down", each step one layer more from the top; or "independent", each layer alone.
      seed: of the random weights, and of the method's own draws.
      how: "permute" shuffles the entries of every array; "redraw" draws kernels from a normal distribution with their
        mean and standard deviation.
      options: of the method.

    Returns:
      A `Randomization`: the layers, the maps as the method makes them (channels of the model input), and how like the
      first each of them is.

    Raises:
      NetworkError: no kernel to make random; as `attribute` otherwise.

    Source: adebayo2018sanity

    >>> from deconvviz.data import samples
    >>> steps = randomize(load("caltech"), samples.load("cat"), ("relu2", 3), "gradient", start="one")
    >>> steps.layers[:2], round(steps.rank_correlation[0], 6), len(steps.maps) == len(steps.layers) == 9
    (('', 'logits'), 1.0, True)
    """
    return randomizing.randomize(net, model_input(net, image), unit, method, order, seed, how, **options)


def audit(
    net: Network,
    pictures: Any,
    methods: Sequence[str] | None = None,
    seed: int = 0,
    *,
    unit: UnitLike | None = None,
    resume: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    command: str = "",
) -> Audit:
    """Whether the maps of a network can be trusted: every control of every method, with intervals over the pictures.

    Random weights (from the top down, all redrawn, the lowest alone), another class, all units of the layer, deletion
    and insertion, agreement with occlusion, a small shift and faint noise, infidelity, likeness to an edge detector;
    for the rules the coverage, the agreement of two computations, and the adjoint test. Pictures are audited side by
    side, one a processor (four at most).

    Args:
      net: any network.
      pictures: a folder of pictures, a sequence of whatever `attribute` takes as an image, or name -> image.
      methods: names; all if None. One that cannot apply is refused in the report, with the reason.
      seed: of all draws.
      unit: what is explained; the class with the largest score of each picture if None.
      resume: a file that takes what is done after each picture, and from which a stopped audit goes on.
      progress: called with pictures done and all of them, at first and after each.
      command: how it was made, for the report.

    Returns:
      An `Audit`: `.table`, `.sentences`, `.to_json(path)`, `.to_html(path)`.

    Raises:
      DataError: no picture could be read, or an unfinished audit that cannot be read.
      NetworkError: scores that are not finite, or a unit that is not there.
      DeconvvizError: no such method.

    Example::

      dv.audit(net, "pictures/", methods=["deconvnet", "grad_cam"]).to_html("report.html")
    """
    return auditing.audit(net, _audited(net, pictures), methods, unit, seed, resume, command, progress)


def audit_forecast(
    net: Network, pictures: Any, methods: Sequence[str] | None = None, *, unit: UnitLike | None = None
) -> Forecast:
    """What `audit` will take, measured on the first picture that can be read: time and memory.

    Raises:
      DataError, NetworkError, DeconvvizError: as `audit`.
    """
    inputs, reason = _audited(net, pictures), "no picture was given"
    refusal: DeconvvizError | None = None
    for name, read in inputs:
        try:
            return auditing.forecast(net, read(), unit, methods or tuple(catalog.methods()), len(inputs))
        except (DataError, ImageError, NetworkError) as error:
            reason, refusal = f"{name}: {error}", error
    if isinstance(refusal, NetworkError):
        raise refusal
    raise DataError(f"none of {len(inputs)} pictures could be used: {reason}")


def _audited(net: Network, pictures: Any) -> list[tuple[str, Callable[[], np.ndarray]]]:
    """Name of each picture, and a function that reads it."""
    if isinstance(pictures, Mapping):
        return [(str(name), functools.partial(model_input, net, picture)) for name, picture in pictures.items()]
    if isinstance(pictures, (str, Path)):
        items: list[Any] = list(folder.list_pictures(pictures))
    elif isinstance(pictures, Iterable) and not isinstance(pictures, (bytes, np.ndarray)):
        items = list(pictures)
    else:
        raise DeconvvizError(
            f"an audit takes a folder of pictures, or a list of them; got {type(pictures).__name__}: for one picture, "
            "a list of one"
        )
    names = [item.name if isinstance(item, Path) else str(item) if isinstance(item, str) else "" for item in items]
    return [
        (name or f"picture {number}", functools.partial(model_input, net, one))
        for number, (name, one) in enumerate(zip(names, items, strict=True))
    ]


def _displayed(net: Network, x: Array, result: Reconstruction) -> Reconstruction:
    """In RGB order, with what works out why it is grey."""
    explain = functools.partial(grey.diagnosis, net, x, result)
    return dataclasses.replace(result, map=preprocess.signed_rgb(result.map, net.input_spec), explain=explain)


def invert(net: Network, image: Any, layer: str, method: str = "optimize", **options: Any) -> Inversion:
    """A picture that a layer answers like the one it is shown: what the layer still knows of it.

    Formula: "optimize" minimizes ``|Phi(x) - a|^2 / |a|^2 + norm R_alpha(x) + tv R_TV(x)`` over pictures x in 0..1,
    with ``a = Phi(image)``; R_alpha the alpha norm, R_TV the total variation (`deconvviz.priors`). "learned" is
    ``f(a)``, one pass through a decoder f trained to minimize ``E |f(Phi(x)) - x|^2`` over photographs, and what its
    recipe puts beside that: about the mean of the pictures that have these features. "refined" begins there and
    minimizes ``|Phi(x) - a|^2 / |a|^2 + near mean((x - f(a))^2)``: what the layer knows, where the decoder blurred it.

    Args:
      net: a network.
      image: path, bytes, PIL image, or array (H, W, 3), uint8 or float in 0..1.
      layer: a layer's name; maps and vectors both will do. For "learned" and "refined" one of
        `deconvviz.models.inverters.layers`.
      method: "optimize", "learned" or "refined".
      options: those of `invert_snapshots`; for "learned" only weights, a file that
        ``deconvviz train inverter:LAYER`` wrote, in place of the shipped one; for "refined" weights, and steps, rate
        and near of `deconvviz.methods.refinement.Refinement`.

    Returns:
      An `Inversion`, the end of the run; "learned" takes no steps, and neither it nor "refined" has losses.

    Raises:
      NetworkError: no such layer, one that is zero everywhere for this image, or one without a learned inverter.
      DeconvvizError: an option that does not exist or makes no sense.
      ImageError: the image cannot be read.
      WeightsError: a file of inverters that cannot be read.

    Source: mahendran2015understanding, mahendran2016visualizing, dosovitskiy2016inverting

    >>> from deconvviz.data import samples
    >>> found = invert(load("caltech"), samples.load("cat"), "conv1", steps=24)
    >>> found.image.shape, found.feature_error < 0.2
    ((128, 128, 3), True)
    >>> learned = invert(load("caltech"), samples.load("cat"), "relu4", method="learned")
    >>> learned.image.shape, learned.image_error < 0.08
    ((128, 128, 3), True)
    >>> refined = invert(load("caltech"), samples.load("cat"), "relu4", method="refined")
    >>> refined.feature_error < learned.feature_error / 10, refined.image_error < learned.image_error
    (True, True)
    """
    *_, last = invert_snapshots(net, image, layer, method, **options)
    return last


def invert_snapshots(
    net: Network,
    image: Any,
    layer: str,
    method: str = "optimize",
    *,
    seed: int = 0,
    restarts: int = 1,
    resume: Inversion | None = None,
    every: int = 32,
    **settings: Any,
) -> Iterator[Inversion]:
    """`invert` as it goes: a snapshot after 8 steps, then one every 32. Leave the loop to stop, and go on later.

    "learned" and "refined" have one snapshot, their answer.

    Args:
      net, image, layer, method: as in `invert`.
      seed: of the noise that it starts from and of the random shifts; the same seed gives the same pixels.
      restarts: how many starts, side by side; the one with the smallest feature error counts.
      resume: a snapshot of the same run, to go on from there.
      every: steps from one snapshot to the next.
      settings: steps, rate, parametrization ("fourier" or "pixel"), optimizer ("adam", "momentum", "adagrad", or an
        Optax transformation), tv, beta, norm, alpha, jitter, turn, zoom, decay. What is left out is the preset of the
        layer.

    Example::

      for snapshot in dv.invert_snapshots(net, "cat.jpg", "relu3"):
        show(snapshot.image, snapshot.step / snapshot.steps)
      later = dv.invert(net, "cat.jpg", "relu3", resume=snapshot)
    """
    _check_drawable(net)
    decoded = images.load(image)
    x, photograph = preprocess.model_input(decoded, net.input_spec), preprocess.fit_image(decoded, net.input_spec)
    if method in ("learned", "refined"):
        options = settings | {"restarts": None if restarts == 1 else restarts, "resume": resume}
        yield _decoded(net, x, photograph, layer, method, options)
        return
    yield from feature_inversion.snapshots(
        net, x, photograph, layer, method, seed=seed, restarts=restarts, resume=resume, every=every, **settings
    )


def _check_drawable(net: Network) -> None:
    """Pictures are drawn in colours or grey only."""
    if not net.input_spec.is_picture:
        count = f"{net.input_spec.depth} channel{'s' * (net.input_spec.depth > 1)}"
        raise DeconvvizError(
            f"pictures are drawn in colours or grey ('RGB', 'BGR', 'L'), and {net.name} takes {count}: look at it with "
            "reconstruct and activations"
        )


def _decoded(net: Network, x: Any, photograph: Any, layer: str, method: str, options: dict[str, Any]) -> Inversion:
    """One pass through the decoder of a layer, which is handed the layer's values and nothing else; refined or not."""
    given = {name: value for name, value in options.items() if value is not None}
    weights = given.pop("weights", None)
    known = [field.name for field in dataclasses.fields(refinement.Refinement)] if method == "refined" else []
    for name in given:
        if name not in known:
            raise DeconvvizError(
                f"method={method!r} has no option {name!r}: its decoder answers in one pass, without random draws; it "
                f"takes {', '.join(['weights', *known])} alone, or use method='optimize'"
            )
    settings = refinement.Refinement(**given)
    values = net.taps(x, [layer])[layer]
    image = inverters.load(net, layer, weights)(values)[0]
    if method == "refined":
        image = refinement.refine(net, values, layer, image, settings)
    reconstructed = preprocess.model_input(image, net.input_spec)
    result = feature_inversion.measured(net, x, photograph, layer, method, image, reconstructed)
    steps = settings.steps if method == "refined" else 0
    return dataclasses.replace(result, step=steps, steps=steps)


def visualize(net: Network, unit: UnitLike | str, **options: Any) -> Visualization:
    """A picture, made from noise, that excites a unit: what it is looking for.

    Formula: maximize ``f(Phi(T(x)))`` over pictures x in 0..1, T random shifts, turns and zooms, f one neuron, the mean
    of a channel, a class score, or the mean along a direction.

    Args:
      net: a network.
      unit: a `Unit`, or a tuple like ``("conv1", 3)``; without row and column its channel, else the neuron. A layer's
        name where there is a direction.
      options: those of `visualize_snapshots`.

    Returns:
      A `Visualization`, the end of the run.

    Raises:
      NetworkError: no such layer, channel or position; or a dead unit.
      DeconvvizError: an option that does not exist or makes no sense.

    Source: olah2017feature

    >>> seen = visualize(load("caltech"), Unit("conv1", 3), steps=24)
    >>> seen.objective, seen.image.shape, bool(seen.losses[-1] < seen.losses[0])
    ('channel', (128, 128, 3), True)
    """
    *_, last = visualize_snapshots(net, unit, **options)
    return last


def visualize_snapshots(
    net: Network,
    unit: UnitLike | str,
    *,
    objective: str | None = None,
    direction: Array | None = None,
    seed: int = 0,
    pictures: int = 1,
    diversity: float = 1.0,
    start: Any = None,
    resume: Visualization | None = None,
    every: int = 32,
    **settings: Any,
) -> Iterator[Visualization]:
    """`visualize` as it goes: a snapshot after 8 steps, then one every 32. Leave the loop to stop, and go on later.

    Args:
      net, unit: as in `visualize`.
      objective: "neuron" (the middle one without row and column), "channel", "class" or "direction"; follows from the
        unit if None.
      direction: (c,) numbers, one a channel of the layer.
      seed: of all random draws; the same seed gives the same pixels.
      pictures: how many at once.
      diversity: how much several pictures shall differ at the layer.
      start: an image to start from instead of noise.
      resume: a snapshot of the same run, to go on from there.
      every: steps from one snapshot to the next.
      settings: as in `invert_snapshots`.

    Example::

      for snapshot in dv.visualize_snapshots(net, dv.Unit("relu5", 7)):
        show(snapshot.image, snapshot.activation)
    """
    _check_drawable(net)
    goal = activation_maximization.goal(net, unit, objective, direction)
    begun = None if start is None else preprocess.fit_image(images.load(start), net.input_spec)
    yield from activation_maximization.snapshots(
        net,
        goal,
        seed=seed,
        pictures=pictures,
        diversity=diversity,
        start=begun,
        resume=resume,
        every=every,
        **settings,
    )


def visualize_layer(
    net: Network, layer: str, channels: Sequence[int] | None = None, **options: Any
) -> LayerVisualization:
    """`visualize` for many units of a layer, one picture each.

    Args:
      net: a network.
      layer: a layer's name.
      channels: which; all if None.
      options: those of `visualize_layer_snapshots`.

    Returns:
      A `LayerVisualization`, the end of the runs. A dead unit is noted in it.

    Raises:
      NetworkError: no such layer or channel.
      DeconvvizError: an option that does not exist or makes no sense.

    Source: olah2017feature

    >>> seen = visualize_layer(load("caltech"), "conv1", [3, 0], steps=8)
    >>> seen.images.shape, seen.finished.tolist()
    ((2, 128, 128, 3), [True, True])
    """
    *_, last = visualize_layer_snapshots(net, layer, channels, **options)
    return last


def visualize_layer_snapshots(
    net: Network,
    layer: str,
    channels: Sequence[int] | None = None,
    *,
    objective: str | None = None,
    seed: int = 0,
    batch: int | None = None,
    resume: LayerVisualization | None = None,
    every: int = 32,
    **settings: Any,
) -> Iterator[LayerVisualization]:
    """`visualize_layer` as it goes: the empty sheet, then a snapshot every 32 steps of a picture.

    Args:
      net, layer, channels: as in `visualize_layer`.
      objective: "neuron" (the middle one), "channel" or "class"; follows from the layer if None.
      seed: of all random draws; each picture is the one that `visualize` makes of its unit with that seed.
      batch: pictures that are made at once; one on a CPU, which gains nothing from more, else 16.
      resume: a snapshot of the same runs, whose finished pictures are kept; the channels may be others.
      every: steps from one snapshot to the next.
      settings: as in `invert_snapshots`.

    Example::

      for sheet in dv.visualize_layer_snapshots(net, "relu4", range(16)):
        show(sheet.images, sheet.step / sheet.steps)
    """
    _check_drawable(net)
    yield from layer_grid.snapshots(
        net, layer, channels, objective=objective, seed=seed, batch=batch, resume=resume, every=every, **settings
    )
