"""Independent computations of one backward map."""
