"""Whatever a stranger may hand in, again and again, with a seed."""
