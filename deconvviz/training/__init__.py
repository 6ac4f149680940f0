"""One training loop, the recipes that use it, and the figures that judge the result."""
