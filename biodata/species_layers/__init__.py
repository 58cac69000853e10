"""Layers and figures of species, and movement of animals, of an installation: read as a view allows, computed, told."""
