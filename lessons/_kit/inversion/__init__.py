"""Pictures searched for by their features."""
