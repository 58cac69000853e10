"""Layers and figures of species of an installation, computed from the records that a view allows."""
