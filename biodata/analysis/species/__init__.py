"""Layers of one species: area of occupancy, extent of occurrence, occupancy, richness, area of habitat, a model."""
