"""A bounded, thread-safe store of things derived from a network: the least recently used goes first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Any

import jax
import numpy as np

from deconvviz import compiled

#: Seconds of compiling after which memory is given back; that takes some milliseconds.
_LONG = 0.5


class _Once:
    """A compiled function whose first call, the one that compiles, waits its turn."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self._ready = function, False

    def __call__(self, *args: Any) -> Any:
        if self._ready:
            return self._function(*args)
        with compiled.turn():
            if not self._ready:
                began = time.monotonic()
                result = self._function(*args)
                self._ready = True
                if (
                    time.monotonic() - began > _LONG
                ):  # compiling takes much memory, which would be kept for the next time
                    compiled.release_memory()
                return result
        return self._function(*args)  # compiled by another thread meanwhile: no need to hold others up


class Passes:
    """Forward passes of the model inputs that were used last, for whoever asks for many units of one picture.

    Attributes:
      room: bytes that are kept; none as long as nobody sets it.

    >>> passes = Passes()
    >>> passes.room = 100
    >>> [passes.get("twice", x, lambda: 2 * x)[0].item() for x in (np.ones(9), np.ones(9), np.zeros(9))], len(passes)
    ([2.0, 2.0, 0.0], 1)
    """

    def __init__(self) -> None:
        self.room, self._lock = 0, threading.Lock()
        self._passes: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._passes)

    def clear(self) -> None:
        """Let go of every pass."""
        with self._lock:
            self._passes.clear()

    def get(self, key: Hashable, x: np.ndarray, run: Callable[[], Any]) -> Any:
        """The arrays that `run` gives, run now if nothing is known of that key and those values of x."""
        if not self.room:
            return run()
        full = (key, x.shape, x.dtype.name, blake2b(x.tobytes()).digest())
        with self._lock:
            if full in self._passes:
                self._passes.move_to_end(full)
                return self._passes[full][0]
        result = run()  # outside the lock: two who come together both run
        with self._lock:
            self._passes[full] = result, sum(array.nbytes for array in jax.tree.leaves(result))
            while self._passes and sum(size for _, size in self._passes.values()) > self.room:
                self._passes.popitem(last=False)
        return result


class Store:
    """Derived things by key, at most ``limit`` of them: room for twenty layers by four rules in both computations.

    Args:
      limit: how many are stored.
      programs: where compiled functions are stored instead, shared with other networks.
      form: what a function compiled for another network must have in common with one of this.
      lender: the store whose compiled functions serve here as well: of a network with other weights.

    Attributes:
      passes: forward passes of this network.

    >>> store = Store(limit=1)
    >>> double = store.compiled("double", lambda: lambda x: 2 * x)
    >>> double(4), len(store)
    (8, 1)
    """

    def __init__(
        self,
        limit: int = 640,
        programs: Programs | None = None,
        form: Callable[[], Hashable] | None = None,
        lender: Store | None = None,
    ) -> None:
        self._limit, self._lock = limit, threading.RLock()
        self._programs, self._form, self._lender = programs, form, lender
        self._stored: OrderedDict[Hashable, Any] = OrderedDict()
        self.passes = Passes()
        compiled.clear_when_forgotten(self)

    def __len__(self) -> int:
        return len(self._stored)

    def clear(self) -> None:
        """Let go of everything; it is made again when it is asked for."""
        with self._lock:
            self._stored.clear()
        self.passes.clear()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is stored under the key, made now if there is nothing."""
        with self._lock:
            if key not in self._stored:
                self._stored[key] = make()
            self._stored.move_to_end(key)
            while len(self._stored) > self._limit:
                self._stored.popitem(last=False)
            return self._stored[key]

    def compiled(self, key: Hashable, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """The same for a jitted function, which compiles at its first call, one function at a time."""
        if self._lender is not None:
            return self._lender.compiled(key, make)
        if self._programs is None or self._form is None:
            return self.get(("compiled", key), lambda: _Once(make()))
        return self._programs.get((self._form(), key), lambda: _Once(make()))


class Programs(Store):
    """Compiled functions that networks of one form share: the same program, with other weights.

    Weights are arguments of everything that is compiled, so a second network of the form compiles nothing. Networks of
    another form may be given the same `Programs`; they share nothing then.

    >>> import deconvviz as dv, jax.numpy as jnp, numpy as np
    >>> shared, spec = Programs(), dv.InputSpec(size=(4, 5))
    >>> nets = [dv.Network(lambda x, w=w: (x @ w).sum((1, 2)), input_spec=spec, programs=shared)
    ...         for w in (jnp.ones((3, 2)), 2 * jnp.ones((3, 2)))]
    >>> [float(net.run(np.ones((1, 4, 5, 3)))[0, 0]) for net in nets], len(shared)
    ([60.0, 120.0], 1)
    """
