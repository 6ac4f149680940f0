"""What every page shares: language, page records and frame, cells, formulas, check badges, exercises."""
