"""Circuit theory: current and resistance over rasters and networks."""
