"""A PyTorch module as a JAX function: exported by ``torch.export``, each ATen operation run as a JAX one.

The module's own forward pass is recorded once, in evaluation mode, with in-place operations made pure and the number
of images left open. `OPERATIONS` says what each recorded operation computes; what it lacks is refused by name. PyTorch
is imported when a module is given and not before.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz.errors import NetworkError, OperationError
from deconvviz.types import InputSpec

#: Arguments that say where and how an array lies in memory.
_STORAGE = {"layout", "device", "pin_memory", "memory_format", "non_blocking", "copy", "implicit"}
#: Operations that only check something.
_ASSERTIONS = {"_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range",
               "sym_constrain_range_for_size"}  # fmt: skip
#: Operations that wrap a part of the program in a mode of PyTorch's: ``operation(mode, ..., part, *inputs)``.
_MODES = ("wrap_with_set_grad_enabled", "wrap_with_autocast")
#: How many missing operations a refusal names.
_NAMED = 4


def from_module(module: Any, input_spec: InputSpec) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
    """A function of one image batch (N, H, W, C) that computes what a PyTorch module computes in evaluation mode.

    Weights are copied. The module itself stays as it is, its training mode included. Each operation runs in the float
    type of the input, in the scope of its module's path: "layer1/0/conv1".

    Args:
      module: a ``torch.nn.Module`` whose forward takes one batch (N, C, H, W) and returns arrays, in any nesting of
        lists, tuples, dicts and dataclasses.
      input_spec: the size and number of channels that it is recorded with.

    Returns:
      (the function, sentences about what was changed: that the module was in training mode).

    Raises:
      NetworkError: PyTorch is missing; no module; or it cannot be exported.
      OperationError: an operation has no counterpart here; it is named with the module that uses it.
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        kind = module.__name__ if isinstance(module, type) else type(module).__name__
        what = "a class: give an instance of it" if isinstance(module, type) else "no torch.nn.Module"
        raise NetworkError(f"from_torch takes a torch.nn.Module; {kind} is {what}")
    training = sum(part.training for part in module.modules())
    notes = (f"{type(module).__name__} was in training mode; it is run in evaluation mode.",) if training else ()
    recorded = _record(module, input_spec, 2)
    if recorded.batch is None:
        return lambda x: recorded(x), notes
    # The forward pass depends on the number of images, so that each number is recorded for itself.
    known = {recorded.batch: recorded}

    def call(x: Any) -> Any:
        if x.shape[0] not in known:
            known[x.shape[0]] = _record(module, input_spec, x.shape[0])
        return known[x.shape[0]](x)

    return call, notes


def _torch() -> Any:
    try:
        import torch
        import torch.export
    except ImportError as error:
        raise NetworkError(
            "from_torch needs PyTorch, which is not installed here: pip install 'deconvviz[torch]', or PyTorch as "
            "https://pytorch.org says"
        ) from error
    return torch


@dataclass(eq=False)
class _Recorded:
    """A module's program.

    Attributes:
      graph: the exported ``torch.fx`` graph module.
      placeholders: names of its inputs in order -> name of the array that each is, or None for the image.
      arrays: the weights, buffers and constants as NumPy arrays, floats in the type they are stored in.
      outputs: which of the returned values are results, not new values of buffers.
      structure: what the results are nested in.
      batch: the number of images that it is bound to, None for any.
    """

    graph: Any
    placeholders: dict[str, str | None]
    arrays: dict[str, np.ndarray]
    outputs: tuple[int, ...]
    structure: Callable[[list[Any]], Any]
    batch: int | None
    _cast: dict[Any, dict[str, jax.Array]] = field(default_factory=dict)

    def __call__(self, x: Any) -> Any:
        """The module's results for an image batch."""
        arrays = self._in(x.dtype)
        image = jnp.transpose(x, (0, 3, 1, 2))
        inputs = [image if name is None else arrays[name] for name in self.placeholders.values()]
        values = _run(self.graph, inputs, x.dtype)
        return self.structure([values[i] for i in self.outputs])

    def _in(self, dtype: Any) -> dict[str, jax.Array]:
        """The arrays, floats in one type; converted once for each type."""
        if dtype not in self._cast:
            floats = {n: np.issubdtype(a.dtype, np.floating) for n, a in self.arrays.items()}
            with jax.ensure_compile_time_eval():  # arrays, also while a program is traced
                self._cast[dtype] = {n: jnp.asarray(a, dtype if floats[n] else None) for n, a in self.arrays.items()}
        return self._cast[dtype]


def _record(module: Any, spec: InputSpec, batch: int) -> _Recorded:
    """Export a module for that many images, or for any number where its forward pass allows."""
    torch = _torch()
    from torch.export import graph_signature

    first = next((p for p in itertools.chain(module.parameters(), module.buffers()) if p.is_floating_point()), None)
    kind = {} if first is None else {"dtype": first.dtype, "device": first.device}
    example = torch.zeros(batch, spec.depth, *spec.size, **kind)
    free = ({0: torch.export.Dim.AUTO},) if batch > 1 else None
    with _evaluation(module):
        try:
            with torch.no_grad():
                module(example[:1])  # what does not fit says so sooner, and in plainer words
            with warnings.catch_warnings():  # PyTorch warns of its own inner calls
                warnings.simplefilter("ignore")
                program = torch.export.export(module, (example,), dynamic_shapes=free).run_decompositions({})
                program = _decomposed(program)
        except Exception as error:
            raise _refusal(module, tuple(example.shape), error) from error
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    names.update(signature.inputs_to_lifted_tensor_constants)
    inputs = [node for node in program.graph.nodes if node.op == "placeholder"]
    image = next(node for node in inputs if node.name in signature.user_inputs)
    images = str(image.meta["val"].shape[0])  # "s77" where any number will do
    _check_known(program.graph_module, type(module).__name__)
    stored = {**program.state_dict, **program.constants}
    user_output = graph_signature.OutputKind.USER_OUTPUT
    return _Recorded(
        program.graph_module,
        {node.name: names.get(node.name) for node in inputs},
        {name: _array(stored[name]) for name in names.values()},
        tuple(i for i, output in enumerate(signature.output_specs) if output.kind == user_output),
        lambda values: _plain(torch.utils._pytree.tree_unflatten(values, program.call_spec.out_spec)),
        int(images) if images.isdigit() else None,
    )


