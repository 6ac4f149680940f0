"""Cut an object out of a picture by its class alone."""

from deconvviz.tasks.cutout.task import TASK as TASK
