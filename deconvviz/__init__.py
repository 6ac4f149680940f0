"""A course and a laboratory about convolution run backwards (public names arrive with the network core)."""
