"""Applications, one file each: the constant ``TASK`` of a file here is found by `deconvviz.catalog.tasks`."""
