"""How fast and where to climates move, what lies across the border, and the corridors that lead there."""
