"""Printed claims: their words and their cards."""
