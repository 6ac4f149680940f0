"""Draw pictures from a code, and rebuild given ones."""

from deconvviz.tasks.generation.task import TASK as TASK
