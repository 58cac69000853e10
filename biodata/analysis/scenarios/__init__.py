"""What a border that is closed, or opened at a crossing, does to the connections over it."""
