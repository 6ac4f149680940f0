"""Maps of a unit by the four rules, and the signal on its way down."""
