"""Take noise and JPEG blocks out of a picture."""

from deconvviz.tasks.enhancement.task import TASK as TASK
