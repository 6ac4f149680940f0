"""Maps of a unit by the four rules, and the signal in the backward pass."""
