"""Pure functions on tables and arrays: cost, corridors, candidates."""
