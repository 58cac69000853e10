"""Climates that move: velocity, analogues, and the corridors that lead from warmer to cooler areas.

`climates.velocity`, `climates.nearest` and `corridors.climate_corridors` are the three measures. No record is read.
"""