@contextlib.contextmanager
def _evaluation(module: Any) -> Iterator[None]:
    """Evaluation mode, and attention spelled out: its fused form for inference has no operations to record."""
    torch = _torch()
    training = [part for part in module.modules() if part.training]
    fused = torch.backends.mha.get_fastpath_enabled()
    module.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for part in training:
            part.training = True


def _refusal(module: Any, shape: tuple[int, ...], error: Exception) -> NetworkError:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:300]
    return NetworkError(
        f"torch.export cannot record {type(module).__name__} on an image batch of shape {shape} (batch, channels, "
        f"height, width): {type(error).__name__}: {first}. Its forward pass has to take one such batch, of the size "
        "that input_spec says, and may not choose by values that depend on the image"
    )


def _array(tensor: Any) -> np.ndarray:
    """A copy, so that further training of the module changes nothing here."""
    values = tensor.detach().cpu()
    return np.array((values.float() if str(values.dtype) == "torch.bfloat16" else values).contiguous().numpy())


def _plain(output: Any) -> Any:
    """Nested results as JAX takes them: dicts in place of other mappings and of dataclasses."""
    if isinstance(output, Mapping):
        return {str(key): _plain(value) for key, value in output.items()}
    if isinstance(output, (list, tuple)):
        return [_plain(value) for value in output]
    if is_dataclass(output):
        return {field.name: _plain(getattr(output, field.name)) for field in fields(output)}
    return output


def _decomposed(program: Any) -> Any:
    """The program with each operation that `OPERATIONS` lacks put together from others, where PyTorch says how."""
    known = dict(_torch().export.default_decompositions())
    known = {k: v for k, v in known.items() if "max_unpool" not in str(k)}  # it takes places of maxima
    while table := {node.target: known[node.target] for node in _missing(program.graph_module) if node.target in known}:
        program, known = program.run_decompositions(table), {k: v for k, v in known.items() if k not in table}
    return program


def _missing(graph: Any) -> list[Any]:
    """The nodes whose operation `OPERATIONS` lacks."""
    parts = (part for part in graph.modules() if hasattr(part, "graph"))
    nodes = (node for part in parts for node in part.graph.nodes)
    return [node for node in nodes if node.op == "call_function" and _operation(node.target) is None]


def _check_known(graph: Any, name: str) -> None:
    """Refuse a program with operations that `OPERATIONS` lacks, each with its place."""
    missing: dict[str, str] = {}
    for node in _missing(graph):
        missing.setdefault(str(node.target), _path(node).replace("/", ".") or "its forward pass")
    if missing:
        entries = [f"{target} in {place}" for target, place in itertools.islice(missing.items(), _NAMED)]
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        random = any("rand" in target or "bernoulli" in target for target in missing)
        hint = "; random numbers are none that inference may draw" if random else ""
        raise OperationError(
            f"{name} uses operations of PyTorch that have no counterpart in JAX here: "
            f"{', '.join(entries)}{more}{hint}. "
            "Write that part with other operations, or choose a part of the network without it"
        )


def _path(node: Any) -> str:
    """The path of the module whose forward pass an operation stands in, "layer1/0/conv1"."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path = stack[-1][0] if stack else ""
    return "" if path.startswith("_") else path.replace(".", "/")


def _operation(target: Any) -> Callable[..., Any] | None:
    """What computes a recorded operation; None if nothing here does."""
    schema = getattr(target, "_schema", None)
    if schema is None:
        if getattr(target, "__name__", "") in _MODES:
            return target
        home = getattr(target, "__module__", "")
        return target if callable(target) and home in ("_operator", "math", "torch") else None
    space, name = schema.name.split("::")
    if space != "aten":
        return None
    if name in _ASSERTIONS:
        return lambda *_, **__: None
    return OPERATIONS.get(f"{name}.{schema.overload_name}", OPERATIONS.get(name))


def _run(graph: Any, arguments: Sequence[Any], dtype: Any) -> list[Any]:
    """The values that a graph returns for its inputs."""
    values: dict[Any, Any] = {}
    inputs = iter(arguments)

    def read(arg: Any) -> Any:
        if isinstance(arg, (list, tuple)):
            return [read(item) for item in arg]
        if type(arg).__module__ == "torch.fx.node":
            return values[arg]
        return _dtype(arg, dtype) if type(arg).__name__ == "dtype" else arg

    for node in graph.graph.nodes:
        if node.op == "placeholder":
            values[node] = next(inputs)
        elif node.op == "get_attr":
            attribute = functools.reduce(getattr, str(node.target).split("."), graph)
            values[node] = jnp.asarray(_array(attribute)) if hasattr(attribute, "detach") else attribute
        elif node.op == "output":
            return [read(arg) for arg in node.args[0]]
        elif getattr(node.target, "__name__", "") in _MODES:
            values[node] = _in_mode(node, [read(arg) for arg in node.args], dtype)
        else:
            options = {name: read(arg) for name, arg in node.kwargs.items() if name not in _STORAGE}
            operation, scope = _operation(node.target), _path(node)
            assert operation is not None  # `_check_known` has looked
            with jax.named_scope(scope) if scope else contextlib.nullcontext():
                values[node] = operation(*map(read, node.args), **options)
    raise AssertionError("a graph without an output")


def _in_mode(node: Any, args: list[Any], dtype: Any) -> list[Any]:
    """A part of the program in a mode of PyTorch's: no signal passes what was computed without gradients."""
    at = next(i for i, arg in enumerate(args) if hasattr(arg, "graph"))
    results = _run(args[at], args[at + 1 :], dtype)
    stopped = node.target.__name__ == _MODES[0] and not args[0]
    return [lax.stop_gradient(result) for result in results] if stopped else results


def _dtype(kind: Any, dtype: Any) -> Any:
    """JAX's type for one of PyTorch's: every float is the input's."""
    name = str(kind).removeprefix("torch.")
    return dtype if kind.is_floating_point else jnp.bool_ if name == "bool" else jax.dtypes.canonicalize_dtype(name)


# Convolutions and products


