"""Results of a monitoring project: effort, detection histories, accumulation, richness, abundance, occupancy, trends, totals.

Nothing here reads a file or knows a rule: frames and arrays in, tables out. Whoever hands in exact records gets exact
results.
"""
