"""Pictures that pages share: arrays, tiles, curves, figures."""
