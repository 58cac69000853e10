"""Scenarios of open and closed borders: barriers, crossings, and what they do to corridors and connected area.

`barriers.read_barriers` reads them, `comparing.compare` compares two states, `effects.gains` weighs each crossing.
"""
