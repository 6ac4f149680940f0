"""Make a picture two, three or four times as large."""

from deconvviz.tasks.super_resolution.task import TASK as TASK
