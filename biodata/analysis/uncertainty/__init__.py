"""Uncertainty of corridors: draws under stated assumptions, and how often a cell or link is in them.

`inputs.read_ranges` reads what is uncertain, `one_draw.draw` makes one draw, `frequencies.frequencies` counts many.
A frequency is never called a probability.
"""
