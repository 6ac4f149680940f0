"""Name handwritten digits."""

from deconvviz.tasks.recognition.task import TASK as TASK
