"""Backward rules written by hand, put in place of a library's own ReLU while its definition runs; no rewriting.

`replace_relu` is called before a definition's library is imported. From then on `jax.nn.relu` and its bounded sibling
look up the rule of the moment, and count their calls; without a rule they are what they were.
"""

from __future__ import annotations

from typing import Any

import numpy as np

RULES = ("gradient", "deconvnet", "guided", "linear")


class Hand:
    """The rule of the moment, a number of `RULES` that is traced, and how many rectifiers ran under it."""

    rule: Any = None
    calls: int = 0


def _below(rule: int, g: Any, positive: Any, xp: Any) -> Any:
    """The signal below a rectifier; ``positive`` says where its input is above 0."""
    gated = xp.where(positive, g, 0 * g)
    passed = (gated, xp.where(g > 0, g, 0 * g), xp.where(gated > 0, gated, 0 * g), g)
    if xp.__name__ == "torch":
        return passed[rule]
    return sum(xp.where(rule == number, signal, 0) for number, signal in enumerate(passed))


def replace_relu() -> None:
    """Exchange `jax.nn.relu` and `jax.nn.relu6`; call it before anything else imports them."""
    import jax
    import jax.numpy as jnp

    def by_hand(top: float | None) -> Any:
        @jax.custom_vjp
        def f(z: Any, rule: Any) -> Any:
            return jnp.maximum(z, 0) if top is None else jnp.clip(z, 0, top)

        def down(kept: Any, g: Any) -> tuple[Any, Any]:
            z, rule = kept
            g = g if top is None else jnp.where(z < top, g, 0)
            return _below(rule, g, z > 0, jnp).astype(g.dtype), jnp.zeros_like(rule)

        f.defvjp(lambda z, rule: (f(z, rule), (z, rule)), down)
        return f

    def replaced(original: Any, hand: Any) -> Any:
        def call(x: Any) -> Any:
            if Hand.rule is None:
                return original(x)
            Hand.calls += 1
            return hand(x, Hand.rule)

        return call

    jax.nn.relu = replaced(jax.nn.relu, by_hand(None))  # type: ignore[assignment]
    jax.nn.relu6 = replaced(jax.nn.relu6, by_hand(6.0))  # type: ignore[assignment]


def jax_maps(function: Any, x: np.ndarray, entry: int) -> tuple[dict[str, np.ndarray], int]:
    """Signals at the image from an entry of the output, by each rule; how many rectifiers the definition called."""
    import jax
    import jax.numpy as jnp

    def run(x: Any, rule: Any) -> Any:
        Hand.rule, Hand.calls = rule, 0
        try:
            value, pull = jax.vjp(lambda x: jnp.asarray(function(x)), x)
        finally:
            Hand.rule = None
        seed = np.zeros(value.size, np.float32)
        seed[entry] = 1
        return pull(jnp.asarray(seed.reshape(value.shape), value.dtype))[0]

    jax.clear_caches()  # an inner function that was compiled before holds the ReLU of its library
    compiled = jax.jit(run)
    maps = {rule: np.asarray(compiled(x, jnp.float32(number))) for number, rule in enumerate(RULES)}
    jax.clear_caches()
    return maps, Hand.calls


def torch_maps(module: Any, x: np.ndarray, entry: int) -> tuple[dict[str, np.ndarray], int]:
    """The same of a PyTorch module (N, C, H, W), its ReLUs exchanged wherever they are called."""
    import torch
    from torch import nn

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Any, top: float | None) -> Any:
            ctx.save_for_backward(z)
            ctx.top = top
            return z.clamp(0, top)

        @staticmethod
        def backward(ctx: Any, g: Any) -> tuple[Any, None]:
            (z,) = ctx.saved_tensors
            g = g if ctx.top is None else torch.where(z < ctx.top, g, 0 * g)
            return _below(number, g, z > 0, torch), None

    calls = number = 0
    maps = {}

    def relu(z: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return ByHand.apply(z.clone(), None)

    def relu6(self: Any, z: Any) -> Any:
        nonlocal calls
        calls += 1
        return ByHand.apply(z.clone(), 6.0)

    places = [(nn.functional, "relu", relu), (nn.functional, "relu_", relu), (torch, "relu", relu),
              (torch, "relu_", relu), (torch.Tensor, "relu", relu), (torch.Tensor, "relu_", relu),
              (nn.ReLU, "forward", lambda self, z: relu(z)), (nn.ReLU6, "forward", relu6)]  # fmt: skip
    before = [(place, name, getattr(place, name)) for place, name, _ in places]
    for place, name, new in places:
        setattr(place, name, new)
    try:
        for number, rule in enumerate(RULES):  # noqa: B007  # `ByHand` looks at the number
            calls = 0
            image = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))).requires_grad_()
            module(image).reshape(-1)[entry].backward()
            maps[rule] = image.grad.numpy().transpose(0, 2, 3, 1)
    finally:
        for place, name, old in before:
            setattr(place, name, old)
    return maps, calls
