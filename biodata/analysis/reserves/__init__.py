"""Which planning units to protect, with a bound on how much better a plan could be."""
