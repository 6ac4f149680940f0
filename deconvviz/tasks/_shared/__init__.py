"""What applications share: their weights, recorded figures, work tile by tile."""
