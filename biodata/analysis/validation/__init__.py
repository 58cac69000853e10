"""Validation of corridors: whether held-out records stand nearer to them than chance puts them.

`holding_out.hold_out` chooses the records, `corridor_test.against_chance` tests them, `verdict` words the answer.
"""