def _convolution(
    x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, transposed: bool = False,
    output_padding: Any = 0, groups: int = 1,
) -> Any:  # fmt: skip
    """``aten.convolution``: x (N, C, ...), w (O, C / groups, ...), or (C, O / groups, ...) where it is transposed."""
    n = w.ndim - 2
    if x.ndim == n + 1:
        return _convolution(x[None], w, b, stride, padding, dilation, transposed, output_padding, groups)[0]
    stride, dilation, extra = _each(stride, n), _each(dilation, n), _each(output_padding, n)
    span = [d * (k - 1) for d, k in zip(dilation, w.shape[2:], strict=True)]
    if isinstance(padding, str):
        pads = [(s // 2, s - s // 2) if padding == "same" else (0, 0) for s in span]
    else:
        pads = [(p, p) for p in _each(padding, n)]
    steps, spread = stride, (1,) * n
    if transposed:
        inputs, outputs = w.shape[0], w.shape[1]
        w = w.reshape(groups, inputs // groups, outputs, *w.shape[2:]).swapaxes(1, 2)
        w = jnp.flip(w.reshape(groups * outputs, inputs // groups, *w.shape[3:]), range(2, n + 2))
        pads = [(s - p[0], s - p[1] + e) for s, p, e in zip(span, pads, extra, strict=True)]
        steps, spread = (1,) * n, stride
    letters = "DHW"[-n:]
    numbers = (f"NC{letters}", f"OI{letters}", f"NC{letters}")
    y = lax.conv_general_dilated(x, w, steps, pads, spread, dilation, numbers, feature_group_count=groups)
    return y if b is None else y + b.reshape(1, -1, *(1,) * n)


def _conv(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    return _convolution(x, w, b, stride, padding, dilation, False, 0, groups)


def _conv_transpose(
    x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, extra: Any = 0, groups: int = 1, dilation: Any = 1
) -> Any:
    return _convolution(x, w, b, stride, padding, dilation, True, extra, groups)


def _each(value: Any, n: int) -> tuple[int, ...]:
    """One number an axis, from one number or as many."""
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return values * n if len(values) == 1 else values


def _linear(x: Any, w: Any, b: Any = None) -> Any:
    y = x @ w.T
    return y if b is None else y + b


def _attention(
    q: Any, k: Any, v: Any, mask: Any = None, dropout: float = 0.0, is_causal: bool = False, *,
    scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """``softmax(q k^T scale + mask) v`` over the last two axes, (positions, features)."""
    if enable_gqa:
        k, v = (jnp.repeat(a, q.shape[-3] // a.shape[-3], axis=-3) for a in (k, v))
    scores = (q @ k.swapaxes(-1, -2)) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if is_causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = jnp.where(mask, scores, -jnp.inf) if mask.dtype == bool else scores + mask
    return jax.nn.softmax(scores, axis=-1) @ v


# Pooling


def _windows(
    shape: Sequence[int], kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
) -> tuple[list[tuple[int, ...]], list[tuple[int, int]]]:
    """(kernel, stride, dilation), and (before, after) on each axis: more after than before where sizes are rounded up.

    A window that would begin in the padding behind the array is left out, as PyTorch does. Rows that no window reaches
    stay where they are: JAX has no gradient of a pool that cuts them off (negative padding).
    """
    n = len(shape)
    kernel = _each(kernel, n)
    stride, padding, dilation = _each(stride or kernel, n), _each(padding, n), _each(dilation, n)
    pads = []
    for size, k, s, p, d in zip(shape, kernel, stride, padding, dilation, strict=True):
        span = d * (k - 1) + 1
        count = -(-(size + 2 * p - span) // s) + 1 if ceil else (size + 2 * p - span) // s + 1
        if ceil and (count - 1) * s >= size + p:
            count -= 1
        pads.append((p, max((count - 1) * s + span - size - p, 0)))
    return [kernel, stride, dilation], pads


def _reduce_windows(x: Any, start: float, reduce: Any, windows: list[tuple[int, ...]], pads: Any) -> Any:
    rest = x.ndim - len(pads)
    kernel, stride, dilation = ((*(1,) * rest, *values) for values in windows)
    around = (*((0, 0),) * rest, *pads)
    return lax.reduce_window(
        x, np.array(start, x.dtype), reduce, kernel, stride, around, window_dilation=dilation
    )  # fmt: skip


def _max_pool(
    n: int, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    windows, pads = _windows(x.shape[-n:], kernel, stride, padding, dilation, ceil_mode)
    return _reduce_windows(x, -np.inf, lax.max, windows, pads)


def _avg_pool(
    n: int, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    shape, padding = x.shape[-n:], _each(padding, n)
    windows, pads = _windows(shape, kernel, stride, padding, 1, ceil_mode)
    total = _reduce_windows(x, 0.0, lax.add, windows, pads)
    counts: Any = np.ones(())
    for axis, (size, k, s) in enumerate(zip(shape, *windows[:2], strict=True)):
        first = np.arange(total.shape[axis - n]) * s - padding[axis]
        low, high = (-padding[axis], size + padding[axis]) if count_include_pad else (0, size)
        counts = np.multiply.outer(counts, np.minimum(first + k, high) - np.maximum(first, low))
    divisor = np.full((), divisor_override) if divisor_override else counts
    same = divisor.flat[0] if (divisor == divisor.flat[0]).all() else None
    return total / float(same) if same is not None else total / divisor.astype(x.dtype)


def _cells(size: int, out: int) -> list[tuple[int, int]]:
    """(first, end) of the cells of an adaptive pooling along one axis; they overlap where sizes do not divide."""
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def _adaptive(n: int, x: Any, out: Any, pool: Callable[..., Any], whole: Callable[..., Any]) -> Any:
    """Cells of equal size by a pooling; else axis by axis: a mean of means over a box of cells, a maximum of maxima."""
    sizes = x.shape[-n:]
    out = [size if o is None else o for o, size in zip(_each(out, n), sizes, strict=True)]
    if all(o == 1 for o in out):
        return whole(x, axis=tuple(range(-n, 0))).reshape(*x.shape[:-n], *(1,) * n)
    if all(size % o == 0 for o, size in zip(out, sizes, strict=True)):
        kernel = [size // o for o, size in zip(out, sizes, strict=True)]
        return x if set(kernel) == {1} else pool(n, x, kernel)
    for axis, (size, o) in enumerate(zip(sizes, out, strict=True), -n):
        if whole is jnp.mean:
            weights = np.zeros((o, size))
            for row, (first, end) in zip(weights, _cells(size, o), strict=True):
                row[first:end] = 1 / (end - first)
            x = _along(x, weights, axis)
        else:
            parts = [lax.slice_in_dim(x, first, end, axis=axis) for first, end in _cells(size, o)]
            x = jnp.concatenate([whole(part, axis=axis, keepdims=True) for part in parts], axis)
    return x


def _along(x: Any, weights: np.ndarray, axis: int) -> Any:
    """Sums along one axis, by the rows of a matrix (out, in)."""
    y = lax.dot_general(x, jnp.asarray(weights, x.dtype), (((axis % x.ndim,), (1,)), ((), ())))
    return jnp.moveaxis(y, -1, axis)


def _values_only(pool: Callable[..., Any]) -> Callable[..., Any]:
    """A pooling that PyTorch returns with the places of its maxima, which are none that a signal passes."""
    return lambda *args, **options: (pool(*args, **options), None)


# Interpolation


def _resize(mode: str, x: Any, size: Any = None, *rest: Any, antialias: bool = False) -> Any:
    """``upsample_*``, as recorded (size, corners, scales an axis) or as called (size, corners, [scales]).

    Formula: along each axis, ``y_i = sum_j w(s_i - j) x_j`` with ``s_i = i (n - 1) / (m - 1)`` where the corners are
    aligned and ``(i + 1/2) n / m - 1/2`` where not; w a triangle, or the cubic kernel with a = -3/4 (-1/2 where the
    kernel is widened against aliasing).
    """
    n = x.ndim - 2
    align, scales = (rest[0], rest[1:]) if mode not in ("nearest", "nearest-exact") else (False, rest)
    if len(scales) == 1 and isinstance(scales[0], (list, tuple)):
        scales = tuple(scales[0])
    factors = scales if len(scales) == n and None not in scales else (None,) * n
    if size is None:
        size = [math.floor(x.shape[2 + d] * factors[d]) for d in range(n)]
    for axis, (out, factor) in enumerate(zip(size, factors, strict=True), 2):
        have = x.shape[axis]
        if out == have and (align or factor is None or factor == 1):
            continue
        step = 1 / factor if factor else have / out
        if align:
            step = (have - 1) / (out - 1) if out > 1 else 0.0
        if mode.startswith("nearest"):
            shift = 0.5 if mode == "nearest-exact" else 0.0
            at = np.floor((np.arange(out, dtype=np.float32) + np.float32(shift)) * np.float32(step)).astype(int)
            x = _pick(x, np.minimum(at, have - 1), axis)
        else:
            x = _along(x, _kernels(mode, have, out, step, align, antialias), axis)
    return x


def _pick(x: Any, at: np.ndarray, axis: int) -> Any:
    """Entries along an axis: as repetition, or as a stride, where they are one."""
    have, out = x.shape[axis], len(at)
    if out % have == 0 and (at == np.arange(out) // (out // have)).all():
        return jnp.repeat(x, out // have, axis=axis)
    step = at[1] - at[0] if out > 1 else 1
    if step > 0 and (at == at[0] + step * np.arange(out)).all():
        return lax.slice_in_dim(x, int(at[0]), int(at[-1]) + 1, int(step), axis)
    return jnp.take(x, at, axis=axis)


def _kernels(mode: str, have: int, out: int, step: float, align: bool, antialias: bool) -> np.ndarray:
    """(out, have) weights of an interpolation along one axis."""
    i = np.arange(out)
    weights = np.zeros((out, have))
    if antialias:
        wide = max(step, 1.0)
        reach = (2 if mode == "cubic" else 1) * wide
        for row, center in zip(weights, step * (i + 0.5), strict=True):
            first, end = max(int(center - reach + 0.5), 0), min(int(center + reach + 0.5), have)
            distance = (np.arange(first, end) - center + 0.5) / wide
            row[first:end] = _weight(mode, np.abs(distance), -0.5)
            row /= row.sum()
        return weights
    at = step * i if align else step * (i + 0.5) - 0.5
    if mode == "linear":
        at = np.maximum(at, 0)
    base = np.floor(at)
    for offset in range(-1, 3):
        to = np.clip(base + offset, 0, have - 1).astype(int)
        np.add.at(weights, (i, to), _weight(mode, np.abs(at - base - offset), -0.75))
    return weights


def _weight(mode: str, d: np.ndarray, a: float) -> np.ndarray:
    """The triangle, or the cubic convolution kernel, at a distance."""
    if mode == "linear":
        return np.maximum(1 - d, 0)
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


# Normalization


def _batch_norm(x: Any, w: Any, b: Any, mean: Any, var: Any, momentum: float, eps: float) -> Any:
    shape = (1, -1, *(1,) * (x.ndim - 2))
    scale = lax.rsqrt(var + eps) if w is None else lax.rsqrt(var + eps) * w
    y = (x - mean.reshape(shape)) * scale.reshape(shape)
    return y if b is None else y + b.reshape(shape)


def _batch_norm_of(x: Any, w: Any, b: Any, training: bool, momentum: float, eps: float) -> Any:
    """Without stored statistics: those of the batch, as where weights are standardized."""
    axes = [axis for axis in range(x.ndim) if axis != 1]
    return _affine(_standardized(x, axes, eps), w, b, (1, -1, *(1,) * (x.ndim - 2)))


def _weight_norm(v: Any, g: Any, dim: int = 0) -> Any:
    axes = tuple(axis for axis in range(v.ndim) if axis != dim % v.ndim)
    return v * (g / jnp.sqrt(jnp.square(v).sum(axes, keepdims=True)))


def _standardized(x: Any, axes: Sequence[int], eps: float) -> Any:
    centred = x - x.mean(tuple(axes), keepdims=True)
    return centred * lax.rsqrt(jnp.square(centred).mean(tuple(axes), keepdims=True) + eps)


def _affine(y: Any, w: Any, b: Any, shape: Sequence[int]) -> Any:
    y = y if w is None else y * w.reshape(shape)
    return y if b is None else y + b.reshape(shape)


def _layer_norm(x: Any, shape: Sequence[int], w: Any = None, b: Any = None, eps: float = 1e-5, *_: Any) -> Any:
    return _affine(_standardized(x, range(x.ndim - len(shape), x.ndim), eps), w, b, tuple(shape))


def _rms_norm(x: Any, shape: Sequence[int], w: Any = None, eps: float | None = None) -> Any:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    eps = float(jnp.finfo(x.dtype).eps) if eps is None else eps
    return _affine(x * lax.rsqrt(jnp.square(x).mean(axes, keepdims=True) + eps), w, None, tuple(shape))


def _group_norm(x: Any, groups: int, w: Any = None, b: Any = None, eps: float = 1e-5, *_: Any) -> Any:
    grouped = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    y = _standardized(grouped, range(2, grouped.ndim), eps).reshape(x.shape)
    return _affine(y, w, b, (1, -1, *(1,) * (x.ndim - 2)))


def _instance_norm(
    x: Any, w: Any, b: Any, mean: Any, var: Any, use_input_stats: bool, momentum: float, eps: float, *_: Any
) -> Any:
    if not use_input_stats:
        return _batch_norm(x, w, b, mean, var, momentum, eps)
    return _affine(_standardized(x, range(2, x.ndim), eps), w, b, (1, -1, *(1,) * (x.ndim - 2)))


# Activations that jax.nn names are called there, so that their names arrive in the program.


@functools.partial(jax.jit, static_argnames="approximate")
def gelu(x: Any, *, approximate: str = "none") -> Any:
    """`jax.nn.gelu`, which is no call of its own there."""
    return jax.nn.gelu(x, approximate=approximate == "tanh")


def _hardtanh(x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    return jax.nn.hard_tanh(x) if (low, high) == (-1, 1) else jnp.clip(x, low, high)


def _elu(x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    if (scale, input_scale) == (1, 1):
        return jax.nn.elu(x, alpha)
    return scale * jnp.where(x > 0, x, alpha * jnp.expm1(input_scale * jnp.where(x > 0, 0, x)))


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    y = jax.nn.softplus(x) if beta == 1 else jax.nn.softplus(x * beta) / beta
    return jnp.where(x * beta > threshold, x, y)


def _prelu(x: Any, w: Any) -> Any:
    slope = w if w.size == 1 or w.ndim == x.ndim else w.reshape(-1, *(1,) * (x.ndim - 2))
    return jnp.where(x > 0, x, slope * x)


# Arithmetic


def _add(a: Any, b: Any, alpha: Any = 1) -> Any:
    return a + (b if alpha == 1 else b * alpha)


def _div(a: Any, b: Any, *, rounding_mode: str | None = None) -> Any:
    y = a / b
    return {"floor": jnp.floor, "trunc": jnp.trunc}[rounding_mode](y) if rounding_mode else y


def _pow(a: Any, b: Any) -> Any:
    if isinstance(b, (int, float)):
        return jnp.sqrt(a) if b == 0.5 else a ** (int(b) if b == int(b) else b)
    return jnp.power(a, b)


def _log_softmax(x: Any, dim: int, *_: Any) -> Any:
    return jax.nn.log_softmax(x, axis=dim)


def _softmax(x: Any, dim: int, *_: Any) -> Any:
    return jax.nn.softmax(x, axis=dim)


# Reductions


def _over(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction over some axes or, where none are named, over all."""

    def call(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        axes = tuple(dim) if isinstance(dim, (list, tuple)) else dim
        return reduce(x if dtype is None else x.astype(dtype), axis=None if axes == () else axes, keepdims=keepdim)

    return call


def _extreme(best: Callable[..., Any], where: Callable[..., Any]) -> Callable[..., Any]:
    """``max`` and ``min`` along one axis: values and places."""
    return lambda x, dim, keepdim=False: (
        best(x, axis=dim, keepdims=keepdim),
        where(x, axis=dim, keepdims=keepdim),
    )


def _var(x: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None) -> Any:
    if isinstance(dim, bool):  # var(x, unbiased)
        dim, unbiased = None, dim
    axes = tuple(range(x.ndim)) if dim in (None, []) else tuple(dim) if isinstance(dim, (list, tuple)) else (dim,)
    less = (1 if unbiased else 0) if correction is None else correction
    count = math.prod(x.shape[a] for a in axes)
    squares = jnp.square(x - x.mean(axes, keepdims=True)).sum(axes, keepdims=keepdim)
    return squares / (count - less)


def _std(*args: Any, **options: Any) -> Any:
    return jnp.sqrt(_var(*args, **options))


def _var_mean(x: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, **options: Any) -> Any:
    axes = tuple(dim) if isinstance(dim, (list, tuple)) else None
    return _var(x, dim, unbiased, keepdim, **options), x.mean(axes, keepdims=keepdim)


def _norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
    axes = tuple(dim) if isinstance(dim, (list, tuple)) else dim
    ord = 2 if ord is None else ord
    if ord == 2:
        return jnp.sqrt(jnp.square(x).sum(axes, keepdims=keepdim))
    if math.isinf(ord):
        return (jnp.max if ord > 0 else jnp.min)(jnp.abs(x), axis=axes, keepdims=keepdim)
    return jnp.abs(x).sum(axes, keepdims=keepdim) if ord == 1 else (jnp.abs(x) ** ord).sum(
        axes, keepdims=keepdim) ** (1 / ord)  # fmt: skip


def _top(x: Any, k: int, dim: int = -1, largest: bool = True, *_: Any) -> Any:
    moved = jnp.moveaxis(x, dim, -1)
    values, places = lax.top_k(moved if largest else -moved, k)
    return [jnp.moveaxis(values if largest else -values, -1, dim), jnp.moveaxis(places, -1, dim)]


# Shapes


def _expand(x: Any, sizes: Sequence[int], **_: Any) -> Any:
    have = (*(1,) * (len(sizes) - x.ndim), *x.shape)
    return jnp.broadcast_to(x, [h if s == -1 else s for h, s in zip(have, sizes, strict=True)])


def _flatten(x: Any, start: int = 0, end: int = -1) -> Any:
    first, last = start % max(x.ndim, 1), end % max(x.ndim, 1)
    return x.reshape(*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])


def _squeeze(x: Any, dim: Any = None) -> Any:
    axes = range(x.ndim) if dim is None else dim if isinstance(dim, (list, tuple)) else [dim]
    return jnp.squeeze(x, tuple(a % x.ndim for a in axes if x.shape[a] == 1))


def _split(x: Any, size: Any, dim: int = 0) -> list[Any]:
    have = x.shape[dim]
    sizes = size if isinstance(size, (list, tuple)) else [min(size, have - i) for i in range(0, have, size)]
    ends = list(itertools.accumulate(sizes))
    return [lax.slice_in_dim(x, e - s, e, axis=dim) for s, e in zip(sizes, ends, strict=True)]


def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    first, last, _ = slice(start, end, step).indices(x.shape[dim])
    whole = (first, step) == (0, 1) and last >= x.shape[dim]
    return x if whole else lax.slice_in_dim(x, first, max(first, last), step, dim)


def _put(x: Any, values: Any, dim: int, at: Any) -> Any:
    """The array with a part along one axis replaced."""
    return x.at[(slice(None),) * (dim % x.ndim) + (at,)].set(values)


def _index(x: Any, indices: Sequence[Any]) -> Any:
    return x[tuple(slice(None) if i is None else i for i in indices)]


def _pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """``F.pad``: (before, after) of the last axis, then of the one before it, ...; below 0 it cuts."""
    pairs = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    if mode == "constant":
        return lax.pad(x, jnp.asarray(value or 0, x.dtype), [(low, high, 0) for low, high in pairs])
    for axis, (low, high) in enumerate(pairs):
        x = lax.slice_in_dim(x, max(-low, 0), x.shape[axis] - max(-high, 0), axis=axis)
        if low > 0 or high > 0:
            x = _beyond(x, mode, max(low, 0), max(high, 0), axis)
    return x


def _beyond(x: Any, mode: str, low: int, high: int, axis: int) -> Any:
    """An array that goes on before and behind along one axis."""
    size, cut = x.shape[axis], functools.partial(lax.slice_in_dim, x, axis=axis)
    if mode == "circular":
        parts = [cut(size - low, size), x, cut(0, high)]
    elif mode == "reflect":
        parts = [jnp.flip(cut(1, low + 1), axis), x, jnp.flip(cut(size - 1 - high, size - 1), axis)]
    else:
        parts = [jnp.repeat(cut(0, 1), low, axis), x, jnp.repeat(cut(size - 1, size), high, axis)]
    return jnp.concatenate([part for part in parts if part.shape[axis]], axis)


def _pixel_shuffle(x: Any, r: int) -> Any:
    *n, c, h, w = x.shape
    y = jnp.moveaxis(x.reshape(*n, c // r**2, r, r, h, w), (-4, -3), (-3, -1))
    return y.reshape(*n, c // r**2, h * r, w * r)


def _pixel_unshuffle(x: Any, r: int) -> Any:
    *n, c, h, w = x.shape
    y = jnp.moveaxis(x.reshape(*n, c, h // r, r, w // r, r), (-3, -1), (-4, -3))
    return y.reshape(*n, c * r**2, h // r, w // r)


def _channel_shuffle(x: Any, groups: int) -> Any:
    n, c, *rest = x.shape
    return x.reshape(n, groups, c // groups, *rest).swapaxes(1, 2).reshape(x.shape)


def _im2col(x: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    y = lax.conv_general_dilated_patches(
        x, tuple(kernel), tuple(stride), [(p, p) for p in padding], rhs_dilation=tuple(dilation)
    )
    return y.reshape(*y.shape[:2], -1)


def _col2im(x: Any, size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    """The adjoint of `_im2col`: overlapping windows add up."""
    image = jax.ShapeDtypeStruct((x.shape[0], x.shape[1] // math.prod(kernel), *size), x.dtype)
    return jax.linear_transpose(lambda y: _im2col(y, kernel, dilation, padding, stride), image)(x)[0]


def _unfold(x: Any, dim: int, size: int, step: int) -> Any:
    """Windows along one axis, their entries along a last one."""
    last = (x.shape[dim] - size) // step * step + 1
    return jnp.stack([lax.slice_in_dim(x, i, i + last, step, dim) for i in range(size)], -1)


# Arrays made on the way


def _full(size: Sequence[int], value: Any, *, dtype: Any = None) -> Any:
    return jnp.full(tuple(size), value, dtype)


def _filled(name: str, value: float) -> dict[str, Callable[..., Any]]:
    return {
        name: lambda size, *, dtype=None: jnp.full(tuple(size), value, dtype),
        f"{name}_like": lambda x, *, dtype=None: jnp.full_like(x, value, dtype=dtype),
        f"new_{name}": lambda x, size, *, dtype=None: jnp.full(tuple(size), value, dtype or x.dtype),
    }


def _same(x: Any, *_: Any, **__: Any) -> Any:
    return x


def _cast(x: Any, dtype: Any = None, *_: Any, **__: Any) -> Any:
    return jnp.asarray(x) if dtype is None or isinstance(dtype, bool) else jnp.asarray(x).astype(dtype)


#: What the operations of ATen compute, by name or, where overloads differ, by name and overload.
OPERATIONS: dict[str, Callable[..., Any]] = {
    # convolutions and products
    "convolution": _convolution,
    "_convolution": lambda *args: _convolution(*args[:9]),
    **{f"conv{n}d": _conv for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": _conv_transpose for n in (1, 2, 3)},
    "linear": _linear,
    **dict.fromkeys(("mm", "bmm", "matmul", "mv", "dot"), jnp.matmul),
    "addmm": lambda c, a, b, *, beta=1, alpha=1: beta * c + alpha * (a @ b) if (beta, alpha) != (1, 1) else a @ b + c,
    "baddbmm": lambda c, a, b, *, beta=1, alpha=1: beta * c + alpha * (a @ b),
    "einsum": lambda equation, arrays, **_: jnp.einsum(equation, *arrays),
    "outer": jnp.outer,
    "scaled_dot_product_attention": _attention,
    "embedding": lambda w, at, *_: jnp.take(w, at, axis=0),
    # pooling
    **{f"max_pool{n}d": functools.partial(_max_pool, n) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": _values_only(functools.partial(_max_pool, n)) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": functools.partial(_avg_pool, n) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": functools.partial(_adaptive, n, pool=_avg_pool, whole=jnp.mean) for n in (1, 2, 3)},
    **{f"_adaptive_avg_pool{n}d": functools.partial(_adaptive, n, pool=_avg_pool, whole=jnp.mean) for n in (2, 3)},
    **{f"adaptive_max_pool{n}d": _values_only(functools.partial(_adaptive, n, pool=_max_pool, whole=jnp.max))
       for n in (1, 2, 3)},
    # interpolation
    **{f"upsample_nearest{n}d": functools.partial(_resize, "nearest") for n in (1, 2, 3)},
    **{f"_upsample_nearest_exact{n}d": functools.partial(_resize, "nearest-exact") for n in (1, 2, 3)},
    **{f"upsample_{name}": functools.partial(_resize, "linear") for name in ("linear1d", "bilinear2d", "trilinear3d")},
    "upsample_bicubic2d": functools.partial(_resize, "cubic"),
    "_upsample_bilinear2d_aa": functools.partial(_resize, "linear", antialias=True),
    "_upsample_bicubic2d_aa": functools.partial(_resize, "cubic", antialias=True),
    # normalization
    "_native_batch_norm_legit_no_training": lambda *args: (_batch_norm(*args), None, None),
    "_native_batch_norm_legit.no_stats": lambda *args: (_batch_norm_of(*args), None, None),
    **dict.fromkeys(("_weight_norm", "_weight_norm_interface"), _weight_norm),
    "layer_norm": _layer_norm,
    "native_layer_norm": lambda *args: (_layer_norm(*args), None, None),
    "rms_norm": _rms_norm,
    "_fused_rms_norm": lambda *args: (_rms_norm(*args), None),
    "group_norm": _group_norm,
    "native_group_norm": lambda x, w, b, n, c, hw, groups, eps: (_group_norm(x, groups, w, b, eps), None, None),
    "instance_norm": _instance_norm,
    # activations
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "gelu": gelu,
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "hardswish": jax.nn.hard_silu,
    "hardsigmoid": jax.nn.hard_sigmoid,
    "hardtanh": _hardtanh,
    "sigmoid": jax.nn.sigmoid,
    "log_sigmoid": jax.nn.log_sigmoid,
    "log_sigmoid_forward": lambda x: (jax.nn.log_sigmoid(x), None),
    "tanh": jnp.tanh,
    "elu": _elu,
    "selu": jax.nn.selu,
    "celu": lambda x, alpha=1.0: jax.nn.celu(x, alpha),
    "leaky_relu": lambda x, slope=0.01: jax.nn.leaky_relu(x, slope),
    "rrelu": lambda x, lower=0.125, upper=1 / 3, *_: jax.nn.leaky_relu(x, (lower + upper) / 2),
    **dict.fromkeys(("prelu", "_prelu_kernel"), _prelu),
    "glu": lambda x, dim=-1: jax.nn.glu(x, dim),
    "softplus": _softplus,
    "softsign": jax.nn.soft_sign,
    "threshold": lambda x, low, value: jax.nn.relu(x) if low == value == 0 else jnp.where(x > low, x, value),
    "hardshrink": lambda x, lambd=0.5: jnp.where(jnp.abs(x) > lambd, x, 0),
    "softshrink": lambda x, lambd=0.5: jnp.where(x > lambd, x - lambd, jnp.where(x < -lambd, x + lambd, 0)),
    **dict.fromkeys(("softmax", "_softmax", "_safe_softmax"), _softmax),
    **dict.fromkeys(("log_softmax", "_log_softmax"), _log_softmax),
    # arithmetic
    "add": _add,
    "sub": lambda a, b, alpha=1: a - (b if alpha == 1 else b * alpha),
    "rsub": lambda a, b, alpha=1: b - (a if alpha == 1 else a * alpha),
    "mul": lambda a, b: a * b,
    **dict.fromkeys(("div", "true_divide"), _div),
    "floor_divide": jnp.floor_divide,
    "remainder": jnp.remainder,
    "fmod": jnp.fmod,
    "pow": _pow,
    "neg": jnp.negative,
    "reciprocal": lambda x: 1 / x,
    "square": jnp.square,
    "rsqrt": lax.rsqrt,
    **{name: getattr(lax, name) for name in ("erf", "erfc", "lgamma", "digamma")},
    "trunc": jnp.trunc,
    "frac": lambda x: x - jnp.trunc(x),
    **{name: getattr(jnp, name) for name in (
        "abs", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh",
        "sign", "floor", "ceil", "round", "maximum", "minimum", "isnan", "isinf", "isfinite", "logical_and",
        "logical_or", "logical_not", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_not", "bitwise_xor", "where",
    )},
    **{f"__{name}__": getattr(jnp, f"bitwise_{name}") for name in ("and", "or", "xor")},
    **{name: getattr(jnp, f"arc{name[1:]}") for name in ("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh")},
    **{name: getattr(jnp, spelled) for name, spelled in (
        ("eq", "equal"), ("ne", "not_equal"), ("lt", "less"), ("le", "less_equal"), ("gt", "greater"),
        ("ge", "greater_equal"),
    )},
    "clamp": lambda x, min=None, max=None: jnp.clip(x, min, max),
    "clamp_min": jnp.maximum,
    "clamp_max": jnp.minimum,
    "nan_to_num": lambda x, nan=0.0, posinf=None, neginf=None: jnp.nan_to_num(
        x, nan=nan or 0.0, posinf=posinf, neginf=neginf),
    "masked_fill": lambda x, mask, value: jnp.where(mask, jnp.asarray(value, x.dtype), x),
    "lerp": lambda a, b, weight: a + weight * (b - a),
    "addcmul": lambda x, a, b, *, value=1: x + value * a * b,
    "addcdiv": lambda x, a, b, *, value=1: x + value * a / b,
    # reductions
    "mean": _over(jnp.mean),
    "sum": _over(jnp.sum),
    "prod": _over(jnp.prod),
    **dict.fromkeys(("amax", "max"), _over(jnp.max)),
    **dict.fromkeys(("amin", "min"), _over(jnp.min)),
    "max.dim": _extreme(jnp.max, jnp.argmax),
    "min.dim": _extreme(jnp.min, jnp.argmin),
    "max.other": jnp.maximum,
    "min.other": jnp.minimum,
    "any": _over(jnp.any),
    "all": _over(jnp.all),
    "argmax": lambda x, dim=None, keepdim=False: jnp.argmax(x, axis=dim, keepdims=keepdim),
    "argmin": lambda x, dim=None, keepdim=False: jnp.argmin(x, axis=dim, keepdims=keepdim),
    "var": _var,
    "std": _std,
    "var_mean": _var_mean,
    **dict.fromkeys(("linalg_vector_norm", "norm"), _norm),
    "logsumexp": _over(jax.nn.logsumexp),
    "cumsum": lambda x, dim, **_: jnp.cumsum(x, axis=dim),
    "cumprod": lambda x, dim, **_: jnp.cumprod(x, axis=dim),
    "topk": _top,
    "sort": lambda x, dim=-1, descending=False: _top(x, x.shape[dim], dim, descending),
    # shapes
    **dict.fromkeys(("view", "_unsafe_view", "reshape"), lambda x, size: x.reshape(tuple(size))),
    "flatten": _flatten,
    "unflatten": lambda x, dim, sizes: x.reshape(*x.shape[: dim % x.ndim], *sizes, *x.shape[dim % x.ndim + 1 :]),
    "permute": lambda x, dims: jnp.transpose(x, tuple(dims)),
    "transpose": lambda x, a, b: jnp.swapaxes(x, a, b),
    "t": jnp.transpose,
    "numpy_T": jnp.transpose,
    "mT": lambda x: jnp.swapaxes(x, -1, -2),
    "movedim": lambda x, source, to: jnp.moveaxis(x, source, to),
    "squeeze": _squeeze,
    "unsqueeze": jnp.expand_dims,
    "expand": _expand,
    "expand_as": lambda x, like: jnp.broadcast_to(x, like.shape),
    "repeat": lambda x, times: jnp.tile(x, tuple(times)),
    "repeat_interleave.self_int": lambda x, times, dim=None, **_: jnp.repeat(x, times, axis=dim),
    "cat": lambda arrays, dim=0: jnp.concatenate([a for a in arrays if a.shape != (0,)], dim),
    "stack": lambda arrays, dim=0: jnp.stack(arrays, dim),
    **dict.fromkeys(("split", "split_with_sizes"), _split),
    "chunk": lambda x, count, dim=0: _split(x, -(-x.shape[dim] // count), dim),
    "tensor_split.sections": lambda x, count, dim=0: jnp.array_split(x, count, dim),
    "unbind": lambda x, dim=0: [lax.index_in_dim(x, i, dim, keepdims=False) for i in range(x.shape[dim])],
    "select": lambda x, dim, at: lax.index_in_dim(x, at, dim, keepdims=False),
    "slice": _slice,
    "narrow": lambda x, dim, start, length: lax.slice_in_dim(x, start, start + length, axis=dim),
    "index_select": lambda x, dim, at: jnp.take(x, at, axis=dim),
    "gather": lambda x, dim, at, **_: jnp.take_along_axis(x, at, axis=dim),
    "index": _index,
    "index_put": lambda x, at, values, accumulate=False: (
        x.at[tuple(slice(None) if i is None else i for i in at)].add(values) if accumulate
        else x.at[tuple(slice(None) if i is None else i for i in at)].set(values)),
    "slice_scatter": lambda x, values, dim=0, start=None, end=None, step=1: _put(
        x, values, dim, slice(*slice(start, end, step).indices(x.shape[dim]))),
    "select_scatter": lambda x, values, dim, at: _put(x, values, dim, at),
    "flip": lambda x, dims: jnp.flip(x, tuple(dims)),
    "roll": lambda x, shifts, dims=(): jnp.roll(x, tuple(_each(shifts, 1)), tuple(_each(dims, 1)) or None),
    "tril": lambda x, k=0: jnp.tril(x, k),
    "triu": lambda x, k=0: jnp.triu(x, k),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: jnp.diagonal(x, offset, dim1, dim2),
    "pad": _pad,
    "constant_pad_nd": lambda x, pad, value=0: _pad(x, pad, "constant", value),
    **{f"reflection_pad{n}d": lambda x, pad: _pad(x, pad, "reflect") for n in (1, 2, 3)},
    **{f"replication_pad{n}d": lambda x, pad: _pad(x, pad, "replicate") for n in (1, 2, 3)},
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _channel_shuffle),
    "im2col": _im2col,
    "col2im": _col2im,
    "unfold": _unfold,
    # copies and constants
    **dict.fromkeys(("clone", "contiguous", "alias", "lift_fresh_copy", "dropout", "feature_dropout", "alpha_dropout",
                     "feature_alpha_dropout"), _same),
    "detach": lax.stop_gradient,
    **dict.fromkeys(("_to_copy", "to"), _cast),
    "type_as": lambda x, like: x.astype(like.dtype),
    "copy": lambda x, values, *_: jnp.broadcast_to(values, x.shape).astype(x.dtype),
    "zero": jnp.zeros_like,
    "fill": lambda x, value: jnp.full(x.shape, value, x.dtype),
    "full": _full,
    "full_like": lambda x, value, *, dtype=None: jnp.full_like(x, value, dtype=dtype),
    "new_full": lambda x, size, value, *, dtype=None: jnp.full(tuple(size), value, dtype or x.dtype),
    "scalar_tensor": lambda value, *, dtype=None: jnp.asarray(value, dtype),
    **_filled("empty", 0.0),
    **_filled("zeros", 0.0),
    **_filled("ones", 1.0),
    "arange": jnp.arange,
    "linspace": lambda start, end, steps, *, dtype=None: jnp.linspace(start, end, steps, dtype=dtype),
    "eye": lambda n, m=None, *, dtype=None: jnp.eye(n, m, dtype=dtype),
    "sym_size": lambda x, dim: x.shape[dim],
    "sym_numel": lambda x: x.size,
}  # fmt: skip
