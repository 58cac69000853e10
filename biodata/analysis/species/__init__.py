"""Figures and layers of species: extent and area of occupancy, habitat, richness, a distribution model.

`figures.species_figures`, `habitat.area_of_habitat` and `richness.Sample` are the entry points. Nothing here decides
which records may be seen: `biodata.runs.reading` reads those.
"""
