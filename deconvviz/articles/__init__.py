"""What popular articles print: formulas as printed and corrected, claims with their measurements."""
