"""How the decoders that learned inversion uses were trained."""
