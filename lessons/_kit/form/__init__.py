"""The form of a page: frame, exercise, checks, texts, controls."""
