"""Applications, one folder each: the constant ``TASK`` of a folder here is found by `deconvviz.catalog.tasks`."""
