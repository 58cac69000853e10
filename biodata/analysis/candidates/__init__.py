"""Candidate transboundary reserves: hard criteria, the values of the others, fronts and ranks under sampled weights.

`search.find` is the whole, `judging.judge_by` applies the hard criteria, `ranking.rank` orders what passed.
Overlap of areas over a border is never evidence.
"""
