"""Who may see what: the only way out of the lake."""
