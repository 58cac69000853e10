"""Candidate transboundary reserves: hard criteria, the values of the others, Pareto fronts, ranks under sampled weights."""
