"""The printed formulas of the five articles and their corrections, written out; `deconvviz.ops.formulas` lists them."""
