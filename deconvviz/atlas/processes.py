"""The processes that build one atlas together: who they are, and how they wait for each other."""

from __future__ import annotations

from dataclasses import dataclass

import jax

from deconvviz.errors import DeconvvizError


@dataclass(frozen=True)
class Team:
    """One process of several, or the only one.

    Attributes:
      index: its number, from 0; number 0 writes what all have found.
      size: how many there are.
    """

    index: int = 0
    size: int = 1

    @property
    def name(self) -> str:
        """How its files are called.

        >>> Team(1, 2).name
        '1-of-2'
        """
        return f"{self.index}-of-{self.size}"

    def wait(self, where: str) -> None:
        """Go on when all processes have come here."""
        if self.size > 1:
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices(where)


def join(coordinator: str | None = None, size: int | None = None, index: int | None = None) -> Team:
    """Meet the other processes; to be called before JAX is used for anything else.

    Args:
      coordinator: HOST:PORT of process 0, the same for all. On a cluster that JAX knows (Slurm, Open MPI, Kubernetes,
        cloud TPUs) nothing needs to be given.
      size, index: how many processes, and which one this is.

    Raises:
      DeconvvizError: the others cannot be reached, or what they need to know is missing.

    Example::

      team = join("node0:6000", size=2, index=0)
    """
    try:
        jax.distributed.initialize(coordinator, size, index)
    except (ValueError, RuntimeError) as error:
        raise DeconvvizError(
            f"the processes cannot meet at {coordinator or 'the place that the cluster names'} ({_first(error)}); give "
            f"all of them the same coordinator HOST:PORT and number of processes, and each its own index; got "
            f"coordinator={coordinator!r}, processes={size!r}, process={index!r}"
        ) from error
    return Team(jax.process_index(), jax.process_count())


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
