"""What every page shares: language, page records and frame, cells, formulas, proof badges, exercises."""
