"""The photograph, network, layer and unit that a person chose."""
