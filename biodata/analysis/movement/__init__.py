"""Movement of tracked animals: steps, random steps of the same kind, and what real ones prefer to them."""
