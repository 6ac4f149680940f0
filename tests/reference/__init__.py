"""Slow twins of the package, NumPy only, written from the formulas with loops: the oracles of the tests."""
