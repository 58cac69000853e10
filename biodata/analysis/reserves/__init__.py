"""Reserve selection: planning units, targets, plans with a proven bound, and portfolios of plans.

`planning_units.cut_at_borders` makes units, `selection.solve` a plan, `portfolio.more_plans` others as good.
A plan states how far from the best it can be; none is called optimal without proof.
"""
