"""Backward rules by editing the traced program."""
