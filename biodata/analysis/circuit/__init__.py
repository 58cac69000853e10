"""Circuit theory: current and resistance over rasters and networks, as Circuitscape computes them.

`project.read_project` reads a project, `flows.pairwise` and `flows.one_to_all` compute it, `pinch_points.pinch_points`
finds where a corridor is squeezed. Writing results is the task of `biodata.exports.circuits`.
"""
