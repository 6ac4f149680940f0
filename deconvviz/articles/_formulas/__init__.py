"""The formulas that the five articles print and their corrections, written out; `articles.formulas` lists them."""
