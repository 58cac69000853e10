"""Analyses: pure functions on tables and arrays, one package for each engine.

`cost_distance.surface` accumulates cost over a raster, `corridors.between` finds the corridors of areas across borders,
`candidates.search.find` the candidates for transboundary reserves. `grid`, `rasters`, `layers` and `areas` bring what
they read into one grid.

Nothing here opens the lake or the registry, decides what may be published, or prints.
"""
