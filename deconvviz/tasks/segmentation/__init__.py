"""Name every pixel of a street."""

from deconvviz.tasks.segmentation.task import TASK as TASK
